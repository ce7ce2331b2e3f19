//! The transcript of a video: its captions, else its sound.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::TimeDelta;

use crate::domain::episode::{Episode, EpisodeId, EpisodeKind, Show};
use crate::domain::links::shareable;
use crate::domain::recap::{TranscriptOrigin, TranscriptSource};
use crate::videos::{Asker, Choice, Live, TrackKind, Video, VideoLink};

use super::listen::{self, Sound};
use super::resolve::{cut, short};
use super::step::{Progress, Step};
use super::{Heard, PipelineError, Stage, Tools, Workspace};

/// When a video is looked at again that is streaming or has just ended: a stream is cut within hours.
const LIVE_WAIT: TimeDelta = TimeDelta::hours(1);

/// Gets the transcript of what yt-dlp finds behind a link. `hint` is a language that a feed or the page
/// names.
pub(super) async fn heard(
    tools: &Tools,
    link: &VideoLink,
    hint: Option<&str>,
    asker: &Asker,
    workspace: &Workspace,
    progress: &Progress<'_>,
) -> Result<Heard, PipelineError> {
    let video = tools.videos.look(link, asker).await?;
    is_there(tools, &video)?;
    // What a page says of its own language helps to choose among tracks, and to doubt none.
    let hint = hint.filter(|hint| {
        let is_it = |tag: &str| listen::primary(tag) == listen::primary(hint);
        matches!(link, VideoLink::Youtube(_))
            || video.tracks.iter().any(|track| is_it(track.language()))
    });
    let episode = episode_of(link, &video);
    let about = short(&episode.title);
    let mut notes = Vec::new();
    let mut last = None;
    // Another language than the spoken one is better than nothing, and than nothing alone.
    let mut other = None;
    for source in &tools.wish.sources {
        match source {
            TranscriptSource::Captions => {
                let choice = video.choose(hint, tools.wish.caption_translation.as_deref());
                match choice {
                    Some(choice)
                        if choice.is_spoken || choice.track.kind == TrackKind::Translated =>
                    {
                        progress(Step::of(
                            Stage::Transcript,
                            format!("Fetching the captions of {about}"),
                        ));
                        match captions(tools, &video, &choice, &episode, asker).await {
                            Ok(heard) => return Ok(heard.with_notes(notes)),
                            Err(error) => {
                                notes.push(format!("The captions could not be used: {error}"));
                                last = Some(error);
                            }
                        }
                    }
                    choice => other = choice,
                }
            }
            TranscriptSource::Speech if !tools.recognisers.is_empty() => {
                let sound = Sound::Video { video: &video, asker };
                return listen::listen(tools, episode, hint, sound, workspace, progress)
                    .await
                    .map(|heard| heard.with_notes(notes));
            }
            TranscriptSource::Speech | TranscriptSource::Podcast | TranscriptSource::Upload => {}
        }
    }
    if let Some(choice) = other {
        progress(Step::of(Stage::Transcript, format!("Fetching the captions of {about}")));
        return captions(tools, &video, &choice, &episode, asker)
            .await
            .map(|heard| heard.with_notes(notes));
    }
    Err(last.unwrap_or_else(|| {
        PipelineError::Nothing(format!(
            "The video “{about}” has no captions that could be used, and {}",
            listen::why_not(tools)
        ))
    }))
}

/// Refuses what cannot be heard yet, with the time from which it can.
fn is_there(tools: &Tools, video: &Video) -> Result<(), PipelineError> {
    let now = tools.clock.now();
    let title = short(&video.title);
    let (what, until) = match video.live {
        Live::No => return Ok(()),
        Live::Upcoming(at) => {
            let until = at.filter(|at| *at > now).unwrap_or(now + LIVE_WAIT);
            (format!("“{title}” is announced, and not there yet."), until)
        }
        Live::Now => (format!("“{title}” is a stream that is still running."), now + LIVE_WAIT),
        Live::JustEnded => (
            format!("“{title}” is a stream that has just ended and is being prepared."),
            now + LIVE_WAIT,
        ),
    };
    Err(PipelineError::NotYet { what, until })
}

fn episode_of(link: &VideoLink, video: &Video) -> Episode {
    let youtube_id = match link {
        VideoLink::Youtube(id) => Some(id),
        VideoLink::Page(_) if video.is_youtube => Some(&video.id),
        VideoLink::Page(_) => None,
    };
    let page = video.page.as_ref().unwrap_or(&video.url);
    let id = youtube_id.and_then(|id| format!("yt:{id}").parse().ok());
    let kind = if id.is_some() { EpisodeKind::Youtube } else { EpisodeKind::Podcast };
    let title =
        if video.title.is_empty() { "Untitled video".to_owned() } else { cut(&video.title) };
    Episode {
        id: id.unwrap_or_else(|| EpisodeId::podcast("video", page.as_str())),
        kind,
        url: shareable(page),
        title,
        show: Show { title: cut(&video.channel), feed_url: None },
        published_at: video.published_at,
        duration_ms: video.duration_ms,
        media_url: None,
        image_url: video.image_url.clone(),
        language: video.language.clone(),
        chapters: video.chapters.clone(),
    }
}

async fn captions(
    tools: &Tools,
    video: &Video,
    choice: &Choice,
    episode: &Episode,
    asker: &Asker,
) -> Result<Heard, PipelineError> {
    let captions = tools.videos.captions(video, &choice.track, asker).await?;
    let track = &captions.track;
    let sha256 = base16ct::lower::encode_string(digest(&SHA256, &captions.bytes).as_ref());
    let (reading, _) = super::resolve::read(
        format!("The captions “{}” of “{}”", track.tag, short(&episode.title)),
        captions.bytes,
        crate::transcripts::Hint { charset: None, language: Some(track.language().to_owned()) },
    )
    .await?;
    let kind = match track.kind {
        TrackKind::Manual => "manual",
        TrackKind::Automatic => "automatic",
        TrackKind::Translated => "translated",
    };
    let host = video.url.host_str().unwrap_or_default().trim_start_matches("www.").to_owned();
    let origin = TranscriptOrigin {
        source: TranscriptSource::Captions,
        provider: Some(host),
        track: Some(track.tag.clone()),
        track_kind: Some(kind.to_owned()),
        url: episode.url.clone(),
        format: reading.format.word().to_owned(),
        sha256,
        fetched_at: Some(tools.clock.now()),
        skipped: reading.skipped.count,
        ..TranscriptOrigin::default()
    };
    let mut notes = Vec::new();
    if track.kind == TrackKind::Translated {
        notes.push(format!(
            "The captions are a machine's translation into {}, as you asked.",
            track.language()
        ));
    } else if !choice.is_spoken {
        notes.push(format!(
            "The captions are in {}, which is not what is spoken{}: they are somebody's translation.",
            track.language(),
            episode.language.as_ref().map(|tag| format!(" ({tag})")).unwrap_or_default()
        ));
    }
    Ok(super::resolve::heard(episode.clone(), reading, origin).with_notes(notes))
}
