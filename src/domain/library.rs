//! Folders and order of a scope's recaps: `_meta.json`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::recap::RecapId;

/// Most folders in a library.
pub const FOLDERS_MAX: usize = 1000;

/// Longest folder name, in characters.
pub const FOLDER_NAME_CHARS_MAX: usize = 120;

/// How the library is arranged. Ids of recaps that are gone may stand in it and are ignored, so
/// that a deleted recap comes back to its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LibraryMeta {
    /// 1.
    #[serde(default = "one")]
    pub format: u32,
    /// In the order shown.
    #[serde(default)]
    pub folders: Vec<Folder>,
    /// The order that a person gave to recaps outside folders; what it does not name comes first,
    /// newest first.
    #[serde(default)]
    pub order: Vec<RecapId>,
    /// Tags by recap.
    #[serde(default)]
    pub tags: BTreeMap<RecapId, Vec<String>>,
}

fn one() -> u32 {
    1
}

impl Default for LibraryMeta {
    fn default() -> LibraryMeta {
        LibraryMeta { format: 1, folders: Vec::new(), order: Vec::new(), tags: BTreeMap::new() }
    }
}

/// A folder of the library.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Folder {
    /// `f1`, `f2`, …
    pub id: String,
    /// 1 to 120 characters.
    pub name: String,
    /// Shown closed.
    #[serde(default)]
    pub collapsed: bool,
    /// What is in it, in order.
    #[serde(default)]
    pub recaps: Vec<RecapId>,
}

/// Why the library cannot be arranged so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArrangeError {
    /// Empty or too long.
    #[error("A folder's name has 1 to {FOLDER_NAME_CHARS_MAX} characters; this one has {0}.")]
    Name(usize),
    /// No such folder.
    #[error("There is no folder `{0}` here.")]
    NoFolder(String),
    /// Too many.
    #[error("A library holds at most {FOLDERS_MAX} folders; remove one first.")]
    TooMany,
}

impl LibraryMeta {
    /// Makes a folder at the end; returns its id.
    ///
    /// # Errors
    /// [`ArrangeError::Name`], [`ArrangeError::TooMany`].
    pub fn create_folder(&mut self, name: &str) -> Result<String, ArrangeError> {
        let name = folder_name(name)?;
        if self.folders.len() >= FOLDERS_MAX {
            return Err(ArrangeError::TooMany);
        }
        let highest =
            self.folders.iter().filter_map(|f| f.id.strip_prefix('f')?.parse::<u64>().ok()).max();
        let id = format!("f{}", highest.unwrap_or(0).saturating_add(1));
        self.folders.push(Folder { id: id.clone(), name, collapsed: false, recaps: Vec::new() });
        Ok(id)
    }

    /// Changes a folder's name or whether it is shown closed.
    ///
    /// # Errors
    /// [`ArrangeError::NoFolder`], [`ArrangeError::Name`].
    pub fn change_folder(
        &mut self,
        id: &str,
        name: Option<&str>,
        collapsed: Option<bool>,
    ) -> Result<(), ArrangeError> {
        let name = name.map(folder_name).transpose()?;
        let folder = self.folder(id)?;
        if let Some(name) = name {
            folder.name = name;
        }
        if let Some(collapsed) = collapsed {
            folder.collapsed = collapsed;
        }
        Ok(())
    }

    /// Removes a folder; its recaps stay in the library, outside folders.
    ///
    /// # Errors
    /// [`ArrangeError::NoFolder`].
    pub fn remove_folder(&mut self, id: &str) -> Result<(), ArrangeError> {
        self.folder(id)?;
        self.folders.retain(|folder| folder.id != id);
        Ok(())
    }

    /// Puts a recap into a folder (`None`: outside) before position `at`; past the end is the end.
    ///
    /// # Errors
    /// [`ArrangeError::NoFolder`].
    pub fn place(
        &mut self,
        recap: &RecapId,
        folder: Option<&str>,
        at: usize,
    ) -> Result<(), ArrangeError> {
        if let Some(id) = folder {
            self.folder(id)?;
        }
        for list in self.folders.iter_mut().map(|f| &mut f.recaps).chain([&mut self.order]) {
            list.retain(|id| id != recap);
        }
        let list = match folder {
            Some(id) => &mut self.folder(id)?.recaps,
            None => &mut self.order,
        };
        list.insert(at.min(list.len()), recap.clone());
        Ok(())
    }

    /// The folder that a recap lies in.
    pub fn folder_of(&self, recap: &RecapId) -> Option<&Folder> {
        self.folders.iter().find(|folder| folder.recaps.contains(recap))
    }

    fn folder(&mut self, id: &str) -> Result<&mut Folder, ArrangeError> {
        self.folders
            .iter_mut()
            .find(|f| f.id == id)
            .ok_or_else(|| ArrangeError::NoFolder(id.chars().take(60).collect()))
    }

    /// Takes over another library's folders: by name, and only for recaps that lie nowhere yet.
    pub fn merge(&mut self, other: &LibraryMeta) {
        for theirs in &other.folders {
            let at = match self.folders.iter().position(|ours| ours.name == theirs.name) {
                Some(at) => at,
                None if self.create_folder(&theirs.name).is_ok() => self.folders.len() - 1,
                None => continue,
            };
            for recap in &theirs.recaps {
                if self.folder_of(recap).is_none() {
                    self.folders[at].recaps.push(recap.clone());
                }
            }
        }
        for recap in &other.order {
            if !self.order.contains(recap) && self.folder_of(recap).is_none() {
                self.order.push(recap.clone());
            }
        }
        for (recap, tags) in &other.tags {
            self.tags.entry(recap.clone()).or_insert_with(|| tags.clone());
        }
    }
}

fn folder_name(name: &str) -> Result<String, ArrangeError> {
    let name = name.trim();
    match name.chars().count() {
        1..=FOLDER_NAME_CHARS_MAX => Ok(name.to_owned()),
        count => Err(ArrangeError::Name(count)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> RecapId {
        text.parse().unwrap()
    }

    #[test]
    fn a_recap_lies_in_one_place_only() {
        let mut meta = LibraryMeta::default();
        let a = meta.create_folder(" Bread ").unwrap();
        let b = meta.create_folder("Bees").unwrap();
        meta.place(&id("x"), Some(&a), 0).unwrap();
        meta.place(&id("y"), Some(&a), 99).unwrap();
        meta.place(&id("x"), Some(&b), 0).unwrap();
        assert_eq!(meta.folder_of(&id("x")).map(|f| f.name.as_str()), Some("Bees"));
        assert_eq!(meta.folders[0].recaps, [id("y")]);
        meta.place(&id("x"), None, 0).unwrap();
        assert_eq!((meta.folder_of(&id("x")), meta.order.len()), (None, 1));
        assert_eq!(
            meta.place(&id("x"), Some("f9"), 0),
            Err(ArrangeError::NoFolder("f9".to_owned()))
        );
        assert_eq!(meta.order, [id("x")], "a refused move moves nothing");
    }

    #[test]
    fn names_and_numbers_of_folders_are_bounded() {
        let mut meta = LibraryMeta::default();
        assert_eq!(meta.create_folder(" "), Err(ArrangeError::Name(0)));
        assert!(meta.create_folder(&"ä".repeat(FOLDER_NAME_CHARS_MAX)).is_ok());
        assert_eq!(meta.create_folder(&"ä".repeat(121)), Err(ArrangeError::Name(121)));
        while meta.folders.len() < FOLDERS_MAX {
            meta.create_folder("x").unwrap();
        }
        assert_eq!(meta.create_folder("x"), Err(ArrangeError::TooMany));
        meta.remove_folder("f1").unwrap();
        assert_eq!(
            meta.create_folder("x").unwrap(),
            "f1001",
            "ids are not used again while later ones stand"
        );
    }

    #[test]
    fn merging_keeps_what_is_there() {
        let mut ours = LibraryMeta::default();
        let bread = ours.create_folder("Bread").unwrap();
        ours.place(&id("x"), Some(&bread), 0).unwrap();
        let mut theirs = LibraryMeta::default();
        let bees = theirs.create_folder("Bees").unwrap();
        theirs.place(&id("x"), Some(&bees), 0).unwrap();
        theirs.place(&id("y"), Some(&bees), 0).unwrap();
        ours.merge(&theirs);
        assert_eq!(ours.folder_of(&id("x")).map(|f| f.name.as_str()), Some("Bread"));
        assert_eq!(ours.folder_of(&id("y")).map(|f| f.name.as_str()), Some("Bees"));
    }
}
