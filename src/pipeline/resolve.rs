//! The first two stages: what is behind the link or file, and where its transcript is.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use recap_mode::Fault;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::episode::{Episode, EpisodeId, EpisodeKind, Show};
use crate::domain::links::shareable;
use crate::domain::recap::{TranscriptOrigin, TranscriptSource};
use crate::domain::transcript::Times;
use crate::feed_cache::{Checked, FeedKey, Read};
use crate::feeds::place::{self, Place, PlaceError};
use crate::feeds::{self, Feed, Item, TranscriptLink};
use crate::net::{FetchError, Fetched, Request, Shown, Trust};
use crate::transcripts::{self, BYTES_MAX, Format, Hint, Reading};
use crate::videos::{Trouble, VideoLink};

use super::listen::{self, Sound};
use super::step::{Progress, Step};
use super::workspace::Brought;
use super::{
    Heard, Order, PipelineError, Stage, Tools, Workspace, blocking, drift, language, video,
};

/// Largest feed: the largest that are known have some 25 MB.
pub(super) const FEED_BYTES_MAX: u64 = 64 * 1024 * 1024;

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
    progress: &Progress<'_>,
) -> Result<Heard, PipelineError> {
    match order {
        Order::Upload { name } => {
            progress(Step::of(Stage::Transcript, format!("Reading {}", short(name))));
            upload(tools, name, workspace, progress).await
        }
        Order::Episode { id, title, feed_url, key, typed } => {
            progress(Step::of(Stage::Resolve, format!("Looking for {} in its feed", short(title))));
            if id.kind() == EpisodeKind::Youtube {
                let link = VideoLink::Youtube(id.as_str().trim_start_matches("yt:").to_owned());
                let asker = tools.asker(tools.trust.untyped());
                let mut heard =
                    video::heard(tools, &link, None, &asker, workspace, progress).await?;
                if heard.episode.show.feed_url.is_none() {
                    heard.episode.show.feed_url = feed_url.as_ref().and_then(shareable);
                }
                return Ok(heard);
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
            let mut heard =
                from_item(tools, &read.feed, item, feed_url, &trust, workspace, progress).await?;
            // Found under this id: moves and new guids since then do not make it another.
            heard.episode.id = id.clone();
            Ok(heard)
        }
        Order::Link { url, episode } => {
            progress(Step::of(Stage::Resolve, format!("Fetching {}", Shown::from(url))));
            let trust = tools.trust.for_link(url);
            match place::place(url.as_str()) {
                Ok(Place::YoutubeVideo(id)) => {
                    let asker = tools.asker(tools.trust.untyped());
                    let link = VideoLink::Youtube(id);
                    return video::heard(tools, &link, None, &asker, workspace, progress).await;
                }
                Ok(other) => {
                    if let Some(sentence) = no_episode(&other) {
                        return Err(PipelineError::Nothing(sentence));
                    }
                }
                Err(error @ PlaceError::YoutubeId { .. }) => {
                    return Err(PipelineError::Nothing(error.to_string()));
                }
                // It is a link, or it would not have come here.
                Err(_) => {}
            }
            if names_sound(url) {
                return from_sound(tools, url, &trust, workspace, progress).await;
            }
            let accept = "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/vtt, \
                          application/srt, application/json;q=0.9, text/*;q=0.8, */*;q=0.5";
            let bytes_max = FEED_BYTES_MAX.max(BYTES_MAX as u64);
            let fetched = match fetch(tools, url.clone(), accept, bytes_max, &trust).await {
                Err(PipelineError::Fetch(FetchError::TooLarge { .. })) => {
                    // No feed and no transcript is that large; sound is, and says so when it comes.
                    return from_sound(tools, url, &trust, workspace, progress).await;
                }
                other => other?,
            };
            if feeds::looks_like_feed(&fetched.bytes) {
                from_feed(tools, url, fetched, episode, &trust, workspace, progress).await
            } else if crate::audio::sniff::sniff(&fetched.bytes).is_ok() {
                drop(fetched);
                from_sound(tools, url, &trust, workspace, progress).await
            } else if looks_like_page(&fetched) {
                from_page(tools, url, fetched, &trust, workspace, progress).await
            } else {
                progress(Step::of(Stage::Transcript, format!("Reading {}", Shown::from(url))));
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
    let place = FeedKey::of(url, trust);
    let read_kept = async || {
        let (cache, place) = (tools.feeds.clone(), place.clone());
        blocking(move || cache.read_now(&place)).await
    };
    let has_transcript = |read: &Arc<Read>| {
        read.feed.items.iter().any(|item| item.key() == key && !item.transcripts.is_empty())
    };
    if let Some(read) = read_kept().await?.filter(has_transcript) {
        return Ok(read);
    }
    // A publisher may have added the transcript since; a feed that fails now is good as it was. What is
    // kept is asked for only now: a round may have read a newer one meanwhile, and this one be unchanged
    // against that.
    let checked = match tools.feeds.check(url, trust, &tools.feed_limits).await {
        Ok(Checked::Changed(read)) => return Ok(read),
        checked => checked,
    };
    match (read_kept().await?, checked) {
        (Some(read), _) => Ok(read),
        (None, Err(error)) => Err(error.into()),
        (None, Ok(_)) => Err(PipelineError::Nothing(format!(
            "The feed {} could not be read again. Try it again later.",
            Shown::from(url)
        ))),
    }
}

/// What is said of a link that leads to no single episode; `None` for one that is worth fetching.
fn no_episode(place: &Place) -> Option<String> {
    let what = match place {
        Place::Link(_) | Place::YoutubeVideo(_) => return None,
        Place::YoutubeChannel(_) | Place::YoutubePage(_) => "This is a channel, not a video",
        Place::YoutubePlaylist(_) => "This is a playlist, not a video",
        Place::Apple(_) => "This is a show, not an episode",
        Place::Closed(sentence) => {
            return Some(format!("{sentence} If you have its transcript, give it as a file."));
        }
    };
    Some(format!(
        "{what}. Follow it, and its episodes come into your queue; or give the link of one."
    ))
}

/// Whether a link names a file of sound or video by its ending.
pub(super) fn names_sound(url: &Url) -> bool {
    const ENDINGS: [&str; 16] = [
        "aac", "aif", "aiff", "flac", "m4a", "m4b", "m4v", "mka", "mkv", "mov", "mp3", "mp4",
        "oga", "ogg", "opus", "wav",
    ];
    let ending = url.path().rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()) || ending == "webm")
}

fn looks_like_page(fetched: &Fetched) -> bool {
    let head: String =
        String::from_utf8_lossy(&fetched.bytes[..fetched.bytes.len().min(1_000)]).to_lowercase();
    fetched.media_type == "text/html" && head.contains("<html") || head.contains("<!doctype html")
}

/// A web page: an episode of the feed that it names, a transcript, or what yt-dlp finds in it.
async fn from_page(
    tools: &Tools,
    url: &Url,
    mut fetched: Fetched,
    trust: &Trust,
    workspace: &Workspace,
    progress: &Progress<'_>,
) -> Result<Heard, PipelineError> {
    // The feed that it names may be large too.
    fetched.bytes.give_place_back();
    let (bytes, charset, base) =
        (fetched.bytes.to_vec(), fetched.charset.clone(), fetched.url.clone());
    let (links, language) = blocking(move || {
        let charset = charset.as_deref();
        (feeds::page::feed_links(&bytes, charset, &base), feeds::page::language(&bytes, charset))
    })
    .await?;
    if let Some(link) = links.first() {
        progress(Step::of(Stage::Resolve, format!("Looking for it in {}", Shown::from(&link.url))));
        let trust = trust.clone();
        let accept = "application/rss+xml, application/atom+xml, application/xml;q=0.9, */*;q=0.5";
        // A page that names a feed which does not answer is still a page.
        if let Ok(feed) = fetch(tools, link.url.clone(), accept, FEED_BYTES_MAX, &trust).await {
            let at = feed.url.clone();
            let read =
                blocking(move || feeds::parse(&feed.bytes, feed.charset.as_deref(), &feed.url))
                    .await?;
            if let Ok(feed) = read
                && let Some(item) =
                    feed.items.iter().find(|item| is_page_of(item, url, &fetched.url))
            {
                return from_item(tools, &feed, item, &at, &trust, workspace, progress).await;
            }
        }
    }
    // A transcript with times that is a page is rarer than a player, and is known at once.
    let as_transcript = from_transcript_link(tools, url, fetched).await;
    if as_transcript.is_ok() {
        return as_transcript;
    }
    let asker = tools.asker(trust.clone());
    let link = VideoLink::Page(url.clone());
    match video::heard(tools, &link, language.as_deref(), &asker, workspace, progress).await {
        // Without yt-dlp, or where it finds nothing either, what is said of the page is said.
        Err(PipelineError::Video(error))
            if matches!(error.trouble, Trouble::NoProgram | Trouble::Unsupported) =>
        {
            as_transcript
        }
        other => other,
    }
}

fn is_page_of(item: &Item, typed: &Url, came_from: &Url) -> bool {
    let plain = |url: &Url| {
        let host = url.host_str().unwrap_or_default().trim_start_matches("www.").to_owned();
        (host, url.path().trim_end_matches('/').to_owned(), url.query().map(str::to_owned))
    };
    item.link
        .as_ref()
        .map(|link| plain(&link.url()))
        .is_some_and(|link| link == plain(typed) || link == plain(came_from))
}

/// A link to sound itself.
async fn from_sound(
    tools: &Tools,
    url: &Url,
    trust: &Trust,
    workspace: &Workspace,
    progress: &Progress<'_>,
) -> Result<Heard, PipelineError> {
    if tools.recognisers.is_empty() {
        return Err(PipelineError::Nothing(format!(
            "{} is sound, and {}",
            Shown::from(url),
            listen::why_not(tools)
        )));
    }
    let name = url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
    let mut episode = bare_episode(
        EpisodeId::podcast("link", url.as_str()),
        EpisodeKind::Podcast,
        title_of(&decoded(name)),
        shareable(url),
    );
    episode.media_url = shareable(url);
    let is_public = shareable(url).as_ref() == Some(url);
    let sound =
        Sound::Link { url: url.clone(), trust: trust.clone(), is_public, is_of_feed: false };
    listen::listen(tools, episode, None, sound, workspace, progress).await
}

pub(super) async fn fetch(
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

pub(super) async fn read(
    what: String,
    bytes: impl AsRef<[u8]> + Send + 'static,
    hint: Hint,
) -> Result<(Reading, String), PipelineError> {
    blocking(move || {
        let bytes = bytes.as_ref();
        let sha256 = base16ct::lower::encode_string(digest(&SHA256, bytes).as_ref());
        transcripts::read(bytes, &hint).map(|reading| (reading, sha256))
    })
    .await?
    .map_err(|refusal| PipelineError::Transcript { what, refusal })
}

async fn upload(
    tools: &Tools,
    name: &str,
    workspace: &Workspace,
    progress: &Progress<'_>,
) -> Result<Heard, PipelineError> {
    let what = short(name);
    let bytes = match workspace.upload()? {
        Brought::Bytes(bytes) => {
            if crate::audio::sniff::sniff(&bytes).is_ok() {
                let folder = workspace.sound_folder()?;
                let path = folder.path().join("brought");
                std::fs::write(&path, &bytes)?;
                return from_upload(tools, name, path, workspace, progress).await;
            }
            bytes
        }
        Brought::File(path) => {
            let file = path.clone();
            if blocking(move || crate::audio::sniff::file(&file)).await?.is_ok() {
                return from_upload(tools, name, path, workspace, progress).await;
            }
            let read = blocking(move || read_bounded(&path)).await??;
            read.ok_or_else(|| {
                PipelineError::Nothing(format!(
                    "{what} is no sound, and larger than {} MiB, which no transcript is.",
                    BYTES_MAX / (1024 * 1024)
                ))
            })?
        }
    };
    let id = EpisodeId::upload(&bytes);
    let (reading, sha256) = read(what, bytes, Hint::default()).await?;
    let origin = origin(tools, TranscriptSource::Upload, None, &reading, sha256);
    let episode = bare_episode(id, EpisodeKind::Upload, title_of(name), None);
    Ok(heard(episode, reading, origin))
}

/// A file's bytes; `None` where they are more than a transcript has.
fn read_bounded(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= BYTES_MAX).then_some(bytes))
}

/// A file of sound that the person brought.
async fn from_upload(
    tools: &Tools,
    name: &str,
    path: PathBuf,
    workspace: &Workspace,
    progress: &Progress<'_>,
) -> Result<Heard, PipelineError> {
    if tools.recognisers.is_empty() {
        return Err(PipelineError::Nothing(format!(
            "{} is sound, and {}",
            short(name),
            listen::why_not(tools)
        )));
    }
    let file = path.clone();
    let hash = blocking(move || listen::hash_of(&file)).await??;
    let id = EpisodeId::upload(hash.as_ref());
    let episode = bare_episode(id, EpisodeKind::Upload, title_of(name), None);
    listen::listen(tools, episode, None, Sound::File(path), workspace, progress).await
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
    let episode = bare_episode(id, EpisodeKind::Podcast, title, shareable(url));
    Ok(heard(episode, reading, origin))
}

async fn from_feed(
    tools: &Tools,
    url: &Url,
    fetched: Fetched,
    choice: &EpisodeChoice,
    trust: &Trust,
    workspace: &Workspace,
    progress: &Progress<'_>,
) -> Result<Heard, PipelineError> {
    let what = Shown::from(url).to_string();
    let feed =
        blocking(move || feeds::parse(&fetched.bytes, fetched.charset.as_deref(), &fetched.url))
            .await?
            .map_err(|cause| PipelineError::Feed { what: what.clone(), cause })?;
    let item = choose(&feed, choice, &what, !tools.recognisers.is_empty())?;
    from_item(tools, &feed, item, url, trust, workspace, progress).await
}

/// One item of a feed, with the best of its transcripts, else with its sound.
async fn from_item(
    tools: &Tools,
    feed: &Feed,
    item: &Item,
    url: &Url,
    trust: &Trust,
    workspace: &Workspace,
    progress: &Progress<'_>,
) -> Result<Heard, PipelineError> {
    if let Some(id) = &item.youtube_video {
        let (link, asker) = (VideoLink::Youtube(id.clone()), tools.asker(tools.trust.untyped()));
        let language = feed.language.as_deref();
        return video::heard(tools, &link, language, &asker, workspace, progress).await;
    }
    let mut notes: Vec<String> = Vec::new();
    let mut episode = feed.episode(item, url);
    episode.title = cut(&episode.title);
    let about = short(&episode.title);
    if let Some(chapters_url) = &item.chapters_url {
        progress(Step::of(Stage::Resolve, format!("Fetching the chapters of {about}")));
        match chapters(tools, &with_sign_in(chapters_url.url(), url), trust).await {
            Ok(chapters) => episode.chapters = chapters,
            Err(why) => notes.push(format!("The publisher's chapters could not be used: {why}")),
        }
    }
    let mut last = None;
    for source in &tools.wish.sources {
        match source {
            TranscriptSource::Podcast => {
                let links = by_preference(item, feed.language.as_deref());
                for link in links {
                    progress(Step::of(
                        Stage::Transcript,
                        format!("Fetching the transcript of {about}"),
                    ));
                    let from = with_sign_in(link.url.url(), url);
                    let language = link.language.as_ref().or(episode.language.as_ref());
                    match publishers_transcript(tools, from, trust, language.cloned()).await {
                        Ok((reading, origin)) => {
                            let heard = heard(episode, reading, origin);
                            let sound = sound_of(item, url, trust);
                            let heard =
                                drift::guard(tools, heard, sound, workspace, progress).await;
                            return Ok(heard.with_notes(notes));
                        }
                        Err(error) => {
                            notes.push(format!(
                                "One of the publisher's transcripts could not be used: {error}"
                            ));
                            last = Some(error);
                        }
                    }
                }
            }
            TranscriptSource::Speech if !tools.recognisers.is_empty() => {
                let Some(sound) = sound_of(item, url, trust) else { continue };
                let hint = episode.language.clone();
                return listen::listen(tools, episode, hint.as_deref(), sound, workspace, progress)
                    .await
                    .map(|heard| heard.with_notes(notes));
            }
            TranscriptSource::Speech | TranscriptSource::Captions | TranscriptSource::Upload => {}
        }
    }
    Err(last.unwrap_or_else(|| {
        PipelineError::Nothing(format!(
            "The episode “{about}” names no transcript in its feed, and {}",
            if episode.media_url.is_some() {
                listen::why_not(tools)
            } else {
                "no sound either. If you have its transcript, give it as a file."
            }
        ))
    }))
}

/// The sound of an item, where it names any; `url` is its feed's.
fn sound_of(item: &Item, url: &Url, trust: &Trust) -> Option<Sound<'static>> {
    let media = item.media.as_ref()?;
    let open = |link: &Url| shareable(link).as_ref() == Some(link);
    let link = media.url.url();
    Some(Sound::Link {
        is_public: open(url) && open(&link),
        url: with_sign_in(link, url),
        trust: trust.clone(),
        is_of_feed: true,
    })
}

/// A link that a feed names, with the user and password of the feed where it leads to the same server.
fn with_sign_in(mut link: Url, feed: &Url) -> Url {
    let is_same = link.scheme() == feed.scheme()
        && link.host_str() == feed.host_str()
        && link.port_or_known_default() == feed.port_or_known_default();
    if is_same && link.username().is_empty() && !feed.username().is_empty() {
        // Both are http links, which take them.
        let _ = link.set_username(feed.username());
        let _ = link.set_password(feed.password());
    }
    link
}

/// The episode that is wanted.
pub(super) fn choose<'a>(
    feed: &'a Feed,
    choice: &EpisodeChoice,
    what: &str,
    listens: bool,
) -> Result<&'a Item, PipelineError> {
    // Newest first, undated last; feeds are usually in this order, and need not be.
    let mut items: Vec<&Item> = feed.items.iter().collect();
    items.sort_by_key(|item| std::cmp::Reverse(item.published_at));
    match choice {
        EpisodeChoice::Newest => items
            .iter()
            .find(|item| !item.transcripts.is_empty() || listens && item.media.is_some())
            .copied()
            .ok_or_else(|| match items.len() {
                0 => PipelineError::Nothing(format!("The feed {what} has no episodes.")),
                count => PipelineError::Nothing(format!(
                    "None of the {count} episodes in the feed {what} names a transcript, and nobody here listens to sound: set up \
                     a recogniser (see “Transcripts from sound” in the README), or give a transcript file."
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
    link: Url,
    trust: &Trust,
    language: Option<String>,
) -> Result<(Reading, TranscriptOrigin), PipelineError> {
    let accept =
        "text/vtt, application/srt, application/json, text/html;q=0.8, text/*;q=0.7, */*;q=0.5";
    let shown = Shown::from(&link).to_string();
    let fetched = fetch(tools, link, accept, BYTES_MAX as u64, trust).await?;
    let hint = Hint { charset: fetched.charset, language };
    let (reading, sha256) = read(shown, fetched.bytes, hint).await?;
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

pub(super) fn heard(mut episode: Episode, mut reading: Reading, origin: TranscriptOrigin) -> Heard {
    let mut notes = Vec::new();
    let track = reading.transcript.language.clone();
    // Captions in another language than is spoken are told of where they are chosen.
    let feed = episode.language.clone().filter(|_| origin.source != TranscriptSource::Captions);
    let mismatch =
        track.iter().chain(&feed).find_map(|says| language::mismatch(&reading.transcript, says));
    if let Some(mismatch) = mismatch {
        reading.transcript.language = Some(mismatch.language);
        notes.push(mismatch.note);
    }
    if reading.transcript.times == Times::About {
        notes.push(
            "The transcript has no times: those shown are about right, at 150 words a minute."
                .to_owned(),
        );
    }
    if episode.language.is_none() {
        episode.language.clone_from(&reading.transcript.language);
    }
    Heard { episode, transcript: reading.transcript, origin, notes, usage: BTreeMap::new() }
}

fn bare_episode(id: EpisodeId, kind: EpisodeKind, title: String, url: Option<Url>) -> Episode {
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
        language: None,
        chapters: Vec::new(),
    }
}

/// A title from a file's name: without its folder and endings, with blanks for dashes.
pub(super) fn title_of(name: &str) -> String {
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

pub(super) fn cut(title: &str) -> String {
    let clean: String =
        title.chars().filter(|c| !c.is_control()).take(TITLE_CHARS_MAX + 1).collect();
    if clean.chars().count() > TITLE_CHARS_MAX {
        format!("{}…", clean.chars().take(TITLE_CHARS_MAX).collect::<String>())
    } else {
        clean
    }
}

/// A name within a sentence.
pub(super) fn short(text: &str) -> String {
    let clean: String = text.chars().filter(|c| !c.is_control()).take(81).collect();
    if clean.chars().count() > 80 {
        format!("{}…", clean.chars().take(80).collect::<String>())
    } else {
        clean
    }
}

fn decoded(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()
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
    fn links_to_more_or_less_than_an_episode_get_a_sentence_that_says_what_to_give_instead() {
        let check = |link: &str, part: Option<&str>| {
            let said = no_episode(&place::place(link).unwrap());
            match part {
                Some(part) => assert!(
                    said.as_ref().is_some_and(|said| said.contains(part)),
                    "{link}: {said:?}"
                ),
                None => assert_eq!(said, None, "{link}"),
            }
        };
        check("https://www.youtube.com/@name", Some("a channel"));
        check("https://www.youtube.com/watch?v=abcdefghijk", None);
        check("https://open.spotify.com/show/x", Some("as a file"));
        check("https://example.org/youtube.com", None);
    }

    #[test]
    fn a_link_to_sound_is_known_by_its_ending() {
        let named = |link: &str| names_sound(&Url::parse(link).unwrap());
        for link in [
            "https://example.org/a.mp3?x=1.vtt",
            "https://example.org/A.M4A",
            "https://example.org/a.webm",
        ] {
            assert!(named(link), "{link}");
        }
        for link in
            ["https://example.org/mp3", "https://example.org/a.vtt", "https://example.org/?a.mp3"]
        {
            assert!(!named(link), "{link}");
        }
    }
}
