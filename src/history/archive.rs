//! A whole library as one JSON file, out and in; and everything of a scope as one tar archive, out.
//!
//! Form of the JSON: `{"recap_library": 1, "meta": {…}, "skip_list": {…}, "recaps": {"<id>": {…}, …}, "omitted": […]}`.
//! Both ways go one recap at a time, so that a large library needs little memory.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use recap_mode::Scope;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde::{Deserializer, Serialize};
use serde_json::Value;

use crate::domain::library::LibraryMeta;
use crate::domain::recap::RecapId;
use crate::domain::skip_list::SkipList;
use crate::store::StoreError;

use super::layout::{self, RecapFile};
use super::library::{Library, LibraryError, sound};

/// Most refusals that a report lists; the rest is counted.
const REFUSALS_MAX: usize = 50;

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ImportReport {
    /// Recaps that were added.
    pub added: usize,
    /// Recaps that were there already and were left as they are.
    pub kept: usize,
    /// Recaps that could not be taken over.
    pub refused: usize,
    /// Why, for the first of them.
    pub reasons: Vec<String>,
}

/// The parts of an archive beside its recaps.
#[derive(Debug, Default)]
struct Imported {
    /// What happened to the recaps.
    report: ImportReport,
    /// Folders and order.
    meta: Option<LibraryMeta>,
    /// Refused episodes.
    skip_list: Option<SkipList>,
}

impl Library {
    /// Writes a scope's whole library. Blocks. What cannot be read or does not parse is left out, and
    /// named in `omitted`.
    ///
    /// # Errors
    /// The files; a writer that refuses.
    pub fn export_now(&self, scope: &Scope, out: &mut impl Write) -> Result<(), StoreError> {
        let failed = |cause: std::io::Error| StoreError::Io {
            doing: "Writing".to_owned(),
            path: "the archive".into(),
            cause,
        };
        // A list that does not parse is left as it is, and does not keep the recaps from being saved.
        let mut omitted: Vec<String> = Vec::new();
        let meta = self.store().read_now(&layout::meta(scope)).map(|stored| stored.value);
        let meta = meta.unwrap_or_else(|error| {
            omitted.push(error.to_string());
            LibraryMeta::default()
        });
        let skip_list = self.store().read_now(&layout::skip_list(scope)).map(|stored| stored.value);
        let skip_list = skip_list.unwrap_or_else(|error| {
            omitted.push(error.to_string());
            SkipList::default()
        });
        let mut names: Vec<_> =
            self.store().list_now(scope)?.into_iter().map(|file| file.name).collect();
        names.sort();
        write!(
            out,
            "{{\"recap_library\": 1,\n\"meta\": {},\n\"skip_list\": {},\n\"recaps\": {{",
            json(&meta),
            json(&skip_list)
        )
        .map_err(failed)?;
        let mut first = true;
        for name in names {
            let Some(id) = layout::recap_id(&name) else {
                continue;
            };
            let bytes = match self.store().bytes_now(scope, &name) {
                Ok(Some(bytes)) => bytes,
                Ok(None) => continue,
                Err(error) => {
                    omitted.push(error.to_string());
                    continue;
                }
            };
            if let Some(Err(problem)) = layout::check(scope, &name, &bytes) {
                omitted.push(problem.to_string());
                continue;
            }
            let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
            write!(out, "{}\n{}: ", if first { "" } else { "," }, Value::from(id.as_str()))
                .map_err(failed)?;
            out.write_all(bytes.trim_ascii()).map_err(failed)?;
            first = false;
        }
        for why in &omitted {
            tracing::warn!("an export leaves something out: {why}");
        }
        write!(out, "\n}},\n\"omitted\": {}}}\n", json(&omitted)).map_err(failed)
    }

    /// Whether a scope has any recap on the disk. May block.
    ///
    /// # Errors
    /// The files.
    pub fn has_recaps_now(&self, scope: &Scope) -> Result<bool, StoreError> {
        let listed = self.store().list_now(scope)?;
        Ok(listed.iter().any(|file| layout::recap_id(&file.name).is_some()))
    }

    /// Bytes of a scope's documents. May block.
    ///
    /// # Errors
    /// The files.
    pub fn size_now(&self, scope: &Scope) -> Result<u64, StoreError> {
        Ok(self.store().list_now(scope)?.iter().map(|file| file.stamp.size_bytes).sum())
    }

    /// Packs a scope's documents, as they lie on the disk, and `more` files by their names into a tar
    /// archive at `path`, which must not exist and is for nobody else's eyes. May block.
    ///
    /// # Errors
    /// The files.
    pub fn archive_now(
        &self,
        scope: &Scope,
        more: &[(String, Vec<u8>)],
        path: &Path,
    ) -> std::io::Result<()> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let mut archive = tar::Builder::new(std::io::BufWriter::new(file));
        let mut names: Vec<_> = self
            .store()
            .list_now(scope)
            .map_err(std::io::Error::other)?
            .into_iter()
            .map(|file| file.name)
            .collect();
        names.sort();
        let packed_at = u64::try_from(self.now().timestamp()).unwrap_or(0);
        let mut pack = |name: &str, bytes: &[u8]| {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            header.set_mtime(packed_at);
            archive.append_data(&mut header, name, bytes)
        };
        for (name, bytes) in more {
            pack(name, bytes)?;
        }
        for name in names {
            // Each is read whole, so that one that is replaced meanwhile is the old or the new one.
            let Some(bytes) =
                self.store().bytes_now(scope, &name).map_err(std::io::Error::other)?
            else {
                continue;
            };
            pack(&format!("recap/{name}"), &bytes)?;
        }
        archive.into_inner()?.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()
    }

    /// Takes over an archive: what is there is kept, unsafe names and unsound recaps are refused one
    /// by one. Blocks; `runtime` runs the writes.
    ///
    /// # Errors
    /// [`LibraryError::Archive`] where it is none or is cut off; recaps read before the flaw stay added.
    pub fn import_now(
        &self,
        scope: &Scope,
        input: impl Read,
        runtime: &tokio::runtime::Handle,
    ) -> Result<ImportReport, LibraryError> {
        let mut reader = serde_json::Deserializer::from_reader(std::io::BufReader::new(input));
        let mut imported = Imported::default();
        let seed = Archive { library: self, scope, runtime, imported: &mut imported };
        let read = seed.deserialize(&mut reader).and_then(|()| reader.end());
        if let Err(error) = read {
            return Err(LibraryError::Archive {
                why: error.to_string(),
                added: imported.report.added,
            });
        }
        if let Some(meta) = imported.meta {
            runtime.block_on(self.arrange(scope, move |ours| {
                ours.merge(&meta);
                Ok(())
            }))?;
        }
        if let Some(theirs) = imported.skip_list {
            runtime.block_on(self.store().mutate(
                &layout::skip_list(scope),
                move |ours: &mut SkipList| {
                    for skipped in &theirs.episodes {
                        ours.add(
                            &skipped.episode_id,
                            &skipped.title,
                            &skipped.reason,
                            skipped.skipped_at,
                        );
                    }
                    Ok::<_, StoreError>(())
                },
            ))?;
        }
        Ok(imported.report)
    }

    fn import_recap(
        &self,
        scope: &Scope,
        key: &str,
        value: Value,
        runtime: &tokio::runtime::Handle,
        report: &mut ImportReport,
    ) -> Result<(), StoreError> {
        let mut refuse = |reason: String| {
            report.refused += 1;
            if report.reasons.len() < REFUSALS_MAX {
                report
                    .reasons
                    .push(format!("{}: {reason}", key.chars().take(80).collect::<String>()));
            }
        };
        let Ok(id) = key.parse::<RecapId>() else {
            refuse("this is no safe name for a recap".to_owned());
            return Ok(());
        };
        // An archive may hold records of the earlier system's, as this system reads them.
        let value = match crate::domain::earlier::recap(&value, id.as_str()) {
            None => value,
            Some(Ok(today)) => today,
            Some(Err(reason)) => {
                refuse(reason);
                return Ok(());
            }
        };
        match sound(&value) {
            Err(error) => {
                refuse(error.to_string());
                return Ok(());
            }
            Ok(recap) if recap.id != id => {
                refuse(format!("its own id is {}", recap.id));
                return Ok(());
            }
            Ok(_) => {}
        }
        let name = layout::recap_file(&id);
        let added = runtime.block_on(self.store().transact(scope, move |tx| {
            if tx.exists(&name) {
                return Ok::<_, StoreError>(false);
            }
            tx.write_json::<RecapFile>(&name, &value)?;
            Ok(true)
        }))?;
        if added {
            report.added += 1;
        } else {
            report.kept += 1;
        }
        Ok(())
    }
}

fn json(value: &impl Serialize) -> String {
    // The lists hold texts, times and ids: they always are JSON.
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

struct Archive<'a> {
    library: &'a Library,
    scope: &'a Scope,
    runtime: &'a tokio::runtime::Handle,
    imported: &'a mut Imported,
}

impl<'de> DeserializeSeed<'de> for Archive<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Archive<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `recap_library`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        use serde::de::Error;
        let mut known = false;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "recap_library" => {
                    let version: u64 = map.next_value()?;
                    if version != 1 {
                        return Err(A::Error::custom(format!(
                            "its form is {version}, and this version reads form 1"
                        )));
                    }
                    known = true;
                }
                _ if !known => {
                    return Err(A::Error::custom("it does not begin with `recap_library`"));
                }
                "meta" => self.imported.meta = lenient(map.next_value()?),
                "skip_list" => self.imported.skip_list = lenient(map.next_value()?),
                "recaps" => {
                    let (library, scope, runtime) = (self.library, self.scope, self.runtime);
                    let report = &mut self.imported.report;
                    map.next_value_seed(Recaps { library, scope, runtime, report })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if known { Ok(()) } else { Err(A::Error::custom("it does not begin with `recap_library`")) }
    }
}

/// A list as this version knows it; one that it does not know is not taken over.
fn lenient<T: serde::de::DeserializeOwned>(value: Value) -> Option<T> {
    match serde_json::from_value(value) {
        Ok(list) => Some(list),
        Err(error) => {
            tracing::warn!(%error, "a list of an imported library is not of this form and was left out");
            None
        }
    }
}

struct Recaps<'a> {
    library: &'a Library,
    scope: &'a Scope,
    runtime: &'a tokio::runtime::Handle,
    report: &'a mut ImportReport,
}

impl<'de> DeserializeSeed<'de> for Recaps<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Recaps<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("recaps by id")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        use serde::de::Error;
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            self.library
                .import_recap(self.scope, &key, value, self.runtime, self.report)
                .map_err(A::Error::custom)?;
        }
        Ok(())
    }
}
