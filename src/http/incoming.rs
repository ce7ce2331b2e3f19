//! What comes in: small things in memory, files of sound on disk.

use std::path::PathBuf;

use axum::body::Bytes;
use recap_mode::{Fault, FaultKind};
use tokio::io::AsyncWriteExt;

use crate::app::App;
use crate::pipeline::Brought;
use crate::transcripts::BYTES_MAX;

use super::extract::too_large;

/// From this size on, what comes in goes to disk.
const MEMORY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Takes one thing in, piece by piece.
pub(super) struct Incoming<'a> {
    app: &'a App,
    bytes_max: u64,
    bytes: Vec<u8>,
    file: Option<(Kept, tokio::fs::File)>,
    size_bytes: u64,
}

/// What came in.
#[derive(Debug)]
pub(super) struct Came {
    /// The thing.
    pub(super) brought: Brought,
    /// Removes the file, where nobody took it over.
    pub(super) kept: Option<Kept>,
    /// How large it is.
    pub(super) size_bytes: u64,
}

impl Came {
    /// Whether it looks like sound or video; only its head and its table of contents are read.
    pub(super) fn is_sound(&self) -> bool {
        match &self.brought {
            Brought::Bytes(bytes) => crate::audio::sniff::sniff(bytes).is_ok(),
            Brought::File(path) => crate::audio::sniff::file(path).is_ok(),
        }
    }
}

/// A file that goes away with its owner.
#[derive(Debug)]
pub(super) struct Kept(pub(super) PathBuf);

impl Drop for Kept {
    fn drop(&mut self) {
        // Where it was moved to its place, there is nothing here any more.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn io(cause: std::io::Error) -> Fault {
    match cause.kind() {
        std::io::ErrorKind::StorageFull => {
            Fault::new(FaultKind::StorageFull, "The disk is full; nothing was taken.")
        }
        _ => Fault::internal("keeping what comes in", cause),
    }
}

impl<'a> Incoming<'a> {
    /// For something of at most that size; of strangers, no more than a transcript has is taken.
    pub(super) fn new(app: &'a App, is_known: bool) -> Incoming<'a> {
        let sound = app.config_now().sound_mib_max * 1024 * 1024;
        let bytes_max = if is_known { sound.max(BYTES_MAX as u64) } else { BYTES_MAX as u64 };
        Incoming { app, bytes_max, bytes: Vec::new(), file: None, size_bytes: 0 }
    }

    /// Takes the next piece.
    pub(super) async fn push(&mut self, piece: &Bytes) -> Result<(), Fault> {
        self.size_bytes += piece.len() as u64;
        if self.size_bytes > self.bytes_max {
            return Err(too_large(usize::try_from(self.bytes_max).unwrap_or(usize::MAX)));
        }
        if let Some((_, file)) = &mut self.file {
            return file.write_all(piece).await.map_err(io);
        }
        self.bytes.extend_from_slice(piece);
        if self.bytes.len() > MEMORY_BYTES_MAX {
            let folder = self.app.data.join("work");
            tokio::fs::create_dir_all(&folder).await.map_err(io)?;
            // The name is one that a start sweeps, should the daemon go away meanwhile.
            let path = folder.join(format!("import-{}", self.app.library.random_hex()));
            let mut options = tokio::fs::OpenOptions::new();
            let mut file =
                options.write(true).create_new(true).mode(0o600).open(&path).await.map_err(io)?;
            let kept = Kept(path);
            file.write_all(&std::mem::take(&mut self.bytes)).await.map_err(io)?;
            self.file = Some((kept, file));
        }
        Ok(())
    }

    /// All of it is there.
    pub(super) async fn end(self) -> Result<Came, Fault> {
        let size_bytes = self.size_bytes;
        match self.file {
            Some((kept, mut file)) => {
                file.flush().await.map_err(io)?;
                file.sync_all().await.map_err(io)?;
                let brought = Brought::File(kept.0.clone());
                Ok(Came { brought, kept: Some(kept), size_bytes })
            }
            None => Ok(Came { brought: Brought::Bytes(self.bytes), kept: None, size_bytes }),
        }
    }
}
