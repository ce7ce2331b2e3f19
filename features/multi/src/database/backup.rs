//! A copy of the database while it is in use, and whether it is sound. Where copies are kept and
//! for how long is the operator's matter.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::connection::{self, beside};
use super::error::DatabaseError;

/// Findings that are named at most; a broken file has thousands, all of one cause.
const FINDINGS_MAX: usize = 100;

/// Drafts that this process began: two backups to one target at once do not share one.
static DRAFTS: AtomicU64 = AtomicU64::new(0);

/// Everything that is wrong with the file: its pages, its indices, its CHECKs, its foreign keys.
/// Empty where all is well.
pub(super) fn findings(connection: &Connection) -> Result<Vec<String>, DatabaseError> {
    let mut found = Vec::new();
    let mut pages = connection.prepare(&format!("PRAGMA integrity_check({FINDINGS_MAX})"))?;
    for line in pages.query_map([], |row| row.get::<_, String>(0))? {
        let line = line?;
        if line != "ok" {
            found.push(line);
        }
    }
    let mut keys = connection.prepare("PRAGMA foreign_key_check")?;
    let orphans = keys.query_map([], |row| {
        Ok(format!(
            "a row of {} points to a row of {} that is not there",
            row.get::<_, String>(0)?,
            row.get::<_, String>(2)?
        ))
    })?;
    for orphan in orphans.take(FINDINGS_MAX) {
        found.push(orphan?);
    }
    Ok(found)
}

/// Copies the database at `path` to `target`, which appears only when it is whole, checked and on
/// the disk.
pub(super) fn copy(path: &Path, target: &Path, busy: Duration) -> Result<(), DatabaseError> {
    if target.symlink_metadata().is_ok() {
        return Err(DatabaseError::Exists { path: target.to_owned() });
    }
    let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
    let draft = beside(target, &format!(".{}-{number}.draft", std::process::id()));
    let made = draft_copy(path, &draft, target, busy);
    let left = fs::remove_file(&draft);
    made?;
    left.map_err(DatabaseError::file("Removing the draft", &draft))?;
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(DatabaseError::file("Saving the folder", folder))
}

fn draft_copy(
    path: &Path,
    draft: &Path,
    target: &Path,
    busy: Duration,
) -> Result<(), DatabaseError> {
    // A draft of this name can only be left of a process that is gone.
    let _ = fs::remove_file(draft);
    connection::make_private_file(draft)?;
    let source = connection::open_reader(path, busy)?;
    let mut copy = Connection::open(draft)?;
    let backup = Backup::new(&source, &mut copy)?;
    // All pages in one step: it reads one state, and the log lets writers go on meanwhile. Smaller
    // steps would begin anew after each of their commits, and under load never end.
    while backup.step(-1)? != StepResult::Done {
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(backup);
    // One file by itself, without a log beside it.
    copy.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    if let Some(finding) = findings(&copy)?.into_iter().next() {
        return Err(DatabaseError::Unsound { path: target.to_owned(), finding });
    }
    drop(copy);
    File::open(draft)
        .and_then(|file| file.sync_all())
        .map_err(DatabaseError::file("Saving the backup", draft))?;
    // A link, not a rename: it fails where somebody else made the target meanwhile.
    fs::hard_link(draft, target).map_err(|cause| match cause.kind() {
        ErrorKind::AlreadyExists => DatabaseError::Exists { path: target.to_owned() },
        _ => DatabaseError::file("Making the backup", target)(cause),
    })
}
