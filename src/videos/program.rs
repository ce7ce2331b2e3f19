//! Running yt-dlp: its folder, its bounds, its end, and whether it and its JavaScript runtime are there
//! and new enough.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Serialize;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use super::Programs;

/// The runtimes that yt-dlp knows, best first, with the versions that it wants since 2025.11.12.
pub(super) const RUNTIMES: [&str; 4] = ["deno", "node", "bun", "quickjs"];

/// The least versions of those that say theirs, as yt-dlp 2026.10.26 has them.
const RUNTIMES_LEAST: [(&str, [u32; 3]); 3] =
    [("deno", [2, 3, 0]), ("node", [22, 0, 0]), ("bun", [1, 2, 11])];

/// From this age on yt-dlp is likely to fail at sites that change: it has a release every few weeks.
const DAYS_OLD: i64 = 90;

/// Time for a program to say its version.
const VERSION_TIME: Duration = Duration::from_secs(20);

/// Most of what yt-dlp complains that is read.
const STDERR_BYTES_MAX: u64 = 256 * 1024;

/// Why a run gave nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// There is no such program.
    NotThere,
    /// It cannot be started.
    NotStarted(io::Error),
    /// It took longer than this.
    TimedOut(Duration),
    /// It printed more MiB than this.
    TooMuch(u64),
    /// It ended with a complaint.
    Ended(String),
}

/// A folder of one call, removed with all that is in it.
pub(super) struct Folder(tempfile::TempDir);

impl Folder {
    pub(super) fn make() -> io::Result<Folder> {
        tempfile::tempdir().map(Folder)
    }

    pub(super) fn make_in(parent: &Path) -> io::Result<Folder> {
        tempfile::tempdir_in(parent).map(Folder)
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let path = self.0.path().join(name);
        fs::write(&path, bytes)?;
        Ok(path)
    }

    pub(super) fn copy(&self, from: &Path, name: &str) -> io::Result<PathBuf> {
        let path = self.0.path().join(name);
        fs::copy(from, &path)?;
        Ok(path)
    }

    /// The file whose name begins so.
    pub(super) fn only(&self, beginning: &str) -> Option<PathBuf> {
        fs::read_dir(self.0.path())
            .ok()?
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(beginning))
            .map(|entry| entry.path())
            .find(|path| path.is_file())
    }
}

/// Reads a file that a child wrote.
pub(super) fn read_bounded(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(io::Error::other(format!(
            "it has more than {} MiB",
            bytes_max / (1024 * 1024)
        )));
    }
    Ok(bytes)
}

/// A child with all that it started; dropping it kills them.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        let id = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(id) = id {
            // It may just have ended by itself.
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}

/// Runs a program to its end; what it printed, where it was content.
pub(super) async fn run(
    program: &Path,
    args: &[OsString],
    bytes_max: u64,
    deadline: Duration,
) -> Result<Vec<u8>, Failure> {
    let child = Command::new(program)
        .args(args)
        // What a person set for their own use of it, or for other programs, is not ours.
        .env_remove("HTTP_PROXY")
        .env_remove("HTTPS_PROXY")
        .env_remove("ALL_PROXY")
        .env_remove("http_proxy")
        .env_remove("https_proxy")
        .env_remove("all_proxy")
        .env_remove("no_proxy")
        .env_remove("NO_PROXY")
        .env("PYTHONUTF8", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Failure::NotThere,
            _ => Failure::NotStarted(error),
        })?;
    let mut group = Group(child);
    let (stdout, stderr) = (group.0.stdout.take(), group.0.stderr.take());
    let talk = async {
        let (out, complaint) =
            tokio::join!(read_to(stdout, bytes_max + 1), read_to(stderr, STDERR_BYTES_MAX));
        (out, complaint, group.0.wait().await)
    };
    let (out, complaint, status) =
        tokio::time::timeout(deadline, talk).await.map_err(|_| Failure::TimedOut(deadline))?;
    if out.len() as u64 > bytes_max {
        return Err(Failure::TooMuch(bytes_max / (1024 * 1024)));
    }
    match status {
        Ok(status) if status.success() => Ok(out),
        _ => Err(Failure::Ended(String::from_utf8_lossy(&complaint).into_owned())),
    }
}

/// Reads up to a bound and lets go: a child that writes on is told by its broken pipe.
async fn read_to(from: Option<impl tokio::io::AsyncRead + Unpin>, bytes_max: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        // A pipe that breaks says no more than its end.
        let _ = from.take(bytes_max).read_to_end(&mut bytes).await;
    }
    bytes
}

/// What there is of the programs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Found {
    /// yt-dlp's version, a date; `None` where it does not start.
    pub yt_dlp: Option<String>,
    /// The JavaScript runtime that it would use, with its version.
    pub js_runtime: Option<String>,
    /// What is missing or too old, as sentences with the cure.
    pub problems: Vec<String>,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let yt_dlp = self.yt_dlp.as_deref().unwrap_or("of no version");
        let runtime = self.js_runtime.as_deref().unwrap_or("no JavaScript runtime");
        write!(f, "yt-dlp {yt_dlp} works, with {runtime}.")
    }
}

/// Asks each program for its version.
pub(super) async fn look(programs: &Programs, now: DateTime<Utc>) -> Found {
    let mut found = Found::default();
    match version_of(&programs.yt_dlp).await {
        Some(version) => {
            let old = days_old(&version, now).filter(|days| *days > DAYS_OLD);
            if let Some(days) = old {
                found.problems.push(format!(
                    "yt-dlp {version} is {days} days old. Sites change more often than that: update it."
                ));
            }
            found.yt_dlp = Some(version);
        }
        None => found.problems.push(format!(
            "There is no program “{}”: captions of videos cannot be fetched. Install yt-dlp, or set yt_dlp to where it is.",
            programs.yt_dlp.display()
        )),
    }
    let mut too_old = None;
    for (name, least) in RUNTIMES_LEAST {
        let path = match &programs.js_runtime {
            Some(set) => match set.split_once(':') {
                Some((kind, path)) if kind == name => PathBuf::from(path),
                None if set == name => PathBuf::from(name),
                _ => continue,
            },
            None => PathBuf::from(name),
        };
        let Some(version) = version_of(&path).await else { continue };
        if numbers(&version) >= least {
            found.js_runtime = Some(format!("{name} {version}"));
            return found;
        }
        let [major, minor, _] = least;
        too_old = Some(format!(
            "{name} {version} is too old for yt-dlp, which wants {major}.{minor} or newer"
        ));
    }
    let what = too_old.unwrap_or("yt-dlp finds no JavaScript runtime".to_owned());
    found.problems.push(format!(
        "{what}: YouTube gives out little without one. Install Deno 2.3 or Node.js 22, or newer."
    ));
    found
}

/// The first number with dots in what a program says of its version.
async fn version_of(program: &Path) -> Option<String> {
    let out = run(program, &["--version".into()], 64 * 1024, VERSION_TIME).await.ok()?;
    let out = String::from_utf8_lossy(&out).into_owned();
    out.split_whitespace()
        .map(|word| word.trim_start_matches('v'))
        .find(|word| word.contains('.') && word.starts_with(|c: char| c.is_ascii_digit()))
        .map(|word| word.chars().take(40).collect())
}

fn numbers(version: &str) -> [u32; 3] {
    let mut parts =
        version.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
    [0; 3].map(|_: u32| parts.next().unwrap_or(0))
}

fn days_old(version: &str, now: DateTime<Utc>) -> Option<i64> {
    let [year, month, day] = numbers(version);
    let made = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    Some((now.date_naive() - made).num_days())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_yt_dlp_is_told_from_a_new_one() {
        let now: DateTime<Utc> = "2026-11-27T00:00:00Z".parse().unwrap();
        assert_eq!(days_old("2026.10.26", now), Some(32));
        assert_eq!(days_old("2025.11.27.1", now), Some(365));
        assert_eq!(days_old("nightly", now), None);
        assert!(numbers("22.0.1") >= [22, 0, 0] && numbers("20.20.2") < [22, 0, 0]);
        assert!(numbers("2.3.0-rc.1") >= [2, 3, 0]);
    }

    #[tokio::test]
    async fn a_child_that_hangs_or_floods_is_ended() {
        let shell = Path::new("/bin/sh");
        let args = |script: &str| vec![OsString::from("-c"), OsString::from(script)];
        let failure =
            run(shell, &args("sleep 60 & sleep 60"), 10, Duration::from_millis(200)).await;
        assert!(matches!(failure, Err(Failure::TimedOut(_))), "{failure:?}");
        let failure = run(shell, &args("exec yes"), 1_000, Duration::from_secs(60)).await;
        assert!(matches!(failure, Err(Failure::TooMuch(0))), "{failure:?}");
        let failure = run(shell, &args("echo ERROR: no >&2; exit 1"), 10, VERSION_TIME).await;
        assert!(matches!(failure, Err(Failure::Ended(said)) if said.contains("ERROR: no")));
        let failure = run(Path::new("/nowhere/yt-dlp"), &[], 10, VERSION_TIME).await;
        assert!(matches!(failure, Err(Failure::NotThere)));
        assert_eq!(run(shell, &args("printf ok"), 10, VERSION_TIME).await.unwrap(), b"ok");
    }

    #[tokio::test]
    async fn what_is_missing_is_said_with_its_cure() {
        let programs = Programs {
            yt_dlp: "/nowhere/yt-dlp".into(),
            js_runtime: Some("deno:/nowhere/deno".to_owned()),
            pot_url: None,
        };
        let found = look(&programs, DateTime::UNIX_EPOCH).await;
        assert_eq!(found.problems.len(), 2, "{found:?}");
        assert!(found.problems[0].contains("Install yt-dlp"), "{found:?}");
        assert!(found.problems[1].contains("Deno"), "{found:?}");
    }
}
