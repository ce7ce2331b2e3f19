//! The pages: the same calls as the API, answered as HTML for people.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use recap_mode::{Caller, Fault, Scope};
use rust_embed::RustEmbed;
use serde::Deserialize;
use unicode_segmentation::UnicodeSegmentation;
use url::Url;

use crate::app::App;
use crate::domain::library::{Folder, LibraryMeta};
use crate::domain::recap::{Doubt, Point, Recap, RecapHead, RecapId, Topic, TranscriptSource};
use crate::domain::transcript::Cue;
use crate::history::library::Found;
use crate::history::{LibraryError, ListOrder, ListQuery, Page as ListPage, Problem, SortKey};
use crate::jobs::JobView;
use crate::pipeline::Stage;
use crate::search::{self, PlaceKind};

use super::extract::{Id, Params, Who};
use super::recaps::{self, ListParams};
use super::search::HITS_DEFAULT;

#[derive(RustEmbed)]
#[folder = "src/web/static/"]
struct Assets;

/// What every page needs.
struct Frame {
    signed_in: bool,
    /// Path and word.
    account: Option<(&'static str, &'static str)>,
    problems: Vec<Problem>,
    config_problem: Option<String>,
}

async fn frame(app: &Arc<App>, caller: &Caller) -> Result<Frame, Fault> {
    let scope = caller.scope.clone();
    Ok(Frame {
        signed_in: caller.signed_in_as.is_some(),
        account: app.mode.account_link(caller),
        problems: super::blocking(app, move |app| app.library.problems_now(&scope)).await?,
        config_problem: if caller.operator { app.config_problem_now() } else { None },
    })
}

fn page(template: &impl Template) -> Result<Response, Fault> {
    let text = template.render().map_err(|error| Fault::internal("writing a page", error))?;
    Ok(Html(text).into_response())
}

/// A fault as a page.
pub(super) fn sorry(fault: Fault) -> Response {
    if let Some(cause) = fault.cause() {
        tracing::error!(cause = %cause, "a page could not be shown: {}", fault.message);
    }
    let shown =
        Sorry { frame: None, status: fault.kind.status().as_u16(), message: fault.to_string() };
    match page(&shown) {
        Ok(response) => (fault.kind.status(), response).into_response(),
        Err(fault) => fault.into_response(),
    }
}

#[derive(Template)]
#[template(path = "sorry.html", config = "src/web/askama.toml")]
struct Sorry {
    frame: Option<Frame>,
    status: u16,
    message: String,
}

/// Folders whose recaps stand on the first page; of the others only the names do.
const FOLDERS_OPEN: usize = 40;

/// Recaps of a folder that stand on the first page.
const FOLDER_RECAPS: usize = 20;

/// Pages that are looked through for recaps outside folders before the page is shown as it is.
const LOOKS_MAX: usize = 10;

/// Minutes that the end of a job is shown: its recap stands in the list anyway.
const DONE_SHOWN_MINUTES: i64 = 2;

/// Minutes that a failure is shown: whoever went away in between shall read why.
const FAILED_SHOWN_MINUTES: i64 = 60;

#[derive(Template)]
#[template(path = "library.html", config = "src/web/askama.toml")]
struct LibraryPage {
    frame: Option<Frame>,
    jobs: Vec<JobView>,
    folders: Vec<FolderShown>,
    recaps: Vec<Arc<RecapHead>>,
    meta: LibraryMeta,
    query: ListQuery,
    next: Option<String>,
    total: usize,
}

/// A folder on the first page.
struct FolderShown {
    folder: Folder,
    recaps: Vec<Arc<RecapHead>>,
    total: usize,
}

impl LibraryPage {
    /// What the page shows, where it is not the whole library.
    fn narrowed(&self) -> Option<&str> {
        let folder = self
            .query
            .folder
            .as_ref()
            .and_then(|id| self.meta.folders.iter().find(|f| f.id == *id));
        folder
            .map(|folder| folder.name.as_str())
            .or(self.query.show.as_deref())
            .or(self.query.title.as_deref())
    }

    /// Whether any job still runs.
    fn works(&self) -> bool {
        self.jobs.iter().any(|job| !job.stage.is_final())
    }

    fn folder_of(&self, recap: &RecapHead) -> &str {
        self.meta.folder_of(&recap.id).map_or("", |folder| folder.id.as_str())
    }

    /// The ways to sort: name, address, whether it is the present one, and what another click does.
    fn sorts(&self) -> [SortLink; 4] {
        let link = |name, key, word, first: ListOrder, turned: ListOrder| {
            let current = self.query.sort == key;
            let order = if current && self.query.order == first { turned } else { first };
            let arrow = match (current, self.query.order) {
                (false, _) => "",
                (true, ListOrder::Desc) => "↓",
                (true, ListOrder::Asc) => "↑",
            };
            SortLink { name, arrow, current, address: self.address(word, order, None) }
        };
        let (down, up) = (ListOrder::Desc, ListOrder::Asc);
        [
            link("Added", SortKey::CreatedAt, "created_at", down, up),
            link("Published", SortKey::PublishedAt, "published_at", down, up),
            link("Title", SortKey::Title, "title", up, down),
            link("Length", SortKey::DurationMs, "duration_ms", down, up),
        ]
    }

    fn next_address(&self, next: &str) -> String {
        let word = match self.query.sort {
            SortKey::CreatedAt => "created_at",
            SortKey::PublishedAt => "published_at",
            SortKey::Title => "title",
            SortKey::DurationMs => "duration_ms",
        };
        self.address(word, self.query.order, Some(next))
    }

    fn address(&self, sort: &str, order: ListOrder, cursor: Option<&str>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::from("/?"));
        query.append_pair("sort", sort);
        query.append_pair("order", if order == ListOrder::Asc { "asc" } else { "desc" });
        let filters = [
            ("folder", &self.query.folder),
            ("show", &self.query.show),
            ("title", &self.query.title),
        ];
        for (key, value) in filters {
            if let Some(value) = value {
                query.append_pair(key, value);
            }
        }
        if let Some(cursor) = cursor {
            query.append_pair("cursor", cursor);
        }
        query.finish()
    }
}

struct SortLink {
    name: &'static str,
    arrow: &'static str,
    current: bool,
    address: String,
}

/// The library, with the box to make a recap.
pub(super) async fn library(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    params: Result<Params<ListParams>, Fault>,
) -> Response {
    let shown = async {
        let Params(params) = params?;
        let query: ListQuery = params.query()?;
        let frame = frame(&app, &caller).await?;
        // Folders that cannot be read are named above the list, and take no recap away.
        let meta = app.library.meta(&caller.scope).await.unwrap_or_default();
        let jobs = jobs_shown(&app, &caller);
        let scope = caller.scope.clone();
        let shown = super::blocking(&app, move |app| {
            list_with_folders(app, &scope, meta, query).map_err(Fault::from)
        });
        let (meta, query, folders, list) = shown.await?;
        let next = list.next.as_ref().map(recaps::cursor_text);
        page(&LibraryPage {
            frame: Some(frame),
            jobs,
            folders,
            recaps: list.recaps,
            meta,
            query,
            next,
            total: list.total,
        })
    };
    shown.await.unwrap_or_else(sorry)
}

/// Jobs that run, and those that ended a short while ago.
fn jobs_shown(app: &App, caller: &Caller) -> Vec<JobView> {
    let now = app.clock.now();
    let mut jobs = app.jobs.list(&caller.scope);
    jobs.retain(|job| {
        let minutes = match job.stage {
            Stage::Cancelled => 0,
            Stage::Failed => FAILED_SHOWN_MINUTES,
            _ => DONE_SHOWN_MINUTES,
        };
        job.finished_at.is_none_or(|at| at + TimeDelta::minutes(minutes) > now)
    });
    jobs
}

/// The folders with what is in them, and a page of what is in none; a narrowed list has no folders.
fn list_with_folders(
    app: &App,
    scope: &Scope,
    meta: LibraryMeta,
    mut query: ListQuery,
) -> Result<(LibraryMeta, ListQuery, Vec<FolderShown>, ListPage), LibraryError> {
    let mut folders = Vec::new();
    let narrowed = query.folder.is_some() || query.show.is_some() || query.title.is_some();
    let mut list = app.library.list_now(scope, &query)?;
    if narrowed || meta.folders.is_empty() {
        return Ok((meta, query, folders, list));
    }
    if query.cursor.is_none() {
        for (at, folder) in meta.folders.iter().enumerate() {
            let inside = if at < FOLDERS_OPEN {
                let inside = ListQuery {
                    folder: Some(folder.id.clone()),
                    limit: FOLDER_RECAPS,
                    ..query.clone()
                };
                app.library.list_now(scope, &inside)?
            } else {
                ListPage { recaps: Vec::new(), next: None, total: folder.recaps.len() }
            };
            let (folder, recaps, total) = (folder.clone(), inside.recaps, inside.total);
            folders.push(FolderShown { folder, recaps, total });
        }
    }
    let filed: HashSet<&RecapId> = meta.folders.iter().flat_map(|folder| &folder.recaps).collect();
    let first = query.cursor.take();
    list.recaps.retain(|head| !filed.contains(&head.id));
    for _ in 0..LOOKS_MAX {
        let wanted = query.limit.saturating_sub(list.recaps.len());
        let (Some(next), 1..) = (list.next.clone(), wanted) else { break };
        // As many as are missing: no page is longer than asked for.
        let more = ListQuery { cursor: Some(next), limit: wanted, ..query.clone() };
        let more = app.library.list_now(scope, &more)?;
        list.next = more.next;
        list.recaps.extend(more.recaps.into_iter().filter(|head| !filed.contains(&head.id)));
    }
    drop(filed);
    query.cursor = first;
    Ok((meta, query, folders, list))
}

/// A piece of a text, and whether it stands out.
struct Piece<'a> {
    text: &'a str,
    marked: bool,
}

/// Cuts a text at byte ranges that ascend and do not overlap.
fn pieces(text: &str, marked: impl Iterator<Item = Range<usize>>) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut at = 0;
    for range in marked {
        pieces.push(Piece { text: &text[at..range.start], marked: false });
        at = range.end;
        pieces.push(Piece { text: &text[range], marked: true });
    }
    pieces.push(Piece { text: &text[at..], marked: false });
    pieces.retain(|piece| !piece.text.is_empty());
    pieces
}

/// A length of a paragraph of the transcript at which it ends with its sentence, in bytes.
const PARAGRAPH_BYTES: usize = 420;

/// A length at which it ends in any case, in bytes; a cue is never cut.
const PARAGRAPH_BYTES_MAX: usize = 1200;

/// Cues from which on a browser lays out only what is looked at.
const LONG_CUES: usize = 5000;

/// The part of a transcript that belongs to one topic, or to none.
struct Said {
    topic: Option<usize>,
    paragraphs: Vec<Paragraph>,
}

/// Cues that are read in one go: one speaker, a few sentences.
struct Paragraph {
    /// Where the speaker changes.
    speaker: Option<String>,
    cues: Range<usize>,
}

#[derive(Template)]
#[template(path = "recap.html", config = "src/web/askama.toml")]
struct RecapPage {
    frame: Option<Frame>,
    recap: Recap,
    etag: String,
    problem: Option<Problem>,
    about: &'static str,
    said: Vec<Said>,
    /// The first point whose receipt ends with a cue, by cue.
    cited: HashMap<usize, String>,
}

impl RecapPage {
    fn new(frame: Frame, found: Found) -> RecapPage {
        let recap = found.recap;
        let mut cited = HashMap::new();
        for point in recap.topics.iter().flat_map(|topic| &topic.points) {
            cited.entry(point.last_cue.unwrap_or(point.cue)).or_insert_with(|| point.id.clone());
        }
        RecapPage {
            frame: Some(frame),
            etag: found.etag.quoted(),
            problem: found.problem,
            about: if recap.transcript.times.is_exact() { "" } else { "about " },
            said: said(&recap),
            cited,
            recap,
        }
    }

    fn cue(&self, at: &usize) -> Option<&Cue> {
        self.recap.transcript.cues.get(*at)
    }

    fn topic(&self, said: &Said) -> Option<&Topic> {
        self.recap.topics.get(said.topic?)
    }

    /// The doubts about a point.
    fn doubts<'a>(&self, topic: &'a Topic, point: &Point) -> Vec<&'a Doubt> {
        topic.doubts.iter().filter(|doubt| doubt.point.as_ref() == Some(&point.id)).collect()
    }

    /// The doubts of a topic that name no point of it.
    fn loose_doubts<'a>(&self, topic: &'a Topic) -> Vec<&'a Doubt> {
        let has =
            |id: &Option<String>| topic.points.iter().any(|point| Some(&point.id) == id.as_ref());
        topic.doubts.iter().filter(|doubt| !has(&doubt.point)).collect()
    }

    fn is_long(&self) -> bool {
        self.recap.transcript.cues.len() > LONG_CUES
    }

    fn doubt_count(&self) -> usize {
        self.recap.topics.iter().map(|topic| topic.doubts.len()).sum()
    }

    /// A point's text with the words in doubt marked.
    fn doubted<'a>(&self, topic: &Topic, point: &'a Point) -> Vec<Piece<'a>> {
        let mut ranges: Vec<Range<usize>> = self
            .doubts(topic, point)
            .iter()
            .filter(|doubt| !doubt.text.is_empty())
            .filter_map(|doubt| {
                let at = point.text.find(&doubt.text)?;
                Some(at..at + doubt.text.len())
            })
            .collect();
        ranges.sort_by_key(|range| (range.start, range.end));
        let mut end = 0;
        ranges.retain(|range| {
            range.start >= end && {
                end = range.end;
                true
            }
        });
        pieces(&point.text, ranges.into_iter())
    }

    /// Where the transcript comes from, for a person.
    fn source(&self) -> &'static str {
        match self.recap.made_by.transcript.source {
            TranscriptSource::Podcast => "The publisher’s own transcript",
            TranscriptSource::Captions => "The video’s captions",
            TranscriptSource::Speech => "Speech recognition",
            TranscriptSource::Upload => "A file or text that you brought",
        }
    }
}

/// Cuts a transcript into the parts of its topics, and those into paragraphs.
fn said(recap: &Recap) -> Vec<Said> {
    let cues = &recap.transcript.cues;
    let opens: HashMap<usize, usize> =
        recap.topics.iter().enumerate().map(|(at, topic)| (topic.first_cue, at)).collect();
    let mut parts: Vec<Said> = Vec::new();
    let mut bytes = 0;
    for (at, cue) in cues.iter().enumerate() {
        let current = parts.last().and_then(|part| part.topic);
        let over = current.is_some_and(|topic| at > recap.topics[topic].last_cue);
        let opened = opens.get(&at).copied();
        let fresh_part = opened.is_some() || over || at == 0;
        if fresh_part {
            parts.push(Said { topic: opened, paragraphs: Vec::new() });
        }
        let before = at.checked_sub(1).and_then(|before| cues.get(before));
        let same_speaker = before.is_some_and(|before| before.speaker == cue.speaker);
        let at_rest = before.is_some_and(|before| {
            before.text.trim_end().ends_with(['.', '?', '!', '…', '”', '"', '。', '？', '！', '؟'])
        });
        let full = bytes >= PARAGRAPH_BYTES_MAX || (bytes >= PARAGRAPH_BYTES && at_rest);
        let Some(part) = parts.last_mut() else { continue };
        match part.paragraphs.last_mut() {
            Some(paragraph) if same_speaker && !full => paragraph.cues.end = at + 1,
            _ => {
                let named = (!same_speaker || fresh_part)
                    .then(|| recap.transcript.speaker_name(cue).map(str::to_owned))
                    .flatten();
                part.paragraphs.push(Paragraph { speaker: named, cues: at..at + 1 });
                bytes = 0;
            }
        }
        bytes += cue.text.len();
    }
    parts
}

/// Whether a link from a file may be followed from a page: only to the web.
fn leads_to_the_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

/// A day as people write it.
fn day(at: &DateTime<Utc>) -> String {
    at.format("%-d %B %Y").to_string()
}

/// A share as percent; only the whole is 100.
fn percent(share: &f64) -> String {
    let tenths = (share.clamp(0.0, 1.0) * 1000.0 + 1e-6).floor() / 10.0;
    format!("{tenths}%")
}

/// `1 topic`, `2 topics`.
fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// One recap with its transcript.
pub(super) async fn recap(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    id: Result<Id, Fault>,
) -> Response {
    let shown = async {
        let Id(id) = id?;
        let found = app.library.find(&caller.scope, &id).await?;
        let frame = frame(&app, &caller).await?;
        // A long transcript takes a moment to write.
        super::blocking(&app, move |_| page(&RecapPage::new(frame, found))).await
    };
    shown.await.unwrap_or_else(sorry)
}

#[derive(Deserialize)]
pub(super) struct SearchParams {
    #[serde(default)]
    q: String,
}

#[derive(Template)]
#[template(path = "search.html", config = "src/web/askama.toml")]
struct SearchPage {
    frame: Option<Frame>,
    query: String,
    found: search::Found,
}

impl SearchPage {
    /// A found text with the words that were searched for marked.
    fn marked<'a>(&self, text: &'a str) -> Vec<Piece<'a>> {
        let is_wanted = |word: &str| {
            let word = word.to_lowercase();
            self.found.words.iter().any(|wanted| {
                word == *wanted
                    || (wanted.chars().count() >= 3 && word.starts_with(wanted.as_str()))
            })
        };
        let words = text.unicode_word_indices().filter(|(_, word)| is_wanted(word));
        pieces(text, words.map(|(at, word)| at..at + word.len()))
    }

    /// What sort of place it is, for a person.
    fn kind(kind: &PlaceKind) -> &'static str {
        match kind {
            PlaceKind::Topic => "Topic",
            PlaceKind::Point => "Point",
            PlaceKind::Overview => "Overview",
            PlaceKind::Transcript => "Transcript",
        }
    }
}

/// What a search found.
pub(super) async fn search(
    State(app): State<Arc<App>>,
    Who(caller): Who,
    params: Result<Params<SearchParams>, Fault>,
) -> Response {
    let shown = async {
        let Params(SearchParams { q: query }) = params?;
        let frame = frame(&app, &caller).await?;
        let (scope, text) = (caller.scope.clone(), query.clone());
        let found =
            super::blocking(&app, move |app| app.search.find_now(&scope, &text, HITS_DEFAULT))
                .await?;
        page(&SearchPage { frame: Some(frame), query, found })
    };
    shown.await.unwrap_or_else(sorry)
}

#[derive(Deserialize)]
pub(super) struct SignInParams {
    #[serde(default)]
    next: Option<String>,
    #[serde(default)]
    wrong: Option<String>,
}

#[derive(Template)]
#[template(path = "sign_in.html", config = "src/web/askama.toml")]
struct SignInPage {
    frame: Option<Frame>,
    next: String,
    wrong: bool,
}

/// Where strangers are led.
pub(super) async fn sign_in(
    State(app): State<Arc<App>>,
    params: Result<Params<SignInParams>, Fault>,
) -> Response {
    let place = app.mode.sign_in_path();
    if place != "/sign-in" {
        return (StatusCode::SEE_OTHER, [(LOCATION, place)]).into_response();
    }
    let shown = params.and_then(|Params(params)| {
        page(&SignInPage {
            frame: None,
            next: params.next.unwrap_or_else(|| "/".to_owned()),
            wrong: params.wrong.is_some(),
        })
    });
    shown.unwrap_or_else(sorry)
}

/// A static file of the page.
pub(super) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(file) = Assets::get(&name) else {
        return Fault::not_found("There is no such file.").into_response();
    };
    let hash: String = base16ct::lower::encode_string(&file.metadata.sha256_hash()[..8]);
    let etag = format!("\"{hash}\"");
    // Asked for again each time, and answered with 304: a new version is seen at once.
    let common = [(ETAG, etag.clone()), (CACHE_CONTROL, "no-cache".to_owned())];
    if headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let kind = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    (common, [(CONTENT_TYPE, kind)], file.data.into_owned()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::recap::tests::sample;

    #[test]
    fn every_cue_stands_once_in_the_part_of_its_topic() {
        let mut recap = sample("a", "Bread");
        let cue = recap.transcript.cues[0].clone();
        recap.transcript.cues.resize(5000, cue);
        recap.topics[0].first_cue = 1;
        let parts = said(&recap);
        let cues: Vec<usize> =
            parts.iter().flat_map(|part| &part.paragraphs).flat_map(|p| p.cues.clone()).collect();
        assert_eq!(cues, (0..5000).collect::<Vec<_>>());
        assert_eq!(parts[0].topic, None, "what no topic covers is shown as well");
        for part in parts.iter().filter(|part| part.topic.is_some()) {
            let topic = &recap.topics[part.topic.unwrap()];
            assert_eq!(part.paragraphs[0].cues.start, topic.first_cue);
            assert_eq!(part.paragraphs.last().unwrap().cues.end, topic.last_cue + 1);
        }
        assert!(parts.iter().flat_map(|part| &part.paragraphs).all(|p| p.cues.len() < 200));
        recap.transcript.cues.clear();
        assert!(said(&recap).is_empty());
    }

    #[test]
    fn marked_pieces_put_together_are_the_text() {
        let check = |text: &str, ranges: &[Range<usize>], want: &[(&str, bool)]| {
            let cut = pieces(text, ranges.iter().cloned());
            let cut: Vec<(&str, bool)> = cut.iter().map(|p| (p.text, p.marked)).collect();
            assert_eq!(cut, want, "{text}");
        };
        check("an oven", std::slice::from_ref(&(3..7)), &[("an ", false), ("oven", true)]);
        check("äü", &[0..2, 2..4], &[("ä", true), ("ü", true)]);
        check("none", &[], &[("none", false)]);
        check("", &[], &[]);
    }

    #[test]
    fn only_the_whole_is_a_hundred_percent() {
        for (share, want) in
            [(1.0, "100%"), (0.9996, "99.9%"), (0.998, "99.8%"), (0.0, "0%"), (7.0, "100%")]
        {
            assert_eq!(percent(&share), want);
        }
    }

    #[test]
    fn only_links_to_the_web_may_be_followed() {
        for (link, want) in [
            ("https://example.org", true),
            ("http://[::1]/x", true),
            ("javascript:alert(1)", false),
            ("JaVaScRiPt:alert(1)", false),
            ("data:text/html,x", false),
            ("file:///etc/passwd", false),
        ] {
            assert_eq!(leads_to_the_web(&link.parse().unwrap()), want, "{link}");
        }
    }
}
