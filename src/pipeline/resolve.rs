//! The first two stages: what is behind the link or file, and where its transcript is.

use std::sync::Arc;

use recap_mode::Fault;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

use crate::domain::episode::{Episode, EpisodeId, EpisodeKind, Show};
use crate::domain::links::shareable;
use crate::domain::recap::{TranscriptOrigin, TranscriptSource};
use crate::domain::transcript::Times;
use crate::feed_cache::{Checked, FeedKey, Read};
use crate::feeds::{self, Feed, Item, TranscriptLink};
use crate::net::{Fetched, Request, Shown, Trust};
use crate::transcripts::{self, BYTES_MAX, Format, Hint, Reading};

use super::{Heard, Order, PipelineError, Stage, Tools, Workspace, blocking};

/// Largest feed: the largest that are known have some 25 MB.
const FEED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Largest file of chapters: a thousand chapters have some 200 KB.
const CHAPTERS_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Longest title taken from a file's name or a feed, in characters; a longer one is cut.
const TITLE_CHARS_MAX: usize = 500;

/// Which episode of a feed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EpisodeChoice {
    /// The newest that has a transcript.
    #[default]
    Newest,
    /// The one with this guid, else the newest whose title holds this text, regardless of case.
    Named(String),
}

pub(super) async fn resolve(
    tools: &Tools,
    order: &Order,
    workspace: &Workspace,
    progress: &(dyn Fn(Stage, String) + Send + Sync),
) -> Result<Heard, PipelineError> {
    match order {
        Order::Upload { name } => {
            progress(Stage::Transcript, format!("Reading {}", short(name)));
            let bytes = workspace.upload()?;
            upload(tools, name, bytes).await
        }
        Order::Episode { id, title, feed_url, key, typed } => {
            progress(Stage::Resolve, format!("Looking for {} in its feed", short(title)));
            if id.kind() == EpisodeKind::Youtube {
                return Err(PipelineError::Nothing(NO_CAPTIONS_YET.to_owned()));
            }
            let (Some(feed_url), Some(key)) = (feed_url, key) else {
                return Err(PipelineError::Nothing(format!(
                    "The queue does not say in which feed “{}” stands. Follow its show, and it is found there again; or give its \
                     transcript as a file.",
                    short(title)
                )));
            };
            let trust = match typed {
                Some(typed) => tools.trust.for_link(typed),
                None => tools.trust.untyped(),
            };
            let read = feed_of(tools, feed_url, key, &trust).await?;
            let item = read.feed.items.iter().find(|item| item.key() == *key).ok_or_else(|| {
                PipelineError::Nothing(format!(
                    "The episode “{}” does not stand in its feed any more. If you have its transcript, give it as a file.",
                    short(title)
                ))
            })?;
            let mut heard = from_item(tools, &read.feed, item, feed_url, &trust, progress).await?;
            // Found under this id: moves and new guids since then do not make it another.
            heard.episode.id = id.clone();
            Ok(heard)
        }
        Order::Link { url, episode } => {
            progress(Stage::Resolve, format!("Fetching {}", Shown::from(url)));
            if let Some(sentence) = not_yet(url) {
                return Err(PipelineError::Nothing(sentence));
            }
            let trust = tools.trust.for_link(url);
            let accept = "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/vtt, \
                          application/srt, application/json;q=0.9, text/*;q=0.8, */*;q=0.5";
            let fetched =
                fetch(tools, url.clone(), accept, FEED_BYTES_MAX.max(BYTES_MAX as u64), &trust)
                    .await?;
            if feeds::looks_like_feed(&fetched.bytes) {
                from_feed(tools, url, fetched, episode, &trust, progress).await
            } else {
                progress(Stage::Transcript, format!("Reading {}", Shown::from(url)));
                from_transcript_link(tools, url, fetched).await
            }
        }
    }
}

/// The feed of an episode that was found in it: as it was last fetched, and asked again where that does
/// not have what is needed.
async fn feed_of(
    tools: &Tools,
    url: &Url,
    key: &str,
    trust: &Trust,
) -> Result<Arc<Read>, PipelineError> {
    let (cache, place) = (tools.feeds.clone(), FeedKey::of(url, trust));
    let kept = blocking(move || cache.read_now(&place)).await?;
    let has_transcript = |read: &Arc<Read>| {
        read.feed.items.iter().any(|item| item.key() == key && !item.transcripts.is_empty())
    };
    match kept {
        Some(read) if has_transcript(&read) => Ok(read),
        // A publisher may have added the transcript since; a feed that fails now is good as it was.
        kept => match (tools.feeds.check(url, trust, &tools.feed_limits).await, kept) {
            (Ok(Checked::Changed(read)), _) | (Ok(Checked::Unchanged) | Err(_), Some(read)) => {
                Ok(read)
            }
            (Err(error), None) => Err(error.into()),
            (Ok(Checked::Unchanged), None) => Err(PipelineError::Nothing(format!(
                "The feed {} could not be read again. Try it again later.",
                Shown::from(url)
            ))),
        },
    }
}

/// What is said of a video, until captions can be fetched.
const NO_CAPTIONS_YET: &str = "Captions of YouTube videos cannot be fetched by this version. If you have its transcript, give it as a \
                               file (VTT, SRT, JSON, HTML or text).";

/// What this version knows of and cannot read yet.
fn not_yet(url: &Url) -> Option<String> {
    let host = url.host_str()?.trim_start_matches("www.").trim_start_matches("m.");
    let closed = match host {
        "youtube.com" | "youtu.be" | "music.youtube.com" => {
            "Captions of YouTube videos cannot be fetched by this version"
        }
        "open.spotify.com" => "Spotify gives out neither feeds nor transcripts",
        "podcasts.apple.com" => "Apple Podcasts links cannot be looked up by this version",
        _ => return None,
    };
    Some(format!(
        "{closed}. Give the show's feed, a link to its transcript, or a transcript file (VTT, SRT, JSON, HTML or text)."
    ))
}

async fn fetch(
    tools: &Tools,
    url: Url,
    accept: &'static str,
    bytes_max: u64,
    trust: &Trust,
) -> Result<Fetched, PipelineError> {
    let request = Request {
        url,
        accept,
        cookie: None,
        bytes_max,
        deadline: tools.fetch_timeout,
        trust: trust.clone(),
    };
    Ok(tools.net.fetch(&request).await?)
}

async fn read(
    what: String,
    bytes: Vec<u8>,
    hint: Hint,
) -> Result<(Reading, String), PipelineError> {
    blocking(move || {
        let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        transcripts::read(&bytes, &hint).map(|reading| (reading, sha256))
    })
    .await?
    .map_err(|refusal| PipelineError::Transcript { what, refusal })
}

async fn upload(tools: &Tools, name: &str, bytes: Vec<u8>) -> Result<Heard, PipelineError> {
    let id = EpisodeId::upload(&bytes);
    let (reading, sha256) = read(short(name), bytes, Hint::default()).await?;
    let origin = origin(tools, TranscriptSource::Upload, None, &reading, sha256);
    Ok(heard(
        bare_episode(id, EpisodeKind::Upload, title_of(name), None, &reading),
        reading,
        origin,
    ))
}

async fn from_transcript_link(
    tools: &Tools,
    url: &Url,
    fetched: Fetched,
) -> Result<Heard, PipelineError> {
    let hint = Hint { charset: fetched.charset.clone(), language: None };
    let (reading, sha256) = read(Shown::from(url).to_string(), fetched.bytes, hint).await?;
    if reading.format == Format::Html && reading.transcript.times == Times::About {
        return Err(PipelineError::Nothing(format!(
            "{} is a web page and not a transcript with times. Give the show's feed, a link to the transcript file, or \
             save the transcript's text to a file and give that.",
            Shown::from(url)
        )));
    }
    let name = url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
    let host = url.host_str().unwrap_or_default();
    let title = if name.is_empty() { host.to_owned() } else { title_of(&decoded(name)) };
    let origin = origin(tools, TranscriptSource::Podcast, Some(&fetched.url), &reading, sha256);
    let id = EpisodeId::podcast("link", url.as_str());
    let episode = bare_episode(id, EpisodeKind::Podcast, title, shareable(url), &reading);
    Ok(heard(episode, reading, origin))
}

async fn from_feed(
    tools: &Tools,
    url: &Url,
    fetched: Fetched,
    choice: &EpisodeChoice,
    trust: &Trust,
    progress: &(dyn Fn(Stage, String) + Send + Sync),
) -> Result<Heard, PipelineError> {
    let what = Shown::from(url).to_string();
    let feed =
        blocking(move || feeds::parse(&fetched.bytes, fetched.charset.as_deref(), &fetched.url))
            .await?
            .map_err(|cause| PipelineError::Feed { what: what.clone(), cause })?;
    let item = choose(&feed, choice, &what)?;
    from_item(tools, &feed, item, url, trust, progress).await
}

/// One item of a feed, with the best of its transcripts.
async fn from_item(
    tools: &Tools,
    feed: &Feed,
    item: &Item,
    url: &Url,
    trust: &Trust,
    progress: &(dyn Fn(Stage, String) + Send + Sync),
) -> Result<Heard, PipelineError> {
    let mut notes: Vec<String> = Vec::new();
    let with_sign_in = |link: &Url| with_sign_in(link, url);
    let mut episode = feed.episode(item, url);
    episode.title = cut(&episode.title);
    if let Some(chapters_url) = &item.chapters_url {
        progress(Stage::Resolve, format!("Fetching the chapters of {}", short(&episode.title)));
        match chapters(tools, &with_sign_in(chapters_url), trust).await {
            Ok(chapters) => episode.chapters = chapters,
            Err(why) => notes.push(format!("The publisher's chapters could not be used: {why}")),
        }
    }
    let mut last = None;
    for link in by_preference(item, feed.language.as_deref()) {
        progress(
            Stage::Transcript,
            format!("Fetching the transcript of {}", short(&episode.title)),
        );
        let link = TranscriptLink { url: with_sign_in(&link.url), ..link.clone() };
        match publishers_transcript(tools, &link, trust, episode.language.as_deref()).await {
            Ok((reading, origin)) => {
                let mut heard = heard(episode, reading, origin);
                heard.notes.extend(notes);
                return Ok(heard);
            }
            Err(error) => {
                notes
                    .push(format!("One of the publisher's transcripts could not be used: {error}"));
                last = Some(error);
            }
        }
    }
    Err(last.unwrap_or_else(|| {
        PipelineError::Nothing(format!(
            "The episode “{}” names no transcript in its feed, and this version cannot listen to audio yet. Choose another \
             episode, or give its transcript as a file.",
            short(&episode.title)
        ))
    }))
}

/// A link that a feed names, with the user and password of the feed where it leads to the same server.
fn with_sign_in(link: &Url, feed: &Url) -> Url {
    let is_same = link.scheme() == feed.scheme()
        && link.host_str() == feed.host_str()
        && link.port_or_known_default() == feed.port_or_known_default();
    let mut link = link.clone();
    if is_same && link.username().is_empty() && !feed.username().is_empty() {
        // Both are http links, which take them.
        let _ = link.set_username(feed.username());
        let _ = link.set_password(feed.password());
    }
    link
}

/// The episode that is wanted.
fn choose<'a>(
    feed: &'a Feed,
    choice: &EpisodeChoice,
    what: &str,
) -> Result<&'a Item, PipelineError> {
    // Newest first, undated last; feeds are usually in this order, and need not be.
    let mut items: Vec<&Item> = feed.items.iter().collect();
    items.sort_by_key(|item| std::cmp::Reverse(item.published_at));
    match choice {
        EpisodeChoice::Newest => items
            .iter()
            .find(|item| !item.transcripts.is_empty())
            .copied()
            .ok_or_else(|| match items.len() {
                0 => PipelineError::Nothing(format!("The feed {what} has no episodes.")),
                count => PipelineError::Nothing(format!(
                    "None of the {count} episodes in the feed {what} names a transcript, and this version cannot listen to \
                     audio yet. Give a transcript file instead."
                )),
            }),
        EpisodeChoice::Named(name) => {
            let lower = name.to_lowercase();
            items
                .iter()
                .find(|item| item.guid.as_deref() == Some(name))
                .or_else(|| items.iter().find(|item| item.title.to_lowercase().contains(&lower)))
                .copied()
                .ok_or_else(|| {
                    let newest: Vec<String> = items.iter().take(5).map(|item| format!("“{}”", short(&item.title))).collect();
                    PipelineError::Nothing(format!(
                        "No episode in the feed {what} is called “{}”. The newest are {}.",
                        short(name),
                        newest.join(", ")
                    ))
                })
        }
    }
}

/// The publisher's transcripts, best first: the spoken language, then those with times and speakers.
fn by_preference<'a>(item: &'a Item, language: Option<&str>) -> Vec<&'a TranscriptLink> {
    let primary = |tag: &str| tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    let wanted = language.map(primary);
    let rank = |link: &&TranscriptLink| {
        let spoken = match (&wanted, link.language.as_deref().map(primary)) {
            (Some(wanted), Some(tag)) => u8::from(*wanted != tag),
            _ => 0,
        };
        let media_type = link.media_type.to_ascii_lowercase();
        let kind = ["vtt", "json", "srt", "subrip", "html"]
            .iter()
            .position(|kind| media_type.contains(kind));
        (spoken, kind.unwrap_or(9))
    };
    let mut links: Vec<&TranscriptLink> = item.transcripts.iter().collect();
    links.sort_by_key(rank);
    links
}

async fn publishers_transcript(
    tools: &Tools,
    link: &TranscriptLink,
    trust: &Trust,
    language: Option<&str>,
) -> Result<(Reading, TranscriptOrigin), PipelineError> {
    let accept =
        "text/vtt, application/srt, application/json, text/html;q=0.8, text/*;q=0.7, */*;q=0.5";
    let fetched = fetch(tools, link.url.clone(), accept, BYTES_MAX as u64, trust).await?;
    let language = link.language.clone().or_else(|| language.map(str::to_owned));
    let hint = Hint { charset: fetched.charset, language };
    let (reading, sha256) = read(Shown::from(&link.url).to_string(), fetched.bytes, hint).await?;
    let origin = origin(tools, TranscriptSource::Podcast, Some(&fetched.url), &reading, sha256);
    Ok((reading, origin))
}

async fn chapters(
    tools: &Tools,
    url: &Url,
    trust: &Trust,
) -> Result<Vec<crate::domain::outline::Chapter>, String> {
    let fetched = fetch(
        tools,
        url.clone(),
        "application/json+chapters, application/json",
        CHAPTERS_BYTES_MAX,
        trust,
    )
    .await
    .map_err(|error| Fault::from(error).message)?;
    feeds::chapters(&fetched.bytes).map_err(|error| error.to_string())
}

fn heard(mut episode: Episode, reading: Reading, origin: TranscriptOrigin) -> Heard {
    if episode.language.is_none() {
        episode.language.clone_from(&reading.transcript.language);
    }
    Heard { episode, transcript: reading.transcript, origin, notes: Vec::new() }
}

fn bare_episode(
    id: EpisodeId,
    kind: EpisodeKind,
    title: String,
    url: Option<Url>,
    reading: &Reading,
) -> Episode {
    Episode {
        id,
        kind,
        url,
        title,
        show: Show::default(),
        published_at: None,
        duration_ms: None,
        media_url: None,
        image_url: None,
        language: reading.transcript.language.clone(),
        chapters: Vec::new(),
    }
}

/// A title from a file's name: without its folder and endings, with blanks for dashes.
fn title_of(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut stem = name.trim();
    for _ in 0..2 {
        // `talk.en.vtt` has two endings; `v1.2 of the plan` has none.
        match stem.rsplit_once('.') {
            Some((rest, ending))
                if !rest.is_empty()
                    && ending.len() <= 5
                    && ending.bytes().all(|b| b.is_ascii_alphanumeric()) =>
            {
                stem = rest;
            }
            _ => break,
        }
    }
    let words = stem.replace(['_', '-'], " ");
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => cut(&first.to_uppercase().chain(letters).collect::<String>()),
        None => "Untitled transcript".to_owned(),
    }
}

fn cut(title: &str) -> String {
    let clean: String =
        title.chars().filter(|c| !c.is_control()).take(TITLE_CHARS_MAX + 1).collect();
    if clean.chars().count() > TITLE_CHARS_MAX {
        format!("{}…", clean.chars().take(TITLE_CHARS_MAX).collect::<String>())
    } else {
        clean
    }
}

/// A name within a sentence.
fn short(text: &str) -> String {
    let clean: String = text.chars().filter(|c| !c.is_control()).take(81).collect();
    if clean.chars().count() > 80 {
        format!("{}…", clean.chars().take(80).collect::<String>())
    } else {
        clean
    }
}

fn decoded(segment: &str) -> String {
    // `url` has no decoder of its own for one segment; a query of one pair is decoded the same way.
    let pair = format!("x={}", segment.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// Where a transcript comes from: `url` where it was fetched.
fn origin(
    tools: &Tools,
    source: TranscriptSource,
    url: Option<&Url>,
    reading: &Reading,
    sha256: String,
) -> TranscriptOrigin {
    TranscriptOrigin {
        source,
        url: url.and_then(shareable),
        format: reading.format.word().to_owned(),
        sha256,
        fetched_at: Some(tools.clock.now()),
        skipped: reading.skipped.count,
        ..TranscriptOrigin::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_made_from_a_file_s_name() {
        let check = |name: &str, want: &str| assert_eq!(title_of(name), want, "{name:?}");
        check("my_talk-about bees.en.vtt", "My talk about bees");
        check("/tmp/../x/talk.srt", "Talk");
        check("C:\\files\\talk.txt", "Talk");
        check("", "Untitled transcript");
        check(".vtt", ".vtt");
        check("notes on v1.2 of the plan", "Notes on v1.2 of the plan");
        check("a\u{0}b\n.txt", "Ab");
        assert_eq!(title_of(&"x".repeat(10_000_000)).chars().count(), TITLE_CHARS_MAX + 1);
    }

    #[test]
    fn a_shared_file_holds_no_password_of_a_feed() {
        let url = Url::parse("https://me:secret@example.org/feed").unwrap();
        assert_eq!(shareable(&url).unwrap().as_str(), "https://example.org/feed");
    }

    #[test]
    fn closed_places_get_a_sentence_that_says_what_to_give_instead() {
        for link in [
            "https://www.youtube.com/watch?v=x",
            "https://youtu.be/x",
            "https://open.spotify.com/show/x",
        ] {
            assert!(
                not_yet(&Url::parse(link).unwrap())
                    .is_some_and(|said| said.contains("transcript file")),
                "{link}"
            );
        }
        assert_eq!(not_yet(&Url::parse("https://example.org/youtube.com").unwrap()), None);
    }
}
