//! What a link that a person typed or pasted is: a feed or page, a channel, list or video of
//! YouTube, a show of Apple Podcasts, or a place that nobody can follow. Nothing is fetched here;
//! the addresses that the daemon asks for such a place are made here too.

use base64::Engine as _;
use url::Url;

use super::links::LINK_BYTES_MAX;

/// Where YouTube's pages are; what is typed in any other of its spellings is put there.
const YOUTUBE: &str = "https://www.youtube.com";

/// YouTube's hosts but for the short one.
const YOUTUBE_HOSTS: &[&str] = &[
    "youtube.com",
    "www.youtube.com",
    "m.youtube.com",
    "music.youtube.com",
    "gaming.youtube.com",
    "studio.youtube.com",
    "youtube-nocookie.com",
    "www.youtube-nocookie.com",
];

/// First parts of YouTube's paths that are no channel's name.
const YOUTUBE_OWN: &[&str] = &[
    "about",
    "account",
    "ads",
    "browse",
    "channel",
    "channels",
    "creators",
    "explore",
    "feed",
    "feeds",
    "gaming",
    "hashtag",
    "howyoutubeworks",
    "jobs",
    "kids",
    "library",
    "live",
    "logout",
    "movies",
    "music",
    "news",
    "oembed",
    "playlist",
    "podcasts",
    "post",
    "premium",
    "results",
    "shorts",
    "signin",
    "source",
    "sports",
    "t",
    "trending",
    "upload",
    "watch",
];

/// Schemes by which programs hand a feed to one another; they mean `https`.
const FEED_SCHEMES: &[&str] = &[
    "feed",
    "feeds",
    "itms",
    "itmss",
    "itms-pcast",
    "itms-pcasts",
    "itms-podcast",
    "itms-podcasts",
    "itpc",
    "itpcs",
    "pcast",
    "pcasts",
    "podcast",
    "podcasts",
    "rss",
];

/// Most letters of a name: handles have up to 30, older names of channels more.
const NAME_CHARS_MAX: usize = 100;

/// What a link leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A feed or a page, which is unknown until it is read; `http` or `https`, with the user and
    /// password that were typed.
    Link(Url),
    /// A YouTube channel: `UC` and 22 of `[A-Za-z0-9_-]`.
    YoutubeChannel(String),
    /// A YouTube playlist: 12 to 64 of `[A-Za-z0-9_-]`.
    YoutubePlaylist(String),
    /// A YouTube page that must be read to learn its channel: a handle, a name or a clip. Always on
    /// `https://www.youtube.com`, without query.
    YoutubePage(Url),
    /// A YouTube video: 11 of `[A-Za-z0-9_-]`.
    YoutubeVideo(String),
    /// A show by its number at Apple; never 0.
    Apple(u64),
    /// What cannot be followed: sentences that say why not and what to do.
    Closed(String),
}

/// Why a text is no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// There is nothing in it.
    #[error(
        "There is no link. Paste the link to a podcast's feed or page, or to a YouTube channel."
    )]
    Empty,
    /// More than 8 KB.
    #[error("The link is longer than 8 KB, which no server takes. Paste the link alone.")]
    TooLong,
    /// Words, or a link that is broken.
    #[error(
        "This is not a link. Paste one such as https://example.org/feed.xml, or a YouTube handle \
         such as @name."
    )]
    NotALink,
    /// A link to what is not the web.
    #[error(
        "A link that begins with “{0}:” cannot be followed. Give one that begins with https:// or \
         http://."
    )]
    Scheme(String),
    /// Several links in one text.
    #[error("There is more than one link in this text. Paste one at a time.")]
    Several,
    /// What stands in a YouTube link where an id should be.
    #[error(
        "The YouTube link has no valid {what}: it should be {form}. The link may have been cut off; \
         copy it again."
    )]
    YoutubeId {
        /// “video”, “channel” or “playlist”.
        what: &'static str,
        /// How its ids look.
        form: &'static str,
    },
}

const BAD_VIDEO: PlaceError =
    PlaceError::YoutubeId { what: "video", form: "11 letters and digits behind “v=”" };
const BAD_CHANNEL: PlaceError =
    PlaceError::YoutubeId { what: "channel", form: "“UC” and 22 letters and digits" };
const BAD_PLAYLIST: PlaceError =
    PlaceError::YoutubeId { what: "playlist", form: "letters and digits behind “list=”" };

/// Says what a typed or pasted text leads to. Blanks, quotation marks and `<>` around it, a missing
/// scheme, the schemes of other programs (`feed:`, `itpc:`, `podcast:` …) and words before the
/// link are seen through.
///
/// # Errors
/// [`PlaceError`]: what is no link, not to the web, or a YouTube link whose id is broken.
pub fn place(text: &str) -> Result<Place, PlaceError> {
    let text = bare(text);
    if text.is_empty() {
        return Err(PlaceError::Empty);
    }
    if text.len() > LINK_BYTES_MAX {
        return Err(PlaceError::TooLong);
    }
    let text = one_link(text)?;
    if let Some(handle) = text.strip_prefix('@') {
        return if is_name(handle) {
            page(&format!("@{handle}"))
        } else {
            Err(PlaceError::NotALink)
        };
    }
    if is_channel(text) {
        return Ok(Place::YoutubeChannel(text.to_owned()));
    }
    if text.starts_with("PL") && matches!(text.len(), 18 | 34) && is_id(text) {
        return Ok(Place::YoutubePlaylist(text.to_owned()));
    }
    if starts_with(text, "spotify:") {
        return Ok(closed_service("Spotify"));
    }
    let url = web_link(text)?;
    of_url(&url, true)
}

/// The feed of a YouTube channel; `base` is where YouTube is.
pub fn channel_feed(base: &Url, channel: &str) -> Url {
    on(base, "/feeds/videos.xml", Some(&format!("channel_id={channel}")))
}

/// The feed of a YouTube playlist; `base` is where YouTube is.
pub fn playlist_feed(base: &Url, playlist: &str) -> Url {
    on(base, "/feeds/videos.xml", Some(&format!("playlist_id={playlist}")))
}

/// The page that lists the videos of a YouTube feed, newest first; `None` for any other feed. `base` is where
/// YouTube is.
pub fn listing_page(base: &Url, feed: &Url) -> Option<Url> {
    let is_there = feed.host_str() == base.host_str()
        && feed.port_or_known_default() == base.port_or_known_default()
        && feed.path() == "/feeds/videos.xml";
    let (name, id) = feed.query_pairs().next().filter(|_| is_there)?;
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if !(12..=64).contains(&id.len()) || !id.bytes().all(fits) {
        return None;
    }
    let page = match &*name {
        "channel_id" => format!("{YOUTUBE}/channel/{id}/videos"),
        "playlist_id" => format!("{YOUTUBE}/playlist?list={id}"),
        _ => return None,
    };
    Url::parse(&page).ok()
}

/// Where Apple says which feed a show has; `base` is where its lookup is.
pub fn apple_lookup(base: &Url, id: u64) -> Url {
    on(base, "/lookup", Some(&format!("id={id}&entity=podcast")))
}

/// A YouTube page ([`Place::YoutubePage`]); `base` is where YouTube is.
pub fn youtube_page(base: &Url, page: &Url) -> Url {
    on(base, page.path(), page.query())
}

/// The page of a YouTube video; `base` is where YouTube is.
pub fn video_page(base: &Url, video: &str) -> Url {
    on(base, "/watch", Some(&format!("v={video}")))
}

/// Whether this may be a YouTube video's id: 11 of `[A-Za-z0-9_-]`.
pub(super) fn is_video(id: &str) -> bool {
    id.len() == 11 && is_id(id)
}

/// Whether this may be a YouTube channel's id: `UC` and 22 of `[A-Za-z0-9_-]`.
pub(super) fn is_channel(id: &str) -> bool {
    id.len() == 24 && id.starts_with("UC") && is_id(id)
}

/// The YouTube video that a link leads to.
pub(super) fn video_of(url: &Url) -> Option<String> {
    match of_url(url, false) {
        Ok(Place::YoutubeVideo(id)) => Some(id),
        _ => None,
    }
}

/// A path and a query put on a base, whose own path stays in front.
fn on(base: &Url, path: &str, query: Option<&str>) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url.set_query(query);
    url.set_fragment(None);
    url
}

/// The text without what people and programs put around a link.
fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '<' | '>' | '"' | '\'' | '“' | '”' | '„' | '«' | '»' | '`')
            || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
    })
}

/// The one link of a text that may have words around it, as phones share them.
fn one_link(text: &str) -> Result<&str, PlaceError> {
    let is_link = |word: &&str| starts_with(word, "http://") || starts_with(word, "https://");
    if !text.contains(char::is_whitespace) {
        return Ok(text);
    }
    let links: Vec<&str> = text.split_whitespace().map(bare).filter(is_link).take(2).collect();
    match links.as_slice() {
        [_, _] => Err(PlaceError::Several),
        // Blanks within a link: the reader of links writes them as `%20`.
        [_] if is_link(&text) => Ok(text),
        [one] => Ok(one),
        [] => Err(PlaceError::NotALink),
        _ => Err(PlaceError::Several),
    }
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

/// The text behind a prefix in any case.
fn behind<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    starts_with(text, prefix).then(|| &text[prefix.len()..])
}

/// A link to the web, with the scheme that is missing or meant.
pub(super) fn web_link(text: &str) -> Result<Url, PlaceError> {
    let mut text = text;
    let mut scheme = None;
    let mut has_host = false;
    // `feed:https://…` names two, `https://https://…` is a slip; the last one counts.
    for _ in 0..3 {
        let Some((word, rest)) = scheme_of(text) else { break };
        let word = word.to_ascii_lowercase();
        if word == "http" || word == "https" {
            scheme = Some(word);
        } else if FEED_SCHEMES.contains(&word.as_str()) {
            scheme = None;
        } else if scheme.is_none() && !has_host {
            return Err(PlaceError::Scheme(word.chars().take(20).collect()));
        } else {
            // `feed://me:secret@example.org`: behind `//` this is a user.
            break;
        }
        has_host = rest.starts_with("//");
        text = rest.trim_start_matches('/');
    }
    let is_named = scheme.is_some();
    let scheme = scheme.unwrap_or_else(|| "https".to_owned());
    let url = Url::parse(&format!("{scheme}://{}", text.trim_start_matches('/')))
        .map_err(|_| PlaceError::NotALink)?;
    let host = url.host_str().unwrap_or_default();
    // A single word is a host only where the person says that it is a link.
    let is_host = !host.is_empty()
        && (is_named || host.contains('.') || host.starts_with('[') || host == "localhost");
    let is_web = matches!(url.scheme(), "http" | "https");
    if is_host && is_web { Ok(url) } else { Err(PlaceError::NotALink) }
}

/// Whether a link has a scheme by which programs hand feeds to one another.
pub(super) fn is_of_a_program(text: &str) -> bool {
    scheme_of(text).is_some_and(|(word, _)| FEED_SCHEMES.contains(&&*word.to_ascii_lowercase()))
}

/// The scheme that a text begins with, and what follows its colon. `example.org:8080` and
/// `localhost:8080` have none, `https//` is a slip for one.
fn scheme_of(text: &str) -> Option<(&str, &str)> {
    for slip in ["https//", "http//"] {
        if let Some(rest) = behind(text, slip) {
            return Some((&text[..slip.len() - 2], rest));
        }
    }
    let (word, rest) = text.split_once(':')?;
    let is_word = word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let has_port = (word.contains('.') || word.eq_ignore_ascii_case("localhost"))
        && rest.starts_with(|c: char| c.is_ascii_digit());
    // A user with a password and no scheme (`me:secret@example.org`) looks like a scheme too; it is
    // refused, and the sentence says to write `https://`.
    (is_word && !has_port).then_some((word, rest))
}

/// What a link to the web leads to; `unwrap` follows one link that is wrapped in another.
fn of_url(url: &Url, unwrap: bool) -> Result<Place, PlaceError> {
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    if host == "youtu.be" || host == "www.youtu.be" {
        let first = parts(url).next().unwrap_or_default();
        return if is_video(first) { Ok(video(first)) } else { youtube(url, unwrap) };
    }
    if YOUTUBE_HOSTS.contains(&host) {
        return youtube(url, unwrap);
    }
    // What Europe sees before the first page.
    if host == "consent.youtube.com" && unwrap {
        let inner = query(url, "continue").and_then(|inner| Url::parse(&inner).ok());
        return match inner {
            Some(inner) if matches!(inner.scheme(), "http" | "https") => of_url(&inner, false),
            _ => Ok(front_page()),
        };
    }
    match host {
        "podcasts.apple.com"
        | "www.podcasts.apple.com"
        | "embed.podcasts.apple.com"
        | "itunes.apple.com"
        | "www.itunes.apple.com"
        | "geo.itunes.apple.com"
        | "phobos.apple.com" => return Ok(apple(url)),
        // These carry Apple's number of the show.
        "overcast.fm" | "www.overcast.fm" | "pca.st" | "www.pca.st" | "castro.fm"
        | "www.castro.fm" => {
            if let Some(id) = itunes_number(url) {
                return Ok(Place::Apple(id));
            }
        }
        "podcasts.google.com" => {
            return Ok(google(url).map_or_else(|| closed_service("Google Podcasts"), Place::Link));
        }
        _ => {}
    }
    Ok(closed(host).map_or_else(|| Place::Link(url.clone()), closed_service))
}

/// The parts of a path that are not empty.
fn parts(url: &Url) -> impl Iterator<Item = &str> {
    url.path().split('/').filter(|part| !part.is_empty())
}

fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn youtube(url: &Url, unwrap: bool) -> Result<Place, PlaceError> {
    let mut path = parts(url);
    let first = path.next().unwrap_or_default();
    let second = path.next().unwrap_or_default();
    match first.to_ascii_lowercase().as_str() {
        "" => Ok(front_page()),
        "watch" | "watch_popup" => match (query(url, "v"), query(url, "list")) {
            (Some(id), _) if is_video(&id) => Ok(video(&id)),
            (None, _) if is_video(second) => Ok(video(second)),
            (None, Some(list)) => playlist(&list),
            _ => Err(BAD_VIDEO),
        },
        "embed" if second == "videoseries" => {
            query(url, "list").map_or(Err(BAD_PLAYLIST), |list| playlist(&list))
        }
        "embed" if second == "live_stream" => channel(&query(url, "channel").unwrap_or_default()),
        "v" | "e" | "embed" | "shorts" | "live" => {
            // `/v/ID&hl=en` is an old form.
            let id = second.split('&').next().unwrap_or_default();
            if is_video(id) { Ok(video(id)) } else { Err(BAD_VIDEO) }
        }
        "playlist" => playlist(&query(url, "list").unwrap_or_default()),
        "channel" => channel(second),
        "feeds" if second == "videos.xml" => {
            if let Some(id) = query(url, "channel_id") {
                channel(&id)
            } else if let Some(id) = query(url, "playlist_id") {
                playlist(&id)
            } else {
                match query(url, "user") {
                    Some(user) if is_name(&user) => page(&format!("user/{user}")),
                    _ => Err(BAD_CHANNEL),
                }
            }
        }
        // YouTube Music's: a channel, `VL` and a list, `MPSP` and a list that is a podcast.
        "browse" if is_channel(second) => channel(second),
        "browse" if second.starts_with("VL") => playlist(&second[2..]),
        "browse" if second.starts_with("MPSP") => playlist(&second[4..]),
        "c" | "user" if is_name(&decoded(second)) => page(&format!("{first}/{second}")),
        "clip" if is_id(second) => page(&format!("clip/{second}")),
        "attribution_link" if unwrap => {
            let inner = query(url, "u").unwrap_or_default();
            match url.join(&inner) {
                Ok(inner) if inner.host() == url.host() && !inner.path().is_empty() => {
                    youtube(&inner, false)
                }
                _ => Err(BAD_VIDEO),
            }
        }
        own if YOUTUBE_OWN.contains(&own) => Ok(own_page()),
        _ => {
            let name = decoded(first);
            if is_name(name.strip_prefix('@').unwrap_or(&name)) {
                page(first)
            } else {
                Ok(own_page())
            }
        }
    }
}

/// A part of a path as it is meant; other scripts than ours arrive as `%…`.
fn decoded(part: &str) -> String {
    // A `+` stands for itself in a path.
    let written = format!("x={}", part.replace('+', "%2B").replace('&', "%26"));
    let pairs = url::form_urlencoded::parse(written.as_bytes());
    pairs.map(|(_, value)| value.into_owned()).next().unwrap_or_default()
}

/// A page of YouTube by its path.
fn page(path: &str) -> Result<Place, PlaceError> {
    Url::parse(&format!("{YOUTUBE}/{path}"))
        .map(Place::YoutubePage)
        .map_err(|_| PlaceError::NotALink)
}

fn video(id: &str) -> Place {
    Place::YoutubeVideo(id.to_owned())
}

fn channel(id: &str) -> Result<Place, PlaceError> {
    if is_channel(id) { Ok(Place::YoutubeChannel(id.to_owned())) } else { Err(BAD_CHANNEL) }
}

fn playlist(id: &str) -> Result<Place, PlaceError> {
    let closed = |sentence: &str| Ok(Place::Closed(sentence.to_owned()));
    if !is_id(id) {
        return Err(BAD_PLAYLIST);
    }
    match id.get(..2).unwrap_or(id) {
        "WL" | "LL" | "LM" | "HL" => closed(
            "This is a private list of your YouTube account (watch later, liked or history), which \
             only you can open. Put its videos into a playlist of your own that is public or \
             unlisted, and give the link to that one.",
        ),
        "RD" | "UL" | "TL" => closed(
            "This is a mix that YouTube makes anew for each viewer, so there is nothing to follow. \
             Give the link to a channel or to a playlist that someone made.",
        ),
        // The known kinds have 18 to 41 letters.
        _ if (12..=64).contains(&id.len()) => Ok(Place::YoutubePlaylist(id.to_owned())),
        _ => Err(BAD_PLAYLIST),
    }
}

/// YouTube's alphabet of ids.
fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// Whether this may be a handle or a custom name: letters and digits of any script, `_`, `-`, `.`
/// and `·`, not a dot alone.
fn is_name(text: &str) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || is_mark(c) || "_-.·".contains(c);
    text.chars().any(char::is_alphanumeric)
        && text.chars().all(is_letter)
        && text.chars().count() <= NAME_CHARS_MAX
}

/// Marks that scripts of India and others write above and below their letters.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{900}'..='\u{dff}' | '\u{e31}'..='\u{e4e}')
}

fn front_page() -> Place {
    Place::Closed(
        "This is YouTube's front page. Open the channel, playlist or video that you mean, and give \
         its link."
            .to_owned(),
    )
}

fn own_page() -> Place {
    Place::Closed(
        "This page of YouTube is no channel, playlist or video. Open the one that you mean, and \
         give its link."
            .to_owned(),
    )
}

/// The show that a link to Apple names.
fn apple(url: &Url) -> Place {
    let closed = |sentence: &str| Place::Closed(sentence.to_owned());
    let number = |text: &str| text.parse().ok().filter(|id| *id > 0);
    let has = |part: &str| parts(url).any(|p| p.eq_ignore_ascii_case(part));
    if ["channel", "artist", "author", "curator", "room"].iter().any(|kind| has(kind)) {
        return closed(
            "This is a list of several shows at Apple. Open the show that you mean, and give its \
             link.",
        );
    }
    let is_podcasts = url.host_str().is_some_and(|host| host.contains("podcasts."));
    if !is_podcasts
        && ["album", "app", "book", "movie", "music-video", "tv-season", "audiobook"]
            .iter()
            .any(|kind| has(kind))
    {
        return closed(
            "This link leads to something else than a podcast at Apple. Give the link to a show on \
             podcasts.apple.com.",
        );
    }
    let mut all: Vec<&str> = parts(url).collect();
    all.reverse();
    let in_path = all.iter().find_map(|part| behind(part, "id").and_then(number));
    // `viewPodcast?id=…` and `/lookup?id=…` are older forms.
    match in_path.or_else(|| query(url, "id").as_deref().and_then(number)) {
        Some(id) => Place::Apple(id),
        None => closed(
            "This link to Apple Podcasts names no show. Open the show there, choose “Copy link”, \
             and give that one.",
        ),
    }
}

/// Apple's number in `overcast.fm/itunes617/name`, `pca.st/itunes/617`, `castro.fm/itunes/617`.
fn itunes_number(url: &Url) -> Option<u64> {
    let mut path = parts(url);
    let number = match path.next()? {
        "itunes" => path.next()?,
        first => behind(first, "itunes")?,
    };
    number.parse().ok().filter(|id| *id > 0)
}

/// The feed that a link of Google's former service carries in base64.
fn google(url: &Url) -> Option<Url> {
    let mut path = parts(url);
    path.by_ref().find(|part| *part == "feed")?;
    let packed = path.next()?.trim_end_matches('=');
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let text = String::from_utf8(engine.decode(packed).ok()?).ok()?;
    let url = Url::parse(text.trim()).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.host_str().is_some()).then_some(url)
}

/// The service, where a host belongs to one whose shows cannot be followed.
fn closed(host: &str) -> Option<&'static str> {
    const HOSTS: &[(&str, &str)] = &[
        ("open.spotify.com", "Spotify"),
        ("play.spotify.com", "Spotify"),
        ("www.spotify.com", "Spotify"),
        ("spotify.com", "Spotify"),
        ("spotify.link", "Spotify"),
        ("spotify.app.link", "Spotify"),
        ("spoti.fi", "Spotify"),
        ("deezer.com", "Deezer"),
        ("www.deezer.com", "Deezer"),
        ("link.deezer.com", "Deezer"),
        ("deezer.page.link", "Deezer"),
        ("overcast.fm", "Overcast"),
        ("www.overcast.fm", "Overcast"),
        ("pca.st", "Pocket Casts"),
        ("www.pca.st", "Pocket Casts"),
        ("pocketcasts.com", "Pocket Casts"),
        ("www.pocketcasts.com", "Pocket Casts"),
        ("play.pocketcasts.com", "Pocket Casts"),
        ("podimo.com", "Podimo"),
        ("open.podimo.com", "Podimo"),
        ("pandora.com", "Pandora"),
        ("www.pandora.com", "Pandora"),
        ("tiktok.com", "TikTok"),
        ("www.tiktok.com", "TikTok"),
        ("m.tiktok.com", "TikTok"),
        ("vm.tiktok.com", "TikTok"),
        ("instagram.com", "Instagram"),
        ("www.instagram.com", "Instagram"),
        ("facebook.com", "Facebook"),
        ("www.facebook.com", "Facebook"),
        ("m.facebook.com", "Facebook"),
        ("fb.watch", "Facebook"),
        ("x.com", "X"),
        ("www.x.com", "X"),
        ("twitter.com", "X"),
        ("www.twitter.com", "X"),
        ("mobile.twitter.com", "X"),
        ("twitch.tv", "Twitch"),
        ("www.twitch.tv", "Twitch"),
        ("m.twitch.tv", "Twitch"),
    ];
    let bare = host.strip_prefix("www.").unwrap_or(host);
    // Both have a domain in many countries (`music.amazon.de`, `audible.co.uk`).
    if bare.starts_with("music.amazon.") {
        return Some("Amazon Music");
    }
    if bare.starts_with("audible.") {
        return Some("Audible");
    }
    HOSTS.iter().find(|(known, _)| *known == host).map(|(_, name)| *name)
}

/// Why a service cannot be followed, and what to do.
fn closed_service(name: &str) -> Place {
    const ELSEWHERE: &str = "Most shows have a feed too: look for “RSS” on the show's own website, \
                             or give its link on Apple Podcasts or YouTube.";
    Place::Closed(match name {
        "Overcast" | "Pocket Casts" => {
            format!("A link of the app {name} does not say where the show's feed is. {ELSEWHERE}")
        }
        "Google Podcasts" => {
            format!("Google Podcasts has been closed, and this link names no feed. {ELSEWHERE}")
        }
        "TikTok" | "Instagram" | "Facebook" | "X" | "Twitch" => format!(
            "{name} has no feed of its videos that a program may read, so they cannot be followed. \
             Look whether they are on YouTube or come as a podcast too, or upload the file itself."
        ),
        _ => format!(
            "{name} plays shows in its own app only and gives out no feeds, so this link cannot be \
             followed. {ELSEWHERE}"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANNEL: &str = "UCabcdefghij_klmnopqrs-t";
    const LIST: &str = "PLabcdefghijklmnopqrstuvwxyz012345";

    fn shown(text: &str) -> String {
        match place(text) {
            Ok(Place::Link(url)) => format!("link {url}"),
            Ok(Place::YoutubeChannel(id)) => format!("channel {id}"),
            Ok(Place::YoutubePlaylist(id)) => format!("list {id}"),
            Ok(Place::YoutubePage(url)) => {
                let path = url.as_str().strip_prefix(YOUTUBE).map(str::to_owned);
                format!("page {}", path.unwrap())
            }
            Ok(Place::YoutubeVideo(id)) => format!("video {id}"),
            Ok(Place::Apple(id)) => format!("apple {id}"),
            Ok(Place::Closed(why)) => format!("closed {}", why.split(['.', ',']).next().unwrap()),
            Err(error) => format!("{error:?}"),
        }
    }

    fn check(text: &str, want: &str) {
        assert_eq!(shown(text), want, "{text:?}");
    }

    #[test]
    fn a_link_is_seen_through_what_people_put_around_it() {
        for text in [
            "https://example.org/feed",
            " https://example.org/feed\n",
            "<https://example.org/feed>",
            "“https://example.org/feed”",
            "\u{feff}\u{200b}https://example.org/feed",
            "example.org/feed",
            "//example.org/feed",
            "HTTPS://EXAMPLE.org/feed",
            "https:example.org/feed",
            "https//example.org/feed",
            "https://https://example.org/feed",
            "feed://example.org/feed",
            "feed:https://example.org/feed",
            "feed://https://example.org/feed",
            "FEED:example.org/feed",
            "itpc://example.org/feed",
            "podcast://example.org/feed",
            "pcast://example.org/feed",
            "itms-podcast://example.org/feed",
            "Hear this: https://example.org/feed so good",
        ] {
            check(text, "link https://example.org/feed");
        }
        check("http://example.org/feed", "link http://example.org/feed");
        check("feed:http://example.org/feed", "link http://example.org/feed");
        check("http://example.org/my feed.xml", "link http://example.org/my%20feed.xml");
        check("example.org", "link https://example.org/");
        check("example.org:8080/a", "link https://example.org:8080/a");
        check("localhost:8080/a", "link https://localhost:8080/a");
        check("http://nas/feed", "link http://nas/feed");
        check("http://[::1]:80/feed", "link http://[::1]/feed");
        check("https://me:secret@example.org/f", "link https://me:secret@example.org/f");
        check("feed://me:secret@example.org/f", "link https://me:secret@example.org/f");
        check("bücher.example/ü", "link https://xn--bcher-kva.example/%C3%BC");
    }

    #[test]
    fn only_the_web_is_taken() {
        for (text, scheme) in [
            ("javascript:alert(1)", "javascript"),
            ("JavaScript://example.org/%0aalert(1)", "javascript"),
            ("data:text/html,x", "data"),
            ("file:///etc/passwd", "file"),
            ("ftp://example.org/feed", "ftp"),
            ("mailto:a@example.org", "mailto"),
            ("feed:javascript:alert(1)", "javascript"),
            ("feed:file:///etc/passwd", "file"),
            ("feed:me:secret@example.org", "me"),
            ("me:secret@example.org", "me"),
            ("tel:123", "tel"),
            ("abcdefghijklmnopqrstuvwxyz:x", "abcdefghijklmnopqrst"),
        ] {
            assert_eq!(place(text), Err(PlaceError::Scheme(scheme.to_owned())), "{text:?}");
        }
        for bad in [
            "java\tscript:alert(1)",
            "java\0script:alert(1)",
            "My favourite show",
            "show",
            "https://",
            "https://[::1",
            "@",
            "@a b",
            "@me@social.example",
            "https://exa mple.org/",
            "a@b",
            "feed://file:///etc/passwd",
            "feed://javascript:alert(1)",
        ] {
            check(bad, "NotALink");
        }
        for empty in ["", "  \n", "<>", "\u{feff}"] {
            check(empty, "Empty");
        }
        check("https://a.example/ https://b.example/", "Several");
        let long = |bytes: usize| format!("https://a.example/{}", "x".repeat(bytes - 18));
        assert!(place(&long(LINK_BYTES_MAX)).is_ok());
        check(&long(LINK_BYTES_MAX + 1), "TooLong");
    }

    #[test]
    fn a_video_is_known_in_every_spelling_of_its_link() {
        for link in [
            "https://www.youtube.com/watch?v=a-b_c0123Zz",
            "youtube.com/watch?app=desktop&v=a-b_c0123Zz&t=61s",
            "https://www.youtube.com/watch?v=a-b_c0123Zz&list=PLabcdefghijklmnop&index=2",
            "https://www.youtube.com/watch?v=a-b_c0123Zz&list=WL",
            "https://m.youtube.com/watch?v=a-b_c0123Zz",
            "https://music.youtube.com/watch?v=a-b_c0123Zz",
            "https://WWW.YouTube.com./watch?v=a-b_c0123Zz#t=5",
            "https://youtu.be/a-b_c0123Zz?si=xyz",
            "youtu.be/a-b_c0123Zz",
            "https://www.youtube.com/shorts/a-b_c0123Zz?feature=share",
            "https://www.youtube.com/live/a-b_c0123Zz",
            "https://www.youtube.com/embed/a-b_c0123Zz?start=3",
            "https://www.youtube-nocookie.com/embed/a-b_c0123Zz",
            "http://www.youtube.com/v/a-b_c0123Zz&hl=en",
            "https://www.youtube.com/attribution_link?a=x&u=%2Fwatch%3Fv%3Da-b_c0123Zz%26feature%3Dshare",
            "https://consent.youtube.com/m?continue=https%3A%2F%2Fwww.youtube.com%2Fwatch%3Fv%3Da-b_c0123Zz",
        ] {
            check(link, "video a-b_c0123Zz");
        }
        for cut in [
            "https://www.youtube.com/watch?v=a-b_c0123Z",
            "https://www.youtube.com/watch?v=a-b_c0123Zzz",
            "https://www.youtube.com/watch?v=a/b_c0123Zz",
            "https://www.youtube.com/watch",
            "https://www.youtube.com/shorts/",
            "https://www.youtube.com/embed/x",
        ] {
            assert_eq!(place(cut), Err(BAD_VIDEO), "{cut}");
        }
    }

    #[test]
    fn a_channel_and_a_playlist_are_known_by_link_feed_and_id() {
        for link in [
            format!("https://www.youtube.com/channel/{CHANNEL}/videos?view=0"),
            format!("https://studio.youtube.com/channel/{CHANNEL}"),
            format!("https://music.youtube.com/channel/{CHANNEL}"),
            format!("https://music.youtube.com/browse/{CHANNEL}"),
            format!("http://www.youtube.com/feeds/videos.xml?channel_id={CHANNEL}"),
            format!("feed://youtube.com/feeds/videos.xml?a=b&channel_id={CHANNEL}"),
            format!("https://www.youtube.com/embed/live_stream?channel={CHANNEL}"),
            CHANNEL.to_owned(),
        ] {
            check(&link, &format!("channel {CHANNEL}"));
        }
        for link in [
            format!("https://www.youtube.com/playlist?list={LIST}&si=x"),
            format!("https://music.youtube.com/playlist?list={LIST}"),
            format!("https://music.youtube.com/browse/VL{LIST}"),
            format!("https://music.youtube.com/browse/MPSP{LIST}"),
            format!("https://www.youtube.com/watch?list={LIST}"),
            format!("https://www.youtube.com/embed/videoseries?list={LIST}"),
            format!("https://www.youtube.com/feeds/videos.xml?playlist_id={LIST}"),
            LIST.to_owned(),
        ] {
            check(&link, &format!("list {LIST}"));
        }
        let list = |id: &str| place(&format!("https://www.youtube.com/playlist?list={id}"));
        for bad in ["", "PL", "PLab/cdefghijklmnop", &"x".repeat(11), &"x".repeat(65)] {
            assert_eq!(list(bad), Err(BAD_PLAYLIST), "{bad:?}");
        }
        for good in [&"x".repeat(12), &"x".repeat(64), "UUabcdefghij_klmnopqrs-t"] {
            assert_eq!(list(good), Ok(Place::YoutubePlaylist(good.to_owned())));
        }
        for bad in ["UCabc", "HCabcdefghij_klmnopqrs-t", "", "UCabcdefghij_klmnopqrs-t0"] {
            let link = format!("https://www.youtube.com/channel/{bad}");
            assert_eq!(place(&link), Err(BAD_CHANNEL), "{link}");
        }
        check(
            "https://www.youtube.com/playlist?list=WL",
            "closed This is a private list of your YouTube account (watch later",
        );
        check(
            "https://www.youtube.com/playlist?list=LL",
            "closed This is a private list of your YouTube account (watch later",
        );
        check(
            "https://www.youtube.com/playlist?list=RDa-b_c0123Zz",
            "closed This is a mix that YouTube makes anew for each viewer",
        );
    }

    #[test]
    fn a_page_that_must_be_read_is_put_on_one_host() {
        for text in [
            "@some.Name-1",
            "<@some.Name-1>",
            "https://www.youtube.com/@some.Name-1",
            "https://m.youtube.com/@some.Name-1/videos?view=0#x",
            "youtube.com/@some.Name-1/streams",
        ] {
            check(text, "page /@some.Name-1");
        }
        check("https://www.youtube.com/c/SomeName/videos", "page /c/SomeName");
        check("https://www.youtube.com/user/some_name", "page /user/some_name");
        check("https://www.youtube.com/feeds/videos.xml?user=some_name", "page /user/some_name");
        check("https://www.youtube.com/SomeName", "page /SomeName");
        check("https://www.youtube.com/clip/Ugkx_abc-1", "page /clip/Ugkx_abc-1");
        check("@имя", "page /@%D0%B8%D0%BC%D1%8F");
        check("https://www.youtube.com/@%D0%B8%D0%BC%D1%8F", "page /@%D0%B8%D0%BC%D1%8F");
        check(&format!("@{}", "x".repeat(101)), "NotALink");
        assert!(matches!(place(&format!("@{}", "x".repeat(100))), Ok(Place::YoutubePage(_))));
        for closed in
            ["", "feed/subscriptions", "results?search_query=x", "hashtag/x", "@", "@a%2Fb"]
        {
            let found = place(&format!("https://www.youtube.com/{closed}"));
            assert!(matches!(found, Ok(Place::Closed(_))), "{closed}: {found:?}");
        }
        check("https://blog.youtube/rss", "link https://blog.youtube/rss");
        check("https://notyoutube.com/@a", "link https://notyoutube.com/@a");
        check("https://youtube.com.evil.example/@a", "link https://youtube.com.evil.example/@a");
    }

    #[test]
    fn a_show_of_apple_is_known_by_its_number() {
        for link in [
            "https://podcasts.apple.com/us/podcast/some-name/id123456?i=1000",
            "https://podcasts.apple.com/podcast/id123456",
            "podcasts.apple.com/de/podcast/na%C3%AFve-id9/id123456#x",
            "https://itunes.apple.com/us/podcast/some-name/id123456?mt=2",
            "itms-podcasts://itunes.apple.com/podcast/id123456",
            "https://itunes.apple.com/WebObjects/MZStore.woa/wa/viewPodcast?id=123456",
            "https://embed.podcasts.apple.com/us/podcast/x/id123456",
            "https://overcast.fm/itunes123456/some-name",
            "https://pca.st/itunes/123456",
            "https://castro.fm/itunes/123456",
        ] {
            check(link, "apple 123456");
        }
        for closed in [
            "https://podcasts.apple.com/us/browse",
            "https://podcasts.apple.com/us/podcast/x/id0",
            "https://podcasts.apple.com/us/podcast/x/id99999999999999999999",
            "https://podcasts.apple.com/us/channel/some/id123",
            "https://itunes.apple.com/us/album/some/id123",
        ] {
            let found = place(closed);
            assert!(matches!(found, Ok(Place::Closed(_))), "{closed}: {found:?}");
        }
    }

    #[test]
    fn what_cannot_be_followed_says_why_and_what_to_do() {
        for (link, name) in [
            ("https://open.spotify.com/show/abc", "Spotify"),
            ("spotify:show:abc", "Spotify"),
            ("https://music.amazon.de/podcasts/x", "Amazon Music"),
            ("https://www.audible.co.uk/pd/x", "Audible"),
            ("https://www.deezer.com/en/show/1", "Deezer"),
            ("https://overcast.fm/+abc", "Overcast"),
            ("https://pca.st/abc", "Pocket Casts"),
            ("https://www.tiktok.com/@a", "TikTok"),
            ("https://podcasts.google.com/feed/!!", "Google Podcasts"),
        ] {
            let Ok(Place::Closed(why)) = place(link) else { panic!("{link}") };
            assert!(why.contains(name) && why.ends_with('.') && why.len() < 300, "{why}");
        }
        check(
            "https://podcasts.google.com/feed/aHR0cHM6Ly9leGFtcGxlLm9yZy9mZWVk/episode/x?sa=1",
            "link https://example.org/feed",
        );
        // `file:///etc/passwd` in base64.
        check(
            "https://podcasts.google.com/feed/ZmlsZTovLy9ldGMvcGFzc3dk",
            "closed Google Podcasts has been closed",
        );
        check("https://anchor.fm/s/abc/podcast/rss", "link https://anchor.fm/s/abc/podcast/rss");
    }

    #[test]
    fn what_is_asked_stands_on_the_base_that_is_set() {
        let base = Url::parse("http://127.0.0.1:8080/yt/?x#y").unwrap();
        let check = |url: Url, want: &str| {
            assert_eq!(url.as_str(), format!("http://127.0.0.1:8080/yt{want}"));
        };
        check(channel_feed(&base, CHANNEL), &format!("/feeds/videos.xml?channel_id={CHANNEL}"));
        check(playlist_feed(&base, LIST), &format!("/feeds/videos.xml?playlist_id={LIST}"));
        check(apple_lookup(&base, 7), "/lookup?id=7&entity=podcast");
        check(video_page(&base, "a-b_c0123Zz"), "/watch?v=a-b_c0123Zz");
        let Ok(Place::YoutubePage(page)) = place("@имя") else { panic!() };
        check(youtube_page(&base, &page), "/@%D0%B8%D0%BC%D1%8F");
        let plain = Url::parse("https://www.youtube.com").unwrap();
        assert_eq!(youtube_page(&plain, &page), page);
    }

    #[test]
    fn every_refusal_is_a_sentence() {
        for error in [
            PlaceError::Empty,
            PlaceError::TooLong,
            PlaceError::NotALink,
            PlaceError::Scheme("ftp".to_owned()),
            PlaceError::Several,
            BAD_VIDEO,
            BAD_CHANNEL,
            BAD_PLAYLIST,
        ] {
            let said = error.to_string();
            assert!(said.ends_with('.') && said.len() < 200 && !said.contains("  "), "{said}");
        }
    }

    #[test]
    fn a_feed_of_youtube_s_has_a_page_that_lists_its_videos_and_no_other_has() {
        let base = Url::parse("http://127.0.0.1:1/").unwrap();
        let check = |feed: &str, want: Option<&str>| {
            let page = listing_page(&base, &Url::parse(feed).unwrap());
            assert_eq!(page.as_ref().map(Url::as_str), want, "{feed}");
        };
        let channel = "UCabcdefghijklmnopqrstuv";
        let of_channel = format!("https://www.youtube.com/channel/{channel}/videos");
        check(
            &format!("http://127.0.0.1:1/feeds/videos.xml?channel_id={channel}"),
            Some(&of_channel),
        );
        let list = "PLabcdefghijkl";
        let of_list = format!("https://www.youtube.com/playlist?list={list}");
        check(&format!("http://127.0.0.1:1/feeds/videos.xml?playlist_id={list}"), Some(&of_list));
        check(&format!("http://example.org/feeds/videos.xml?channel_id={channel}"), None);
        check("http://127.0.0.1:1/feeds/videos.xml?channel_id=--exec%3Drm+x%2F..", None);
        check("http://127.0.0.1:1/feed.xml", None);
    }
}
