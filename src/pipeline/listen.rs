//! The transcript of what has none: the sound is fetched, cut into pieces where nobody speaks, and heard
//! piece by piece. What was heard of each piece is kept, so a job that is killed loses one at most.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Context, Digest, SHA256};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::Instant;
use url::Url;

use crate::audio::decode::{Decoded, Order as Decoding};
use crate::audio::{AudioError, pieces};
use crate::domain::episode::Episode;
use crate::domain::links::shareable;
use crate::domain::recap::{TranscriptOrigin, TranscriptSource};
use crate::domain::scope_settings::CookieMode;
use crate::domain::transcript::{Cue, Times, Transcript};
use crate::models::heard::{Settled, settle};
use crate::models::speech::{HeardPiece, Known, Piece, Recogniser};
use crate::models::{ModelError, Usage};
use crate::net::{Request, Trust};
use crate::videos::{Asker, Video};

use super::kept::{Key, Sort};
use super::resolve::short;
use super::step::{Progress, Step};
use super::{Heard, PipelineError, Stage, Tools, Workspace, blocking};

/// How often whoever waits is told so.
const WAIT_TOLD: Duration = Duration::from_secs(20);

/// Where the sound is.
pub(super) enum Sound<'a> {
    /// At a link of a feed or a person.
    Link {
        url: Url,
        trust: Trust,
        /// Whether anybody may have it: no key of a feed or a person was needed to find it.
        is_public: bool,
        /// Whether a feed names it for this one episode.
        is_of_feed: bool,
    },
    /// At a video site.
    Video { video: &'a Video, asker: &'a Asker },
    /// In a file that the person brought.
    File(PathBuf),
}

/// What is to be done so that sound can be heard, as the rest of a sentence.
pub(super) fn why_not(tools: &Tools) -> &'static str {
    if tools.recognisers.is_empty() {
        "nobody here listens to sound: set up a recogniser (see “Transcripts from sound” in the README), or give its transcript as a file."
    } else {
        "listening to its sound is not among the transcript_sources that are set. Add speech to them, or give its transcript as a file."
    }
}

/// Fetches the sound and hears it.
pub(super) async fn listen(
    tools: &Tools,
    mut episode: Episode,
    hint: Option<&str>,
    sound: Sound<'_>,
    workspace: &Workspace,
    progress: &Progress<'_>,
) -> Result<Heard, PipelineError> {
    let folder = workspace.sound_folder()?;
    let url = match &sound {
        Sound::Link { url, .. } => shareable(url),
        Sound::Video { .. } | Sound::File(_) => episode.url.clone(),
    };
    let is_own = tools.has_own_engines || !is_public(&sound);
    let whose = is_own.then_some(tools.scope.as_str());
    let place_key = place_of(&sound, &episode).map(|place| cache_key(tools, "at", &place, whose));
    if let Some(key) = &place_key
        && let Some(cached) = found(tools, key).await?
    {
        return Ok(cached.into_heard(episode, url));
    }
    let file = fetched(tools, sound, folder.path(), &episode, progress).await?;
    let path = file.clone();
    let (format, sha256) = blocking(move || identity(&path)).await??;

    let waiting = |minutes: u64| {
        let what = "Waiting for the recogniser, which hears something else";
        progress(Step::listening(format!("{what} ({minutes} min)"), 0.0));
    };
    progress(Step::listening("Waiting for the recogniser".to_owned(), 0.0));
    let turn = telling(tools.places.listen(), &waiting).await;
    let key = cache_key(tools, "bytes", &sha256, whose);
    // Looked at only now: another scope's job may have heard it while this one waited.
    if let Some(cached) = found(tools, &key).await? {
        drop(turn);
        tools.places.go_on().await;
        return Ok(cached.into_heard(episode, url));
    }
    let known = Known {
        language: tools.wish.spoken.clone(),
        words: format!("{}. {}", episode.title, episode.show.title),
    };
    let listener = Listener {
        tools,
        known,
        folder: folder.path(),
        total_ms: episode.duration_ms,
        about: short(&episode.title),
        progress,
    };
    let heard = listener.hear(&file).await;
    drop(turn);
    tools.places.go_on().await;
    let All { pieces, decoded, by, model, usage, mut notes } = heard?;

    let (transcript, loops) = transcript(pieces);
    if transcript.cues.is_empty() {
        return Err(PipelineError::Nothing(format!(
            "Nobody speaks in the sound of “{}”, as far as {by} can hear. If that is wrong, try another recogniser, or give its \
             transcript as a file.",
            listener.about,
        )));
    }
    notes.extend(decoded.note());
    if loops > 0 {
        notes.push(format!(
            "In {loops} places the recogniser said the same again and again, as it does where nothing is to be understood; one \
             of each was kept."
        ));
    }
    if let (Some(hint), Some(heard)) = (hint.or(episode.language.as_deref()), &transcript.language)
        && primary(hint) != primary(heard)
    {
        notes.push(format!(
            "The publisher says that the episode is in {hint}; what was heard is in {heard}."
        ));
    }
    // The sound itself is the best witness of its length.
    episode.duration_ms = Some(decoded.duration_ms);
    let origin = TranscriptOrigin {
        source: TranscriptSource::Speech,
        provider: Some(by),
        model: Some(model),
        url,
        format,
        sha256,
        fetched_at: Some(tools.clock.now()),
        ..TranscriptOrigin::default()
    };
    let cached = Cached {
        transcript: transcript.clone(),
        origin: origin.clone(),
        notes: notes.clone(),
        duration_ms: decoded.duration_ms,
    };
    let keep = tools.keep.clone();
    blocking(move || {
        for key in place_key.iter().chain([&key]) {
            keep.keep(Sort::Transcript, key, &cached);
        }
    })
    .await?;
    Ok(Heard { episode, transcript, origin, notes, usage })
}

/// Says now and then that something goes on which has an end of its own, so that it does not count as
/// standing still. `tell` gets the minutes that it has taken.
async fn telling<A>(work: impl Future<Output = A>, tell: &(dyn Fn(u64) + Send + Sync)) -> A {
    let began = Instant::now();
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(WAIT_TOLD) => tell(began.elapsed().as_secs() / 60),
        }
    }
}

/// What was heard, for whoever wants the same sound heard by the same recogniser.
#[derive(Serialize, Deserialize)]
struct Cached {
    transcript: Transcript,
    origin: TranscriptOrigin,
    notes: Vec<String>,
    duration_ms: u64,
}

impl Cached {
    fn into_heard(self, mut episode: Episode, url: Option<Url>) -> Heard {
        let Cached { transcript, mut origin, notes, duration_ms } = self;
        episode.duration_ms = Some(duration_ms);
        origin.url = url;
        // Nobody was asked, so nothing is counted.
        Heard { episode, transcript, origin, notes, usage: BTreeMap::new() }
    }
}

async fn found(tools: &Tools, key: &Key) -> Result<Option<Cached>, PipelineError> {
    let (keep, key) = (tools.keep.clone(), key.clone());
    blocking(move || keep.find(Sort::Transcript, &key)).await
}

/// Whether what is heard may serve another scope that wants the same.
fn is_public(sound: &Sound<'_>) -> bool {
    match sound {
        Sound::Link { is_public, .. } => *is_public,
        Sound::Video { asker, .. } => {
            asker.cookies.is_none() || asker.cookie_mode == CookieMode::Never
        }
        Sound::File(_) => false,
    }
}

/// Where the sound is, by which it is known before it is fetched. What lies behind a mere link may be
/// another today, and so may what a feed names for another episode. An address within reach of some alone
/// is apart from the same of others: they would be told what the address guard keeps from them.
fn place_of(sound: &Sound<'_>, episode: &Episode) -> Option<String> {
    let (url, trust) = match sound {
        Sound::Link { is_of_feed: false, .. } | Sound::File(_) => return None,
        Sound::Link { url, trust, .. } => (url, trust),
        Sound::Video { video, asker } => (&video.url, &asker.trust),
    };
    let reach = if trust.covers(url) { "near" } else { "far" };
    Some(format!("{reach} {} {url}", episode.id))
}

/// All on which it depends what is heard.
fn cache_key(tools: &Tools, by: &str, what: &str, whose: Option<&str>) -> Key {
    let names = tools.recognisers.iter().map(|one| format!("{}/{}", one.name(), one.model()));
    let names: Vec<String> = names.collect();
    let spoken = tools.wish.spoken.as_deref().unwrap_or_default();
    Key::of(whose, &["heard 1", by, what, &names.join(" "), spoken])
}

pub(super) fn primary(tag: &str) -> String {
    tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase()
}

/// The file, fetched where it is not here yet.
pub(super) async fn fetched(
    tools: &Tools,
    sound: Sound<'_>,
    folder: &Path,
    episode: &Episode,
    progress: &Progress<'_>,
) -> Result<PathBuf, PipelineError> {
    let to = folder.join("sound");
    if !matches!(sound, Sound::File(_)) && to.is_file() {
        return Ok(to);
    }
    let about = short(&episode.title);
    progress(Step::of(Stage::Transcript, format!("Fetching the sound of {about}")));
    match sound {
        Sound::File(path) => Ok(path),
        Sound::Video { video, asker } => {
            let limits = &tools.sound;
            let fetching = tools.videos.sound(video, &to, limits.bytes_max, limits.deadline, asker);
            let tell = |minutes: u64| {
                let message = format!("Fetching the sound of {about} ({minutes} min)");
                progress(Step::of(Stage::Transcript, message));
            };
            telling(fetching, &tell).await?;
            Ok(to)
        }
        Sound::Link { url, trust, .. } => {
            let request = Request {
                url,
                accept: "audio/*, video/*;q=0.9, */*;q=0.5",
                cookie: None,
                bytes_max: tools.sound.bytes_max,
                deadline: tools.sound.deadline,
                trust,
            };
            let mib = |bytes: u64| bytes / (1024 * 1024);
            let mut told = |came: u64, whole: Option<u64>| {
                let message = match whole {
                    Some(whole) => format!(
                        "Fetching the sound of {about}: {} of {} MiB",
                        mib(came),
                        mib(whole)
                    ),
                    None => format!("Fetching the sound of {about}: {} MiB", mib(came)),
                };
                progress(Step::of(Stage::Transcript, message));
            };
            let part = folder.join("sound.part");
            tools.net.download(&request, &part, &mut told).await?;
            std::fs::rename(part, &to)?;
            Ok(to)
        }
    }
}

/// What a file is, and the hash of its bytes.
fn identity(path: &Path) -> Result<(String, String), PipelineError> {
    let format = crate::audio::sniff::file(path)?;
    let hash = hash_of(path).map_err(AudioError::Read)?;
    Ok((format.word().to_owned(), base16ct::lower::encode_string(hash.as_ref())))
}

/// sha256 of a file's bytes. Blocks.
pub(super) fn hash_of(path: &Path) -> std::io::Result<Digest> {
    let mut file = std::fs::File::open(path)?;
    let mut hash = Context::new(&SHA256);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash.finish()),
            count => hash.update(&buffer[..count]),
        }
    }
}

/// A piece as it was heard, as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    start_ms: u64,
    duration_ms: u64,
    by: String,
    model: String,
    heard: HeardPiece,
}

/// All pieces.
struct All {
    pieces: Vec<Kept>,
    decoded: Decoded,
    by: String,
    model: String,
    usage: BTreeMap<String, Usage>,
    notes: Vec<String>,
}

struct Listener<'a> {
    tools: &'a Tools,
    known: Known,
    folder: &'a Path,
    total_ms: Option<u64>,
    about: String,
    progress: &'a Progress<'a>,
}

impl Listener<'_> {
    async fn hear(&self, file: &Path) -> Result<All, PipelineError> {
        let recognisers = &self.tools.recognisers;
        let piece_ms_max =
            recognisers.iter().map(|one| one.piece_ms_max()).min().unwrap_or_default();
        let (send, mut receive) = mpsc::channel::<Piece>(1);
        let (path, limits) = (file.to_owned(), self.tools.sound.clone());
        let decoding = tokio::task::spawn_blocking(move || {
            let order = Decoding {
                path: &path,
                ffmpeg: limits.ffmpeg.as_deref(),
                hours_max: limits.hours_max,
            };
            pieces::cut(&order, piece_ms_max, &mut |piece| {
                // Whoever listens has gone: nothing more is wanted.
                match send.blocking_send(piece) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            })
        });
        let mut pieces = Vec::new();
        let mut usage: BTreeMap<String, Usage> = BTreeMap::new();
        let mut notes = Vec::new();
        // The first that works hears the rest too: one recap with one recogniser, where it can be.
        let mut first = 0;
        let began = Instant::now();
        let mut heard_now_ms = 0;
        while let Some(piece) = receive.recv().await {
            let kept = match self.kept(pieces.len(), &piece) {
                Some(kept) => kept,
                None => {
                    self.tell(&piece, began, heard_now_ms);
                    let hearing = self.hear_piece(&piece, &mut first, &mut notes);
                    // A slow machine may take longer for one piece than a stage may stand still.
                    let tell = |_| self.tell(&piece, began, heard_now_ms);
                    let kept = telling(hearing, &tell).await?;
                    self.tools.meter.add(&kept.by, kept.heard.usage);
                    heard_now_ms += piece.duration_ms();
                    self.keep(pieces.len(), &kept)?;
                    kept
                }
            };
            *usage.entry(kept.by.clone()).or_default() += kept.heard.usage;
            pieces.push(kept);
        }
        let decoded =
            decoding.await.map_err(|error| PipelineError::Panicked(error.to_string()))??;
        let by = pieces.last().map(|kept| (kept.by.clone(), kept.model.clone()));
        let nobody = || {
            let first = &recognisers[first];
            (first.name().to_owned(), first.model().to_owned())
        };
        let (by, model) = by.unwrap_or_else(nobody);
        Ok(All { pieces, decoded, by, model, usage, notes })
    }

    fn tell(&self, piece: &Piece, began: Instant, heard_now_ms: u64) {
        let minutes = |ms: u64| ms.div_ceil(60_000);
        let total_ms = self.total_ms.unwrap_or(0).max(piece.start_ms + piece.duration_ms());
        let share = piece.start_ms as f64 / total_ms.max(1) as f64;
        let left = if heard_now_ms > 0 {
            let speed = began.elapsed().as_millis() as f64 / heard_now_ms as f64;
            let left_ms = total_ms.saturating_sub(piece.start_ms) as f64 * speed;
            // Of a positive number of milliseconds, which fits.
            format!(", about {} min left", minutes(left_ms as u64).max(1))
        } else {
            String::new()
        };
        let message = format!(
            "Listening to {}: {} of {} min{left}",
            self.about,
            piece.start_ms / 60_000,
            minutes(total_ms)
        );
        (self.progress)(Step::listening(message, share));
    }

    /// Hears a piece with the first recogniser that can.
    async fn hear_piece(
        &self,
        piece: &Piece,
        first: &mut usize,
        notes: &mut Vec<String>,
    ) -> Result<Kept, PipelineError> {
        let recognisers: &[Arc<dyn Recogniser>] = &self.tools.recognisers;
        let mut last: Option<ModelError> = None;
        for (at, recogniser) in recognisers.iter().enumerate().skip(*first) {
            match recogniser.hear(piece, &self.known).await {
                Ok(mut heard) => {
                    // Whoever heard it: nothing where nobody speaks, no word twenty times.
                    let Settled { segments, loops } = settle(piece, heard.segments);
                    heard.segments = segments;
                    heard.loops.extend(loops);
                    *first = at;
                    return Ok(Kept {
                        start_ms: piece.start_ms,
                        duration_ms: piece.duration_ms(),
                        by: recogniser.name().to_owned(),
                        model: recogniser.model().to_owned(),
                        heard,
                    });
                }
                Err(error) => {
                    if let Some(used) = &error.used {
                        self.tools.meter.add(recogniser.name(), **used);
                    }
                    if at + 1 < recognisers.len() {
                        notes.push(format!(
                            "{error} From there on it was heard by {}.",
                            recognisers[at + 1].name()
                        ));
                    }
                    last = Some(error);
                }
            }
        }
        Err(match last {
            Some(error) => error.into(),
            None => PipelineError::Nothing(format!("Nothing was heard: {}", why_not(self.tools))),
        })
    }

    fn place(&self, at: usize) -> PathBuf {
        self.folder.join(format!("piece-{at:04}.json"))
    }

    /// What was heard of a piece before the job was cut off, by somebody who is still asked.
    fn kept(&self, at: usize, piece: &Piece) -> Option<Kept> {
        let kept: Kept = serde_json::from_slice(&std::fs::read(self.place(at)).ok()?).ok()?;
        let is_asked = self
            .tools
            .recognisers
            .iter()
            .any(|one| one.name() == kept.by && one.model() == kept.model);
        let fits = kept.start_ms == piece.start_ms && kept.duration_ms == piece.duration_ms();
        (fits && is_asked).then_some(kept)
    }

    fn keep(&self, at: usize, kept: &Kept) -> Result<(), PipelineError> {
        Ok(super::workspace::write(
            &self.place(at),
            &serde_json::to_vec(kept).map_err(std::io::Error::from)?,
        )?)
    }
}

/// Puts the pieces together; how many loops were found in them.
fn transcript(pieces: Vec<Kept>) -> (Transcript, usize) {
    let mut cues = Vec::new();
    let mut speakers = BTreeMap::new();
    let mut keys: BTreeMap<String, String> = BTreeMap::new();
    let mut languages: BTreeMap<String, u64> = BTreeMap::new();
    let mut loops = 0;
    let mut times = Times::Exact;
    for kept in pieces {
        loops += kept.heard.loops.len();
        if !kept.heard.times.is_exact() {
            times = Times::About;
        }
        if let Some(language) = kept.heard.language {
            *languages.entry(language).or_default() += kept.duration_ms;
        }
        for segment in kept.heard.segments {
            let speaker = segment.speaker.map(|label| {
                let next = format!("s{}", keys.len() + 1);
                let key = keys.entry(label.clone()).or_insert(next).clone();
                speakers.entry(key.clone()).or_insert(label);
                key
            });
            cues.push(Cue {
                start_ms: kept.start_ms + segment.start_ms,
                end_ms: kept.start_ms + segment.end_ms,
                speaker,
                text: segment.text,
            });
        }
    }
    cues.sort_by_key(|cue| cue.start_ms);
    let language = languages.into_iter().max_by_key(|(_, ms)| *ms).map(|(tag, _)| tag);
    (Transcript { language, times, speakers, cues }, loops)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::super::step::Watchdog;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_takes_long_and_has_an_end_of_its_own_does_not_stand_still() {
        let dog = Watchdog::new(Duration::from_secs(60));
        let told = AtomicU64::new(0);
        let tell = |minutes| {
            told.store(minutes, Ordering::Relaxed);
            dog.moved();
        };
        let slow = telling(tokio::time::sleep(Duration::from_secs(610)), &tell);
        assert!(dog.bounded(Stage::Transcript, slow).await.is_ok());
        assert_eq!(told.load(Ordering::Relaxed), 10);
    }
}
