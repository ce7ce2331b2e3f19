//! `recap schema`: the JSON schemas of the files that people edit.

use serde_json::{Map, Value};

use crate::history::layout;

use super::{Failure, Setting, say_json};

#[derive(clap::Args)]
pub(super) struct Schema {
    /// One alone: recap, skip-list, _meta or config [default: all of them, by file name]
    name: Option<String>,
}

impl Schema {
    pub(super) fn run(self, setting: Setting) -> Result<u8, Failure> {
        let mut schemas: Map<String, Value> =
            layout::schemas().into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
        schemas.insert("config.schema.json".to_owned(), crate::config::schema());
        let data = setting.data()?;
        if data.join("history").is_dir() {
            layout::write_companions(&data.join("history"))?;
        }
        match self.name {
            None => say_json(&schemas)?,
            Some(name) => match schemas.get(&format!("{name}.schema.json")) {
                Some(schema) => say_json(schema)?,
                None => {
                    let known: Vec<&str> =
                        schemas.keys().filter_map(|key| key.strip_suffix(".schema.json")).collect();
                    return Err(Failure::input(format!(
                        "There is no schema `{name}`; there are {}.",
                        known.join(", ")
                    )));
                }
            },
        }
        Ok(0)
    }
}
