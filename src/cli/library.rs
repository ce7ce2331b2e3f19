//! `recap list`, `show`, `search` and `rm`: the library from the command line.

use crate::domain::recap::RecapId;
use crate::export::{self, ExportFormat, clock};
use crate::history::library::{ListQuery, PAGE_MAX};

use super::{Failure, ScopeArg, Setting, safe, say, say_json, small_runtime};

#[derive(clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    scope: ScopeArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) fn run(self, setting: Setting) -> Result<u8, Failure> {
        let library = setting.library()?;
        let mut heads = Vec::new();
        let mut query = ListQuery { limit: PAGE_MAX, ..ListQuery::default() };
        loop {
            let page = library.list_now(&self.scope.scope, &query)?;
            heads.extend(page.recaps);
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
        }
        if self.json {
            say_json(&heads)?;
            return Ok(0);
        }
        for head in heads {
            let show = if head.episode.show_title.is_empty() {
                String::new()
            } else {
                format!("  ({})", head.episode.show_title)
            };
            say(&safe(&format!(
                "{}  {:>8}  {}{show}",
                head.id,
                clock(head.duration_ms),
                head.title
            )))?;
        }
        Ok(0)
    }
}

#[derive(clap::Args)]
pub(super) struct Show {
    /// The recap's id, as `recap list` prints it
    id: String,
    /// Form of the output
    #[arg(long, value_enum, default_value_t)]
    format: ExportFormat,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    #[command(flatten)]
    scope: ScopeArg,
}

impl Show {
    pub(super) fn run(self, setting: Setting) -> Result<u8, Failure> {
        let found = setting.library()?.find_now(&self.scope.scope, &id(&self.id)?)?;
        if self.json || self.format == ExportFormat::Json {
            // The file as it is, with fields that only its owner knows.
            say(found.text.trim_end())?;
            return Ok(0);
        }
        let text = export::write(&found.recap, self.format)
            .map_err(|fault| Failure::here(fault.to_string()))?;
        say(text.trim_end_matches('\n'))?;
        Ok(0)
    }
}

#[derive(clap::Args)]
pub(super) struct Search {
    /// Words that must all be there
    #[arg(required = true)]
    words: Vec<String>,
    #[command(flatten)]
    scope: ScopeArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Search {
    pub(super) fn run(self, setting: Setting) -> Result<u8, Failure> {
        let library = setting.library()?;
        let search = crate::search::Search::new(library);
        let found = search.find_now(&self.scope.scope, &self.words.join(" "), 50)?;
        if self.json {
            say_json(&found)?;
            return Ok(0);
        }
        for hit in found.hits {
            say(&safe(&format!("{}  {}", hit.recap, hit.title)))?;
            for place in hit.places {
                let at = place.start_ms.map(clock).unwrap_or_default();
                say(&safe(&format!("  {at:>8}  {}", place.text)))?;
            }
        }
        Ok(0)
    }
}

#[derive(clap::Args)]
pub(super) struct Rm {
    /// Ids of recaps, as `recap list` prints them
    #[arg(required = true)]
    ids: Vec<String>,
    /// Undo: bring deleted recaps back
    #[arg(long)]
    undo: bool,
    #[command(flatten)]
    scope: ScopeArg,
}

impl Rm {
    pub(super) fn run(self, setting: Setting) -> Result<u8, Failure> {
        let library = setting.library()?;
        let ids = self.ids.iter().map(|text| id(text)).collect::<Result<Vec<_>, _>>()?;
        let scope = &self.scope.scope;
        let runtime = small_runtime()?;
        for id in ids {
            if self.undo {
                let found = runtime.block_on(library.restore(scope, &id))?;
                say(&safe(&format!("{id} is back: {}", found.recap.title)))?;
            } else {
                let deleted = runtime.block_on(library.delete(scope, &id, None))?;
                let undo = if deleted.can_be_undone {
                    format!(" Undo with: recap rm --undo {id}")
                } else {
                    String::new()
                };
                say(&format!("{id} is deleted; its episode is on the skip list.{undo}"))?;
            }
        }
        Ok(0)
    }
}

fn id(text: &str) -> Result<RecapId, Failure> {
    let text = text.strip_suffix(".json").unwrap_or(text);
    text.parse().map_err(|_| {
        Failure::input(format!("“{}” is no id of a recap; `recap list` prints them.", safe(text)))
    })
}
