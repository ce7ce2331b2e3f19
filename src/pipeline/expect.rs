//! What a recap would take, found out without making it: which episode, how long, and who would have to
//! be asked for its words.

use std::ops::ControlFlow;

use url::Url;

use crate::audio::decode::{Order as Decoding, decode};
use crate::domain::recap::TranscriptSource;
use crate::feeds::place::{self, Place};
use crate::feeds::{self, Item};
use crate::transcripts::Hint;
use crate::videos::VideoLink;

use super::resolve::{self, title_of};
use super::{Brought, EpisodeChoice, Order, PipelineError, Tools, Workspace, blocking};

/// What is known beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The episode's title.
    pub title: String,
    /// Its length in milliseconds, where anybody says it.
    pub duration_ms: Option<u64>,
    /// Where its words would come from.
    pub source: TranscriptSource,
}

/// Finds out what an order is about.
///
/// # Errors
/// As [`super::run`], as far as it goes.
pub async fn expect(
    tools: &Tools,
    order: &Order,
    workspace: &Workspace,
) -> Result<Expectation, PipelineError> {
    match order {
        Order::Upload { name } => upload(tools, name, workspace).await,
        Order::Link { url, episode } => link(tools, url, episode).await,
        Order::Episode { id, title, .. } => match id.as_str().strip_prefix("yt:") {
            Some(video) => self::video(tools, &VideoLink::Youtube(video.to_owned())).await,
            None => Err(PipelineError::Nothing(format!(
                "“{title}” stands in a queue, which says itself what it would take."
            ))),
        },
    }
}

async fn upload(
    tools: &Tools,
    name: &str,
    workspace: &Workspace,
) -> Result<Expectation, PipelineError> {
    let title = title_of(name);
    let path = match workspace.upload()? {
        Brought::Bytes(bytes) => {
            let (reading, _) = resolve::read(title.clone(), bytes, Hint::default()).await?;
            let duration_ms = Some(reading.transcript.duration_ms());
            return Ok(Expectation { title, duration_ms, source: TranscriptSource::Upload });
        }
        Brought::File(path) => path,
    };
    let file = path.clone();
    if blocking(move || crate::audio::sniff::file(&file)).await?.is_err() {
        let bytes = blocking(move || std::fs::read(path)).await??;
        let (reading, _) = resolve::read(title.clone(), bytes, Hint::default()).await?;
        let duration_ms = Some(reading.transcript.duration_ms());
        return Ok(Expectation { title, duration_ms, source: TranscriptSource::Upload });
    }
    // What a file says of its length is often wrong; decoding it costs a hundredth of hearing it.
    let limits = tools.sound.clone();
    let decoded = blocking(move || {
        let order =
            Decoding { path: &path, ffmpeg: limits.ffmpeg.as_deref(), hours_max: limits.hours_max };
        decode(&order, &mut |_| ControlFlow::Continue(()))
    })
    .await??;
    let duration_ms = Some(decoded.duration_ms);
    Ok(Expectation { title, duration_ms, source: TranscriptSource::Speech })
}

async fn link(
    tools: &Tools,
    url: &Url,
    choice: &EpisodeChoice,
) -> Result<Expectation, PipelineError> {
    if let Ok(Place::YoutubeVideo(id)) = place::place(url.as_str()) {
        return video(tools, &VideoLink::Youtube(id)).await;
    }
    let unknown = |source| {
        let name = url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
        Expectation { title: title_of(name), duration_ms: None, source }
    };
    if resolve::names_sound(url) {
        return Ok(unknown(TranscriptSource::Speech));
    }
    let trust = tools.trust.for_link(url);
    let fetched =
        resolve::fetch(tools, url.clone(), "*/*", resolve::FEED_BYTES_MAX, &trust).await?;
    if !feeds::looks_like_feed(&fetched.bytes) {
        return match video(tools, &VideoLink::Page(url.clone())).await {
            Ok(expected) => Ok(expected),
            Err(_) => Ok(unknown(TranscriptSource::Podcast)),
        };
    }
    let what = crate::net::Shown::from(url).to_string();
    let feed =
        blocking(move || feeds::parse(&fetched.bytes, fetched.charset.as_deref(), &fetched.url))
            .await?
            .map_err(|cause| PipelineError::Feed { what: what.clone(), cause })?;
    let item: &Item = resolve::choose(&feed, choice, &what, !tools.recognisers.is_empty())?;
    let source = if item.transcripts.is_empty() {
        TranscriptSource::Speech
    } else {
        TranscriptSource::Podcast
    };
    Ok(Expectation { title: resolve::cut(&item.title), duration_ms: item.duration_ms, source })
}

async fn video(tools: &Tools, link: &VideoLink) -> Result<Expectation, PipelineError> {
    let asker = tools.asker(tools.trust.untyped());
    let video = tools.videos.look(link, &asker).await?;
    let choice = video.choose(None, tools.wish.caption_translation.as_deref());
    let source = match choice {
        Some(choice) if choice.is_spoken => TranscriptSource::Captions,
        Some(_) if tools.recognisers.is_empty() => TranscriptSource::Captions,
        _ => TranscriptSource::Speech,
    };
    Ok(Expectation { title: resolve::cut(&video.title), duration_ms: video.duration_ms, source })
}
