//! Progress: a bar on a terminal, nothing in a pipe.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shows how far a job is, on standard error.
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// A bar on a terminal; without one, nothing is shown.
    pub(super) fn new(no_color: bool) -> Bar {
        if !std::io::stderr().is_terminal() {
            return Bar(ProgressBar::hidden());
        }
        let bar = ProgressBar::with_draw_target(Some(100), ProgressDrawTarget::stderr());
        let form = if no_color {
            "{bar:30} {percent:>3}%  {msg}"
        } else {
            "{bar:30.cyan/dim} {percent:>3}%  {msg}"
        };
        // The form is fixed; a wrong one would show the bar plainly.
        bar.set_style(
            ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        Bar(bar)
    }

    pub(super) fn show(&self, percent: u8, message: &str) {
        self.0.set_position(u64::from(percent));
        self.0.set_message(super::safe(message));
        self.0.tick();
    }

    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}
