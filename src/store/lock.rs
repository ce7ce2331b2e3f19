//! The lock beside the documents: flock(2) on `<scope>/.lock`, which is never renamed or deleted.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use fs4::{FileExt, TryLockError};
use recap_mode::Scope;

use super::StoreError;

/// How long to wait before trying a held lock again.
const PAUSE: Duration = Duration::from_millis(5);

/// Held while a scope's documents are changed; dropping it lets go.
pub(super) struct ScopeLock {
    _file: File,
}

impl ScopeLock {
    /// Takes the lock, waiting at most `wait`. Blocks.
    pub(super) fn take(
        scope: &Scope,
        folder: &Path,
        wait: Duration,
    ) -> Result<ScopeLock, StoreError> {
        let path = folder.join(".lock");
        let deadline = Instant::now() + wait;
        loop {
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)
                .map_err(|cause| StoreError::io("opening the lock", &path, cause))?;
            match FileExt::try_lock(&file) {
                // A scope that was erased and made again has another lock file by this name: a lock
                // on the old one would keep nobody out.
                Ok(()) if same_file(&file, &path) => return Ok(ScopeLock { _file: file }),
                Ok(()) => continue,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(cause)) => {
                    return Err(StoreError::io("locking", &path, cause));
                }
            }
            if Instant::now() >= deadline {
                return Err(StoreError::Busy { scope: scope.clone() });
            }
            std::thread::sleep(PAUSE);
        }
    }
}

fn same_file(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(held), Ok(there)) => held.ino() == there.ino() && held.dev() == there.dev(),
        _ => false,
    }
}
