//! What is certain of the earlier form: a recap's `id`, `title`, `type`, `url`, `createdAt`,
//! `topicCount`, `chunks` with `title`, `summary`, `startIndex` and `endIndex`, `entries` with
//! `offset` and `text`, `speakers`, `speakerNames`, `digestOverview`. Every other name in these
//! records, the unit of `offset`, and every shape of the lists is a GUESS, and so are the fixtures.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::auto_queue::{AutoQueue, State};
use crate::domain::library::LibraryMeta;
use crate::domain::recap::Recap;
use crate::domain::seen_list::{SeenList, Why, show_id};
use crate::domain::skip_list::SkipList;
use crate::domain::subscription::Subscriptions;
use crate::domain::transcript::Times;

fn converted(earlier: &Value, stem: &str) -> Value {
    recap(earlier, stem).expect("the earlier form").expect("can be understood")
}

/// Reads what came out, and holds against it what must always hold.
fn sound(value: &Value) -> Recap {
    let read: Recap = serde_json::from_value(value.clone()).expect("today's form");
    assert_eq!(read.flaws(), Vec::<String>::new());
    let cues = read.transcript.cues.len();
    let mut next = 0;
    for topic in &read.topics {
        assert_eq!(topic.first_cue, next, "a gap or an overlap before {}", topic.id);
        assert!(topic.first_cue <= topic.last_cue && topic.start_ms <= topic.end_ms);
        for point in &topic.points {
            let cited = point.cue..=point.last_cue.unwrap_or(point.cue);
            assert!(!cited.is_empty() && topic.first_cue <= *cited.start(), "{point:?}");
            assert!(*cited.end() <= topic.last_cue, "{point:?}");
        }
        next = topic.last_cue + 1;
    }
    assert!(read.topics.is_empty() || next == cues, "the end is in no topic");
    assert!(read.transcript.cues.is_sorted_by_key(|cue| cue.start_ms));
    for cue in &read.transcript.cues {
        assert!(cue.start_ms <= cue.end_ms && !cue.text.trim().is_empty());
        let speaker = cue.speaker.as_ref();
        assert!(speaker.is_none_or(|key| read.transcript.speakers.contains_key(key)));
    }
    assert!(value.get("format").is_some_and(|format| format == 1));
    read
}

fn lines(count: usize) -> Vec<Value> {
    (0..count)
        .map(|n| json!({ "offset": n * 4, "text": format!("Line {n} says a few plain words.") }))
        .collect()
}

fn bread() -> Value {
    json!({
        "id": "bread-1", "title": "Good bread", "type": "youtube",
        "url": "https://www.youtube.com/watch?v=aBcDeFgHi_0&t=9",
        "createdAt": "2026-03-01T10:00:00.000Z", "topicCount": 2,
        "chunks": [
            { "title": "Waiting", "summary": "- It rests.\n- It rises\n  slowly.",
                "startIndex": 0, "endIndex": 2, "mood": "calm" },
            { "title": "Heat", "summary": "The oven is hot.", "startIndex": 3, "endIndex": 5 },
        ],
        "entries": [
            { "offset": 0, "text": "Good bread  needs time.", "speaker": "A" },
            { "offset": 4.5, "text": "We wait.", "speaker": "B", "confidence": 0.9 },
            { "offset": 8, "text": "And wait.", "speaker": "A" },
            { "offset": 12, "text": "Then the oven.", "speaker": "A" },
            { "offset": 16, "text": "It is hot.", "speaker": "B" },
            { "offset": 20, "text": "Very hot indeed.", "duration": 3 },
        ],
        "speakers": ["A", "B"], "speakerNames": { "A": "Ida", "B": "Tom" },
        "digestOverview": "How bread is baked.", "model": "some-model", "provider": "some-server",
        "channel": "The Shed", "myNote": { "stars": 5 },
    })
}

#[test]
fn a_recap_of_the_earlier_form_becomes_one_of_today() {
    let value = converted(&bread(), "bread-1");
    let read = sound(&value);
    assert_eq!(read.id.as_str(), "bread-1");
    assert_eq!(read.episode.id.as_str(), "yt:aBcDeFgHi_0");
    assert_eq!(read.episode.show.title, "The Shed");
    assert_eq!(
        (read.title.as_str(), read.overview.as_str()),
        ("Good bread", "How bread is baked.")
    );
    assert_eq!(read.created_at.to_rfc3339(), "2026-03-01T10:00:00+00:00");
    assert_eq!((read.topic_count, read.duration_ms), (2, 23_000));
    assert_eq!((read.coverage.cues, read.coverage.time), (1.0, 1.0));
    let points = &read.topics[0].points;
    assert_eq!(
        points.iter().map(|p| p.text.as_str()).collect::<Vec<_>>(),
        ["It rests.", "It rises slowly."]
    );
    assert_eq!((points[1].id.as_str(), points[1].cue, points[1].last_cue), ("p2", 0, Some(2)));
    assert_eq!(
        (read.topics[0].start_ms, read.topics[0].end_ms, read.topics[1].start_ms),
        (0, 12_000, 12_000)
    );
    let cue = &read.transcript.cues[1];
    assert_eq!((cue.start_ms, cue.end_ms, cue.text.as_str()), (4_500, 8_000, "We wait."));
    assert_eq!(read.transcript.speaker_name(cue), Some("Tom"));
    assert_eq!(read.transcript.cues[0].text, "Good bread needs time.");
    assert_eq!(read.made_by.outline.model.as_deref(), Some("some-model"));
    assert_eq!(read.made_by.outline.provider, "some-server");
    assert!(read.notes[0].contains("earlier version"));
}

#[test]
fn what_is_not_understood_stands_unchanged_where_it_belongs() {
    let mut earlier = bread();
    earlier["__proto__"] = json!({ "x": 1 });
    earlier["earlier"] = json!("mine");
    earlier["notes"] = json!("also mine");
    let value = converted(&earlier, "bread-1");
    let kept = json!({ "myNote": { "stars": 5 }, "__proto__": { "x": 1 }, "earlier": "mine",
        "notes": "also mine" });
    assert_eq!(value["earlier"], kept);
    assert_eq!(value["topics"][0]["earlier"], json!({ "mood": "calm" }));
    assert_eq!(value["topics"][1].get("earlier"), None);
    assert_eq!(value["transcript"]["cues"][1]["earlier"], json!({ "confidence": 0.9 }));
}

#[test]
fn only_the_earlier_form_is_taken_for_it() {
    let mut today = bread();
    today["format"] = json!(1);
    for other in
        [json!({}), json!([]), json!("chunks"), json!(null), json!({ "title": "x" }), today]
    {
        assert!(recap(&other, "x").is_none(), "{other}");
    }
    for taken in [json!({ "chunks": [] }), json!({ "entries": [] }), json!({ "entries": null })] {
        sound(&converted(&taken, "x"));
    }
}

#[test]
fn what_cannot_be_understood_is_said_in_a_sentence() {
    let check = |earlier: Value, stem: &str, part: &str| {
        let said = recap(&earlier, stem).unwrap().unwrap_err();
        assert!(said.contains(part) && said.len() < 400, "{said}");
    };
    check(json!({ "chunks": "x" }), "x", "`chunks` is a text and not a list");
    check(json!({ "chunks": [], "entries": {} }), "x", "`entries` is an object");
    for stem in ["", "..", "../x", "a/b", "a\\b", "_meta", "skip-list", "con", &"x".repeat(129)] {
        check(json!({ "chunks": [] }), stem, "file name that cannot be");
    }
}

#[test]
fn the_stem_is_the_id_and_another_id_is_kept() {
    let mut earlier = bread();
    for id in [json!("../../etc/passwd"), json!("a/b"), json!(7), json!({ "x": 1 })] {
        earlier["id"] = id.clone();
        let value = converted(&earlier, "bread-1");
        assert_eq!(sound(&value).id.as_str(), "bread-1");
        assert_eq!(value["earlier"]["id"], id);
    }
}

#[test]
fn an_episode_is_known_by_what_the_record_says_of_it() {
    let check = |fields: Value, stem: &str, want: &str| {
        let mut earlier = json!({ "chunks": [], "entries": lines(2) });
        earlier.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let read = sound(&converted(&earlier, stem));
        assert!(read.episode.id.as_str().starts_with(want), "{fields}: {}", read.episode.id);
        read
    };
    let video = "yt:aBcDeFgHi_0";
    check(json!({ "videoId": "aBcDeFgHi_0" }), "x", video);
    for url in [
        "https://youtu.be/aBcDeFgHi_0?t=1",
        "https://m.youtube.com/watch?list=x&v=aBcDeFgHi_0",
        "youtube.com/shorts/aBcDeFgHi_0",
        "https://www.youtube.com/live/aBcDeFgHi_0",
        "http://www.youtube.com/embed/aBcDeFgHi_0",
    ] {
        check(json!({ "url": url }), "x", video);
    }
    let read = check(json!({ "type": "youtube" }), "aBcDeFgHi_0", video);
    assert_eq!(read.episode.url.unwrap().as_str(), "https://www.youtube.com/watch?v=aBcDeFgHi_0");
    check(json!({ "type": "video", "id": "aBcDeFgHi_0" }), "x", video);
    check(json!({ "type": "youtube" }), "2026-01-01_aBcDeFgHi_0", video);
    check(json!({ "type": "youtube" }), "aBcDeFgHi_0-1700000000000", video);
    check(json!({}), "aBcDeFgHi_0", video);
    // A word of eleven letters that no video can be called.
    check(json!({}), "hello-world", "up:");
}

#[test]
fn a_podcast_s_id_is_the_one_that_its_feed_gives_it_today() {
    use crate::domain::episode::EpisodeId;
    let check = |fields: Value, want: EpisodeId| {
        let mut earlier = json!({ "chunks": [], "entries": [], "type": "podcast" });
        earlier.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        assert_eq!(sound(&converted(&earlier, "x")).episode.id, want, "{fields}");
    };
    let (feed, file) = ("https://e.example/feed", "https://e.example/a.mp3");
    check(json!({ "feedUrl": feed, "guid": "g" }), EpisodeId::podcast(feed, "g"));
    check(json!({ "feedUrl": feed, "audioUrl": file }), EpisodeId::podcast(feed, file));
    check(json!({ "url": file }), EpisodeId::podcast("link", file));
    check(json!({ "channel": "Bees", "guid": "g" }), EpisodeId::podcast("Bees", "g"));
    check(json!({}), EpisodeId::podcast("earlier", "x"));
    check(json!({ "id": "other" }), EpisodeId::podcast("earlier", "other"));
}

#[test]
fn links_that_are_none_are_kept_and_secrets_are_not() {
    let mut earlier = bread();
    for url in ["javascript:alert(1)", "file:///etc/passwd", "", "http://", "https://[", "a b.c"] {
        earlier["url"] = json!(url);
        let value = converted(&earlier, "bread-1");
        assert!(sound(&value).episode.url.is_none(), "{url}");
        assert_eq!(value["earlier"]["url"], json!(url));
    }
    earlier["url"] = json!("https://user:secret@e.example/a");
    let value = converted(&earlier, "bread-1");
    assert_eq!(value["episode"]["url"], "https://e.example/a");
    assert!(!value.to_string().contains("secret"));
    assert_eq!(value["earlier"]["type"], "youtube", "a kind that is not borne out is kept");
    let check = |feed: &str, want: Option<&str>| {
        let earlier = json!({
            "chunks": [], "type": "podcast", "feedUrl": feed, "guid": "g",
            "audioUrl": "https://e.example/a.mp3?token=7Hq2mVw81LzPq0Rt&n=1",
        });
        let value = converted(&earlier, "x");
        let found = sound(&value).episode.show.feed_url;
        assert_eq!(found.as_ref().map(url::Url::as_str), want, "{feed}");
        assert!(!value.to_string().contains("7Hq2mVw81LzPq0Rt"), "{feed}");
    };
    check("https://e.example/rss?token=7Hq2mVw81LzPq0Rt", Some("https://e.example/rss"));
    check("https://e.example/7Hq2mVw81LzPq0Rt/rss", None);
}

#[test]
fn moments_are_read_in_the_forms_in_which_programs_write_them() {
    let check = |written: Value, want: &str| {
        let earlier = json!({ "chunks": [], "createdAt": written });
        let read = sound(&converted(&earlier, "x"));
        assert_eq!(read.created_at.to_rfc3339(), want, "{written}");
        read.notes.len()
    };
    let at = "2026-03-01T10:00:00+00:00";
    for written in [
        json!("2026-03-01T10:00:00Z"),
        json!("2026-03-01T12:00:00+02:00"),
        json!("2026-03-01 10:00:00"),
        json!("Sun, 01 Mar 2026 10:00:00 GMT"),
        json!(1_772_359_200),
        json!(1_772_359_200_000_u64),
        json!("1772359200000"),
    ] {
        check(written, at);
    }
    check(json!("2026-03-01"), "2026-03-01T00:00:00+00:00");
    check(json!("20260301"), "2026-03-01T00:00:00+00:00");
    let none = "1970-01-01T00:00:00+00:00";
    for broken in [
        json!("yesterday"),
        json!(-5),
        json!(1e300),
        json!(true),
        json!("+262142-01-01T00:00:00Z"),
        json!(7),
    ] {
        check(broken.clone(), none);
        let earlier = json!({ "chunks": [], "createdAt": broken });
        assert_eq!(converted(&earlier, "x")["earlier"]["createdAt"], broken);
    }
    let by_name =
        |stem: &str| sound(&converted(&json!({ "chunks": [] }), stem)).created_at.to_rfc3339();
    assert_eq!(by_name("2026-03-01-x"), "2026-03-01T00:00:00+00:00");
    assert_eq!(by_name("1772359200000-x"), at);
    assert_eq!(by_name("1772359200"), at);
}

#[test]
fn offsets_are_seconds_unless_something_proves_them_milliseconds() {
    let starts = |entries: Value, more: Value| {
        let mut earlier = json!({ "entries": entries });
        earlier.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let read = sound(&converted(&earlier, "x"));
        read.transcript.cues.iter().map(|cue| cue.start_ms).collect::<Vec<_>>()
    };
    let said = "Ten plain words are said here by somebody at ease.";
    let pair =
        |last: Value| json!([{ "offset": 0, "text": said }, { "offset": last, "text": said }]);
    assert_eq!(starts(pair(json!(4)), json!({})), [0, 4_000]);
    assert_eq!(starts(pair(json!(4.25)), json!({})), [0, 4_250]);
    assert_eq!(starts(pair(json!("4.25")), json!({})), [0, 4_250]);
    assert_eq!(starts(pair(json!(4_000)), json!({})), [0, 4_000], "nobody speaks that slowly");
    assert_eq!(starts(pair(json!(3_000)), json!({ "durationMs": 4_000_000 })), [0, 3_000_000]);
    assert_eq!(starts(pair(json!(3_000)), json!({ "durationSeconds": 4 })), [0, 3_000]);
    assert_eq!(starts(pair(json!(3_000)), json!({ "duration": "1:00:00" })), [0, 3_000_000]);
    assert_eq!(starts(pair(json!("1:05")), json!({})), [0, 65_000]);
    assert_eq!(starts(pair(json!("01:01:05.5")), json!({})), [0, 3_665_500]);
    assert_eq!(starts(pair(json!("[75:30]")), json!({})), [0, 4_530_000]);
    let short = json!([{ "offset": 86_401, "text": "Late." }]);
    assert_eq!(starts(short, json!({})), [86_401], "more than a day as seconds");
    let short = json!([{ "offset": 86_400, "text": "Late." }]);
    assert_eq!(starts(short, json!({})), [86_400_000]);
    let own = json!([{ "offsetMs": 1_500, "text": "a" }, { "startSeconds": 7, "text": "b" }]);
    assert_eq!(starts(own, json!({})), [1_500, 7_000]);
}

#[test]
fn one_broken_number_does_not_decide_the_unit() {
    let mut entries = lines(20);
    entries[9]["offset"] = json!(900_000_000);
    let read = sound(&converted(&json!({ "entries": entries }), "x"));
    assert_eq!(read.transcript.cues[1].start_ms, 4_000);
    assert_eq!(read.transcript.cues[10].start_ms, 40_000);
}

#[test]
fn a_time_that_cannot_be_read_is_that_of_the_line_before() {
    for broken in [
        json!(-3),
        json!("NaN"),
        json!("Infinity"),
        json!(1e308),
        json!(null),
        json!("inf"),
        json!(u64::MAX),
        json!("99999999999999999999999999"),
        json!([1]),
        json!("1:99"),
        json!(true),
    ] {
        let earlier = json!({ "entries": [
            { "offset": 1, "text": "One two three four five." },
            { "offset": broken, "text": "Six seven eight nine ten." },
            { "offset": 9, "text": "Eleven." },
        ] });
        let read = sound(&converted(&earlier, "x"));
        let starts: Vec<u64> = read.transcript.cues.iter().map(|cue| cue.start_ms).collect();
        assert_eq!(starts, [1_000, 1_000, 9_000], "{broken}");
        assert!(read.notes.iter().any(|note| note.contains("no time that can be read")));
    }
    let untimed = json!({ "entries": ["One two.", { "text": "Three four." }] });
    let read = sound(&converted(&untimed, "x"));
    assert_eq!(read.transcript.times, Times::About);
    assert_eq!(read.transcript.cues[1].start_ms, 800);
}

#[test]
fn lines_out_of_order_go_by_their_times_and_topics_find_them_again() {
    let earlier = json!({
        "entries": [{ "offset": 8, "text": "c" }, { "offset": 0, "text": "a" }, { "offset": 4,
            "text": "b" }],
        "chunks": [{ "title": "Later", "startIndex": 0, "endIndex": 0 }, { "title": "First",
            "startIndex": 1, "endIndex": 2 }],
    });
    let read = sound(&converted(&earlier, "x"));
    let titles: Vec<_> = read.topics.iter().map(|t| (t.title.as_str(), t.first_cue)).collect();
    assert_eq!(titles, [("First", 0), ("Later", 2)]);
}

#[test]
fn lines_without_words_leave_no_cue_and_what_cannot_be_read_is_kept() {
    let earlier = json!({
        "entries": [{ "offset": 0, "text": " " }, 7, { "offset": 4, "text": "b" }, { "offset": 8,
            "text": "c" }, { "note": "x" }],
        "chunks": [{ "title": "One", "startIndex": 0, "endIndex": 2 }, { "title": "Two",
            "startIndex": 3, "endIndex": 4 }],
    });
    let value = converted(&earlier, "x");
    let read = sound(&value);
    assert_eq!(read.topics[1].first_cue, 1);
    let kept = json!([{ "index": 1, "entry": 7 }, { "index": 4, "entry": { "note": "x" } }]);
    assert_eq!(value["earlier"]["entries"], kept);
    assert!(
        read.notes.iter().any(|note| note.starts_with("1 line of the transcript had no words"))
    );
}

#[test]
fn ranges_are_repaired_until_they_meet() {
    let firsts = |ranges: Value, cues: usize| {
        let chunks: Vec<Value> = ranges
            .as_array()
            .unwrap()
            .iter()
            .enumerate()
            .map(|(n, range)| {
                json!({ "title": format!("T{n}"), "summary": "x",
                "startIndex": range[0], "endIndex": range[1] })
            })
            .collect();
        let read = sound(&converted(&json!({ "entries": lines(cues), "chunks": chunks }), "x"));
        read.topics.iter().map(|t| (t.title.clone(), t.first_cue)).collect::<Vec<_>>()
    };
    let check = |ranges: Value, want: &[(&str, usize)]| {
        let want: Vec<(String, usize)> = want.iter().map(|(t, f)| ((*t).to_owned(), *f)).collect();
        assert_eq!(firsts(ranges.clone(), 10), want, "{ranges}");
    };
    check(json!([[0, 4], [5, 9]]), &[("T0", 0), ("T1", 5)]);
    check(json!([[0, 5], [5, 10]]), &[("T0", 0), ("T1", 5)]);
    check(json!([[1, 5], [6, 10]]), &[("T0", 0), ("T1", 5)]); // counted from one
    check(json!([[4, 0], [9, 5]]), &[("T0", 0), ("T1", 5)]); // reversed
    check(json!([[5, 9], [0, 4]]), &[("T1", 0), ("T0", 5)]);
    check(json!([[0, 7], [4, 9]]), &[("T0", 0), ("T1", 4)]);
    check(json!([[2, 3], [6, 7]]), &[("T0", 0), ("T1", 6)]);
    check(json!([[0, 4], [99, 1e15]]), &[("T0", 0), ("T1", 9)]); // beyond the entries
    check(json!([[1e300, 1e300]]), &[("T0", 0)]);
    check(json!([[-1, -5], ["x", null]]), &[("T0", 0), ("T1", 5)]); // none that can be read
    check(json!([[9, 9], [9, 9], [9, 9]]), &[("T0", 0), ("T1", 8), ("T2", 9)]);
    check(
        json!([[0, 1], [null, null], [null, null], [8, 9]]),
        &[("T0", 0), ("T1", 2), ("T2", 5), ("T3", 8)],
    );
    check(json!([["0", "4"], ["5", "9"]]), &[("T0", 0), ("T1", 5)]);
}

#[test]
fn ranges_may_be_times_as_well() {
    let check = |first: Value, second: Value| {
        let earlier = json!({ "entries": lines(10), "chunks": [
            { "title": "A", "startTime": first }, { "title": "B", "startTime": second },
        ] });
        assert_eq!(sound(&converted(&earlier, "x")).topics[1].first_cue, 5, "{second}");
    };
    check(json!(0), json!(20));
    check(json!(0), json!(20.9));
    check(json!(0), json!(18.5));
    check(json!("0:00"), json!("0:20"));
    check(json!(0), json!(20_000));
}

#[test]
fn more_topics_than_lines_share_the_last_one_and_nothing_is_lost() {
    let chunks: Vec<Value> = (0..5)
        .map(|n| json!({ "title": format!("T{n}"), "summary": format!("Point {n}.") }))
        .collect();
    let value = converted(&json!({ "entries": lines(2), "chunks": chunks }), "x");
    let read = sound(&value);
    assert_eq!((read.topics.len(), read.topics[1].points.len()), (2, 4));
    assert_eq!(value["earlier"]["chunks"].as_array().unwrap().len(), 3);
}

#[test]
fn summaries_become_points_in_each_form() {
    let texts = |chunk: Value| {
        let mut chunk = chunk;
        chunk["title"] = json!("T");
        let value = converted(&json!({ "entries": lines(3), "chunks": [chunk] }), "x");
        let read = sound(&value);
        let kept = value["topics"][0].get("earlier").is_some();
        (read.topics[0].points.iter().map(|p| p.text.clone()).collect::<Vec<_>>(), kept)
    };
    let check = |chunk: Value, want: &[&str], is_kept: bool| {
        assert_eq!(
            texts(chunk.clone()),
            (want.iter().map(|t| (*t).to_owned()).collect(), is_kept),
            "{chunk}"
        );
    };
    check(json!({ "summary": "- a\n* b\n• c\n\n-d" }), &["a", "b", "c", "d"], false);
    check(
        json!({ "summary": "Before:\n- a\n  goes on\n\nAfter." }),
        &["Before:", "a goes on", "After."],
        false,
    );
    check(json!({ "summary": "One line.\nAnother." }), &["One line.", "Another."], false);
    check(json!({ "summary": "**Bold** start." }), &["**Bold** start."], false);
    check(json!({ "bullets": ["- a", " ", "b\nc"] }), &["a", "b c"], false);
    check(json!({ "points": [{ "text": "a" }, "b"] }), &["a", "b"], false);
    check(json!({ "points": [{ "text": "a", "who": 1 }] }), &["a"], true);
    check(json!({ "summary": "a", "bullets": ["a", "b"] }), &["a", "b"], false);
    check(json!({ "summary": 7 }), &[], true);
    check(json!({ "summary": "" }), &[], false);
}

#[test]
fn a_point_that_names_its_time_cites_it() {
    let earlier = json!({ "entries": lines(10), "chunks": [{ "title": "T", "summary": [
        "[0:20] Said here.", { "text": "And here.", "index": 7 }, "(9:99) no time", "[0:20",
    ] }] });
    let read = sound(&converted(&earlier, "x"));
    let cited: Vec<_> = read.topics[0].points.iter().map(|p| (p.cue, p.last_cue)).collect();
    assert_eq!(cited[..3], [(5, None), (7, None), (0, Some(9))]);
}

#[test]
fn an_empty_topic_is_kept_and_its_lines_go_to_the_one_before() {
    let earlier = json!({ "entries": lines(6), "chunks": [
        { "title": "A", "summary": "x", "startIndex": 0, "endIndex": 1 },
        { "title": " ", "summary": "", "startIndex": 2, "endIndex": 3 },
        { "summary": "No title, but many words that say what it is about.", "startIndex": 4,
            "endIndex": 5 },
        null,
    ] });
    let value = converted(&earlier, "x");
    let read = sound(&value);
    assert_eq!(read.topics[1].title, "No title, but many words that say what…");
    assert_eq!((read.topics.len(), read.topics[0].last_cue), (2, 3));
    assert_eq!(value["earlier"]["chunks"][0]["chunk"], earlier["chunks"][1]);
    assert_eq!(value["earlier"]["chunks"][1], json!({ "index": 3, "chunk": null }));
}

#[test]
fn without_a_transcript_the_overview_says_what_the_topics_say() {
    let mut earlier = bread();
    earlier.as_object_mut().unwrap().shift_remove("entries");
    let value = converted(&earlier, "bread-1");
    let read = sound(&value);
    assert!(read.topics.is_empty() && read.transcript.cues.is_empty());
    assert_eq!(
        read.overview,
        "How bread is baked.\nWaiting: It rests. It rises slowly.\nHeat: The oven is hot."
    );
    assert_eq!(value["earlier"]["chunks"], earlier["chunks"]);
    assert!(read.notes.iter().any(|note| note.starts_with("There is no transcript")));
}

#[test]
fn titles_are_made_fit_and_kept_whole() {
    let long = "x".repeat(1001);
    let check = |title: Value, want: &str, is_kept: bool| {
        let value = converted(&json!({ "title": title, "chunks": [] }), "stem");
        assert_eq!(sound(&value).title, want);
        assert_eq!(value.pointer("/earlier/title").is_some(), is_kept);
    };
    check(json!(" a\n\u{7} b "), "a b", false);
    check(json!(long[..1000]), &long[..1000], false);
    check(json!(long), &long[..1000], true);
    check(json!(" "), "stem", true);
    check(json!(null), "stem", false);
    check(json!(["x"]), "stem", true);
}

#[test]
fn speakers_get_their_names_from_each_form() {
    let check = |fields: Value, raw: Value, want: &str, is_kept: bool| {
        let mut earlier = json!({ "entries": [{ "offset": 0, "text": "a", "speaker": raw }] });
        earlier.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let value = converted(&earlier, "x");
        let read = sound(&value);
        assert_eq!(read.transcript.speaker_name(&read.transcript.cues[0]), Some(want), "{fields}");
        assert_eq!(value.get("earlier").is_some(), is_kept, "{fields}");
    };
    check(json!({}), json!("Ida"), "Ida", false);
    check(json!({ "speakerNames": { "S1": "Ida" } }), json!("S1"), "Ida", false);
    check(json!({ "speakerNames": ["Ida"] }), json!(0), "Ida", false);
    check(json!({ "speakers": [{ "id": "S1", "name": "Ida" }] }), json!("S1"), "Ida", false);
    check(
        json!({ "speakers": [{ "id": "S1", "name": "Ida", "print": [1] }] }),
        json!("S1"),
        "Ida",
        true,
    );
    check(
        json!({ "speakers": { "S1": { "name": "Ida" }, "S2": { "name": "Tom" } } }),
        json!("S1"),
        "Ida",
        true,
    );
    check(json!({ "speakers": ["A"], "speakerNames": { "A": "Ida" } }), json!(0), "Ida", false);
    check(json!({ "speakers": 2 }), json!("S1"), "S1", true);
}

#[test]
fn a_hundred_thousand_lines_and_a_megabyte_are_no_matter() {
    let word = "x".repeat(1_000_000);
    let chunks: Vec<Value> = (0..50_000)
        .map(|n| {
            json!({ "title": format!("T{n}"), "summary": "- x", "startIndex": 99_999 - n,
            "endIndex": n })
        })
        .collect();
    let mut entries = lines(100_000);
    entries[7]["text"] = json!(word);
    entries[8]["big"] = json!([word]);
    entries[9]["speaker"] = json!(word);
    entries.iter_mut().skip(10).enumerate().for_each(|(n, entry)| entry["speaker"] = json!(n));
    let names: Map<String, Value> =
        (0..100_000).map(|n| (n.to_string(), json!(format!("N{n}")))).collect();
    let mut earlier =
        json!({ "title": word, "chunks": chunks, "entries": entries, "speakerNames": names });
    for n in 0..20_000 {
        earlier[format!("key{n}")] = json!(n);
    }
    let value = converted(&earlier, "x");
    let read = sound(&value);
    assert_eq!((read.topics.len(), read.transcript.cues.len()), (50_000, 100_000));
    assert_eq!(read.transcript.cues[7].text.len(), 1_000_000);
    assert_eq!(value["earlier"]["key19999"], 19_999);
}

#[test]
fn depth_is_carried_and_not_walked() {
    let mut deep = json!("x");
    for _ in 0..500 {
        deep = json!([{ "d": deep }]);
    }
    let earlier = json!({
        "title": deep, "url": deep, "createdAt": deep, "speakers": deep, "topicCount": deep,
        "entries": [deep, { "offset": deep, "text": deep }, { "offset": 1, "text": "a",
            "speaker": deep }],
        "chunks": [deep, { "title": deep, "summary": deep }, { "title": "T", "summary": deep,
            "startIndex": deep }],
    });
    sound(&converted(&earlier, "x"));
    let list = json!([deep, { "id": deep, "url": deep }]);
    for one in
        [subscriptions(&list), auto_queue(&list), skip_list(&list), seen_list(&list), meta(&list)]
    {
        assert!(one.unwrap().value["earlier"].is_array());
    }
}

// ---- The lists: all of these shapes are guesses. ----

fn as_today<T: serde::de::DeserializeOwned>(converted: &Converted) -> T {
    assert_eq!(converted.value["format"], 1);
    serde_json::from_value(converted.value.clone()).expect("today's form")
}

#[test]
fn subscriptions_are_read_in_each_guessed_form() {
    let check = |earlier: Value, urls: &[&str]| {
        let done = subscriptions(&earlier).unwrap();
        let read: Subscriptions = as_today(&done);
        let found: Vec<&str> = read.subscriptions.iter().map(|one| one.url.as_str()).collect();
        assert_eq!((found, done.left.clone()), (urls.to_vec(), Vec::<String>::new()), "{earlier}");
        assert!(read.subscriptions.iter().all(|one| one.id.is_some()));
        read
    };
    let channel = "UCabcdefghijklmnopqrstuv";
    let page = "https://www.youtube.com/channel/UCabcdefghijklmnopqrstuv";
    let feed = "https://e.example/feed.xml";
    check(
        json!([feed, channel, "@shed", "e.example/x"]),
        &[feed, page, "https://www.youtube.com/@shed", "https://e.example/x"],
    );
    check(json!({ "channels": [{ "channelId": channel, "channelName": "Shed" }] }), &[page]);
    check(json!({ channel: { "name": "Shed" }, "other": { "feedUrl": feed } }), &[page, feed]);
    check(json!({ channel: "The Shed" }), &[page]);
    check(json!([{ "playlistId": "PLx1" }]), &["https://www.youtube.com/playlist?list=PLx1"]);
    check(json!([]), &[]);
    let read = check(
        json!({ "subscriptions": [
            { "id": "s1", "rssUrl": feed, "title": "A", "addedAt": "2026-01-01T00:00:00Z",
                "autoApprove": true, "enabled": false },
            { "id": "s1", "channelUrl": page, "feedUrl": "https://e.example/other",
                "enabled": true },
        ] }),
        &[feed, page],
    );
    let [one, two] = &read.subscriptions[..] else { panic!() };
    assert_eq!((one.title.as_str(), one.auto_approve, one.paused), ("A", true, true));
    assert!(one.added_at.is_some() && one.feed_url.is_none());
    assert_eq!(two.feed_url.as_ref().map(url::Url::as_str), Some("https://e.example/other"));
    assert_ne!(one.id, two.id);
    assert!(!two.paused);
}

#[test]
fn what_no_list_can_take_is_kept_and_counted() {
    let done = subscriptions(&json!([7, { "name": "x" }, "https://a.example/",
        "https://a.example/", "javascript:x", null]))
    .unwrap();
    assert_eq!(done.value["subscriptions"].as_array().unwrap().len(), 1);
    assert_eq!(
        done.value["earlier"],
        json!([7, { "name": "x" }, "https://a.example/", "javascript:x", null])
    );
    assert_eq!(done.left.len(), 2, "{:?}", done.left);
    assert!(done.left[0].starts_with("4 subscriptions could not be understood"));
    let done = skip_list(&json!({ "ids": ["aBcDeFgHi_0", "no"], "rev": 3 })).unwrap();
    assert_eq!(done.value["earlier"], json!(["no", { "rev": 3 }]));
    let kept = json!([{ "url": "https://a.example/", "extra": [1], "channelId": "odd" }]);
    let done = subscriptions(&kept).unwrap();
    assert_eq!(
        done.value["subscriptions"][0]["earlier"],
        json!({ "extra": [1], "channelId": "odd" })
    );
}

#[test]
fn todays_form_and_other_things_are_left_alone() {
    let all = [subscriptions, auto_queue, skip_list, seen_list, meta];
    for other in [
        json!(null),
        json!(7),
        json!("x"),
        json!({}),
        json!({ "format": 1 }),
        json!({ "format": 2, "items": [] }),
        json!({ "hello": { "a": 1 } }),
        json!({ "hello": "world" }),
        json!({ "a": [1] }),
    ] {
        for (n, convert) in all.iter().enumerate() {
            assert_eq!(convert(&other), None, "{n}: {other}");
        }
    }
    assert_eq!(subscriptions(&json!({ "subscriptions": [{ "url": "x" }] })), None);
    assert_eq!(auto_queue(&json!({ "items": [{ "id": "yt:a", "state": "approved" }] })), None);
    assert_eq!(skip_list(&json!({ "episodes": [] })), None);
    assert_eq!(seen_list(&json!({ "shows": [{ "id": "x", "episodes": ["yt:a"] }] })), None);
}

#[test]
fn a_queue_keeps_its_states() {
    let word = |status: &str| {
        let done = auto_queue(&json!([{ "videoId": "aBcDeFgHi_0", "status": status }])).unwrap();
        as_today::<AutoQueue>(&done).items[0].state
    };
    for (words, want) in [
        (vec!["discovered", "pending", "new", "what?"], State::Found),
        (vec!["approved", "queued", "processing", "APPROVED"], State::Approved),
        (vec!["done", "completed"], State::Done),
        (vec!["failed", "error"], State::Failed),
        (vec!["skipped", "dismissed"], State::Skipped),
    ] {
        for it in words {
            assert_eq!(word(it), want, "{it}");
        }
    }
    let done = auto_queue(&json!({ "paused": true, "queue": [
        { "id": "aBcDeFgHi_0", "title": "Bread", "state": "failed", "error": "No sound.",
            "scope": "owner", "ownerUserId": 7,
          "channelName": "Shed", "publishedAt": "2026-01-01T00:00:00Z", "duration": 3600,
              "addedAt": 1_772_359_200_000_u64 },
        { "id": "x1", "feedUrl": "https://e.example/feed", "guid": "g",
            "audioUrl": "https://e.example/a.mp3", "status": "new" },
        { "id": "aBcDeFgHi_0" },
        { "id": "x2", "title": "Nowhere" },
    ] }))
    .unwrap();
    let read: AutoQueue = as_today(&done);
    assert!(read.paused && read.items.len() == 2 && done.left.len() == 2);
    let one = &read.items[0];
    assert_eq!((one.show.as_str(), one.duration_ms), ("Shed", Some(3_600_000)));
    assert_eq!(one.reason.as_ref().unwrap().message, "No sound.");
    assert_eq!(one.url.as_ref().unwrap().as_str(), "https://www.youtube.com/watch?v=aBcDeFgHi_0");
    assert!(one.found_at.is_some() && one.published_at.is_some());
    assert_eq!(done.value["items"][0]["earlier"], json!({ "scope": "owner", "ownerUserId": 7 }));
    assert_eq!(
        read.items[1].id,
        crate::domain::episode::EpisodeId::podcast("https://e.example/feed", "g")
    );
    assert_eq!(done.value["items"][1]["earlier"]["id"], "x1");
}

#[test]
fn the_skip_list_is_read_in_each_guessed_form() {
    let check = |earlier: Value| {
        let done = skip_list(&earlier).unwrap();
        let read: SkipList = as_today(&done);
        assert_eq!(done.left, Vec::<String>::new());
        assert!(read.holds(&"yt:aBcDeFgHi_0".parse().unwrap()), "{earlier}");
        read.episodes[0].clone()
    };
    check(json!(["aBcDeFgHi_0"]));
    check(json!(["https://youtu.be/aBcDeFgHi_0"]));
    check(json!({ "videoIds": ["aBcDeFgHi_0"] }));
    check(json!({ "skipped": { "aBcDeFgHi_0": true } }));
    let one = check(json!({ "aBcDeFgHi_0": "2026-01-01T00:00:00Z" }));
    assert_eq!(one.skipped_at.to_rfc3339(), "2026-01-01T00:00:00+00:00");
    check(json!({ "aBcDeFgHi_0": { "title": "x" } }));
    let one = check(json!([{ "videoId": "aBcDeFgHi_0", "title": "Bread", "reason": "deleted",
            "skippedAt": 1_772_359_200 }]));
    assert_eq!((one.title.as_str(), one.reason.as_str()), ("Bread", "deleted"));
    for bad in ["../../etc", "a/b", "__proto__", "", "aBcDeFgHi_", "aBcDeFgHi/0", "aBcDeFgHi_0\n/"]
    {
        let done = skip_list(&json!([bad])).unwrap();
        assert_eq!(
            (done.value["episodes"].clone(), done.value["earlier"].clone()),
            (json!([]), json!([bad]))
        );
    }
    let done = skip_list(&json!(["aBcDeFgHi_0", { "id": "aBcDeFgHi_0" }])).unwrap();
    assert_eq!(done.value["episodes"].as_array().unwrap().len(), 1);
    assert!(done.left[0].contains("a second time"));
}

#[test]
fn the_seen_list_is_read_in_each_guessed_form() {
    let check = |earlier: Value| {
        let done = seen_list(&earlier).unwrap();
        let read: SeenList = as_today(&done);
        assert_eq!(done.left, Vec::<String>::new(), "{earlier}");
        assert_eq!(read.why("yt:aBcDeFgHi_0"), Some(Why::Offered), "{earlier}");
        read
    };
    check(json!(["aBcDeFgHi_0"]));
    check(json!({ "seen": ["aBcDeFgHi_0", "aBcDeFgHi_1"] }));
    check(json!({ "aBcDeFgHi_0": true }));
    let read = check(
        json!([{ "id": "aBcDeFgHi_0", "title": "Bread\n and", "publishedAt": "2026-01-02" }]),
    );
    let (seen, _) = read.shows[0].episodes.iter().next().unwrap().read().unwrap();
    assert_eq!((seen.title, seen.day.unwrap().to_string()), ("Bread and", "2026-01-02".to_owned()));
    let read = check(
        json!({ "UCabcdefghijklmnopqrstuv": ["aBcDeFgHi_0"], "https://e.example/feed": ["guid 1",
            "https://e.example/2"] }),
    );
    assert_eq!(read.shows[1].id, show_id("https://e.example/feed"));
    let guid = crate::domain::episode::EpisodeId::podcast("https://e.example/feed", "guid 1");
    assert_eq!(read.shows[1].episodes.iter().next().unwrap().id(), Some(guid.as_str()));
    let read = check(json!({ "UCx": { "title": "Shed", "videoIds": ["aBcDeFgHi_0"] } }));
    assert_eq!(read.shows[0].title, "Shed");
    let done = seen_list(&json!({ "aBcDeFgHi_0": 1_772_359_200 })).unwrap();
    assert_eq!(done.value["earlier"], json!([{ "yt:aBcDeFgHi_0": { "value": 1_772_359_200 } }]));
}

#[test]
fn folders_and_order_are_read_in_each_guessed_form() {
    let done = meta(&json!({
        "folders": [
            { "id": "a", "name": "Bread", "collapsed": true, "items": ["x", "../y", "z.json"],
                "color": "red" },
            { "id": "a", "name": "b".repeat(121), "recaps": ["x"] },
            { "name": " " },
        ],
        "order": ["w", "a", "x", "v/../w", { "id": "u" }],
        "view": "grid",
    }))
    .unwrap();
    let read: LibraryMeta = as_today(&done);
    let ids: Vec<_> = read.folders.iter().map(|f| f.id.as_str()).collect();
    assert_eq!(ids, ["a", "f2", "f3"]);
    assert!(read.folders[0].collapsed);
    assert_eq!(
        read.folders[0].recaps.iter().map(RecapIdText::text).collect::<Vec<_>>(),
        ["x", "z"]
    );
    assert_eq!(read.order.iter().map(RecapIdText::text).collect::<Vec<_>>(), ["w", "u"]);
    assert_eq!(read.folders[1].name.chars().count(), 120);
    assert_eq!(done.value["folders"][0]["earlier"], json!({ "color": "red", "items": ["../y"] }));
    assert_eq!(done.value["earlier"], json!(["v/../w", { "view": "grid" }]));
    let read: LibraryMeta = as_today(
        &meta(&json!({ "folders": { "q": { "name": "Bees", "items": ["x"] } } })).unwrap(),
    );
    assert_eq!((read.folders[0].id.as_str(), read.folders[0].name.as_str()), ("q", "Bees"));
    let read: LibraryMeta = as_today(
        &meta(&json!({ "folders": [{ "id": "a" }, { "id": "b" }], "order": ["b", "a"] })).unwrap(),
    );
    assert_eq!(read.folders[0].id, "b");
}

trait RecapIdText {
    fn text(&self) -> &str;
}
impl RecapIdText for crate::domain::recap::RecapId {
    fn text(&self) -> &str {
        self.as_str()
    }
}

// ---- Whatever goes in. ----

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-3_i64..40).prop_map(Value::from),
        (0.0..90.0_f64).prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        ".{0,4}".prop_map(Value::from),
        prop::sample::select(vec![
            "1:20",
            "[0:07]",
            "NaN",
            "- a\n- b",
            "aBcDeFgHi_0",
            "podcast",
            "youtube",
            "../x",
            "https://e.example/a",
            "2026-01-01",
            "__proto__",
            ""
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((any_key(), inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn any_key() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "id",
        "title",
        "type",
        "url",
        "createdAt",
        "text",
        "offset",
        "duration",
        "speaker",
        "name",
        "startIndex",
        "endIndex",
        "summary",
        "startTime",
        "bullets",
        "status",
        "videoId",
        "items",
        "feedUrl",
        "guid",
        "end",
        "earlier",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => ".{0,5}"]
}

fn any_object() -> impl Strategy<Value = Value> {
    prop::collection::vec((any_key(), any_value()), 0..6)
        .prop_map(|pairs| Value::Object(pairs.into_iter().collect()))
}

/// Mostly what could be an entry or a chunk, sometimes anything.
fn any_list() -> impl Strategy<Value = Value> {
    let entry = (any_value(), ".{0,9}", any_value()).prop_map(
        |(offset, text, speaker)| json!({ "offset": offset, "text": text, "speaker": speaker }),
    );
    let chunk = (any_value(), any_value(), ".{0,9}", any_value()).prop_map(
        |(start, end, title, summary)| {
            json!({ "startIndex": start, "endIndex": end,
            "title": title, "summary": summary })
        },
    );
    prop::collection::vec(
        prop_oneof![3 => entry, 3 => chunk, 1 => any_value(), 1 => any_object()],
        0..12,
    )
    .prop_map(Value::from)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None,
        ..ProptestConfig::with_cases(400) })]

    #[test]
    fn whatever_record_goes_in_a_sound_one_comes_out_or_a_sentence(
        chunks in prop_oneof![9 => any_list(), 1 => any_value()],
        entries in prop_oneof![9 => any_list(), 1 => any_value()],
        speakers in any_value(),
        more in any_object(),
        stem in prop_oneof![Just("aBcDeFgHi_0".to_owned()), ".{0,12}", Just("x".to_owned())],
    ) {
        let mut earlier = more;
        earlier["chunks"] = chunks;
        earlier["entries"] = entries;
        earlier["speakerNames"] = speakers;
        match recap(&earlier, &stem) {
            Some(Ok(value)) => {
                sound(&value);
                // Text and back again changes nothing: it can be written to a file.
                let text = serde_json::to_string(&value).unwrap();
                prop_assert!(serde_json::from_str::<Recap>(&text).is_ok());
                prop_assert_eq!(converted(&earlier, &stem), value, "the same each time");
            }
            Some(Err(sentence)) => prop_assert!(sentence.ends_with('.')),
            None => prop_assert!(earlier.get("format").is_some()),
        }
    }

    #[test]
    fn whatever_list_goes_in_todays_form_comes_out_or_nothing(list in prop_oneof![any_list(),
        any_object()]) {
        if let Some(done) = subscriptions(&list) { as_today::<Subscriptions>(&done); }
        if let Some(done) = auto_queue(&list) { as_today::<AutoQueue>(&done); }
        if let Some(done) = skip_list(&list) { as_today::<SkipList>(&done); }
        if let Some(done) = seen_list(&list) { as_today::<SeenList>(&done); }
        if let Some(done) = meta(&list) { as_today::<LibraryMeta>(&done); }
    }
}
