//! The checks as a whole: on a table of points, on one recap, on hostile texts.

use proptest::prelude::*;

use super::*;

fn cue(text: &str) -> Cue {
    Cue { text: text.to_owned(), ..Cue::default() }
}

fn point(text: &str, cue: usize, last_cue: Option<usize>) -> Point {
    let (id, made) = ("p1".to_owned(), String::new());
    Point { id, text: text.to_owned(), cue, last_cue, start_ms: 0, made }
}

/// What is in doubt of a point about cues of a language.
fn doubted(tongue: Option<&str>, cues: &[Cue], point: &Point) -> Vec<(DoubtKind, String)> {
    let checker = Checker::new(cues, &["Ada Lovelace", "Bread and time"], tongue, None);
    checker.doubts(point).into_iter().map(|doubt| (doubt.kind, doubt.text)).collect()
}

#[track_caller]
fn check(text: &str, said: &str, want: &[(DoubtKind, &str)]) {
    let got = doubted(Some("en"), &[cue(said)], &point(text, 0, None));
    let got: Vec<(DoubtKind, &str)> =
        got.iter().map(|(kind, text)| (*kind, text.as_str())).collect();
    assert_eq!(got, want, "{text}");
}

/// How often the checks were right.
#[derive(Default)]
struct Score {
    found: usize,
    missed: usize,
    false_alarms: usize,
    all: usize,
}

impl Score {
    fn precision(&self) -> f64 {
        self.found as f64 / (self.found + self.false_alarms).max(1) as f64
    }

    fn recall(&self) -> f64 {
        self.found as f64 / (self.found + self.missed).max(1) as f64
    }
}

/// Tries one line of the table.
fn try_line(score: &mut Score, tongue: &str, cues: &[Cue], line: &str) {
    let last = cues.len() - 2;
    let (want, text) = match line.strip_prefix("- ") {
        Some(rest) => {
            let mut parts = rest.splitn(3, '|');
            let (kind, what) = (parts.next().unwrap(), parts.next().unwrap());
            let kind = match kind {
                "number" => DoubtKind::Number,
                "name" => DoubtKind::Name,
                "quotation" => DoubtKind::Quotation,
                other => panic!("{other} is no kind: {line}"),
            };
            (Some((kind, what)), parts.next().unwrap())
        }
        None => (None, line.strip_prefix("+ ").unwrap()),
    };
    let doubts = doubted(Some(tongue), cues, &point(text, 1, Some(last)));
    score.all += 1;
    let is_wanted = |(kind, text): &(DoubtKind, String)| {
        want.is_some_and(|(want_kind, what)| {
            *kind == want_kind && (text.contains(what) || what.contains(text.as_str()))
        })
    };
    let found = doubts.iter().any(is_wanted);
    score.found += usize::from(found);
    score.missed += usize::from(want.is_some() && !found);
    let false_alarms = doubts.iter().filter(|doubt| !is_wanted(doubt)).count();
    score.false_alarms += false_alarms;
    if false_alarms > 0 || want.is_some() != found {
        println!("{tongue}: {line}\n    {doubts:?}");
    }
}

/// Both parts of the table: the one the rules were tuned on, and the third that was kept aside.
fn scores(parts: &[usize]) -> Score {
    let mut score = Score::default();
    let table = include_str!("points.txt");
    let blocks = table.split("\n\n").filter(|block| !block.starts_with('#'));
    for (at, block) in blocks.enumerate() {
        if !parts.contains(&(at % 3)) {
            continue;
        }
        let mut lines = block.lines();
        let (tongue, said) = lines.next().unwrap().split_once(": ").unwrap();
        // As captions come: cut anywhere, between others.
        let words: Vec<&str> = said.split(' ').collect();
        let mut cues = vec![cue("…")];
        cues.extend(words.chunks(8).map(|words| cue(&words.join(" "))));
        cues.push(cue("…"));
        lines.for_each(|line| try_line(&mut score, tongue, &cues, line));
    }
    score
}

#[test]
fn foreign_numbers_names_and_quotations_are_found_and_true_ones_left_alone() {
    let (tuned, aside) = (scores(&[0, 1]), scores(&[2]));
    for (name, score) in [("tuned on", &tuned), ("kept aside", &aside)] {
        println!(
            "{name}: {} points, precision {:.3}, recall {:.3}",
            score.all,
            score.precision(),
            score.recall()
        );
        assert!(score.precision() >= 0.9, "{name}: precision {}", score.precision());
        assert!(score.recall() >= 0.9, "{name}: recall {}", score.recall());
    }
    assert!(tuned.all + aside.all >= 240);
    let foreign = tuned.found + tuned.missed + aside.found + aside.missed;
    assert_eq!(foreign * 2, tuned.all + aside.all, "half of the points are foreign");
}

#[test]
fn a_doubt_says_what_and_where() {
    let said = "So we waited for 18 hours, and Marta Silva said it was the best loaf, at 4.5 percent salt.";
    check("We waited 18 hours.", said, &[]);
    check("We waited 19 hours.", said, &[(DoubtKind::Number, "19")]);
    check("The best loaf, said Bruno Silva.", said, &[(DoubtKind::Name, "Bruno")]);
    check("She said “the worst loaf”.", said, &[(DoubtKind::Quotation, "the worst loaf")]);
    check("Salt is at 4.5 percent, not 4.6.", said, &[(DoubtKind::Number, "4.6")]);
    check("19 hours, 19 hours, 19 hours.", said, &[(DoubtKind::Number, "19")]);
}

#[test]
fn who_speaks_and_what_stands_in_titles_is_known() {
    check("Asked by Ada Lovelace of “Bread and time”, she nods.", "yes", &[]);
    check("Asked by Grace Hopper.", "yes", &[(DoubtKind::Name, "Grace Hopper")]);
}

#[test]
fn a_wrong_quotation_is_one_doubt_whatever_is_in_it() {
    let want = [(DoubtKind::Quotation, "we met Bruno 19 times")];
    check("He says “we met Bruno 19 times”.", "we never met", &want);
}

#[test]
fn one_cue_on_either_side_is_read_and_no_second_one() {
    let cues = ["one hundred and", "five islands", "in all", "with Marta", "and 77 boats"].map(cue);
    let doubts = |text: &str| doubted(Some("en"), &cues, &point(text, 2, None)).len();
    assert_eq!(doubts("Marta counts five islands."), 0);
    assert_eq!(doubts("There are 105 islands."), 1, "two cues before");
    assert_eq!(doubts("There are 77 boats."), 1, "two cues behind");
}

#[test]
fn a_quotation_in_another_language_than_was_spoken_is_not_looked_for() {
    let cues = [cue("das machen wir nie wieder")];
    let text = point("„nie wieder tun wir das“, 12 mal.", 0, None);
    let doubts = |written| {
        let checker = Checker::new(&cues, &[], Some("de"), written);
        checker.doubts(&text).into_iter().map(|doubt| doubt.kind).collect::<Vec<_>>()
    };
    assert_eq!(doubts(Some("en")), [DoubtKind::Number]);
    assert_eq!(doubts(Some("de")), [DoubtKind::Quotation, DoubtKind::Number]);
}

#[test]
fn odd_ranges_and_texts_do_no_harm() {
    for text in ["\"", "“”", "«a", "„ä“ “”", "１２", "我们等了18个小时。", "", "\u{0}\"\u{0}\""]
    {
        for (first, last) in [(0, None), (7, None), (3, Some(0)), (usize::MAX, Some(usize::MAX))] {
            doubted(None, &[cue("said"), cue("18")], &point(text, first, last));
            doubted(None, &[], &point(text, first, last));
        }
    }
}

#[test]
fn a_hostile_point_costs_no_more_than_its_length() {
    let many = |text: &str| text.repeat(10_000);
    for text in [
        many("Bruno "),
        many("19 "),
        many("“x” "),
        many("million "),
        many("1.0"),
        many("“"),
        many("EU "),
        many("nine and "),
        many("a"),
    ] {
        let cues = [cue(&text.to_lowercase()), cue(&many("zwei und "))];
        doubted(None, &cues, &point(&text, 0, Some(1)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_text_is_held_against_any_other(
        text in "(\\PC{0,12}|[0-9]{1,40}|[.,:'’\"“”„«»‘\\[\\]…]|[A-ZÄß][a-zß]{0,9}|million|und|and|half| ){0,20}",
        said in "(\\PC{0,12}|[0-9.,:]{1,20}|nineteen|hundert|mille| ){0,20}",
    ) {
        for tongue in [None, Some("en"), Some("de"), Some("fr"), Some("it")] {
            for (kind, doubt) in doubted(tongue, &[cue(&said)], &point(&text, 0, None)) {
                prop_assert!(text.contains(&doubt), "{kind:?}");
            }
            // What was said word for word holds everything.
            let own = doubted(tongue, &[cue(&text)], &point(&text, 0, None));
            let numbers = own.iter().filter(|(kind, _)| *kind == DoubtKind::Number).count();
            prop_assert_eq!(numbers, 0, "{:?}", own);
        }
    }
}
