//! `recap queue`, `approve`, `skip` and `retry`: the queue from the command line, beside a running daemon
//! or without one.

use recap_mode::{Clock, SystemClock};
use serde_json::json;

use crate::domain::auto_queue::State;
use crate::domain::episode::EpisodeId;
use crate::following::view::{Counts, ItemView};
use crate::history::following::Decision;

use super::follow::Hands;
use super::{Failure, ScopeArg, Setting, safe, say, say_json, small_runtime};

#[derive(clap::Args)]
pub(super) struct Queue {
    /// Only items in this state
    #[arg(long, value_enum)]
    state: Option<StateArg>,
    /// Let the queue rest: nothing is taken up
    #[arg(long, conflicts_with = "resume")]
    pause: bool,
    /// Let it go on
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    scope: ScopeArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum StateArg {
    Found,
    Approved,
    Processing,
    Done,
    Failed,
    Skipped,
}

impl From<StateArg> for State {
    fn from(state: StateArg) -> State {
        match state {
            StateArg::Found => State::Found,
            StateArg::Approved => State::Approved,
            StateArg::Processing => State::Processing,
            StateArg::Done => State::Done,
            StateArg::Failed => State::Failed,
            StateArg::Skipped => State::Skipped,
        }
    }
}

impl Queue {
    pub(super) fn run(self, setting: Setting) -> Result<u8, Failure> {
        let library = setting.library()?;
        let runtime = small_runtime()?;
        let scope = &self.scope.scope;
        if self.pause || self.resume {
            let paused = self.pause;
            runtime.block_on(library.change_queue(scope, move |queue| {
                queue.paused = paused;
                Ok(())
            }))?;
        }
        let queue = runtime.block_on(library.auto_queue(scope))?;
        let now = SystemClock.now();
        let wanted = self.state.map(State::from);
        let items: Vec<ItemView> = queue
            .newest_first()
            .into_iter()
            .filter(|item| wanted.is_none_or(|state| item.state == state))
            .map(|item| ItemView::new(item, now))
            .collect();
        if self.json {
            let counts = Counts::of(&queue);
            say_json(&json!({"paused": queue.paused, "counts": counts, "items": items}))?;
            return Ok(0);
        }
        if queue.paused {
            say("The queue rests; `recap queue --resume` lets it go on.")?;
        }
        for item in items {
            let state = if item.waiting { "waiting".to_owned() } else { item.state.to_string() };
            let show =
                if item.show.is_empty() { String::new() } else { format!("  ({})", item.show) };
            say(&safe(&format!("{:<21}{state:<12}{}{show}", item.id.to_string(), item.title)))?;
            if let Some(reason) = &item.reason {
                say(&safe(&format!("{:21}{}", "", reason.message)))?;
            }
        }
        Ok(0)
    }
}

/// The items that a person names: by id, or by a part of a title that only one has.
fn named(setting: &Setting, scope: &ScopeArg, names: &[String]) -> Result<Vec<EpisodeId>, Failure> {
    let library = setting.library()?;
    let queue = small_runtime()?.block_on(library.auto_queue(&scope.scope))?;
    names
        .iter()
        .map(|name| {
            if let Ok(id) = name.parse::<EpisodeId>() {
                return Ok(id);
            }
            let lower = name.to_lowercase();
            let exact: Vec<_> =
                queue.items.iter().filter(|item| item.title.to_lowercase() == lower).collect();
            if let [one] = exact.as_slice() {
                return Ok(one.id.clone());
            }
            let alike: Vec<_> = queue
                .items
                .iter()
                .filter(|item| item.title.to_lowercase().contains(&lower))
                .collect();
            match alike.as_slice() {
                [one] => Ok(one.id.clone()),
                [] => Err(Failure::input(format!(
                    "Nothing in the queue is called “{}”. `recap queue` lists it.",
                    safe(name)
                ))),
                many => Err(Failure::input(format!(
                    "“{}” may be any of {} items. Give the id, as `recap queue` prints it.",
                    safe(name),
                    many.len()
                ))),
            }
        })
        .collect()
}

fn decide(
    setting: &Setting,
    scope: &ScopeArg,
    names: &[String],
    what: Decision,
    done: &str,
) -> Result<u8, Failure> {
    let ids = named(setting, scope, names)?;
    let library = setting.library()?;
    let count = ids.len();
    small_runtime()?.block_on(library.decide(&scope.scope, ids, what))?;
    say(&format!("{count} {done}."))?;
    Ok(0)
}

#[derive(clap::Args)]
pub(super) struct Approve {
    /// Ids, or parts of titles
    #[arg(required_unless_present = "all", value_name = "EPISODE")]
    names: Vec<String>,
    /// Everything that was found
    #[arg(long, conflicts_with = "names")]
    all: bool,
    #[command(flatten)]
    scope: ScopeArg,
}

impl Approve {
    pub(super) fn run(self, setting: Setting) -> Result<u8, Failure> {
        if self.all {
            let library = setting.library()?;
            let approve = library.approve_all(&self.scope.scope, None);
            let count = small_runtime()?.block_on(approve)?;
            say(&format!("{count} approved."))?;
            return Ok(0);
        }
        let ids = named(&setting, &self.scope, &self.names)?;
        let library = setting.library()?;
        let queue = small_runtime()?.block_on(library.auto_queue(&self.scope.scope))?;
        let (there, others): (Vec<_>, Vec<_>) =
            ids.into_iter().partition(|id| queue.find(id).is_some());
        let hands = Hands::new(&setting, &self.scope.scope)?;
        for id in &others {
            // What a filter passed over, or what was there before, may be wanted all the same.
            if !hands.offer(id)? {
                return Err(Failure::input(format!(
                    "There is no episode `{id}` in the queue, and in no feed that is followed. `recap subs NAME` lists a feed's."
                )));
            }
        }
        let count = there.len() + others.len();
        let approve = library.decide(&self.scope.scope, there, Decision::Approve);
        small_runtime()?.block_on(approve)?;
        say(&format!("{count} approved."))?;
        Ok(0)
    }
}

#[derive(clap::Args)]
pub(super) struct Skip {
    /// Ids, or parts of titles
    #[arg(required = true, value_name = "EPISODE")]
    names: Vec<String>,
    /// Offer them again
    #[arg(long)]
    undo: bool,
    #[command(flatten)]
    scope: ScopeArg,
}

impl Skip {
    pub(super) fn run(self, setting: Setting) -> Result<u8, Failure> {
        if self.undo {
            decide(&setting, &self.scope, &self.names, Decision::UndoSkip, "offered again")
        } else {
            decide(&setting, &self.scope, &self.names, Decision::Skip, "skipped")
        }
    }
}

#[derive(clap::Args)]
pub(super) struct Retry {
    /// Ids, or parts of titles
    #[arg(required = true, value_name = "EPISODE")]
    names: Vec<String>,
    /// Make again what is done
    #[arg(long)]
    redo: bool,
    #[command(flatten)]
    scope: ScopeArg,
}

impl Retry {
    pub(super) fn run(self, setting: Setting) -> Result<u8, Failure> {
        let what = if self.redo { Decision::Redo } else { Decision::Retry };
        decide(&setting, &self.scope, &self.names, what, "approved again")
    }
}
