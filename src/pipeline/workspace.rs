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
    upload: Option<Brought>,
}

/// What a person brought.
#[derive(Clone, Debug)]
pub enum Brought {
    /// A transcript's bytes.
    Bytes(Vec<u8>),
    /// A file that stays where it is; a sound file may be larger than memory.
    File(PathBuf),
}

impl Brought {
    /// How large it is; 0 for a file that is not there.
    pub fn size_bytes(&self) -> u64 {
        match self {
            Brought::Bytes(bytes) => bytes.len() as u64,
            Brought::File(path) => fs::metadata(path).map_or(0, |meta| meta.len()),
        }
    }
}

/// Where the sound of one job lies, with what was heard of it.
pub(super) enum SoundFolder {
    /// Within the job's folder.
    Kept(PathBuf),
    /// Until the run is over.
    Passing(tempfile::TempDir),
}

impl SoundFolder {
    pub(super) fn path(&self) -> &Path {
        match self {
            SoundFolder::Kept(path) => path,
            SoundFolder::Passing(folder) => folder.path(),
        }
    }
}

const ORDER: &str = "order.json";
const UPLOAD: &str = "upload";
const TRANSCRIPT: &str = "transcript.json";
const SOUND: &str = "sound";
const ANSWERS: &str = "answers";
const SPENT: &str = "spent.json";

impl Workspace {
    /// A run that keeps nothing: `upload` is what was brought, if anything was.
    pub fn in_memory(upload: Option<Brought>) -> Workspace {
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
        upload: Option<&Brought>,
    ) -> io::Result<Workspace> {
        let folder = folder(data, scope, job);
        // An order may hold the key of a private feed.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        match upload {
            Some(Brought::Bytes(bytes)) => write(&folder.join(UPLOAD), bytes)?,
            // It was written to the same disk for this job alone.
            Some(Brought::File(path)) => fs::rename(path, folder.join(UPLOAD))?,
            None => {}
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
    pub(super) fn upload(&self) -> io::Result<Brought> {
        match (&self.upload, &self.folder) {
            (Some(brought), _) => Ok(brought.clone()),
            (None, Some(folder)) => Ok(Brought::File(folder.join(UPLOAD))),
            (None, None) => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// A folder for the sound and what is heard of it.
    pub(super) fn sound_folder(&self) -> io::Result<SoundFolder> {
        match &self.folder {
            Some(folder) => {
                let path = folder.join(SOUND);
                fs::DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
                Ok(SoundFolder::Kept(path))
            }
            None => tempfile::tempdir().map(SoundFolder::Passing),
        }
    }

    /// A folder for the answers of models, so that none is paid for twice.
    pub(super) fn answers_folder(&self) -> io::Result<Option<PathBuf>> {
        let Some(folder) = &self.folder else { return Ok(None) };
        let path = folder.join(ANSWERS);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
        Ok(Some(path))
    }

    /// Where it is kept what the run has asked of models, until it is noted.
    pub(super) fn spent_file(&self) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(SPENT))
    }

    pub(super) fn finished_transcript(&self) -> Option<Heard> {
        let bytes = fs::read(self.folder.as_ref()?.join(TRANSCRIPT)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    pub(super) fn keep_transcript(&self, heard: &Heard) -> io::Result<()> {
        match &self.folder {
            Some(folder) => {
                write(&folder.join(TRANSCRIPT), &serde_json::to_vec(heard)?)?;
                // Hundreds of megabytes that nobody needs any more; what stays goes with the job.
                let _ = fs::remove_dir_all(folder.join(SOUND));
                Ok(())
            }
            None => Ok(()),
        }
    }
}

fn folder(data: &Path, scope: &Scope, job: &JobId) -> PathBuf {
    data.join("work").join(scope.folder()).join(job.to_string())
}

/// Whole or not at all: written beside and renamed.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
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
        let words = Brought::Bytes(b"words".to_vec());
        for (scope, job) in [("owner", "job-1"), ("anon/t1", "job-2")] {
            let scope = Scope::parse(scope).unwrap();
            Workspace::create(data.path(), &scope, &job.parse().unwrap(), &order, Some(&words))
                .unwrap();
        }
        fs::create_dir_all(data.path().join("work/owner/never-began")).unwrap();
        let found = Workspace::unfinished(data.path());
        let named: Vec<String> =
            found.iter().map(|(scope, job, ..)| format!("{scope} {job}")).collect();
        assert_eq!(named, ["anon/t1 job-2", "owner job-1"]);
        let Brought::File(path) = found[0].3.upload().unwrap() else { panic!("it lies in a file") };
        assert_eq!(fs::read(path).unwrap(), b"words");
        assert!(!data.path().join("work/owner/never-began").exists());
        found[0].3.remove();
        assert_eq!(Workspace::unfinished(data.path()).len(), 1);
    }
}
