//! Putting a new file in an old one's place so that neither a crash nor an editor loses anything.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::draft::{Draft, create_private, hash_of};
use super::slot::Stamp;
use super::{StoreError, open_file, read_file};

/// Whether a file name is one of our temporaries.
pub(super) fn is_temporary(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".tmp")
}

/// Puts a draft in the place of `path` if the file there still holds what was `read` (`None`: missing).
///
/// The new file is synced, then exchanged with the old one in one step; what came out is compared
/// with what was read, and put back where somebody changed it in between. Returns the new stamp.
pub(super) fn replace(
    path: &Path,
    read: Option<&[u8]>,
    draft: &Draft,
    random: &str,
) -> Result<Stamp, StoreError> {
    // A link stays a link: the file that it names is replaced.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let io = |doing: &str, cause| StoreError::io(doing, path, cause);
    let changed = || StoreError::Changed { path: path.clone() };
    if !holds(path, read)? {
        return Err(changed());
    }
    let folder =
        path.parent().ok_or_else(|| io("writing", io::Error::from(io::ErrorKind::InvalidInput)))?;
    let mode = fs::metadata(path).map_or(0o644, |meta| meta.permissions().mode());
    let own;
    let (temporary, stamp) = match draft {
        Draft::File(draft) => (&draft.temporary, settle(&draft.file, mode)),
        Draft::Text(text) => {
            own = Temporary::beside(path, random).map_err(|cause| io("writing", cause))?;
            (&own, write_synced(own.path(), text.as_bytes(), mode))
        }
    };
    let stamp = stamp.map_err(|cause| io("writing", cause))?;
    match read {
        None => match renameat_with(CWD, temporary.path(), CWD, path, RenameFlags::NOREPLACE) {
            Ok(()) => {}
            Err(Errno::EXIST) => return Err(changed()),
            Err(Errno::INVAL | Errno::NOSYS) => {
                fs::rename(temporary.path(), path).map_err(|cause| io("writing", cause))?
            }
            Err(errno) => return Err(io("writing", errno.into())),
        },
        Some(expected) => {
            match renameat_with(CWD, temporary.path(), CWD, path, RenameFlags::EXCHANGE) {
                Ok(()) => take_out(path, temporary, expected, draft.hash_and_len().0)?,
                // The person removed it while we were about to write: their removal stands, ask again.
                Err(Errno::NOENT) => return Err(changed()),
                Err(Errno::INVAL | Errno::NOSYS) => {
                    fs::rename(temporary.path(), path).map_err(|cause| io("writing", cause))?
                }
                Err(errno) => return Err(io("writing", errno.into())),
            }
        }
    }
    sync_folder(folder)?;
    Ok(stamp)
}

/// Looks at what an exchange took out; a person's newer version goes back to its place. `ours` is the hash of
/// what was put in.
fn take_out(
    path: &Path,
    temporary: &Temporary,
    expected: &[u8],
    ours: u128,
) -> Result<(), StoreError> {
    if holds(temporary.path(), Some(expected))? {
        return Ok(());
    }
    let out = read_file(temporary.path())?.unwrap_or_default();
    let swap = || {
        renameat_with(CWD, temporary.path(), CWD, path, RenameFlags::EXCHANGE)
            .map_err(|errno| StoreError::io("putting back", path, errno.into()))
    };
    swap()?;
    let back = read_file(temporary.path())?.unwrap_or_default();
    if hash_of(&back) != ours {
        // They saved once more in that very moment: their newest is what the second swap took out.
        swap()?;
        let older = read_file(temporary.path())?.unwrap_or_default();
        if older != out {
            temporary.keep_aside(path)?;
        }
    }
    Err(StoreError::Changed { path: path.to_owned() })
}

/// Whether a file holds these bytes (`None`: is missing): looked at piece by piece, since a list of
/// everything that was ever seen would be in memory once more for it.
fn holds(path: &Path, bytes: Option<&[u8]>) -> Result<bool, StoreError> {
    let io = |cause| StoreError::io("reading", path, cause);
    let (mut file, mut rest) = match (open_file(path), bytes) {
        (Ok(file), Some(bytes)) => (file, bytes),
        (Err(error), bytes) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(bytes.is_none());
        }
        (Err(error), _) => return Err(io(error)),
        (Ok(_), None) => return Ok(false),
    };
    let mut piece = [0; 32 * 1024];
    loop {
        let len = match file.read(&mut piece) {
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(io(error)),
        };
        if len == 0 {
            return Ok(rest.is_empty());
        }
        let Some(left) = rest.strip_prefix(&piece[..len]) else { return Ok(false) };
        rest = left;
    }
}

/// A temporary file that goes away with its owner.
pub(super) struct Temporary(PathBuf);

impl Temporary {
    /// One beside the file that it is for; it is not there yet.
    pub(super) fn beside(path: &Path, random: &str) -> io::Result<Temporary> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
        Ok(Temporary(path.with_file_name(format!(".{name}.{random}.tmp"))))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Keeps the file under a name that a person will find.
    fn keep_aside(&self, path: &Path) -> Result<(), StoreError> {
        let aside = path.with_extension("json.kept-aside");
        fs::rename(&self.0, &aside)
            .map_err(|cause| StoreError::io("keeping aside", &aside, cause))?;
        tracing::warn!(file = %aside.display(), "two versions of a file were saved in one moment; one was kept aside");
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Already renamed in the good case; a failure leaves it to the sweep.
        let _ = fs::remove_file(&self.0);
    }
}

fn write_synced(path: &Path, bytes: &[u8], mode: u32) -> io::Result<Stamp> {
    let mut file = create_private(path)?;
    file.write_all(bytes)?;
    settle(&file, mode)
}

/// Gives a file that was written its rights, whatever the umask says, and makes it durable.
fn settle(file: &File, mode: u32) -> io::Result<Stamp> {
    file.set_permissions(fs::Permissions::from_mode(mode & 0o777))?;
    file.sync_all()?;
    Ok(Stamp::of(&file.metadata()?))
}

/// Removes a file if it still holds what was `read`.
pub(super) fn remove(path: &Path, read: Option<&[u8]>) -> Result<(), StoreError> {
    if read.is_some() && !holds(path, read)? {
        return Err(StoreError::Changed { path: path.to_owned() });
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::io("removing", path, error))
        }
        _ => sync_folder(path.parent().unwrap_or(path)),
    }
}

/// Moves a file to where it waits, over an older namesake there, and notes the time of the move on
/// it: how long it waits counts from now.
pub(super) fn put_away(path: &Path, target: &Path) -> Result<(), StoreError> {
    let io = |cause| StoreError::io("moving", path, cause);
    fs::rename(path, target).map_err(io)?;
    let now = rustix::fs::Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW };
    let times = rustix::fs::Timestamps { last_access: now, last_modification: now };
    rustix::fs::utimensat(CWD, target, &times, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|errno| io(errno.into()))
}

/// Moves a file to a place where none is; one that is there already stays, and so does the old.
pub(super) fn move_new(old: &Path, new: &Path) -> Result<bool, StoreError> {
    let io = |cause: io::Error| StoreError::io("moving", old, cause);
    match renameat_with(CWD, old, CWD, new, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST | Errno::NOENT) => Ok(false),
        Err(Errno::INVAL | Errno::NOSYS) if !new.exists() => {
            fs::rename(old, new).map(|()| true).map_err(io)
        }
        Err(Errno::INVAL | Errno::NOSYS) => Ok(false),
        Err(errno) => Err(io(errno.into())),
    }
}

/// Makes a folder's entries durable: without it a power cut forgets the rename.
pub(super) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|cause| StoreError::io("syncing the folder", folder, cause))
}

#[cfg(test)]
pub(super) fn take_out_for_tests(
    path: &Path,
    temporary: &Path,
    expected: &[u8],
    ours: &[u8],
) -> Result<(), StoreError> {
    take_out(path, &Temporary(temporary.to_owned()), expected, hash_of(ours))
}
