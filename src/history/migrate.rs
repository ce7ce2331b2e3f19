//! What an earlier system left: its files in the history root are moved into the owner's folder, and
//! documents in its form are written in today's when a person asks for that.

use std::fs;
use std::path::{Path, PathBuf};

use recap_mode::Scope;
use serde::Serialize;
use serde_json::Value;

use crate::domain::earlier::{self, Converted};
use crate::store::{FileName, StoreError};

use super::layout::{self, RecapFile};
use super::library::Library;

/// The lists that used to lie in the history root, with what lay beside them.
const LISTS: [&str; 5] =
    ["subscriptions.json", "auto-queue.json", "skip-list.json", "seen-list.json", "_meta.json"];

/// What became of the files in the history root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adopted {
    /// Their names.
    pub moved: Vec<String>,
    /// Sentences about those that stay where they are.
    pub kept: Vec<String>,
}

/// What is, or would be, done with one document of an earlier form.
#[derive(Clone, Debug, Serialize)]
pub struct Migrated {
    /// Below the history folder.
    pub file: String,
    /// Whether it is in today's form now.
    pub converted: bool,
    /// What cannot be understood of it, or why it cannot be converted.
    pub left: Vec<String>,
}

impl Library {
    /// Moves the lists and recaps that lie in the history root itself into the owner's folder: renamed,
    /// nothing rewritten. Where the owner has a file of that name, both stay. Can be repeated.
    ///
    /// # Errors
    /// The files.
    pub async fn adopt_root(&self) -> Result<Adopted, StoreError> {
        let root = self.root().to_owned();
        let found = tokio::task::spawn_blocking(move || in_root(&root))
            .await
            .map_err(|error| StoreError::Panicked(error.to_string()))?;
        if found.is_empty() {
            return Ok(Adopted::default());
        }
        self.store()
            .transact(&Scope::owner(), move |tx| {
                let mut adopted = Adopted::default();
                for (name, source) in &found {
                    if tx.exists(name) {
                        adopted.kept.push(format!(
                            "{} stays where it is: owner/{name} is there too. Bring them together by hand, then remove the first.",
                            source.display()
                        ));
                    } else {
                        tx.move_from(name, source.clone());
                        adopted.moved.push(name.to_string());
                    }
                }
                Ok(adopted)
            })
            .await
    }

    /// Writes every document of a scope that is in an earlier form in today's, after a copy of it was
    /// put below `copies`; or only says which, without `copies`.
    ///
    /// # Errors
    /// The files; what was converted before stays so, and the call can be repeated.
    pub async fn migrate(
        &self,
        scope: &Scope,
        copies: Option<&Path>,
    ) -> Result<Vec<Migrated>, StoreError> {
        let mut names: Vec<FileName> =
            self.store().list_now(scope)?.into_iter().map(|file| file.name).collect();
        names.sort();
        let mut done = Vec::new();
        for name in names {
            let Some(bytes) = self.store().bytes_now(scope, &name)? else { continue };
            let Some(found) = of_earlier_form(&name, &bytes) else { continue };
            let file = format!("{scope}/{name}");
            match (found, copies) {
                (Err(reason), _) => {
                    done.push(Migrated { file, converted: false, left: vec![reason] })
                }
                (Ok(left), None) => done.push(Migrated { file, converted: false, left }),
                (Ok(left), Some(copies)) => {
                    keep_copy(&copies.join(scope.folder()), &name, &bytes)?;
                    let write = layout::rewrite_of(&name);
                    let document = name.clone();
                    self.store().transact(scope, move |tx| write(tx, &document)).await?;
                    done.push(Migrated { file, converted: true, left });
                }
            }
        }
        Ok(done)
    }
}

/// The documents that lie in the history root.
fn in_root(root: &Path) -> Vec<(FileName, PathBuf)> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let mut found: Vec<(FileName, PathBuf)> = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .filter_map(|entry| {
            let name = FileName::parse(entry.file_name().to_str()?).ok()?;
            let is_ours = LISTS.contains(&name.as_str()) || is_recap(&name, &entry.path());
            is_ours.then(|| (name, entry.path()))
        })
        .collect();
    found.sort();
    found
}

/// Whether a file is a recap of any form. Another program's files stay where they are.
fn is_recap(name: &FileName, path: &Path) -> bool {
    if layout::recap_id(name).is_none() {
        return false;
    }
    let Ok(bytes) = fs::read(path) else { return false };
    let Ok(value) = serde_json::from_slice::<Value>(&bytes) else { return false };
    earlier::recap(&value, name.stem()).is_some()
        || serde_json::from_value::<RecapFile>(value).is_ok()
}

/// What a document of an earlier form leaves over, or why it cannot be converted; `None` where it is in
/// today's form, or in none.
fn of_earlier_form(name: &FileName, bytes: &[u8]) -> Option<Result<Vec<String>, String>> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let list: fn(&Value) -> Option<Converted> = match name.as_str() {
        "subscriptions.json" => earlier::subscriptions,
        "auto-queue.json" => earlier::auto_queue,
        "skip-list.json" => earlier::skip_list,
        "seen-list.json" => earlier::seen_list,
        "_meta.json" => earlier::meta,
        _ => {
            layout::recap_id(name)?;
            return earlier::recap(&value, name.stem()).map(|found| found.map(|_| Vec::new()));
        }
    };
    list(&value).map(|converted| Ok(converted.left))
}

/// Keeps a copy; one that is there from an earlier run is the older one, and stays.
fn keep_copy(folder: &Path, name: &FileName, bytes: &[u8]) -> Result<(), StoreError> {
    let path = folder.join(name.as_str());
    let failed =
        |cause| StoreError::Io { doing: "Copying to".to_owned(), path: path.clone(), cause };
    fs::create_dir_all(folder).map_err(failed)?;
    let file = fs::OpenOptions::new().write(true).create_new(true).open(&path);
    match file {
        Ok(mut file) => std::io::Write::write_all(&mut file, bytes)
            .and_then(|()| file.sync_all())
            .map_err(failed),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error)),
    }
}
