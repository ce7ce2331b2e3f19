//! A job's folder below `<data>/work/`: what was asked for, what was uploaded, what is finished.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use recap_mode::{JobId, Scope};

use super::{Heard, Order};

/// One job's folder, or none for a run that nobody will take up again.
#[derive(Clone, Debug)]
pub struct Workspace {
    folder: Option<PathBuf>,
    upload: Option<Vec<u8>>,
}

const ORDER: &str = "order.json";
const UPLOAD: &str = "upload";
const TRANSCRIPT: &str = "transcript.json";

impl Workspace {
    /// A run that keeps nothing: `upload` is what was brought, if anything was.
    pub fn in_memory(upload: Option<Vec<u8>>) -> Workspace {
        Workspace { folder: None, upload }
    }

    /// Makes a job's folder and keeps the order in it, so that a crash loses neither.
    ///
    /// # Errors
    /// The file system's.
    pub fn create(
        data: &Path,
        scope: &Scope,
        job: &JobId,
        order: &Order,
        upload: Option<&[u8]>,
    ) -> io::Result<Workspace> {
        let folder = folder(data, scope, job);
        // An order may hold the key of a private feed.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        if let Some(bytes) = upload {
            write(&folder.join(UPLOAD), bytes)?;
        }
        // The order comes last: a folder without one is left from a start that never was.
        write(&folder.join(ORDER), &serde_json::to_vec(order)?)?;
        Ok(Workspace { folder: Some(folder), upload: None })
    }

    /// The jobs that were not finished when the daemon went away. Folders without an order are left
    /// from a start that never was, or from an end that was cut off: they are removed.
    pub fn unfinished(data: &Path) -> Vec<(Scope, JobId, Order, Workspace)> {
        let root = data.join("work");
        walkdir::WalkDir::new(&root)
            .min_depth(2)
            .max_depth(3)
            .sort_by_file_name()
            .into_iter()
            .flatten()
            .filter(|entry| entry.file_type().is_dir())
            .filter_map(|entry| {
                let folder = entry.into_path();
                let job: JobId = folder.file_name()?.to_str()?.parse().ok()?;
                let scope = Scope::parse(folder.parent()?.strip_prefix(&root).ok()?.to_str()?).ok()?;
                let workspace = Workspace { folder: Some(folder.clone()), upload: None };
                match fs::read(folder.join(ORDER)).map(|bytes| serde_json::from_slice(&bytes)) {
                    Ok(Ok(order)) => Some((scope, job, order, workspace)),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        workspace.remove();
                        None
                    }
                    Ok(Err(_)) | Err(_) => {
                        tracing::warn!(folder = %folder.display(), "a job's order cannot be read; its folder is left as it is");
                        None
                    }
                }
            })
            .collect()
    }

    /// Removes the folder: the job is over.
    pub fn remove(&self) {
        if let Some(folder) = &self.folder
            && let Err(error) = fs::remove_dir_all(folder)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, folder = %folder.display(), "a finished job's folder could not be removed");
        }
    }

    /// Makes what is finished here the beginning of another job of the same scope, where that can be.
    pub fn hand_on(&self, data: &Path, scope: &Scope, next: &JobId) -> Option<Workspace> {
        let from = self.folder.as_ref()?;
        let to = folder(data, scope, next);
        match fs::rename(from, &to) {
            Ok(()) => Some(Workspace { folder: Some(to), upload: None }),
            Err(error) => {
                // It begins anew then, which costs time and nothing else.
                tracing::warn!(%error, folder = %from.display(), "what a job had finished could not be kept");
                None
            }
        }
    }

    /// What the person brought.
    pub(super) fn upload(&self) -> io::Result<Vec<u8>> {
        match (&self.upload, &self.folder) {
            (Some(bytes), _) => Ok(bytes.clone()),
            (None, Some(folder)) => fs::read(folder.join(UPLOAD)),
            (None, None) => Err(io::ErrorKind::NotFound.into()),
        }
    }

    pub(super) fn finished_transcript(&self) -> Option<Heard> {
        let bytes = fs::read(self.folder.as_ref()?.join(TRANSCRIPT)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    pub(super) fn keep_transcript(&self, heard: &Heard) -> io::Result<()> {
        match &self.folder {
            Some(folder) => write(&folder.join(TRANSCRIPT), &serde_json::to_vec(heard)?),
            None => Ok(()),
        }
    }
}

fn folder(data: &Path, scope: &Scope, job: &JobId) -> PathBuf {
    data.join("work").join(scope.folder()).join(job.to_string())
}

/// Whole or not at all: written beside and renamed.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("part");
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    io::Write::write_all(&mut file, bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_job_is_found_again_with_what_was_brought() {
        let data = tempfile::tempdir().unwrap();
        let order = Order::Upload { name: "talk.srt".to_owned() };
        for (scope, job) in [("owner", "job-1"), ("anon/t1", "job-2")] {
            let scope = Scope::parse(scope).unwrap();
            Workspace::create(data.path(), &scope, &job.parse().unwrap(), &order, Some(b"words"))
                .unwrap();
        }
        fs::create_dir_all(data.path().join("work/owner/never-began")).unwrap();
        let found = Workspace::unfinished(data.path());
        let named: Vec<String> =
            found.iter().map(|(scope, job, ..)| format!("{scope} {job}")).collect();
        assert_eq!(named, ["anon/t1 job-2", "owner job-1"]);
        assert_eq!(found[0].3.upload().unwrap(), b"words");
        assert!(!data.path().join("work/owner/never-began").exists());
        found[0].3.remove();
        assert_eq!(Workspace::unfinished(data.path()).len(), 1);
    }
}
