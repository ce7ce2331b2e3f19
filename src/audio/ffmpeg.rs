//! The program ffmpeg, for what is not decoded here. It is given one local file and the name of its
//! kind, so that it neither guesses a playlist nor opens anything else, and no environment, by which it
//! could be told to write.

use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use super::sniff::Format;
use super::{AudioError, SAMPLE_RATE};

/// Bytes of a block: one second.
const BLOCK_BYTES: usize = SAMPLE_RATE as usize * 2;

/// Blocks that are read ahead.
const BLOCKS_AHEAD: usize = 4;

/// How long it may give nothing. A day of sound takes it less than ten minutes in all, so a minute of
/// silence is a program that hangs.
const SILENCE_TIME: Duration = Duration::from_secs(60);

/// A child that is killed when nobody holds it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; waiting leaves no zombie.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Decodes a file, and gives its samples in blocks.
///
/// # Errors
/// [`AudioError::Ffmpeg`], [`AudioError::Stopped`] and [`AudioError::TooLong`].
pub(super) fn decode(
    program: &Path,
    path: &Path,
    format: Format,
    give: &mut dyn FnMut(&[i16]) -> ControlFlow<AudioError>,
) -> Result<(), AudioError> {
    decode_within(program, path, format, SILENCE_TIME, give)
}

fn decode_within(
    program: &Path,
    path: &Path,
    format: Format,
    silence: Duration,
    give: &mut dyn FnMut(&[i16]) -> ControlFlow<AudioError>,
) -> Result<(), AudioError> {
    let mut input = std::ffi::OsString::from("file:");
    input.push(path);
    let mut child = Command::new(program)
        .args(["-nostdin", "-hide_banner", "-loglevel", "quiet", "-protocol_whitelist", "file"])
        .args(["-f", format.demuxer(), "-i"])
        .arg(input)
        .args([
            "-map", "0:a:0", "-vn", "-sn", "-dn", "-ac", "1", "-ar", "16000", "-f", "s16le",
            "pipe:1",
        ])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| AudioError::Ffmpeg(format!("it did not start ({error})")))?;
    let Some(stdout) = child.stdout.take() else {
        return Err(AudioError::Ffmpeg("it has no output".to_owned()));
    };
    let mut running = Running(child);
    let (blocks, ahead) = sync_channel(BLOCKS_AHEAD);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut stdout = stdout;
            loop {
                let mut block = Vec::new();
                let read = stdout.by_ref().take(BLOCK_BYTES as u64).read_to_end(&mut block);
                // A failed read and a receiver that went away both end it.
                if read.is_err() || block.is_empty() || blocks.send(block).is_err() {
                    return;
                }
            }
        });
        let mut outcome = Ok(());
        loop {
            match ahead.recv_timeout(silence) {
                Ok(block) => {
                    let samples: Vec<i16> = block
                        .chunks_exact(2)
                        .map(|bytes| i16::from_le_bytes([bytes[0], bytes[1]]))
                        .collect();
                    if let ControlFlow::Break(error) = give(&samples) {
                        outcome = Err(error);
                        break;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let secs = silence.as_secs();
                    outcome =
                        Err(AudioError::Ffmpeg(format!("it gave nothing for {secs} seconds")));
                    break;
                }
            }
        }
        // A killed child closes its output, and the reader ends; so does one that cannot send.
        if outcome.is_err() {
            let _ = running.0.kill();
        }
        drop(ahead);
        outcome
    })?;
    let status = running.0.wait().map_err(|error| AudioError::Ffmpeg(error.to_string()))?;
    match status.success() {
        true => Ok(()),
        false => Err(AudioError::Ffmpeg(format!("it ended with {status}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A program that does as a script says.
    fn program(script: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ffmpeg");
        std::fs::write(&path, format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        (folder, path)
    }

    fn run(script: &str, silence: Duration) -> (Result<(), AudioError>, usize) {
        let (_folder, path) = program(script);
        let mut heard = 0;
        let outcome =
            decode_within(&path, Path::new("/no/such"), Format::Asf, silence, &mut |block| {
                heard += block.len();
                ControlFlow::Continue(())
            });
        (outcome, heard)
    }

    #[test]
    fn a_program_that_hangs_fails_or_is_missing_is_a_sentence() {
        let long = Duration::from_secs(20);
        let check = |script: &str, silence: Duration, said: &str| {
            let error = run(script, silence).0.unwrap_err().to_string();
            assert!(error.contains(said), "{script}: {error}");
        };
        check("exec sleep 100", Duration::from_millis(100), "gave nothing");
        check("exit 3", long, "ended with exit status: 3");
        check("printf abcd; exit 1", long, "ended with");
        let none = Path::new("/no/such/program");
        let error = decode(none, Path::new("a"), Format::Asf, &mut |_| ControlFlow::Continue(()));
        assert!(error.unwrap_err().to_string().contains("did not start"));
    }

    #[test]
    fn it_is_told_the_kind_and_reads_nothing_but_the_file() {
        let script = "case \"$*\" in *'-protocol_whitelist file -f asf -i file:/no/such -map'*) printf abcd;; esac\n\
                      [ \"$(env | grep -c FFREPORT)\" = 0 ]";
        let (outcome, heard) = run(script, Duration::from_secs(20));
        outcome.unwrap();
        assert_eq!(heard, 2);
    }

    #[test]
    fn one_that_never_ends_is_stopped_by_who_listens() {
        let (_folder, path) = program("exec cat /dev/zero");
        let mut blocks = 0;
        let outcome = decode(&path, Path::new("a"), Format::Asf, &mut |_| {
            blocks += 1;
            if blocks == 3 {
                ControlFlow::Break(AudioError::Stopped)
            } else {
                ControlFlow::Continue(())
            }
        });
        assert!(matches!(outcome, Err(AudioError::Stopped)));
    }
}
