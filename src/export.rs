//! A recap as Markdown, plain text, one HTML page or JSON: pure, for the command line and downloads.

use askama::Template;
use recap_mode::Fault;
use serde::{Deserialize, Serialize};

use crate::domain::recap::{DoubtKind, Recap, Topic};

/// The form of an exported recap.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    clap::ValueEnum,
    utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// Markdown.
    #[default]
    Md,
    /// The document as it lies on disk.
    Json,
    /// One page that needs nothing else.
    Html,
    /// Plain text.
    Txt,
}

impl ExportFormat {
    /// The ending of its files.
    pub fn ending(self) -> &'static str {
        match self {
            ExportFormat::Md => "md",
            ExportFormat::Json => "json",
            ExportFormat::Html => "html",
            ExportFormat::Txt => "txt",
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            ExportFormat::Md => "text/markdown; charset=utf-8",
            ExportFormat::Json => "application/json",
            ExportFormat::Html => "text/html; charset=utf-8",
            ExportFormat::Txt => "text/plain; charset=utf-8",
        }
    }
}

/// Writes a recap in a form; it ends with a line break.
///
/// # Errors
/// A mistake of ours alone.
pub fn write(recap: &Recap, format: ExportFormat) -> Result<String, Fault> {
    match format {
        ExportFormat::Md => Ok(markdown(recap)),
        ExportFormat::Txt => Ok(plain(recap)),
        ExportFormat::Html => Page { recap, version: env!("CARGO_PKG_VERSION") }
            .render()
            .map_err(|error| Fault::internal("writing a page", error)),
        ExportFormat::Json => {
            let value = serde_json::to_value(recap)
                .map_err(|error| Fault::internal("writing JSON", error))?;
            Ok(crate::history::pretty_recap(&value))
        }
    }
}

/// `1:02:03` or `2:03`.
pub fn clock(ms: u64) -> String {
    let seconds = ms / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// What a doubt is called beside a point.
pub fn doubt_word(kind: DoubtKind) -> &'static str {
    match kind {
        DoubtKind::Number => "number",
        DoubtKind::Name => "name",
        DoubtKind::Quotation => "quotation",
    }
}

fn about(recap: &Recap) -> &'static str {
    if recap.transcript.times.is_exact() { "" } else { "about " }
}

fn facts(recap: &Recap) -> Vec<String> {
    let mut facts = Vec::new();
    if !recap.episode.show.title.is_empty() {
        facts.push(recap.episode.show.title.clone());
    }
    if let Some(at) = recap.episode.published_at {
        facts.push(at.format("%Y-%m-%d").to_string());
    }
    facts.push(format!("{}{}", about(recap), clock(recap.duration_ms)));
    facts.push(match recap.topics.len() {
        1 => "1 topic".to_owned(),
        count => format!("{count} topics"),
    });
    facts
}

fn doubts_of(topic: &Topic, point: &str) -> String {
    let words: Vec<String> = topic
        .doubts
        .iter()
        .filter(|doubt| doubt.point.as_deref() == Some(point))
        .map(|doubt| format!("{} “{}”", doubt_word(doubt.kind), doubt.text))
        .collect();
    if words.is_empty() {
        String::new()
    } else {
        format!(" (not found where it cites: {})", words.join(", "))
    }
}

fn markdown(recap: &Recap) -> String {
    let mut out = format!("# {}\n\n{}\n", escape(&recap.title), escape(&facts(recap).join(" · ")));
    if let Some(url) = &recap.episode.url {
        out.push_str(&format!("\n<{url}>\n"));
    }
    if !recap.overview.is_empty() {
        out.push_str(&format!("\n{}\n", escape(&recap.overview)));
    }
    for topic in &recap.topics {
        out.push_str(&format!(
            "\n## {}{} {}\n\n",
            about(recap),
            clock(topic.start_ms),
            escape(&topic.title)
        ));
        for (point, voice) in topic.points.iter().zip(recap.voices(topic)) {
            let doubts = escape(&doubts_of(topic, &point.id));
            let voice = voice.map(|name| format!("**{}:** ", escape(name))).unwrap_or_default();
            out.push_str(&format!(
                "- {voice}{} `{}`{doubts}\n",
                escape(&point.text),
                clock(point.start_ms)
            ));
        }
    }
    for note in &recap.notes {
        out.push_str(&format!("\n> {}\n", escape(note)));
    }
    out
}

/// Markdown's own marks as plain letters: a publisher's title must not become a link or a picture.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' => out.push('\\'),
            '#' | '-' | '+' if at == 0 => out.push('\\'),
            '&' => {
                out.push_str("&amp;");
                continue;
            }
            '\n' | '\r' => {
                out.push(' ');
                continue;
            }
            '!' if text[at..].starts_with("![") => out.push('\\'),
            _ => {}
        }
        out.push(c);
    }
    out
}

fn plain(recap: &Recap) -> String {
    let mut out = format!("{}\n{}\n", recap.title, facts(recap).join(" · "));
    if let Some(url) = &recap.episode.url {
        out.push_str(&format!("{url}\n"));
    }
    if !recap.overview.is_empty() {
        out.push_str(&format!("\n{}\n", recap.overview));
    }
    for topic in &recap.topics {
        out.push_str(&format!("\n{}{}  {}\n", about(recap), clock(topic.start_ms), topic.title));
        for (point, voice) in topic.points.iter().zip(recap.voices(topic)) {
            let voice = voice.map(|name| format!("{name}: ")).unwrap_or_default();
            out.push_str(&format!(
                "  {:>8}  {voice}{}{}\n",
                clock(point.start_ms),
                point.text,
                doubts_of(topic, &point.id)
            ));
        }
    }
    for note in &recap.notes {
        out.push_str(&format!("\nNote: {note}\n"));
    }
    out
}

#[derive(Template)]
#[template(path = "export.html", config = "src/web/askama.toml")]
struct Page<'a> {
    recap: &'a Recap,
    version: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::recap::tests::sample;

    #[test]
    fn every_point_stands_with_its_second_in_each_form() {
        let recap = sample("a", "Bread");
        for format in [ExportFormat::Md, ExportFormat::Txt, ExportFormat::Html] {
            let text = write(&recap, format).unwrap();
            for part in ["Bread", "How bread is baked.", "Heat", "It takes 240 degrees.", "0:12"] {
                assert!(text.contains(part), "{format:?} lacks {part}: {text}");
            }
            assert!(text.ends_with('\n'));
        }
        let json = write(&recap, ExportFormat::Json).unwrap();
        assert_eq!(serde_json::from_str::<Recap>(&json).unwrap(), recap);
    }

    #[test]
    fn a_hostile_title_is_text_and_nothing_else() {
        let mut recap = sample("a", "x");
        recap.title =
            "<script>alert(1)</script> ![x](http://evil.example/p.png) [l](javascript:x)\n# h"
                .to_owned();
        let html = write(&recap, ExportFormat::Html).unwrap();
        assert!(!html.contains("<script>alert") && html.contains("&#60;script&#62;"), "{html}");
        let md = write(&recap, ExportFormat::Md).unwrap();
        assert!(!md.contains("![x]") && !md.contains("[l](") && !md.contains("\n# h"), "{md}");
    }

    #[test]
    fn a_clock_reads_as_people_write_it() {
        for (ms, want) in [
            (0, "0:00"),
            (59_999, "0:59"),
            (60_000, "1:00"),
            (3_599_000, "59:59"),
            (3_600_000, "1:00:00"),
            (360_000_000, "100:00:00"),
        ] {
            assert_eq!(clock(ms), want);
        }
    }
}
