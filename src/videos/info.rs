//! What yt-dlp tells of a video, read with all that may be missing in it.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use url::Url;

use super::track::{self, Choice, Track, Tracks};
use super::trouble::{Trouble, VideoError, shown};
use crate::domain::outline::Chapter;

/// Chapters of one video; real ones have dozens.
const CHAPTERS_MAX: usize = 1_000;

/// Whether a video is there to be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Live {
    /// It is whole.
    No,
    /// It begins later, at this time where it is known: a premiere or a stream.
    Upcoming(Option<DateTime<Utc>>),
    /// It runs.
    Now,
    /// It has just ended and is not cut yet.
    JustEnded,
}

/// One video.
#[derive(Clone, Debug)]
pub struct Video {
    /// What was asked for.
    pub url: Url,
    /// Its page, as the site names it.
    pub page: Option<Url>,
    /// The site's own id.
    pub id: String,
    /// Whether it is YouTube's.
    pub is_youtube: bool,
    /// As its maker wrote it; may be empty.
    pub title: String,
    /// The channel; may be empty.
    pub channel: String,
    /// Milliseconds.
    pub duration_ms: Option<u64>,
    /// When it was published.
    pub published_at: Option<DateTime<Utc>>,
    /// Its picture.
    pub image_url: Option<Url>,
    /// The language spoken, as the site says.
    pub language: Option<String>,
    /// Its maker's chapters.
    pub chapters: Vec<Chapter>,
    /// Whether it is there to be heard.
    pub live: Live,
    /// Its captions.
    pub tracks: Vec<Track>,
    /// What yt-dlp told, for its next calls.
    pub(super) raw: Vec<u8>,
}

impl Video {
    /// The captions to take, where `hint` is what a feed says of the language and `translation` one
    /// that the person asked for expressly.
    pub fn choose(&self, hint: Option<&str>, translation: Option<&str>) -> Option<Choice> {
        track::choose(&self.tracks, self.language.as_deref().or(hint), translation)
    }
}

/// One line of a channel's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The site's own id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Milliseconds.
    pub duration_ms: Option<u64>,
    /// When it was published, where the list says so.
    pub published_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct Info {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    extractor_key: Option<String>,
    #[serde(default, rename = "_type")]
    kind: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    channel: Option<String>,
    #[serde(default)]
    uploader: Option<String>,
    #[serde(default)]
    webpage_url: Option<String>,
    #[serde(default)]
    duration: Option<f64>,
    #[serde(default)]
    timestamp: Option<f64>,
    #[serde(default)]
    release_timestamp: Option<f64>,
    #[serde(default)]
    upload_date: Option<String>,
    #[serde(default)]
    thumbnail: Option<String>,
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    live_status: Option<String>,
    #[serde(default)]
    chapters: Option<Vec<Part>>,
    #[serde(default)]
    subtitles: Option<Tracks>,
    #[serde(default)]
    automatic_captions: Option<Tracks>,
    #[serde(default)]
    entries: Option<Vec<Option<Info>>>,
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    start_time: Option<f64>,
    #[serde(default)]
    title: Option<String>,
}

/// Seconds to milliseconds; what is no time is none.
fn millis(secs: f64) -> Option<u64> {
    const YEAR_SECS: f64 = 366.0 * 86_400.0;
    // In range: a year has some 3e10 milliseconds.
    (0.0..YEAR_SECS).contains(&secs).then(|| (secs * 1_000.0).round() as u64)
}

fn time(secs: f64) -> Option<DateTime<Utc>> {
    // Saturates, and chrono refuses what is no year of its calendar.
    secs.is_finite().then(|| DateTime::from_timestamp(secs as i64, 0)).flatten()
}

fn day(text: &str) -> Option<DateTime<Utc>> {
    let day = NaiveDate::parse_from_str(text, "%Y%m%d").ok()?;
    Some(day.and_hms_opt(0, 0, 0)?.and_utc())
}

fn link(text: Option<&str>) -> Option<Url> {
    Url::parse(text?).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

fn clean(text: Option<String>) -> String {
    text.unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control())
        .collect::<String>()
        .trim()
        .to_owned()
}

fn unreadable(url: &Url, said: String) -> VideoError {
    VideoError { trouble: Trouble::Other, link: shown(url), said, until: None }
}

/// Reads what `--dump-single-json` printed.
pub(super) fn read(out: &[u8], url: &Url) -> Result<Video, VideoError> {
    let mut info: Info = serde_json::from_slice(out)
        .map_err(|error| unreadable(url, format!("nothing that could be read ({error}).")))?;
    if info.kind.as_deref() == Some("playlist") || info.entries.is_some() {
        let mut entries: Vec<Info> =
            info.entries.unwrap_or_default().into_iter().flatten().collect();
        match (entries.len(), entries.pop()) {
            (1, Some(only)) => info = only,
            (0, _) => {
                let (trouble, link) = (Trouble::Unsupported, shown(url));
                return Err(VideoError { trouble, link, said: String::new(), until: None });
            }
            (count, _) => {
                let said = format!("there are {count} videos; give the link of one.");
                return Err(unreadable(url, said));
            }
        }
    }
    if info.id.as_deref().is_none_or(str::is_empty) {
        return Err(unreadable(url, "nothing of a video.".to_owned()));
    }
    let is_youtube = info.extractor_key.as_deref() == Some("Youtube");
    // yt-dlp counts the players of a page, also where there is one.
    if info.extractor_key.as_deref() == Some("HTML5MediaEmbed")
        && let Some(title) = info.title.as_deref().and_then(|title| title.strip_suffix(" (1)"))
    {
        info.title = Some(title.to_owned());
    }
    let starts_at = info.release_timestamp.and_then(time);
    let live = match info.live_status.as_deref() {
        Some("is_upcoming") => Live::Upcoming(starts_at),
        Some("is_live") => Live::Now,
        Some("post_live") => Live::JustEnded,
        _ => Live::No,
    };
    let mut chapters: Vec<Chapter> = info
        .chapters
        .unwrap_or_default()
        .into_iter()
        .take(CHAPTERS_MAX)
        .filter_map(|part| {
            let start_ms = part.start_time.and_then(millis)?;
            Some(Chapter { start_ms, title: clean(part.title) })
        })
        .collect();
    chapters.sort_by_key(|chapter| chapter.start_ms);
    Ok(Video {
        page: link(info.webpage_url.as_deref()),
        id: clean(info.id),
        is_youtube,
        title: clean(info.title),
        channel: clean(info.channel.or(info.uploader)),
        duration_ms: info.duration.and_then(millis).filter(|ms| *ms > 0),
        published_at: info
            .timestamp
            .or(info.release_timestamp)
            .and_then(time)
            .or_else(|| day(info.upload_date.as_deref()?)),
        image_url: link(info.thumbnail.as_deref()),
        language: info.language.filter(|tag| !tag.is_empty() && tag.len() <= 35),
        chapters,
        live,
        tracks: track::tracks(
            &info.subtitles.unwrap_or_default(),
            &info.automatic_captions.unwrap_or_default(),
        ),
        raw: out.to_vec(),
        url: url.clone(),
    })
}

/// Reads what `--flat-playlist --dump-single-json` printed.
pub(super) fn read_listing(out: &[u8], url: &Url) -> Result<Vec<Listed>, VideoError> {
    let info: Info = serde_json::from_slice(out)
        .map_err(|error| unreadable(url, format!("nothing that could be read ({error}).")))?;
    // A channel's page lists its tabs, and these the videos.
    let flat = info.entries.unwrap_or_default().into_iter().flatten().flat_map(|entry| match entry
        .entries
    {
        Some(inner) => inner.into_iter().flatten().collect(),
        None => vec![entry],
    });
    Ok(flat
        .filter(|entry| !matches!(entry.live_status.as_deref(), Some("is_upcoming" | "is_live")))
        .filter_map(|entry| {
            let id = entry.id.filter(|id| !id.is_empty())?;
            Some(Listed {
                id,
                title: clean(entry.title),
                duration_ms: entry.duration.and_then(millis).filter(|ms| *ms > 0),
                published_at: entry
                    .timestamp
                    .and_then(time)
                    .or_else(|| day(entry.upload_date.as_deref()?)),
            })
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn url() -> Url {
        Url::parse("https://www.youtube.com/watch?v=abcdefghijk").unwrap()
    }

    #[test]
    fn a_video_is_read_with_all_that_is_told_of_it() {
        let out = json!({
            "id": "abcdefghijk", "extractor_key": "Youtube", "_type": "video", "title": "Bees\u{7}",
            "channel": "The Hive", "duration": 61.25, "timestamp": 1_700_000_000, "language": "en",
            "webpage_url": "https://www.youtube.com/watch?v=abcdefghijk", "thumbnail": "javascript:x",
            "live_status": "not_live",
            "chapters": [{"start_time": 30.0, "title": "Two"}, {"start_time": 0, "title": "One"}, {"title": "No time"}],
            "subtitles": {"en": [{"ext": "json3", "url": "https://example.org/t?lang=en"}], "live_chat": []},
            "automatic_captions": {"de": [{"url": "https://example.org/t?lang=en&tlang=de"}]},
        });
        let video = read(out.to_string().as_bytes(), &url()).unwrap();
        assert_eq!((video.title.as_str(), video.duration_ms), ("Bees", Some(61_250)));
        assert_eq!(video.image_url, None);
        let starts: Vec<u64> = video.chapters.iter().map(|chapter| chapter.start_ms).collect();
        assert_eq!(starts, [0, 30_000]);
        assert_eq!(video.choose(None, None).unwrap().track.tag, "en");
        assert!(video.is_youtube && video.live == Live::No);
    }

    #[test]
    fn a_premiere_says_when_and_a_stream_that_it_runs() {
        let live = |status: &str| {
            let out = json!({"id": "x", "live_status": status, "release_timestamp": 1_900_000_000});
            read(out.to_string().as_bytes(), &url()).unwrap().live
        };
        assert_eq!(live("is_upcoming"), Live::Upcoming(DateTime::from_timestamp(1_900_000_000, 0)));
        assert_eq!((live("is_live"), live("post_live")), (Live::Now, Live::JustEnded));
        assert_eq!((live("was_live"), live("nonsense")), (Live::No, Live::No));
    }

    #[test]
    fn odd_and_broken_answers_are_sentences() {
        for out in [
            "",
            "null",
            "[]",
            "<html>",
            "{\"entries\": []}",
            "{\"entries\": [{}, {}]}",
            "{\"duration\": \"x\"}",
        ] {
            let said = read(out.as_bytes(), &url()).unwrap_err().to_string();
            assert!(said.contains("https://www.youtube.com/watch"), "{said}");
        }
        let odd = json!({"id": "x", "duration": -5, "timestamp": 1e300, "upload_date": "99999999",
                         "chapters": [{"start_time": 1e300}, {"start_time": -1}], "language": ""});
        let video = read(odd.to_string().as_bytes(), &url()).unwrap();
        assert!(
            video.duration_ms.is_none()
                && video.published_at.is_none()
                && video.chapters.is_empty()
        );
        let one = json!({"_type": "playlist", "entries": [{"id": "y", "title": "Only"}, null]});
        assert_eq!(read(one.to_string().as_bytes(), &url()).unwrap().title, "Only");
    }

    #[test]
    fn the_only_player_of_a_page_is_not_counted_in_its_title() {
        let title = |key: &str| {
            let out = json!({"id": "x-1", "extractor_key": key, "title": "Baking day (1)"});
            read(out.to_string().as_bytes(), &url()).unwrap().title
        };
        assert_eq!(title("HTML5MediaEmbed"), "Baking day");
        assert_eq!(title("Youtube"), "Baking day (1)");
    }

    #[test]
    fn a_channel_s_list_is_read_through_its_tabs() {
        let out = json!({"entries": [
            {"title": "Videos", "entries": [
                {"id": "aaaaaaaaaaa", "title": "One", "duration": 60},
                {"id": "bbbbbbbbbbb", "title": "Later", "live_status": "is_upcoming"},
                {"title": "no id"}, null]},
            {"id": "ccccccccccc", "title": "Loose", "upload_date": "20260102"}]});
        let listed = read_listing(out.to_string().as_bytes(), &url()).unwrap();
        let ids: Vec<&str> = listed.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(ids, ["aaaaaaaaaaa", "ccccccccccc"]);
        assert!(listed[1].published_at.is_some());
    }
}
