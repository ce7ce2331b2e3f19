//! Reads every file below a folder and prints what was found in it, one JSON line a file, in the
//! form that `../shared/corpus/corpus.py compare` takes.
//!
//! `cargo run --release --example corpus -- transcripts DIR` (or `feeds`, `opml`)
//! `cargo run --release --example corpus -- outline FILE.jsonl.gz` prints lines for `score.py` instead.
//! `… -- sections FILE.jsonl.gz [--folds | --leave-one-out] [--coarse | --fine]` prints how well the
//! sections are found: with the weights that ship, or with weights learned from the records of other
//! folds or of other sets; `--fine` against the finer divisions that some records have.
//! `… -- train FILE.jsonl.gz [--without SET] > src/outline/cues/table.rs` makes those weights.

mod measure;
mod outline;
mod sections;
mod train;

use std::path::Path;
use std::process::ExitCode;

use recap::domain::link::Link;
use recap::domain::outline::Granularity;
use recap::feeds;
use recap::transcripts::{self, Hint};
use serde_json::{Value, json};
use url::Url;
use walkdir::WalkDir;

use self::sections::Training;

/// Where a feed is said to come from; links that stay below it were relative.
const BASE: &str = "http://corpus.invalid/";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, folder, options @ ..] = arguments.as_slice() else {
        eprintln!("Give a kind and a folder: corpus transcripts DIR");
        return ExitCode::from(2);
    };
    if let Some(found) = learned(kind, Path::new(folder), options) {
        return match found {
            Ok(text) => {
                print!("{text}");
                ExitCode::SUCCESS
            }
            Err(why) => {
                eprintln!("{why}");
                ExitCode::FAILURE
            }
        };
    }
    if kind == "outline" {
        return match outline::outlines(Path::new(folder), |line| println!("{line}")) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("{why}");
                ExitCode::FAILURE
            }
        };
    }
    let read: fn(&[u8]) -> Result<Value, String> = match kind.as_str() {
        "transcripts" => transcript,
        "feeds" => feed,
        "opml" => opml,
        other => {
            eprintln!(
                "The kind {other} cannot be read; give `transcripts`, `feeds`, `opml` or `outline`."
            );
            return ExitCode::from(2);
        }
    };
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                eprintln!("The folder {folder} cannot be walked: {error}");
                return ExitCode::FAILURE;
            }
        };
        if entry.file_type().is_file() {
            println!("{}", line(entry.path(), Path::new(folder), read));
        }
    }
    ExitCode::SUCCESS
}

/// What the commands print that learn from sectioned transcripts; nothing for any other command.
fn learned(kind: &str, file: &Path, options: &[String]) -> Option<Result<String, String>> {
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    match (kind, options.as_slice()) {
        ("train", []) => Some(sections::table(file, None)),
        ("train", ["--without", set]) => Some(sections::table(file, Some(set))),
        ("train", _) => Some(Err("Give `train FILE` or `train FILE --without SET`.".to_owned())),
        ("sections", options) => {
            let (mut training, mut granularity) = (Training::Shipped, Granularity::Auto);
            for option in options {
                match *option {
                    "--folds" => training = Training::Folds,
                    "--leave-one-out" => training = Training::SetLeftOut,
                    "--coarse" => granularity = Granularity::Coarse,
                    "--fine" => granularity = Granularity::Fine,
                    other => return Some(Err(format!("The option {other} is not known."))),
                }
            }
            Some(sections::figures(file, training, granularity))
        }
        _ => None,
    }
}

/// What one file holds, or why not, under its path below the folder.
fn line(path: &Path, folder: &Path, read: fn(&[u8]) -> Result<Value, String>) -> Value {
    let id = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned();
    let found = std::fs::read(path).map_err(|error| error.to_string()).and_then(|b| read(&b));
    match found {
        Ok(mut value) => {
            value["id"] = json!(id);
            value
        }
        Err(error) => json!({ "id": id, "error": error }),
    }
}

/// The cues as the format's own rules give them: the expected facts are raw, not settled.
fn transcript(bytes: &[u8]) -> Result<Value, String> {
    let written = transcripts::written(bytes, &Hint::default()).map_err(|e| e.to_string())?;
    let seconds = |ms: u64| ms as f64 / 1000.0;
    let cues: Vec<Value> = written
        .cues
        .iter()
        .map(|cue| {
            json!({
                "start": cue.start_ms.map(seconds),
                "end": cue.end_ms.map(seconds),
                "text": cue.text,
            })
        })
        .collect();
    Ok(json!({ "cues": cues }))
}

/// The facts give titles as HTML, so plain text is written as HTML has it.
fn as_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// The facts of a feed. `id` is the guid as it is written: an item without one has none here.
fn feed(bytes: &[u8]) -> Result<Value, String> {
    let base = Url::parse(BASE).map_err(|e| e.to_string())?;
    let feed = feeds::parse(bytes, None, &base).map_err(|e| e.to_string())?;
    let relative = |link: &Link| {
        let link = link.as_str();
        link.strip_prefix(BASE).unwrap_or(link).to_owned()
    };
    let entries: Vec<Value> = feed
        .items
        .iter()
        .map(|item| {
            json!({
                "id": item.guid,
                "title": as_html(&item.title),
                "published": item.published_at.map(|at| at.to_rfc3339()),
                "enclosure_url": item.media.as_ref().map(|media| relative(&media.url)),
            })
        })
        .collect();
    Ok(json!({ "title": as_html(&feed.title), "entries": entries }))
}

/// The facts of a list of subscriptions.
fn opml(bytes: &[u8]) -> Result<Value, String> {
    let list = feeds::opml::read(bytes, None).map_err(|e| e.to_string())?;
    let feeds: Vec<Value> = list
        .outlines
        .iter()
        .map(|outline| json!({ "title": as_html(&outline.title), "xml_url": outline.url }))
        .collect();
    Ok(json!({ "feeds": feeds }))
}
