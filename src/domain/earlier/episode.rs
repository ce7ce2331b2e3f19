//! What an earlier record, or an item of an earlier list, says of its episode.

use serde_json::{Map, Value};
use url::Url;

use super::read::{self, Record, Stamp};
use crate::domain::episode::{EpisodeId, EpisodeKind};

/// Names of the show.
pub(super) const SHOW: [&str; 13] = [
    "channelName",
    "channelTitle",
    "channel",
    "podcastTitle",
    "podcastName",
    "podcast",
    "feedTitle",
    "showTitle",
    "showName",
    "show",
    "author",
    "uploader",
    "subscriptionName",
];

/// Times of publication.
pub(super) const PUBLISHED: [&str; 8] = [
    "publishedAt",
    "published_at",
    "published",
    "publishDate",
    "pubDate",
    "releaseDate",
    "uploadDate",
    "upload_date",
];

/// Where it comes from.
const KIND: [&str; 4] = ["type", "kind", "sourceType", "mediaType"];

/// Its page, its file, its feed and its key in it.
const PAGE: [&str; 5] = ["url", "videoUrl", "episodeUrl", "link", "sourceUrl"];
const MEDIA: [&str; 3] = ["audioUrl", "mediaUrl", "enclosureUrl"];
const FEED: [&str; 3] = ["feedUrl", "feed_url", "rssUrl"];
pub(super) const GUID: [&str; 3] = ["guid", "episodeGuid", "episodeId"];

/// An episode as far as it is told.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) kind: Option<EpisodeKind>,
    pub(super) video: Option<String>,
    pub(super) url: Option<Url>,
    pub(super) media_url: Option<Url>,
    pub(super) feed_url: Option<Url>,
    pub(super) guid: Option<String>,
    pub(super) show: String,
}

impl Told {
    /// Takes from a record what it says of its episode.
    pub(super) fn take(record: &mut Record<'_>) -> Told {
        let kind =
            record.take(&KIND, |value| match read::text(value)?.to_ascii_lowercase().as_str() {
                "youtube" | "video" | "yt" => Some(EpisodeKind::Youtube),
                "podcast" | "audio" | "rss" | "feed" => Some(EpisodeKind::Podcast),
                "upload" | "file" | "text" => Some(EpisodeKind::Upload),
                _ => None,
            });
        let url = record.take(&PAGE, read::link);
        let media_url = record.take(&MEDIA, read::link);
        let feed_url = record.take(&FEED, read::link);
        let guid = record.take(&GUID, read::line);
        let is_video =
            |value| read::text(value).filter(|id| read::is_video_id(id)).map(str::to_owned);
        let video = if kind.is_none_or(|kind| kind == EpisodeKind::Youtube) {
            record.take(&["videoId", "video_id", "youtubeId"], is_video)
        } else {
            None
        };
        let video = video.or_else(|| url.as_ref().and_then(read::video_of).map(str::to_owned));
        let show = record.take(&SHOW, read::line).unwrap_or_default();
        Told { kind, video, url, media_url, feed_url, guid, show }
    }

    /// The id, where what is told is enough for one. `own` is what the record itself is called.
    pub(super) fn id(&self, own: Option<&str>) -> Option<EpisodeId> {
        if let Some(id) = self.video.as_deref().and_then(read::youtube) {
            return Some(id);
        }
        if self.kind == Some(EpisodeKind::Upload) {
            return None;
        }
        // As `feeds` makes it, so that the episode is known again: feed and guid, else file.
        let mut feed = self.feed_url.clone();
        if let Some(feed) = &mut feed {
            feed.set_fragment(None);
        }
        let media = self.media_url.as_ref().map(Url::as_str);
        let item = self.guid.as_deref().or(media);
        if let (Some(feed), Some(item)) = (&feed, item.or(own)) {
            return Some(EpisodeId::podcast(feed.as_str(), item));
        }
        // As `pipeline` makes it of a pasted link.
        let is_media = media.or(self.url.as_ref().map(Url::as_str));
        if let (None, Some(link)) = (&self.guid, is_media) {
            return Some(EpisodeId::podcast("link", link));
        }
        let show = if self.show.is_empty() { "earlier" } else { &self.show };
        let item = item.or(self.url.as_ref().map(Url::as_str));
        let own = own.filter(|_| self.kind == Some(EpisodeKind::Podcast));
        Some(EpisodeId::podcast(show, item.or(own)?))
    }

    /// A kind that the id does not bear out is kept as it was written.
    pub(super) fn settle(&self, record: &mut Record<'_>, id: &EpisodeId) {
        if self.kind.is_some_and(|kind| kind != id.kind()) {
            record.keep(&KIND);
        }
    }

    /// Its page.
    pub(super) fn page(&self) -> Option<Url> {
        self.url.clone().or_else(|| self.video.as_deref().and_then(read::watch_page))
    }
}

/// The length where its unit is certain, in milliseconds.
pub(super) fn sure_duration_ms(record: &mut Record<'_>) -> Option<u64> {
    let of_stamp = |stamp| match stamp {
        Stamp::Ms(ms) => Some(ms),
        Stamp::Bare(_) => None,
    };
    record
        .take(&["durationMs", "duration_ms"], |value| read::stamp_ms(value).and_then(of_stamp))
        .or_else(|| {
            record.take(&["durationSeconds", "duration_seconds", "lengthSeconds"], |value| {
                read::stamp_secs(value).and_then(of_stamp)
            })
        })
        .or_else(|| record.take(&["duration"], |value| read::clock_ms(value.as_str()?)))
}

/// The length where its unit is not certain: the one that is nearer to what was spoken; seconds
/// where nothing was, unless they were days.
pub(super) fn duration_ms(record: &mut Record<'_>, spoken_ms: u64) -> Option<u64> {
    record.take(&["duration", "length"], |value| {
        let number = read::number(value)?;
        let is_ms = if spoken_ms > 0 {
            // Between a thousandth and one, their geometric mean.
            number * 1000.0 / spoken_ms as f64 > 31.6
        } else {
            number > 86_400.0
        };
        Stamp::Bare(number).ms(is_ms)
    })
}

/// The episode that an item of a list means; `key` is what the list calls it.
pub(super) fn identify(record: &mut Record<'_>, key: Option<&str>) -> Option<(EpisodeId, Told)> {
    let told = Told::take(record);
    let own = record.look(&["id", "episode_id", "episodeId", "key"], read::text).or(key);
    let named = match told.kind {
        Some(EpisodeKind::Podcast | EpisodeKind::Upload) => own.and_then(|own| own.parse().ok()),
        _ => own.and_then(|own| id_of_text(own, None)),
    };
    let id = named.or_else(|| told.id(own))?;
    told.settle(record, &id);
    let says_it = |value| {
        let text = read::text(value)?;
        let bare = id.as_str().split_once(':').map(|(_, bare)| bare);
        (text == id.as_str() || Some(text) == bare).then_some(())
    };
    for name in ["id", "episode_id", "episodeId", "key"] {
        record.take(&[name], says_it);
    }
    Some((id, told))
}

/// The episode that a text means: an id of today, a bare one of YouTube, a link, or the key of an
/// item in the feed `show_key`.
pub(super) fn id_of_text(text: &str, show_key: Option<&str>) -> Option<EpisodeId> {
    let text = text.trim();
    if let Ok(id) = text.parse() {
        return Some(id);
    }
    if read::is_video_id(text) {
        return read::youtube(text);
    }
    if let Some(show) = show_key {
        // In a list of a feed, links are the keys of items.
        let video =
            Url::parse(text).ok().and_then(|url| read::video_of(&url).and_then(read::youtube));
        let line = read::one_line(text);
        return video.or_else(|| (!line.is_empty()).then(|| EpisodeId::podcast(show, &line)));
    }
    if !text.contains("://") {
        return None;
    }
    let url = read::link(&text.into())?;
    match read::video_of(&url) {
        Some(video) => read::youtube(video),
        None => Some(EpisodeId::podcast("link", url.as_str())),
    }
}

/// What was read to identify an episode and has no place in a short list stays with the item.
pub(super) fn keep_told(map: &Map<String, Value>, kept: &mut Map<String, Value>) {
    let names = PAGE.iter().chain(&MEDIA).chain(&FEED).chain(&GUID).chain(&SHOW);
    for name in names {
        if let Some(value) = map.get(*name).filter(|value| !value.is_null()) {
            kept.entry(*name).or_insert_with(|| value.clone());
        }
    }
}
