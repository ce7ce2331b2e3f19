//! One recap in the earlier form: `chunks` over `entries`.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::episode::{self, Told};
use super::read::{self, Record};
use super::topics::{self, Draft};
use super::{KEPT, entries};
use crate::domain::episode::{Episode, EpisodeId, EpisodeKind, Show};
use crate::domain::links;
use crate::domain::recap::{
    Coverage, FORMAT, MadeBy, OutlineOrigin, Recap, RecapId, TranscriptOrigin, TranscriptSource,
};

/// Longest title that is taken, in characters, as with every recap.
const TITLE_CHARS_MAX: usize = 1000;

/// Turns a record of the earlier form into one of format 1. `stem` is the file's name without
/// `.json`. `None` where it is not in the earlier form: it has `format`, or neither `chunks` nor
/// `entries`.
///
/// What comes out deserializes as [`Recap`] and has no flaws.
///
/// # Errors
/// A sentence where it is in the earlier form and cannot be understood.
pub fn recap(earlier: &Value, stem: &str) -> Option<Result<Value, String>> {
    let map = earlier.as_object()?;
    let is_earlier =
        !map.contains_key("format") && (map.contains_key("chunks") || map.contains_key("entries"));
    is_earlier.then(|| convert(map, stem))
}

fn convert(map: &Map<String, Value>, stem: &str) -> Result<Value, String> {
    let id: RecapId = stem.parse().map_err(|_| {
        format!(
            "The earlier recap `{}` has a file name that cannot be a recap's id: use letters, \
             digits, `-`, `_`, `.` and spaces, at most 128 bytes. Rename the file.",
            read::short(stem)
        )
    })?;
    let mut record = Record::new(map);
    let chunks = list(map, "chunks", stem)?;
    let entries = list(map, "entries", stem)?;
    record.mark("chunks");
    record.mark("entries");

    let (names, said_all) = names(map);
    let sure_ms = episode::sure_duration_ms(&mut record);
    let mut lines = entries::entries(entries, sure_ms, &names);
    let shown: HashSet<&String> = lines.transcript.speakers.values().collect();
    if said_all && names.values().all(|name| shown.contains(name)) {
        record.mark("speakers");
        record.mark("speakerNames");
    }

    let mut notes = vec![
        "This recap comes from an earlier version; its points cite whole topics where that did \
         not say more."
            .to_owned(),
    ];
    let mut left_chunks = Vec::new();
    let drafts = topics::drafts(chunks, &mut left_chunks);
    let has_cues = !lines.transcript.cues.is_empty();
    let mut overview = record.take(&["digestOverview", "overview"], overview_text);
    let mut laid = topics::Laid::default();
    if has_cues {
        laid = topics::lay(drafts, chunks, &lines);
    } else if !drafts.is_empty() {
        notes.push(
            "There is no transcript for the topics to stand over: what they say is in the \
             overview, and they are kept unchanged under `earlier.chunks`."
                .to_owned(),
        );
        let told = drafts.iter().map(Draft::as_line);
        let all: Vec<String> = overview.take().into_iter().chain(told).collect();
        overview = Some(all.join("\n"));
    }
    notes.append(&mut lines.notes);
    notes.append(&mut laid.notes);
    if !left_chunks.is_empty() && has_cues {
        let count = read::counted(left_chunks.len(), "topic");
        notes.push(format!(
            "{count} had neither title nor text; they are kept under `earlier.chunks`."
        ));
    }
    left_chunks.append(&mut laid.left);

    let episode = episode_of(&mut record, stem, sure_ms, &lines, chunks, &mut notes);
    let made_by = made_by(&mut record, &episode, &lines, &mut notes);
    let title = title(&mut record, &["title", "name"]).unwrap_or_else(|| episode.title.clone());
    let created_at = created_at(&mut record, stem, &episode, &mut notes);
    let updated_at = record
        .take(&["updatedAt", "updated_at", "modifiedAt", "lastModified"], read::moment)
        .unwrap_or(created_at);
    record.take(&["topicCount"], |value| {
        read::index(value).filter(|count| [chunks.len(), laid.topics.len()].contains(count))
    });
    record.take(&["id"], |value| read::text(value).filter(|text| *text == stem));

    let mut kept = record.rest();
    if !has_cues && !chunks.is_empty() {
        kept.insert("chunks".to_owned(), Value::Array(chunks.to_vec()));
    } else if !left_chunks.is_empty() {
        kept.insert("chunks".to_owned(), Value::Array(left_chunks));
    }
    if !lines.left.is_empty() {
        kept.insert("entries".to_owned(), Value::Array(std::mem::take(&mut lines.left)));
    }
    let mut recap = Recap {
        format: FORMAT,
        id,
        title,
        topic_count: laid.topics.len(),
        duration_ms: episode.duration_ms.unwrap_or(0).max(lines.transcript.duration_ms()),
        created_at,
        updated_at,
        episode,
        made_by,
        overview: overview.unwrap_or_default(),
        topics: laid.topics,
        coverage: Coverage::default(),
        notes,
        transcript: lines.transcript,
    };
    recap.coverage = recap.measure_coverage();
    written(&recap, kept, laid.extras, lines.extras, stem)
}

/// A list of the record; one that is missing is empty.
fn list<'a>(map: &'a Map<String, Value>, key: &str, stem: &str) -> Result<&'a [Value], String> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(other) => Err(format!(
            "The earlier recap `{}` cannot be read: its `{key}` is {} and not a list. Mend the \
             file, or move it away.",
            read::short(stem),
            match other {
                Value::Object(_) => "an object",
                Value::String(_) => "a text",
                Value::Number(_) => "a number",
                _ => "a yes or no",
            }
        )),
    }
}

/// Names of speakers by what entries call them, and whether they say all that stands there. What
/// `speakers` calls them may itself have a name in `speakerNames`.
fn names(map: &Map<String, Value>) -> (HashMap<String, String>, bool) {
    let read = |key: &str| {
        let mut names = HashMap::new();
        let value = map.get(key).filter(|value| !value.is_null());
        let is_all = value.is_none_or(|value| entries::speaker_names(value, &mut names));
        (names, is_all)
    };
    let (labels, all_labels) = read("speakers");
    let (mut names, all_names) = read("speakerNames");
    let labelled: Vec<(String, String)> = labels
        .into_iter()
        .filter(|(key, _)| !names.contains_key(key))
        .map(|(key, label)| (key, names.get(&label).cloned().unwrap_or(label)))
        .collect();
    names.extend(labelled);
    (names, all_labels && all_names)
}

fn overview_text(value: &Value) -> Option<String> {
    match value {
        Value::Array(parts) => {
            let parts: Vec<&str> = parts.iter().map(read::text).collect::<Option<_>>()?;
            (!parts.is_empty()).then(|| parts.join("\n\n"))
        }
        other => read::text(other).map(str::to_owned),
    }
}

/// A title, cut where it is too long; the whole is then kept.
fn title(record: &mut Record<'_>, names: &[&str]) -> Option<String> {
    let fits = |value| read::line(value).filter(|it| it.chars().count() <= TITLE_CHARS_MAX);
    record
        .take(names, fits)
        .or_else(|| record.look(names, read::line))
        .map(|title| title.chars().take(TITLE_CHARS_MAX).collect())
}

fn episode_of(
    record: &mut Record<'_>,
    stem: &str,
    sure_ms: Option<u64>,
    lines: &entries::Entries,
    chunks: &[Value],
    notes: &mut Vec<String>,
) -> Episode {
    let mut told = Told::take(record);
    let own = record.look(&["id"], read::text);
    if told.video.is_none() {
        told.video = own
            .into_iter()
            .chain([stem])
            .find_map(|name| video_in(name, told.kind, told.url.is_some()));
    }
    let id = told.id(Some(own.unwrap_or(stem))).unwrap_or_else(|| {
        notes.push(
            "Nothing in the earlier form says where the episode came from; it counts as uploaded."
                .to_owned(),
        );
        EpisodeId::upload(content(lines, chunks, stem).as_bytes())
    });
    told.settle(record, &id);
    // It is in the id only as a hash.
    record.keep(&episode::GUID);
    // A recap is exported and shared: the key of a private feed must not go along.
    if let Some(feed) = told.feed_url.take() {
        if links::holds_secret(&feed) {
            told.url = told.url.as_ref().map(links::without_query_secrets);
            told.media_url = told.media_url.as_ref().map(links::without_query_secrets);
        }
        told.feed_url = links::shareable(&feed);
        if told.feed_url.is_none() {
            notes.push("The link of its feed is private and was left out.".to_owned());
        }
    }
    let own_title = title(record, &["videoTitle", "episodeTitle", "originalTitle"]);
    let shown = record.look(&["title", "name"], read::line);
    let title = own_title.or(shown).unwrap_or_else(|| {
        notes.push("The earlier form had no title; the name of its file stands for it.".to_owned());
        stem.to_owned()
    });
    let is_tag = |value| {
        let tag = read::text(value)?;
        let fits = (2..=35).contains(&tag.len())
            && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        fits.then(|| tag.to_owned())
    };
    Episode {
        kind: id.kind(),
        id,
        url: told.page(),
        title: title.chars().take(TITLE_CHARS_MAX).collect(),
        show: Show { title: std::mem::take(&mut told.show), feed_url: told.feed_url },
        published_at: record.take(&episode::PUBLISHED, read::moment),
        duration_ms: sure_ms
            .or_else(|| episode::duration_ms(record, lines.transcript.duration_ms())),
        media_url: told.media_url,
        image_url: record.take(&["thumbnail", "thumbnailUrl", "imageUrl", "image"], read::link),
        language: record.take(&["language", "lang"], is_tag),
        chapters: Vec::new(),
    }
}

/// The video that a recap is called after: the whole name, or, where it is one of YouTube, its end
/// or its beginning.
fn video_in(name: &str, kind: Option<EpisodeKind>, has_url: bool) -> Option<String> {
    let is_youtube = kind == Some(EpisodeKind::Youtube);
    if kind.is_some() && !is_youtube || kind.is_none() && has_url {
        return None;
    }
    let is_one = |text: &str| {
        if is_youtube && text.len() == name.len() {
            read::is_video_id(text)
        } else {
            read::is_surely_video_id(text)
        }
    };
    let is_joint = |c: Option<char>| c.is_none_or(|c| "-_. ".contains(c));
    let head = name.get(..11).filter(|head| is_one(head) && is_joint(name[11..].chars().next()));
    let at = name.len().checked_sub(11)?;
    let tail =
        name.get(at..).filter(|tail| is_one(tail) && is_joint(name[..at].chars().next_back()));
    let found = if is_youtube { tail.or(head) } else { head.filter(|_| name.len() == 11) };
    found.map(str::to_owned)
}

/// What an upload is known by.
fn content(lines: &entries::Entries, chunks: &[Value], stem: &str) -> String {
    let cues = &lines.transcript.cues;
    if !cues.is_empty() {
        let texts: Vec<&str> = cues.iter().map(|cue| cue.text.as_str()).collect();
        return texts.join("\n");
    }
    if chunks.is_empty() { stem.to_owned() } else { Value::Array(chunks.to_vec()).to_string() }
}

fn made_by(
    record: &mut Record<'_>,
    episode: &Episode,
    lines: &entries::Entries,
    notes: &mut Vec<String>,
) -> MadeBy {
    let words = ["transcriptionModel", "transcriptModel"];
    let model = record.take(&words, read::line);
    let words = ["transcriptionProvider", "transcriptProvider"];
    let provider = record.take(&words, read::line);
    let has_captions = record.look(&["captionsSource", "captions_source"], read::text).is_some();
    let was_heard = model.is_some() || provider.is_some() || has_speakers(lines);
    // Captions name no speakers and come from no model; podcasts were always heard.
    let source = match episode.kind {
        EpisodeKind::Youtube if has_captions || !was_heard => TranscriptSource::Captions,
        EpisodeKind::Youtube | EpisodeKind::Podcast => TranscriptSource::Speech,
        EpisodeKind::Upload => TranscriptSource::Upload,
    };
    let is_told = has_captions || model.is_some() || provider.is_some();
    if episode.kind == EpisodeKind::Youtube && !is_told && !lines.transcript.cues.is_empty() {
        let guess = if was_heard { "heard, since it names speakers" } else { "captions" };
        notes.push(format!(
            "The earlier form does not say where the transcript came from; it is taken for {guess}."
        ));
    }
    let words = ["provider", "analysisProvider", "summaryProvider"];
    let outline = OutlineOrigin {
        provider: record.take(&words, read::line).unwrap_or_default(),
        model: record.take(&["model", "analysisModel", "summaryModel"], read::line),
        ..OutlineOrigin::default()
    };
    let transcript = TranscriptOrigin { source, provider, model, ..TranscriptOrigin::default() };
    MadeBy { transcript, outline, ..MadeBy::default() }
}

fn has_speakers(lines: &entries::Entries) -> bool {
    !lines.transcript.speakers.is_empty()
}

fn created_at(
    record: &mut Record<'_>,
    stem: &str,
    episode: &Episode,
    notes: &mut Vec<String>,
) -> DateTime<Utc> {
    let names = ["createdAt", "created_at", "savedAt", "processedAt", "date", "timestamp"];
    if let Some(at) = record.take(&names, read::moment) {
        return at;
    }
    let of_text = |text: Option<&str>| text.and_then(|it| read::moment(&Value::from(it)));
    let digits = stem.bytes().take_while(u8::is_ascii_digit).count();
    let made = of_text(stem.get(..10).filter(|day| day.contains('-')))
        .or_else(|| of_text(stem.get(..digits).filter(|_| [10, 13].contains(&digits))))
        .or(episode.published_at);
    let from = match made {
        Some(_) => "the name of its file or its publication stands for it",
        None => "1970 stands for it",
    };
    notes.push(format!("The earlier form does not say when it was made; {from}."));
    made.unwrap_or_default()
}

/// The JSON, with what is kept put beside what it belonged to.
fn written(
    recap: &Recap,
    kept: Map<String, Value>,
    of_topics: Vec<Map<String, Value>>,
    of_cues: Vec<(usize, Map<String, Value>)>,
    stem: &str,
) -> Result<Value, String> {
    let cannot = |what: &str| {
        format!(
            "The earlier recap `{}` cannot be turned into today's form: {what}.",
            read::short(stem)
        )
    };
    if let Some(flaw) = recap.flaws().first() {
        return Err(cannot(flaw));
    }
    let mut value = serde_json::to_value(recap).map_err(|error| cannot(&error.to_string()))?;
    let keep = |value: Option<&mut Value>, kept: Map<String, Value>| {
        if let Some(Value::Object(map)) = value
            && !kept.is_empty()
        {
            map.insert(KEPT.to_owned(), Value::Object(kept));
        }
    };
    for (at, extra) in of_topics.into_iter().enumerate() {
        keep(value.pointer_mut(&format!("/topics/{at}")), extra);
    }
    if let Some(Value::Array(cues)) = value.pointer_mut("/transcript/cues") {
        for (at, extra) in of_cues {
            keep(cues.get_mut(at), extra);
        }
    }
    keep(Some(&mut value), kept);
    Ok(value)
}
