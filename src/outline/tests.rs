//! Claims about the whole outliner: what always holds, hostile transcripts, and one talk read as a
//! person would.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::domain::transcript::{Cue, Times};

/// Cues of four seconds; `a> ` in front names a speaker.
fn transcript<S: AsRef<str>>(lines: &[S]) -> Transcript {
    let mut out = Transcript::default();
    for (i, line) in lines.iter().enumerate() {
        let line = line.as_ref();
        let (speaker, text) = match line.split_once("> ") {
            Some((speaker, text)) => (Some(speaker.to_owned()), text),
            None => (None, line),
        };
        let start_ms = i as u64 * 4_000;
        out.cues.push(Cue { start_ms, end_ms: start_ms + 4_000, speaker, text: text.to_owned() });
    }
    out
}

/// Talk without a topic that is this many words long, a dozen words a cue, another vocabulary every
/// `turn` cues.
fn talk(words: usize, turn: usize) -> Transcript {
    let lines: Vec<String> = (0..words.div_ceil(12))
        .map(|i| {
            let topic = i / turn;
            let word = |k: usize| format!("w{}x{}", topic, (i * 7 + k * 3) % 40);
            format!(
                "We {} the {} and then {} was {} by {} on the {}.",
                word(0),
                word(1),
                word(2),
                word(3),
                word(4),
                word(5)
            )
        })
        .collect();
    transcript(&lines)
}

/// What holds for every outline of every transcript.
#[track_caller]
fn check(transcript: &Transcript, options: &Options) -> Outline {
    let found = outline(transcript, options);
    assert_eq!(found, outline(transcript, options), "the same twice");
    if transcript.cues.is_empty() {
        assert_eq!(found, Outline::default());
        return found;
    }
    assert!(!found.overview.trim().is_empty());
    assert!(found.overview.split_whitespace().count() <= OVERVIEW_WORDS_MAX, "{}", found.overview);
    let mut next = 0;
    for topic in &found.topics {
        assert_eq!(topic.first_cue, next, "no gap, no overlap");
        assert!(topic.last_cue >= topic.first_cue);
        next = topic.last_cue + 1;
        assert!(!topic.title.trim().is_empty());
        let most = if options.length == Length::Long { 10 } else { 5 };
        assert!((1..=most).contains(&topic.points.len()));
        let mut before = topic.first_cue;
        for point in &topic.points {
            assert!(!point.text.trim().is_empty());
            assert!(point.cue >= before && point.last_cue >= point.cue, "{point:?}");
            assert!(point.last_cue <= topic.last_cue, "{point:?}");
            assert!(point.text.split_whitespace().count() <= clean::POINT_WORDS_MAX + 1);
            before = point.cue;
            says_nothing_of_its_own(transcript, point);
        }
    }
    assert_eq!(next, transcript.cues.len(), "every cue is in a topic");
    if options.chapters.is_empty() {
        let titles: HashSet<String> = found.topics.iter().map(|t| words::fold(&t.title)).collect();
        assert_eq!(titles.len(), found.topics.len(), "titles differ");
        for topic in &found.topics {
            assert!(topic.title.split_whitespace().count() <= title::WORDS_MAX, "{}", topic.title);
            assert!(topic.title.chars().count() <= title::CHARS_MAX + 12, "{}", topic.title);
        }
    }
    found
}

/// Every word of a point stands in the cues that it cites.
#[track_caller]
fn says_nothing_of_its_own(transcript: &Transcript, point: &OutlinePoint) {
    let cited = &transcript.cues[point.cue..=point.last_cue];
    if cited.iter().map(|cue| cue.text.len()).sum::<usize>() > 100_000 {
        return;
    }
    let squeezed = |text: &str| text.split_whitespace().collect::<String>().to_lowercase();
    let said: String = cited.iter().map(|cue| squeezed(&cue.text)).collect();
    let text = point.text.trim_end_matches(['…', '.', '。']);
    for word in text.split_whitespace() {
        let word = squeezed(word.trim_matches(|c: char| !c.is_alphanumeric()));
        assert!(said.contains(&word), "{word:?} of {:?} is not in {said:?}", point.text);
    }
}

fn check_plain<S: AsRef<str>>(lines: &[S]) -> Outline {
    check(&transcript(lines), &Options::default())
}

#[test]
fn nothing_said_is_no_outline() {
    check_plain::<&str>(&[]);
}

#[test]
fn a_word_and_ten_lines_are_one_topic() {
    let found = check_plain(&["Hello"]);
    assert_eq!((found.topics.len(), found.topics[0].points.len()), (1, 1));
    assert_eq!(found.topics[0].title, "Hello");
    let found = check_plain(&["The oven is warm.", "We bake bread in it on Saturday mornings."]);
    assert_eq!(found.topics.len(), 1);
}

#[test]
fn topics_follow_the_talk() {
    let mut lines = vec!["a> Let's talk about the bread oven, because it burns again.".to_owned()];
    for i in 0..30 {
        lines.push(format!(
            "b> The oven dome holds {i} loaves of bread, and the clay dries the flour."
        ));
    }
    lines.push("a> Let's move on to the bee hives.".to_owned());
    for i in 0..30 {
        lines.push(format!(
            "b> A hive had {i} queen cells, and the swarm flew over the honey frames."
        ));
    }
    let found = check_plain(&lines);
    let starts: Vec<usize> = found.topics.iter().map(|t| t.first_cue).collect();
    assert_eq!(starts, [0, 31]);
    assert_eq!(found.topics[0].title, "The bread oven");
    assert_eq!(found.topics[1].title, "The bee hives");
    let words: usize = found.topics[0].points[0].text.split(' ').count();
    assert!(words > 5, "{:?}", found.topics[0].points);
}

/// A talk of three subjects between a greeting and a goodbye.
fn show(greeting: &[&str], turns: &[&str; 3], goodbye: &[&str]) -> Vec<String> {
    let mut lines: Vec<String> = greeting.iter().map(|line| format!("a> {line}")).collect();
    let subjects = [
        ["oven", "clay", "bread", "ash", "loaf", "dough"],
        ["hive", "honey", "queen", "swarm", "comb", "nectar"],
        ["chain", "pedal", "saddle", "wheel", "spoke", "brake"],
    ];
    for (turn, subject) in turns.iter().zip(subjects) {
        lines.push(format!("a> {turn}"));
        for i in 0..30 {
            let word = |k: usize| subject[(i + k) % subject.len()];
            lines.push(format!(
                "b> We took {i} times the {} to a {} and {}.",
                word(0),
                word(1),
                word(3)
            ));
            if i % 10 == 9 {
                lines.push("a> Okay.".to_owned());
            }
        }
    }
    lines.extend(goodbye.iter().map(|line| format!("a> {line}")));
    lines
}

#[test]
fn greeting_and_goodbye_are_sections_and_no_section_begins_on_a_filler() {
    let greeting = [
        "Hello everyone, and welcome to another evening at the old mill in the valley.",
        "My name is Edda Falk, and it is my pleasure to lead you through it once more.",
        "With me is Nora Hale, who has lived beside the river for almost forty years.",
        "She wrote three books on village life, and she teaches children every summer.",
        "We have plenty of letters from our friends abroad, so get yourself a cup of tea.",
    ];
    let turns = [
        "Let's start with the first subject, which is the oven. Nora, how did you build it?",
        "Next is the second subject, the hive. Nora, how do you keep it?",
        "Let's move on to the last subject, the old chain. Nora, how did you mend it?",
    ];
    let goodbye = [
        "Thank you so much, Nora, for coming over to the studio on such a rainy evening.",
        "Thanks for listening, dear friends, and please subscribe and write us a letter.",
        "We shall meet again on Sunday week with a gardener who grows apples and pears.",
        "Until then, sleep well, drive carefully, and goodbye from all of us at the mill.",
    ];
    let lines = show(&greeting, &turns, &goodbye);
    let found = check_plain(&lines);
    let starts: Vec<usize> = found.topics.iter().map(|topic| topic.first_cue).collect();
    let turn = |i: usize| greeting.len() + i * 34;
    assert_eq!(starts, [0, turn(0), turn(1), turn(2), turn(3)]);
    assert!(starts.iter().all(|cue| lines[*cue] != "a> Okay."));
}

#[test]
fn a_spanish_talk_is_divided_where_its_host_turns_to_something_else() {
    let turns = [
        "Empecemos con el primer tema, que es el horno. Nora, ¿cómo lo hiciste?",
        "Pasemos a la siguiente pregunta, la colmena. Nora, ¿cómo la cuidas?",
        "Por último, hablemos de otro tema, la cadena. Nora, ¿cómo la arreglaste?",
    ];
    let greeting = ["Hola a todos y bienvenidos al molino."];
    let lines = show(&greeting, &turns, &["Muchas gracias y hasta luego."]);
    let lines: Vec<String> = lines
        .iter()
        .map(|line| line.replace("We took", "Llevamos").replace(" times the ", " veces el "))
        .map(|line| line.replace(" to a ", " hasta una ").replace(" and ", " y "))
        .collect();
    let options = Options { language: Some("es".to_owned()), ..Options::default() };
    let found = check(&transcript(&lines), &options);
    let starts: Vec<usize> = found.topics.iter().map(|topic| topic.first_cue).collect();
    assert!(starts.contains(&35) && starts.contains(&69), "{starts:?}");
    assert!(starts.len() <= 4, "{starts:?}");
}

#[test]
fn chapters_set_topics_and_titles() {
    let lines: Vec<String> =
        (0..100).map(|i| format!("The oven number {i} is warm today.")).collect();
    let chapter = |start_ms, title: &str| Chapter { start_ms, title: title.to_owned() };
    let options = Options {
        chapters: vec![
            chapter(0, "A first fire"),
            chapter(160_000, ""),
            chapter(
                100_000,
                "Bread, pies and all the other things that were baked on that long day",
            ),
            chapter(9_000_000, "After the end"),
        ],
        ..Options::default()
    };
    let found = check(&transcript(&lines), &options);
    let starts: Vec<usize> = found.topics.iter().map(|t| t.first_cue).collect();
    assert_eq!(starts, [0, 25, 40]);
    assert_eq!(found.topics[0].title, "A first fire");
    assert!(found.topics[1].title.starts_with("Bread, pies and all the other things"));
    assert!(!found.topics[2].title.is_empty());
}

#[test]
fn every_script_gets_titles_and_points() {
    for line in [
        "今日は古い窯の話をします。火が消えた後も熱が残ります。",
        "今天我们讨论老面包炉。火灭以后热量还在。",
        "نتحدث اليوم عن الفرن القديم. يبقى دافئا بعد النار.",
        "Сегодня мы говорим о старой печи. Она долго остаётся тёплой.",
        "오늘은 오래된 화덕에 대해 이야기합니다. 불이 꺼져도 따뜻합니다.",
        "วันนี้เราคุยเรื่องเตาอบเก่า",
        "आज हम पुराने तंदूर की बात करते हैं। वह गरम रहता है।",
    ] {
        check_plain(&[line]);
        check_plain(&vec![line; 300]);
    }
}

#[test]
fn oddities_do_no_harm() {
    check_plain(&["\0", "\0\0", "...", "♪", "—"]);
    check_plain(&["\u{202e}\u{200b}\u{feff}", "e\u{301}\u{301}\u{301}", "🐝🐝🐝", "ﷺ", "ǅ İ ß ŉ"]);
    check_plain(&["? ? ? ! ! .", ". . . .", "\"\"\"((((", "a.b.c.d.e.f.", "''''''"]);
    check_plain(&["(".repeat(20_000), "\"".repeat(20_000), ".".repeat(20_000), "'s".repeat(9_000)]);
    let mut backwards = transcript(&["One thing was said here.", "Another thing was said there."]);
    backwards.cues.reverse();
    backwards.times = Times::About;
    check(&backwards, &Options::default());
    let zero = Cue { text: "It is late.".to_owned(), ..Cue::default() };
    check(&Transcript { cues: vec![zero; 500], ..Transcript::default() }, &Options::default());
    let far = Cue { start_ms: u64::MAX, end_ms: u64::MAX, text: "Far out.".into(), speaker: None };
    let options = Options {
        chapters: vec![Chapter { start_ms: u64::MAX, ..Chapter::default() }; 9],
        ..Options::default()
    };
    check(&Transcript { cues: vec![far; 9], ..Transcript::default() }, &options);
}

#[test]
fn speakers_are_no_topic() {
    let mut lines = vec!["a> Edda, tell me how the oven works, Edda.".to_owned()];
    lines.extend(
        (0..40).map(|i| format!("b> Edda knows {i} ways to light the oven with ash wood.")),
    );
    let mut talk = transcript(&lines);
    talk.speakers = BTreeMap::from([("b".to_owned(), "Edda Falk".to_owned())]);
    let found = check(&talk, &Options::default());
    assert!(found.topics.iter().all(|t| !t.title.contains("Edda")), "{found:?}");
}

#[test]
fn an_overview_passes_over_a_greeting_and_a_point_names_who_is_presented() {
    let mut lines = vec![
        "a> Good morning and welcome to the yard, where we talk about all that can be mended."
            .to_owned(),
        "a> I am glad that you are here with us on this cold and rainy day in the yard.".to_owned(),
        "a> Thanks for writing to us, and thanks for all the pictures of chairs and clocks that you have sent.".to_owned(),
        "a> My name is Nora, I am here with Bruno, and it is a pleasure to be back after a long winter.".to_owned(),
    ];
    for (topic, words) in [
        ("Oven Club #12", "loaf crust flour"),
        ("Hive Club #7", "queen swarm honey"),
        ("Bell Club #3", "tower bronze rope"),
        ("Mill Club #9", "wheel grain river"),
    ] {
        let words: Vec<&str> = words.split(' ').collect();
        lines.push(format!(
            "a> The next club of this week is {topic}, which looks after {}.",
            words[0]
        ));
        lines.extend((0..40).map(|i| {
            format!(
                "b> Every {} that we saw had {i} parts, and the {} of the {} was old.",
                words[0], words[1], words[2]
            )
        }));
    }
    let found = check_plain(&lines);
    assert!(
        !found.overview.contains("glad") && !found.overview.contains("welcome"),
        "{}",
        found.overview
    );
    assert!(
        found.overview.contains("Oven Club #12, which looks after loaf."),
        "{}",
        found.overview
    );
}

#[test]
fn an_overview_names_the_items_that_share_a_section() {
    let about = |words: [&str; 3], from: usize, count: usize| {
        let [first, second, third] = words;
        let line = |i: usize| {
            format!(
                "The {first} of year{i} took the {second}{i} and its {third}{i} from village{i}."
            )
        };
        (from..from + count).map(line).collect::<Vec<String>>()
    };
    let mut lines = about(["loaf", "crust", "flour"], 0, 60);
    let second = lines.len() as u64 * 4_000;
    let bells = |from| about(["tower", "bronze", "rope"], from, 15);
    lines.extend(bells(100));
    lines.push("Hive Club #7 looks after the queens.".to_owned());
    lines.extend(bells(200));
    lines.push("\"Ropes for old bells\".".to_owned());
    lines.extend(bells(300));
    let chapter = |start_ms| Chapter { start_ms, ..Chapter::default() };
    let options = Options {
        chapters: vec![chapter(0), chapter(second)],
        overview_words_max: 60,
        ..Options::default()
    };
    let found = outline(&transcript(&lines), &options).overview;
    for head in ["Hive Club #7 looks after the queens.", "Ropes for old bells"] {
        assert!(found.contains(head), "{head}: {found}");
    }
}

#[test]
fn the_number_of_topics_follows_the_length() {
    for (words, least, most) in [(1_500, 1, 6), (9_000, 5, 18), (27_000, 15, 50), (54_000, 30, 92)]
    {
        let found = check(&talk(words, 60), &Options::default());
        assert!((least..=most).contains(&found.topics.len()), "{words}: {}", found.topics.len());
    }
}

/// Talk of an oven, of bees and of a roof, each with a question.
fn three_things() -> Vec<String> {
    let mut lines = vec!["a> Hello everyone and welcome back to the show.".to_owned()];
    for (thing, ask, answer) in [
        ("bread oven", "What does the clay cost?", "Forty euros a month."),
        ("bee hive", "How many frames are in it?", "Ten in each box."),
        ("library roof", "Who pays for the tiles?", "Half of it comes from Lindau."),
    ] {
        lines.push(format!("a> Let's talk about the {thing}, because it is old."));
        for i in 0..24 {
            lines.push(format!(
                "b> The {thing} was mended {i} times, which the {thing} does not show."
            ));
        }
        lines.push(format!("a> {ask}"));
        lines.push(format!("b> {answer}"));
    }
    lines
}

#[test]
fn a_question_is_quoted_with_its_answer_or_not_at_all() {
    let options = Options { length: Length::Long, ..Options::default() };
    let mut lines = vec!["a> Let's talk about the bread oven, because it is old.".to_owned()];
    for i in 0..6 {
        lines.push(format!("b> In year{i} we carried wood{i} and clay{i} over from village{i}."));
    }
    lines.push("a> What does the brick dome cost the bakers?".to_owned());
    lines.push("b> Forty euros for each mason.".to_owned());
    let found = outline(&transcript(&lines), &options);
    let points: Vec<&OutlinePoint> = found.topics.iter().flat_map(|t| &t.points).collect();
    let asked: Vec<_> = points.iter().filter(|point| point.text.contains('?')).collect();
    assert_eq!(asked.len(), 1, "{points:?}");
    assert_eq!(
        asked[0].text,
        "What does the brick dome cost the bakers? Forty euros for each mason."
    );
    assert_eq!((asked[0].cue, asked[0].last_cue), (7, 8));
}

#[test]
fn length_sets_the_number_of_points() {
    let points = |length| {
        let lines: Vec<String> = (0..40)
            .map(|i| format!("The oven of year{i} took wood{i} and clay{i} from village{i}."))
            .collect();
        let options = Options { length, ..Options::default() };
        let found = outline(&transcript(&lines), &options);
        found.topics.iter().map(|topic| topic.points.len()).sum::<usize>()
    };
    let (brief, normal, long) =
        (points(Length::Brief), points(Length::Normal), points(Length::Long));
    assert!(brief < normal && normal < long, "{brief} {normal} {long}");
    assert!(brief * 4 >= long && long >= normal + 2, "{brief} {normal} {long}");
}

#[test]
fn no_two_points_say_the_same() {
    let found = outline(&transcript(&three_things()), &Options::default());
    let points: Vec<String> =
        found.topics.iter().flat_map(|t| &t.points).map(|p| words::fold(&p.text)).collect();
    let distinct: HashSet<&String> = points.iter().collect();
    assert_eq!(distinct.len(), points.len(), "{points:?}");
}

#[test]
fn an_overview_greets_nobody_and_keeps_to_its_words() {
    for (words_max, least) in [(0, 0), (12, 0), (40, 20), (120, 30), (100_000, 100)] {
        let options = Options { overview_words_max: words_max, ..Options::default() };
        let lines: Vec<String> = (0..200)
            .map(|i| match i {
                0 => "Hello everyone and welcome back to the show.".to_owned(),
                _ => format!("The oven of year{i} took wood{i} and clay{i} from village{i}."),
            })
            .collect();
        let found = outline(&transcript(&lines), &options).overview;
        let count = found.split_whitespace().count();
        assert!(count >= least, "{words_max}: {found}");
        // With no room for a sentence, the first words stand in.
        assert!(count <= words_max.max(40), "{words_max}: {found}");
        assert!(words_max < 40 || !found.contains("welcome"), "{found}");
    }
}

/// The bound is far above what an unoptimised build takes: it tells quadratic from linear, not fast
/// from slow.
#[track_caller]
fn soon(transcript: &Transcript) {
    let start = Instant::now();
    let found = outline(transcript, &Options::default());
    assert!(!found.topics.is_empty());
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}

#[test]
fn transcripts_without_end_end() {
    soon(&talk(108_000, 80));
    soon(&transcript(&["word ".repeat(60_000).trim()]));
    soon(&transcript(&["x".repeat(2_000_000)]));
    soon(&transcript(&["We lit the oven. ".repeat(10_000).trim()]));
    soon(&transcript(&vec!["word"; 50_000]));
    soon(&transcript(&vec!["It is late."; 3_000]));
    soon(&transcript(&(0..20_000).map(|i| format!("w{i}")).collect::<Vec<_>>()));
    let turns: Vec<String> = (0..10_000).map(|i| format!("s{i}> Yes, it is {i}.")).collect();
    soon(&transcript(&turns));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_always_holds_holds_for_any_text(
        lines in proptest::collection::vec("\\PC{1,40}", 0..40),
        chapters in proptest::collection::vec((0_u64..200_000, "\\PC{0,12}"), 0..6),
    ) {
        let chapters =
            chapters.into_iter().map(|(start_ms, title)| Chapter { start_ms, title }).collect();
        check(&transcript(&lines), &Options { chapters, ..Options::default() });
    }

    #[test]
    fn what_always_holds_holds_for_any_talk(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "so", "um", "the", "oven", "Oven.", "bread", "Nora", "is", "warm,", "hot.", "U.S.", "why?", "and",
                "3.5", "kilos", "Let's", "talk", "about", "bees.", "no.", "Dr.", "—", "it", "…",
            ]),
            1..900,
        ),
        width in 1_usize..15,
        speakers in any::<bool>(),
        language in proptest::sample::select(vec!["en", "es", "de", "fr", "pt", "it", "xx"]),
        granularity in proptest::sample::select(vec![Granularity::Coarse, Granularity::Auto, Granularity::Fine]),
        length in proptest::sample::select(vec![Length::Brief, Length::Normal, Length::Long]),
    ) {
        let lines: Vec<String> = words
            .chunks(width)
            .enumerate()
            .map(|(i, words)| match speakers {
                true => format!("s{}> {}", i / 4 % 3, words.join(" ")),
                false => words.join(" "),
            })
            .collect();
        let language = Some(language.to_owned());
        check(&transcript(&lines), &Options { language, granularity, length, ..Options::default() });
    }
}
