//! Large things straight into a file: what is there is asked for no second time, where the server lets
//! one go on in the middle (RFC 9110, 14). The guard, the hops and the deadline are those of every fetch.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use http::header::{ACCEPT_ENCODING, CONTENT_RANGE, IF_RANGE, RANGE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt;
use url::Url;

use super::client::{Answered, plainly};
use super::{
    Deadline, FetchError, Net, Request, RetryAfter, SILENCE_TIME, Shown, Validators, content_type,
};

/// How often a broken connection is taken up again before it is given up, as long as each brings
/// something.
const TRIES_MAX: usize = 8;

/// Bytes between two reports of progress.
const REPORT_BYTES: u64 = 256 * 1024;

/// What was downloaded.
#[derive(Debug)]
pub struct Downloaded {
    /// Where it came from after redirects.
    pub url: Url,
    /// Without parameters, in lower case; empty where it was not said.
    pub media_type: String,
    /// All bytes of it, those of earlier runs included.
    pub bytes: u64,
    /// How many of them were there before.
    pub resumed_bytes: u64,
}

/// Why a download did not come to its end. What has come stays for the next try.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// As of every fetch.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The disk is full.
    #[error(
        "{link} was not downloaded whole: the disk is full. Make room, and try again: it goes on where it was."
    )]
    Full {
        /// The link.
        link: Shown,
    },
    /// The file cannot be written.
    #[error(
        "{link} was not downloaded: its file cannot be written ({source}). Check the folder and its rights."
    )]
    Write {
        /// The link.
        link: Shown,
        /// Why.
        source: std::io::Error,
    },
}

impl DownloadError {
    /// Whether it may pass by itself.
    pub fn may_pass(&self) -> bool {
        matches!(self, DownloadError::Fetch(error) if error.may_pass())
    }
}

/// What is kept beside an unfinished file, by which it is told whether the server still has the same.
#[derive(Serialize, Deserialize)]
struct Source {
    /// Of the link that was asked for; a hash, since links may hold secrets.
    link: String,
    /// What goes into `If-Range`.
    validator: String,
}

/// How one answer ended.
enum Part {
    Whole,
    /// The connection broke, or fell silent.
    Broken(FetchError),
    /// What is there is of no use: another length, another place.
    Useless,
}

impl Net {
    /// Downloads into the file `part`, which is created, or gone on with where it is of the same link and
    /// the server has not changed it. A finished file has to be checked and renamed by the caller; beside an
    /// unfinished one stands a small note (`<part>.from`). `progress` hears how many bytes are there, and
    /// how many there will be, where the server says so.
    ///
    /// # Errors
    /// Each of [`DownloadError`]. Only what is complete by the server's own word is a success.
    pub async fn download(
        &self,
        request: &Request,
        part: &Path,
        progress: &mut (dyn FnMut(u64, Option<u64>) + Send),
    ) -> Result<Downloaded, DownloadError> {
        let mut target = Target::open(request, part).await?;
        let resumed_bytes = target.length;
        let deadline = Deadline::of(&request.url, request.deadline);
        let mut started_over = false;
        let mut tries = 0;
        loop {
            let before = target.length;
            let headers = target.headers();
            let answer =
                deadline.hold(self.follow(request, &headers)).await.and_then(|answer| answer);
            let outcome = match answer {
                Ok((response, url, _)) => {
                    let (media_type, _) = content_type(&response.headers);
                    let part = target.take(request, &deadline, &url, response, progress).await?;
                    if matches!(part, Part::Whole) {
                        target.finish().await?;
                        let resumed_bytes = if started_over { 0 } else { resumed_bytes };
                        let bytes = target.length;
                        return Ok(Downloaded { url, media_type, bytes, resumed_bytes });
                    }
                    part
                }
                Err(error) => Part::Broken(error),
            };
            match outcome {
                Part::Whole => {}
                Part::Useless if !started_over => {
                    started_over = true;
                    target.start_over().await?;
                }
                Part::Useless => return Err(target.broken(request).into()),
                Part::Broken(error) => {
                    tries += 1;
                    // What brought nothing would bring nothing again; whoever called decides on when.
                    if tries >= TRIES_MAX || target.length == before || !error.may_pass() {
                        target.file.flush().await.map_err(|source| target.failed(source))?;
                        return Err(error.into());
                    }
                }
            }
        }
    }
}

/// The file that grows.
struct Target {
    file: File,
    note: PathBuf,
    length: u64,
    link: Shown,
    link_hash: String,
    validator: Option<String>,
}

impl Target {
    async fn open(request: &Request, part: &Path) -> Result<Target, DownloadError> {
        let link = Shown::from(&request.url);
        let failed = |source| DownloadError::Write { link: link.clone(), source };
        let mut note = part.as_os_str().to_owned();
        note.push(".from");
        let note = PathBuf::from(note);
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        let file = options.open(part).await.map_err(failed)?;
        let length = file.metadata().await.map_err(failed)?.len();
        let link_hash = hash(&request.url);
        let kept = tokio::fs::read(&note).await.ok();
        let validator = kept
            .and_then(|bytes| serde_json::from_slice::<Source>(&bytes).ok())
            .filter(|source| source.link == link_hash && length > 0)
            .map(|source| source.validator);
        let mut target = Target { file, note, length, link, link_hash, validator };
        if target.validator.is_none() && target.length > 0 {
            target.start_over().await?;
        }
        Ok(target)
    }

    /// Asks for what is missing, and only if the rest is still the same.
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        // What is packed on the way has other lengths and places than what is kept.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let range = HeaderValue::from_str(&format!("bytes={}-", self.length));
        let same = self.validator.as_ref().map(|validator| HeaderValue::from_str(validator));
        if let (true, Ok(range), Some(Ok(same))) = (self.length > 0, range, same) {
            headers.insert(RANGE, range);
            headers.insert(IF_RANGE, same);
        }
        headers
    }

    /// Takes an answer into the file.
    async fn take(
        &mut self,
        request: &Request,
        deadline: &Deadline,
        url: &Url,
        mut response: Answered,
        progress: &mut (dyn FnMut(u64, Option<u64>) + Send),
    ) -> Result<Part, DownloadError> {
        let link = Shown::from(url);
        let too_large =
            || FetchError::TooLarge { link: link.clone(), mib: request.bytes_max / (1024 * 1024) };
        let range = ContentRange::of(&response.headers);
        match response.status {
            StatusCode::OK => {
                // It has changed, or this server knows no parts.
                if self.length > 0 {
                    self.start_over().await?;
                }
            }
            StatusCode::PARTIAL_CONTENT if self.length > 0 => {
                if range.as_ref().is_none_or(|range| range.start != Some(self.length)) {
                    return Ok(Part::Useless);
                }
            }
            StatusCode::RANGE_NOT_SATISFIABLE if self.length > 0 => {
                let whole = range.and_then(|range| range.total);
                return Ok(if whole == Some(self.length) { Part::Whole } else { Part::Useless });
            }
            status => {
                let retry_after = RetryAfter::of(&response.headers);
                return Err(
                    FetchError::Status { link, status: status.as_u16(), retry_after }.into()
                );
            }
        }
        let said = response.content_length().map(|rest| self.length.saturating_add(rest));
        let total = range.and_then(|range| range.total).or(said);
        if total.is_some_and(|total| total > request.bytes_max) {
            return Err(too_large().into());
        }
        self.remember(&Validators::of(&response.headers)).await;
        let mut reported = self.length;
        progress(self.length, total);
        loop {
            let chunk =
                match deadline.hold(tokio::time::timeout(SILENCE_TIME, response.chunk())).await {
                    Ok(Ok(Ok(Some(chunk)))) => chunk,
                    Ok(Ok(Ok(None))) => break,
                    Ok(Ok(Err(error))) => {
                        let why = plainly(&*error);
                        return Ok(Part::Broken(FetchError::Unreachable { link, why }));
                    }
                    Ok(Err(_)) => {
                        let secs = SILENCE_TIME.as_secs();
                        return Ok(Part::Broken(FetchError::TimedOut { link, secs }));
                    }
                    // Its own time is over: there is none left to try again in.
                    Err(error) => {
                        self.file.flush().await.map_err(|source| self.failed(source))?;
                        return Err(error.into());
                    }
                };
            if self.length + chunk.len() as u64 > request.bytes_max {
                // It will never be whole, and takes room.
                self.start_over().await?;
                return Err(too_large().into());
            }
            self.file.write_all(&chunk).await.map_err(|source| self.failed(source))?;
            self.length += chunk.len() as u64;
            if self.length - reported >= REPORT_BYTES {
                reported = self.length;
                progress(self.length, total);
            }
        }
        progress(self.length, total);
        Ok(match total {
            Some(total) if total > self.length => Part::Broken(self.broken(request)),
            Some(total) if total < self.length => Part::Useless,
            _ => Part::Whole,
        })
    }

    /// Notes by what to go on; where that fails, the next try begins anew.
    async fn remember(&mut self, validators: &Validators) {
        // A weak one says that the meaning is the same, not the bytes (RFC 9110, 13.1.5).
        let strong = validators.etag.as_ref().filter(|etag| !etag.starts_with("W/"));
        self.validator = strong.or(validators.last_modified.as_ref()).cloned();
        let written = match &self.validator {
            Some(validator) => {
                let source = Source { link: self.link_hash.clone(), validator: validator.clone() };
                let bytes = serde_json::to_vec(&source).unwrap_or_default();
                tokio::fs::write(&self.note, bytes).await
            }
            None => tokio::fs::remove_file(&self.note).await,
        };
        if let Err(error) = written.map_err(|error| error.kind())
            && error != ErrorKind::NotFound
        {
            tracing::debug!("the note of an unfinished download could not be written: {error}");
        }
    }

    async fn start_over(&mut self) -> Result<(), DownloadError> {
        self.validator = None;
        self.length = 0;
        self.file.set_len(0).await.map_err(|source| self.failed(source))
    }

    async fn finish(&mut self) -> Result<(), DownloadError> {
        self.file.flush().await.map_err(|source| self.failed(source))?;
        self.file.sync_all().await.map_err(|source| self.failed(source))?;
        // A note that stays makes the next download ask for what comes behind the end, and no harm.
        let _ = tokio::fs::remove_file(&self.note).await;
        Ok(())
    }

    fn failed(&self, source: std::io::Error) -> DownloadError {
        let link = self.link.clone();
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => DownloadError::Full { link },
            _ => DownloadError::Write { link, source },
        }
    }

    fn broken(&self, request: &Request) -> FetchError {
        FetchError::Unreachable {
            link: Shown::from(&request.url),
            why: "the answer ended before all of it was there".to_owned(),
        }
    }
}

/// `Content-Range: bytes 5-9/10`, `bytes */10` (RFC 9110, 14.4).
#[derive(Debug, PartialEq, Eq)]
struct ContentRange {
    start: Option<u64>,
    total: Option<u64>,
}

impl ContentRange {
    fn of(headers: &HeaderMap) -> Option<ContentRange> {
        ContentRange::parse(headers.get(CONTENT_RANGE)?.to_str().ok()?)
    }

    fn parse(text: &str) -> Option<ContentRange> {
        let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
        let start = match range.trim() {
            "*" => None,
            range => Some(range.split_once('-')?.0.trim().parse().ok()?),
        };
        let total = match total.trim() {
            "*" => None,
            total => Some(total.parse().ok()?),
        };
        Some(ContentRange { start, total })
    }
}

fn hash(url: &Url) -> String {
    let hash = digest(&SHA256, url.as_str().as_bytes());
    base16ct::lower::encode_string(&hash.as_ref()[..16])
}

#[cfg(test)]
mod tests;
