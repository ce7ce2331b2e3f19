//! RSS, RDF and Atom: which element of which place means what.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::rc::Rc;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use url::Url;

use crate::domain::link::Link;
use crate::domain::outline::Chapter;

use super::names::{Declared, Ns};
use super::text::{self, Tags};
use super::xml::{Piece, Pieces, Tag, Words, is_same, lowered};
use super::{
    CHAPTERS_MAX, DEPTH_MAX, DESCRIPTION_CHARS_MAX, Feed, FeedError, ITEMS_MAX, Item, Media,
    PERSONS_MAX, Person, TITLE_CHARS_MAX, TRANSCRIPTS_MAX, TranscriptLink,
};
use super::{date, duration, in_order, key, language, links, media_type, place, tell_apart};

/// Most of one element's text that is gathered, in bytes: far more than is kept of a description.
const WORDS_BYTES_MAX: usize = 1024 * 1024;

/// Feeds pad it, or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads a feed; without its items' descriptions where nobody `wants_descriptions`: making them plain
/// is most of the work.
pub(super) fn read(text: &str, base: &Url, wants_descriptions: bool) -> Result<Feed, FeedError> {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0');
    let mut pieces = Pieces::of(text);
    let mut builder = Builder::new(Rc::new(base.clone()), wants_descriptions);
    pieces.wants_words = false;
    while let Some(piece) = pieces.next() {
        match piece {
            Piece::Open(tag) => builder.open(&tag),
            Piece::Words(words) => builder.words(words),
            Piece::Close(name) => builder.close(name),
        }
        if builder.too_deep {
            break;
        }
        pieces.wants_words = builder.wants_words();
    }
    let gave_up = pieces.gave_up();
    builder.finish(pieces.broken_line, gave_up)
}

/// The sentence for items beyond [`ITEMS_MAX`].
pub(super) fn left_out(count: usize) -> String {
    format!(
        "The feed has {} items; the first {ITEMS_MAX} were read and {count} left out.",
        count + ITEMS_MAX
    )
}

/// A media file with how well it fits, lower being better.
pub(super) struct Candidate {
    score: u8,
    pub(super) media: Media,
}

/// Keeps the media that fits best, of equals the first; `source` is 0 for an enclosure, 1 for what
/// MediaRSS has and 2 for an alternate enclosure.
pub(super) fn best(slot: &mut Option<Candidate>, source: u8, media: Media) {
    let score = kind(&media) * 3 + source;
    if slot.as_ref().is_none_or(|kept| score < kept.score) {
        *slot = Some(Candidate { score, media });
    }
}

/// What a media file is, by its type and its ending: 0 audio or video, 1 not told, 2 something to
/// read, 3 an image.
fn kind(media: &Media) -> u8 {
    let of = |kinds: &[&str]| kinds.iter().any(|kind| media.media_type.starts_with(kind));
    let path = media.url.path();
    let ending = &path[path.rfind('.').unwrap_or(path.len())..];
    let ends = |endings: &[&str]| endings.iter().any(|known| ending.eq_ignore_ascii_case(known));
    let sounds =
        [".mp3", ".m4a", ".mp4", ".m4v", ".ogg", ".opus", ".aac", ".mov", ".webm", ".wav", ".flac"];
    if of(&["audio/", "video/", "application/ogg"]) || ends(&sounds) {
        0
    } else if of(&["image/"]) || ends(&[".jpg", ".jpeg", ".png", ".gif", ".webp"]) {
        3
    } else if of(&["text/", "application/pdf", "application/x-shockwave-flash"]) {
        2
    } else {
        1
    }
}

/// A value with its rank: a lower one replaces it, of equals the first is kept.
struct Ranked<T>(Option<(u8, T)>);

impl<T> Default for Ranked<T> {
    fn default() -> Ranked<T> {
        Ranked(None)
    }
}

impl<T> Ranked<T> {
    fn offer(&mut self, rank: u8, value: Option<T>) {
        self.offer_with(rank, || value);
    }

    /// As [`Ranked::offer`], and asks for the value only where it would be kept.
    fn offer_with(&mut self, rank: u8, value: impl FnOnce() -> Option<T>) {
        if self.wants(rank)
            && let Some(value) = value()
        {
            self.0 = Some((rank, value));
        }
    }

    fn wants(&self, rank: u8) -> bool {
        self.0.as_ref().is_none_or(|(kept, _)| rank < *kept)
    }

    fn take(self) -> Option<T> {
        self.0.map(|(_, value)| value)
    }
}

/// What the open element holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// `rss` or `rdf:RDF`.
    Root,
    /// `channel` or `feed`.
    Feed,
    Item,
    /// Its children count as those of the element around it.
    Through,
    /// RSS `image`, with a link and a title of its own.
    Image,
    /// `psc:chapters`.
    Chapters,
    /// `podcast:alternateEnclosure`.
    Alternate,
    /// Nothing of ours, with all that is in it.
    Nothing,
}

struct Node<'t> {
    name: &'t str,
    place: Place,
    base: Option<Rc<Url>>,
}

/// What the words of an element are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Title(u8),
    Description(u8),
    Date(u8),
    Language(u8),
    Image(u8),
    Link,
    /// An Atom link without `href`, as some write it.
    Enclosure,
    Guid {
        is_link: bool,
    },
    Duration,
    PodcastGuid,
    NewFeedUrl,
    Season,
    Number,
    Person,
    /// `yt:videoId`.
    VideoId,
}

/// How the words of an element are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Markup {
    /// As they are meant.
    Plain,
    /// HTML, as text.
    Html,
    /// Maybe HTML, as text: RSS does not say.
    Maybe,
    /// Elements and text.
    Xhtml,
    Base64,
}

/// An element whose words are gathered.
struct Gathering<'t> {
    field: Field,
    markup: Markup,
    name: &'t str,
    /// Elements of the same name that are open within.
    nested: usize,
    /// Of the text itself while it is one piece.
    words: Cow<'t, str>,
    /// They are more than blanks.
    has_words: bool,
    /// Nobody wants the words: they are passed over.
    is_unwanted: bool,
    base: Option<Rc<Url>>,
    role: Option<String>,
}

/// A description as it is written. Most items have two or three, of which one is kept: only that
/// one is made plain.
struct Described<'t> {
    rank: u8,
    markup: Markup,
    words: Cow<'t, str>,
}

/// Most descriptions of one item that wait to be made plain; more are done with at once.
const DESCRIBED_MAX: usize = 8;

#[derive(Default)]
struct ItemDraft<'t> {
    guid: Ranked<String>,
    title: Ranked<String>,
    link: Ranked<Link>,
    published_at: Ranked<chrono::DateTime<chrono::Utc>>,
    duration_ms: Ranked<u64>,
    description: Ranked<String>,
    described: Vec<Described<'t>>,
    media: Option<Candidate>,
    /// Type and length of the alternate enclosure that is open.
    alternate: Option<(Cow<'static, str>, Option<u64>)>,
    video_id: Option<String>,
    image_url: Ranked<Link>,
    transcripts: Vec<TranscriptLink>,
    chapters_url: Option<Link>,
    chapters: Vec<Chapter>,
    season: Option<u32>,
    number: Option<u32>,
    persons: Vec<Person>,
}

#[derive(Default)]
struct FeedDraft {
    title: Ranked<String>,
    link: Ranked<Link>,
    language: Ranked<String>,
    image_url: Ranked<Link>,
    podcast_guid: Option<String>,
    new_feed_url: Option<Link>,
}

struct Builder<'t> {
    base: Rc<Url>,
    wants_descriptions: bool,
    declared: Declared,
    stack: Vec<Node<'t>>,
    gathering: Option<Gathering<'t>>,
    is_feed: bool,
    feed: FeedDraft,
    item: Option<ItemDraft<'t>>,
    items: Vec<Item>,
    /// Items beyond the bound.
    surplus: usize,
    too_deep: bool,
}

impl<'t> Builder<'t> {
    fn new(base: Rc<Url>, wants_descriptions: bool) -> Builder<'t> {
        Builder {
            base,
            wants_descriptions,
            declared: Declared::default(),
            stack: Vec::new(),
            gathering: None,
            is_feed: false,
            feed: FeedDraft::default(),
            item: None,
            items: Vec::new(),
            surplus: 0,
            too_deep: false,
        }
    }

    fn open(&mut self, tag: &Tag<'t>) {
        if self.gathering.is_some() && !self.is_item(tag) {
            self.open_within(tag);
            return;
        }
        self.end_gathering();
        let depth = self.stack.len() + 1;
        if depth > DEPTH_MAX {
            self.too_deep = true;
            return;
        }
        let may_declare = tag.may_declare();
        if may_declare {
            for (prefix, address) in tag.declarations() {
                self.declared.bind(depth, prefix, &address);
            }
        }
        let (ns, name) = self.resolve(tag.name);
        let name = &*lowered(name);
        let base = if may_declare { tag.attribute("xml:base") } else { None };
        let base = base.and_then(|text| self.base().join(&text).ok()).map(Rc::new);
        // An entry may be a document of its own (RFC 4287, 2).
        let is_alone = self.stack.is_empty() && (ns, name) == (Ns::Atom, "entry");
        self.is_feed |= is_alone;
        if self.is_feed && is_item(ns, name) {
            // An item that nothing closed ends where the next begins.
            while self
                .stack
                .last()
                .is_some_and(|node| !matches!(node.place, Place::Root | Place::Feed))
            {
                self.leave();
            }
            self.begin_item(tag);
            self.stack.push(Node { name: tag.name, place: Place::Item, base });
            return;
        }
        let around =
            self.stack.iter().rev().map(|node| node.place).find(|place| *place != Place::Through);
        // A tag's own base holds for its own links too.
        let of = base.clone().unwrap_or_else(|| Rc::clone(self.base()));
        let meaning = match around {
            Some(Place::Nothing) if self.is_feed => Meaning::Place(Place::Nothing),
            None | Some(Place::Nothing) => self.root(ns, name, tag),
            Some(Place::Image) if name == "url" => Meaning::Words(Field::Image(1)),
            Some(Place::Image) => Meaning::Place(Place::Nothing),
            Some(Place::Chapters) => {
                self.chapter(ns, name, tag);
                Meaning::Place(Place::Nothing)
            }
            Some(Place::Alternate) => {
                self.alternate(ns, name, tag, &of);
                Meaning::Place(Place::Nothing)
            }
            Some(_) if self.item.is_some() => self.in_item(ns, name, tag, &of),
            Some(_) => self.in_feed(ns, name, tag, &of),
        };
        match meaning {
            Meaning::Place(place) => {
                self.stack.push(Node { name: tag.name, place, base });
            }
            Meaning::Words(field) => {
                self.declared.leave(depth);
                let markup = match field {
                    Field::Title(_) | Field::Description(_) => markup(ns, tag),
                    _ => Markup::Plain,
                };
                let role = if field == Field::Person { tag.attribute("role") } else { None };
                let role = role.map(|role| text::line(&role, TITLE_CHARS_MAX).to_lowercase());
                let is_description = matches!(field, Field::Description(_));
                self.gathering = Some(Gathering {
                    field,
                    markup,
                    name: tag.name,
                    nested: 0,
                    words: Cow::Borrowed(""),
                    has_words: false,
                    is_unwanted: is_description && !self.wants_descriptions,
                    base,
                    role,
                });
            }
        }
    }

    /// A tag within an element whose words are gathered.
    fn open_within(&mut self, tag: &Tag<'t>) {
        let Some(gathering) = &mut self.gathering else { return };
        gathering.nested += usize::from(is_same(tag.name, gathering.name));
        gathering.mark(tag.name, "<");
    }

    fn wants_words(&self) -> bool {
        self.gathering.as_ref().is_some_and(|gathering| !gathering.is_unwanted)
    }

    fn words(&mut self, words: Words<'t>) {
        let Some(gathering) = self.gathering.as_mut() else { return };
        let words = words.read(WORDS_BYTES_MAX);
        // Blanks before the first word tell nothing in any field.
        if gathering.has_words {
            gathering.push(&words);
        } else {
            gathering.has_words = !words.trim_start().is_empty();
            gathering.words = words;
        }
    }

    fn close(&mut self, name: &str) {
        if let Some(gathering) = &mut self.gathering {
            if is_same(name, gathering.name) {
                if gathering.nested == 0 {
                    self.end_gathering();
                } else {
                    gathering.nested -= 1;
                }
                return;
            }
            if !self.stack.iter().any(|node| is_same(node.name, name)) {
                gathering.mark(name, "</");
                return;
            }
            self.end_gathering();
        }
        if let Some(at) = self.stack.iter().rposition(|node| is_same(node.name, name)) {
            while self.stack.len() > at {
                self.leave();
            }
        }
    }

    /// Closes the innermost element.
    fn leave(&mut self) {
        self.declared.leave(self.stack.len());
        if self.stack.pop().is_some_and(|node| node.place == Place::Item) {
            self.end_item();
        }
    }

    /// The namespace and the local name of a tag's name.
    fn resolve<'n>(&self, name: &'n str) -> (Ns, &'n str) {
        let (prefix, local) = match name.bytes().position(|b| b == b':') {
            Some(at) => (&name[..at], &name[at + 1..]),
            None => ("", name),
        };
        (self.declared.resolve(prefix), local)
    }

    fn base(&self) -> &Rc<Url> {
        self.stack.iter().rev().find_map(|node| node.base.as_ref()).unwrap_or(&self.base)
    }

    /// Whether a tag begins an item, also where the element before it was never closed.
    fn is_item(&self, tag: &Tag<'t>) -> bool {
        let (ns, name) = self.resolve(tag.name);
        self.is_feed && is_item(ns, &lowered(name))
    }

    fn root(&mut self, ns: Ns, name: &str, tag: &Tag<'_>) -> Meaning {
        let place = match (ns, name.as_bytes()) {
            (Ns::Plain, b"rss") | (Ns::Rdf | Ns::Plain, b"rdf") => Place::Root,
            (Ns::Plain | Ns::Atom, b"feed" | b"channel") => Place::Feed,
            _ => return Meaning::Place(Place::Nothing),
        };
        self.is_feed = true;
        self.feed.language.offer(2, tag.attribute("xml:lang").as_deref().and_then(language));
        Meaning::Place(place)
    }

    /// An element of the feed itself.
    fn in_feed(&mut self, ns: Ns, name: &str, tag: &Tag<'_>, base: &Url) -> Meaning {
        let is_own = matches!(ns, Ns::Plain | Ns::Atom);
        match (ns, name.as_bytes()) {
            (_, b"channel" | b"feed") if is_own => {
                self.feed
                    .language
                    .offer(2, tag.attribute("xml:lang").as_deref().and_then(language));
                return Meaning::Place(Place::Feed);
            }
            (_, b"link") if is_own => match tag.attribute("href") {
                Some(href) => {
                    if let Some(Rel::Page(rank)) = rel(tag) {
                        self.feed.link.offer_with(rank, || links::link(&href, base));
                    }
                }
                None => return Meaning::Words(Field::Link),
            },
            (_, b"language") if is_own => return Meaning::Words(Field::Language(0)),
            (Ns::Dc, b"language") => return Meaning::Words(Field::Language(1)),
            (Ns::Podcast, b"guid") => return Meaning::Words(Field::PodcastGuid),
            (Ns::Itunes, b"new-feed-url") => return Meaning::Words(Field::NewFeedUrl),
            (_, b"logo") if is_own => return Meaning::Words(Field::Image(1)),
            (_, b"icon") if is_own => return Meaning::Words(Field::Image(3)),
            _ => return self.anywhere(ns, name, tag, base),
        }
        Meaning::Place(Place::Nothing)
    }

    /// An element of an item.
    fn in_item(&mut self, ns: Ns, name: &str, tag: &Tag<'_>, base: &Url) -> Meaning {
        let is_own = matches!(ns, Ns::Plain | Ns::Atom);
        let Some(item) = &mut self.item else { return Meaning::Place(Place::Nothing) };
        let url = |name: &str| tag.attribute(name).and_then(|text| links::link(&text, base));
        match (ns, name.as_bytes()) {
            (_, b"guid" | b"id") if is_own => {
                // RSS 2.0: a guid is a link unless it says that it is none.
                let says_no = tag
                    .attribute("ispermalink")
                    .is_some_and(|said| said.eq_ignore_ascii_case("false"));
                return Meaning::Words(Field::Guid { is_link: name == "guid" && !says_no });
            }
            (_, b"link") if is_own => {
                let rel = rel(tag);
                let Some(href) = tag.attribute("href") else {
                    return match rel {
                        Some(Rel::Page(_)) => Meaning::Words(Field::Link),
                        Some(Rel::Enclosure) => Meaning::Words(Field::Enclosure),
                        None => Meaning::Place(Place::Nothing),
                    };
                };
                match rel {
                    Some(Rel::Page(rank)) => {
                        item.link.offer_with(rank, || links::link(&href, base));
                    }
                    Some(Rel::Enclosure) => item.enclosure(links::link(&href, base), tag),
                    None => {}
                }
            }
            (_, b"enclosure") if is_own => item.enclosure(url("url").or_else(|| url("href")), tag),
            (Ns::Plain | Ns::Atom, b"pubdate" | b"published" | b"issued")
            | (Ns::DcTerms, b"issued") => {
                return Meaning::Words(Field::Date(0));
            }
            (Ns::Dc, b"date") => return Meaning::Words(Field::Date(1)),
            (Ns::Plain | Ns::Atom, b"updated" | b"modified") | (Ns::DcTerms, b"modified") => {
                return Meaning::Words(Field::Date(2));
            }
            (Ns::Plain | Ns::Atom | Ns::DcTerms, b"created") => {
                return Meaning::Words(Field::Date(3));
            }
            (Ns::Content, b"encoded") => return Meaning::Words(Field::Description(0)),
            (_, b"content") if is_own => return Meaning::Words(Field::Description(0)),
            (_, b"description" | b"summary") if is_own => {
                return Meaning::Words(Field::Description(1));
            }
            (Ns::Itunes | Ns::GooglePlay, b"summary" | b"description") => {
                return Meaning::Words(Field::Description(2));
            }
            (Ns::Itunes, b"subtitle") => return Meaning::Words(Field::Description(3)),
            (Ns::Media | Ns::Dc | Ns::DcTerms, b"description") => {
                return Meaning::Words(Field::Description(4));
            }
            (Ns::Itunes | Ns::GooglePlay, b"duration") => return Meaning::Words(Field::Duration),
            (Ns::Itunes | Ns::Podcast, b"season") => return Meaning::Words(Field::Season),
            (Ns::Itunes | Ns::Podcast, b"episode") => return Meaning::Words(Field::Number),
            (Ns::Podcast, b"person") => return Meaning::Words(Field::Person),
            (Ns::Podcast, b"transcript") => {
                if let Some(url) = url("url")
                    && item.transcripts.len() < TRANSCRIPTS_MAX
                {
                    item.transcripts.push(TranscriptLink {
                        url,
                        media_type: tag
                            .attribute("type")
                            .as_deref()
                            .map(media_type)
                            .unwrap_or_default()
                            .into_owned(),
                        language: tag.attribute("language").as_deref().and_then(language),
                        rel: tag
                            .attribute("rel")
                            .map(|rel| text::line(&rel, TITLE_CHARS_MAX).to_lowercase()),
                    });
                }
            }
            (Ns::Podcast, b"chapters") => {
                item.chapters_url = item.chapters_url.take().or_else(|| url("url"))
            }
            (Ns::Psc, b"chapters") => return Meaning::Place(Place::Chapters),
            (Ns::Podcast, b"alternateenclosure") => {
                let media_type = tag.attribute("type").as_deref().map(media_type);
                item.alternate = Some((media_type.unwrap_or_default(), size_bytes(tag, "length")));
                return Meaning::Place(Place::Alternate);
            }
            (Ns::Youtube, b"videoid") => return Meaning::Words(Field::VideoId),
            (Ns::Media, b"group") => return Meaning::Place(Place::Through),
            (Ns::Media, b"content") => {
                let Some(media) = url("url").map(|url| media(url, tag, "filesize")) else {
                    return Meaning::Place(Place::Through);
                };
                let medium = tag.attribute("medium").unwrap_or_default().to_ascii_lowercase();
                match (medium.as_str(), kind(&media)) {
                    ("image", _) | (_, 3) => item.image_url.offer(3, Some(media.url)),
                    // Players and pages are listed here too: only what says that it sounds counts.
                    ("audio" | "video", _) | (_, 0) => {
                        best(&mut item.media, 1, media);
                        let length = tag.attribute("duration").as_deref().and_then(duration::parse);
                        item.duration_ms.offer(1, length);
                    }
                    _ => {}
                }
                return Meaning::Place(Place::Through);
            }
            _ => return self.anywhere(ns, name, tag, base),
        }
        Meaning::Place(Place::Nothing)
    }

    /// What a feed and its items have alike.
    fn anywhere(&mut self, ns: Ns, name: &str, tag: &Tag<'_>, base: &Url) -> Meaning {
        let url = |name: &str| tag.attribute(name).and_then(|text| links::link(&text, base));
        match (ns, name.as_bytes()) {
            (Ns::Plain | Ns::Atom, b"title") => Meaning::Words(Field::Title(0)),
            (Ns::Itunes, b"title") => Meaning::Words(Field::Title(1)),
            (Ns::Dc | Ns::DcTerms, b"title") => Meaning::Words(Field::Title(2)),
            (Ns::Media, b"title") => Meaning::Words(Field::Title(3)),
            (Ns::Itunes | Ns::GooglePlay, b"image") => {
                match tag.attribute("href").or_else(|| tag.attribute("url")) {
                    Some(href) => {
                        self.image(0, || links::link(&href, base));
                        Meaning::Place(Place::Nothing)
                    }
                    None => Meaning::Words(Field::Image(0)),
                }
            }
            (Ns::Media, b"thumbnail") => {
                self.image(2, || url("url"));
                Meaning::Place(Place::Nothing)
            }
            (Ns::Plain, b"image") => Meaning::Place(Place::Image),
            _ => Meaning::Place(Place::Nothing),
        }
    }

    fn image(&mut self, rank: u8, url: impl FnOnce() -> Option<Link>) {
        match &mut self.item {
            Some(item) => item.image_url.offer_with(rank, url),
            None => self.feed.image_url.offer_with(rank, url),
        }
    }

    fn chapter(&mut self, ns: Ns, name: &str, tag: &Tag<'_>) {
        let Some(item) = &mut self.item else { return };
        let start_ms = tag.attribute("start").as_deref().and_then(duration::parse);
        if let (Ns::Psc, "chapter", Some(start_ms)) = (ns, name, start_ms)
            && item.chapters.len() < CHAPTERS_MAX
        {
            let title = text::line(&tag.attribute("title").unwrap_or_default(), TITLE_CHARS_MAX);
            item.chapters.push(Chapter { start_ms, title });
        }
    }

    /// A `podcast:source` of an alternate enclosure; those that are not on the web are left out.
    fn alternate(&mut self, ns: Ns, name: &str, tag: &Tag<'_>, base: &Url) {
        let Some(item) = &mut self.item else { return };
        if let (Ns::Podcast, "source", Some((kind, size_bytes))) = (ns, name, &item.alternate)
            && let Some(url) = tag.attribute("uri").and_then(|uri| links::link(&uri, base))
        {
            let media = Media { url, media_type: kind.clone(), size_bytes: *size_bytes };
            best(&mut item.media, 2, media);
        }
    }

    fn end_gathering(&mut self) {
        let Some(gathering) = self.gathering.take() else { return };
        if let Field::Description(rank) = gathering.field {
            if let Some(item) = self.item.as_mut().filter(|_| !gathering.is_unwanted) {
                let Gathering { markup, words, .. } = gathering;
                item.describe(Described { rank, markup, words });
            }
            return;
        }
        let base = Rc::clone(gathering.base.as_ref().unwrap_or_else(|| self.base()));
        let words = plain(gathering.markup, &gathering.words);
        let url = || links::link(&words, &base);
        let title = || Some(text::line(&words, TITLE_CHARS_MAX)).filter(|title| !title.is_empty());
        match (&mut self.item, gathering.field) {
            (_, Field::Image(rank)) => {
                self.image(rank, url);
            }
            (None, Field::Title(rank)) => self.feed.title.offer_with(rank, title),
            (None, Field::Link) => self.feed.link.offer(0, url()),
            (None, Field::Language(rank)) => self.feed.language.offer(rank, language(&words)),
            (None, Field::PodcastGuid) => {
                self.feed.podcast_guid = self.feed.podcast_guid.take().or_else(|| key(&words));
            }
            (None, Field::NewFeedUrl) => {
                self.feed.new_feed_url = self.feed.new_feed_url.take().or_else(url);
            }
            (None, _) => {}
            (Some(item), field) => match field {
                Field::Title(rank) => item.title.offer_with(rank, title),
                Field::Link => item.link.offer_with(0, url),
                Field::Enclosure => {
                    if let Some(url) = url() {
                        best(
                            &mut item.media,
                            0,
                            Media { url, media_type: "".into(), size_bytes: None },
                        );
                    }
                }
                Field::Guid { is_link } => {
                    // A relative one is none.
                    if is_link && item.link.wants(9) && Url::parse(words.trim()).is_ok() {
                        item.link.offer_with(9, url);
                    }
                    item.guid.offer(0, key(&words));
                }
                Field::Date(rank) => item.published_at.offer_with(rank, || date::parse(&words)),
                Field::VideoId => {
                    let id = Some(words.trim()).filter(|id| place::is_video(id));
                    item.video_id = item.video_id.take().or_else(|| id.map(str::to_owned));
                }
                Field::Duration => item.duration_ms.offer(0, duration::parse(&words)),
                Field::Season => item.season = item.season.or_else(|| words.trim().parse().ok()),
                Field::Number => item.number = item.number.or_else(|| words.trim().parse().ok()),
                Field::Person => {
                    if let Some(name) = title()
                        && item.persons.len() < PERSONS_MAX
                    {
                        item.persons.push(Person { name, role: gathering.role });
                    }
                }
                Field::Description(_)
                | Field::Language(_)
                | Field::Image(_)
                | Field::PodcastGuid
                | Field::NewFeedUrl => {}
            },
        }
    }

    fn begin_item(&mut self, tag: &Tag<'_>) {
        let mut item = ItemDraft::default();
        item.guid.offer(1, tag.attribute("rdf:about").as_deref().and_then(key));
        self.item = Some(item);
    }

    fn end_item(&mut self) {
        let Some(draft) = self.item.take() else { return };
        if self.items.len() < ITEMS_MAX {
            self.items.push(draft.done());
        } else {
            self.surplus += 1;
        }
    }

    fn finish(mut self, broken_line: Option<usize>, gave_up: bool) -> Result<Feed, FeedError> {
        self.end_gathering();
        let cut_off = self.is_feed && !self.stack.is_empty();
        let mut warnings = Vec::new();
        // The last item of a feed that breaks off is whole enough where it can be known again.
        let is_known = |item: &ItemDraft<'_>| {
            item.guid.0.is_some() || item.link.0.is_some() || item.media.is_some()
        };
        if self.item.as_ref().is_some_and(|item| !is_known(item)) {
            self.item = None;
        }
        self.end_item();
        if self.too_deep {
            if self.items.is_empty() {
                return Err(FeedError::TooDeep);
            }
            warnings.push(format!(
                "The feed nests more than {DEPTH_MAX} elements deep; it was read up to there."
            ));
        } else if !self.is_feed {
            return Err(FeedError::NotAFeed("XML or HTML of another kind"));
        }
        if let Some(line) = broken_line {
            let end = if gave_up { "; it was read up to where too much was broken" } else { "" };
            warnings.push(format!(
                "The feed's XML is broken at line {line}{end}. Some items may be missing."
            ));
        } else if cut_off && !self.too_deep {
            warnings
                .push("The feed breaks off before its end. Some items may be missing.".to_owned());
        }
        if self.surplus > 0 {
            warnings.push(left_out(self.surplus));
        }
        warnings.extend(tell_apart(&mut self.items));
        Ok(Feed {
            title: self.feed.title.take().unwrap_or_default(),
            link: self.feed.link.take().map(|link| link.url()),
            language: self.feed.language.take(),
            image_url: self.feed.image_url.take(),
            podcast_guid: self.feed.podcast_guid,
            new_feed_url: self.feed.new_feed_url.map(|link| link.url()),
            items: self.items,
            warnings,
        })
    }
}

/// What an opening tag leads to.
enum Meaning {
    Place(Place),
    Words(Field),
}

fn is_item(ns: Ns, name: &str) -> bool {
    matches!((ns, name), (Ns::Plain | Ns::Atom, "item" | "entry"))
}

/// What an Atom link leads to.
enum Rel {
    /// A page, with the rank of its kind.
    Page(u8),
    Enclosure,
}

fn rel(tag: &Tag<'_>) -> Option<Rel> {
    let rel = tag.attribute("rel").unwrap_or(Cow::Borrowed("alternate"));
    // Atom allows a relation's full address too.
    match &*lowered(rel.rsplit('/').next().unwrap_or_default()) {
        "alternate" => {
            let is_page = tag.attribute("type").is_none_or(|kind| kind.contains("html"));
            Some(Rel::Page(if is_page { 1 } else { 2 }))
        }
        "enclosure" => Some(Rel::Enclosure),
        _ => None,
    }
}

/// The media that a tag names; `size` is the attribute with its length in bytes.
fn media(url: Link, tag: &Tag<'_>, size: &str) -> Media {
    let media_type = tag.attribute("type").as_deref().map(media_type).unwrap_or_default();
    Media { url, media_type, size_bytes: size_bytes(tag, size) }
}

fn size_bytes(tag: &Tag<'_>, name: &str) -> Option<u64> {
    tag.attribute(name).and_then(|size| size.parse().ok()).filter(|size| *size > 0)
}

/// How an element says that its words are written.
fn markup(ns: Ns, tag: &Tag<'_>) -> Markup {
    let lower = |name: &str| tag.attribute(name).unwrap_or_default().to_ascii_lowercase();
    let (kind, mode) =
        if tag.is_bare() { Default::default() } else { (lower("type"), lower("mode")) };
    match (ns, kind.as_str(), mode.as_str()) {
        (Ns::Atom, _, "base64") => Markup::Base64,
        (Ns::Atom, "xhtml", _) | (Ns::Atom, "application/xhtml+xml", "" | "xml") => Markup::Xhtml,
        (Ns::Atom, "html" | "text/html" | "application/xhtml+xml", _) => Markup::Html,
        (Ns::Atom, "" | "text", _) => Markup::Plain,
        (Ns::Atom, kind, _) if kind.starts_with("text/") || !kind.contains('/') => Markup::Plain,
        (Ns::Atom, kind, _) if kind.ends_with("xml") => Markup::Xhtml,
        (Ns::Atom, ..) => Markup::Base64,
        (Ns::Media, "plain", _) => Markup::Plain,
        (Ns::Media, "html", _) => Markup::Html,
        _ => Markup::Maybe,
    }
}

impl Gathering<'_> {
    fn push(&mut self, words: &str) {
        let left = WORDS_BYTES_MAX.saturating_sub(self.words.len());
        self.words.to_mut().push_str(&words[..words.floor_char_boundary(left)]);
    }

    /// A tag among the words.
    fn mark(&mut self, name: &str, begin: &str) {
        match self.markup {
            _ if self.is_unwanted => {}
            Markup::Xhtml if text::is_block(name.rsplit(':').next().unwrap_or(name)) => {
                self.push("\n")
            }
            Markup::Html | Markup::Maybe if self.words.len() < WORDS_BYTES_MAX => {
                self.has_words = true;
                // Writing to a text does not fail.
                let _ = write!(self.words.to_mut(), "{begin}{}>", lowered(name));
            }
            _ => {}
        }
    }
}

/// Words as they are meant.
fn plain(markup: Markup, words: &str) -> Cow<'_, str> {
    let words = text::undoubled(words);
    let tags = match markup {
        Markup::Plain | Markup::Xhtml => return words,
        Markup::Html => Tags::All,
        Markup::Maybe => Tags::Known,
        Markup::Base64 => {
            let packed: Vec<u8> = words.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
            // What is no text is not what was meant: a short word may pass for base64.
            let text = BASE64.decode(&packed).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            return text.map_or(words, |text| text::from_html(&text, Tags::Known).into());
        }
    };
    if text::holds_marks(&words) { text::from_html(&words, tags).into() } else { words }
}

impl<'t> ItemDraft<'t> {
    fn enclosure(&mut self, url: Option<Link>, tag: &Tag<'_>) {
        if let Some(url) = url {
            best(&mut self.media, 0, media(url, tag, "length"));
        }
    }

    fn describe(&mut self, described: Described<'t>) {
        if described.words.trim().is_empty() || !self.description.wants(described.rank) {
            return;
        }
        self.described.push(described);
        if self.described.len() == DESCRIBED_MAX {
            self.settle_description();
        }
    }

    /// Makes the best of the waiting descriptions plain, the first of equals; the next one where
    /// nothing is left of it.
    fn settle_description(&mut self) {
        self.described.sort_by_key(|described| described.rank);
        for Described { rank, markup, words } in self.described.drain(..) {
            self.description.offer_with(rank, || {
                let lines = text::lines(&plain(markup, &words), DESCRIPTION_CHARS_MAX);
                Some(lines).filter(|lines| !lines.is_empty())
            });
        }
    }

    /// The YouTube video that the item is: what its id or `yt:videoId` says, where its link leads
    /// there too.
    fn youtube_video(&self) -> Option<String> {
        let by_guid = self.guid.0.as_ref().and_then(|(_, guid)| guid.strip_prefix("yt:video:"));
        let said = [by_guid, self.video_id.as_deref()];
        if said == [None, None] {
            return None;
        }
        let (_, link) = self.link.0.as_ref()?;
        // As YouTube's own feeds have it; any other way to a video has to be taken apart.
        let is_plain = |id: &&str| {
            let after = link.as_str().strip_prefix("https://www.youtube.com/watch?v=");
            after == Some(*id) && place::is_video(id)
        };
        if let Some(id) = said.into_iter().flatten().find(is_plain) {
            return Some(id.to_owned());
        }
        let linked = place::video_of(&link.url())?;
        said.contains(&Some(linked.as_str())).then_some(linked)
    }

    fn done(mut self) -> Item {
        self.settle_description();
        Item {
            youtube_video: self.youtube_video(),
            guid_is_shared: false,
            guid: self.guid.take(),
            title: self.title.take().unwrap_or_default(),
            link: self.link.take(),
            published_at: self.published_at.take(),
            duration_ms: self.duration_ms.take(),
            description: self.description.take().unwrap_or_default(),
            media: self.media.map(|candidate| candidate.media),
            image_url: self.image_url.take(),
            transcripts: self.transcripts,
            chapters_url: self.chapters_url,
            chapters: in_order(self.chapters),
            season: self.season,
            number: self.number,
            persons: self.persons,
        }
    }
}
