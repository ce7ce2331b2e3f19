//! Holding points against their receipts: a number, a name or a quotation that the cited cues do
//! not contain is a doubt, shown as such and never hidden.

use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation;

use crate::domain::recap::{Doubt, DoubtKind, Point, Recap};

/// Marks what each topic's points claim and their cues do not hold.
pub(super) fn mark_doubts(recap: &mut Recap) {
    let cues = &recap.transcript.cues;
    let names: Vec<String> =
        recap.transcript.speakers.values().map(|name| name.to_lowercase()).collect();
    for topic in &mut recap.topics {
        topic.doubts = topic
            .points
            .iter()
            .flat_map(|point| {
                let last = point.last_cue.unwrap_or(point.cue).min(cues.len().saturating_sub(1));
                let said = cues.get(point.cue..=last).unwrap_or_default();
                let said: String =
                    said.iter().map(|cue| cue.text.as_str()).collect::<Vec<_>>().join(" ");
                doubts(point, &said, &names)
            })
            .collect();
    }
}

fn doubts(point: &Point, said: &str, speakers: &[String]) -> Vec<Doubt> {
    let said_lower = said.to_lowercase();
    let words: HashSet<String> = said_lower.unicode_words().map(str::to_owned).collect();
    let mut found: Vec<Doubt> = Vec::new();
    let mut add = |kind, text: &str| {
        if !found.iter().any(|doubt: &Doubt| doubt.text == text) {
            found.push(Doubt {
                kind,
                text: text.to_owned(),
                cue: point.cue,
                point: Some(point.id.clone()),
            });
        }
    };
    for quoted in quotations(&point.text) {
        if !said_lower.contains(&quoted.to_lowercase()) {
            add(DoubtKind::Quotation, quoted);
        }
    }
    let mut sentence_begins = true;
    for piece in point.text.split_word_bounds() {
        if piece.trim().is_empty() {
            continue;
        }
        let first = piece.chars().next().unwrap_or(' ');
        if first.is_numeric() {
            if !words.contains(&piece.to_lowercase()) && !said_in_words(piece, &words) {
                add(DoubtKind::Number, piece);
            }
        } else if first.is_uppercase() && !sentence_begins {
            let lower = piece.to_lowercase();
            if !words.contains(&lower) && !speakers.iter().any(|name| name.contains(&lower)) {
                add(DoubtKind::Name, piece);
            }
        }
        sentence_begins = match first {
            '.' | '!' | '?' | ':' | '…' => true,
            c if c.is_alphanumeric() => false,
            // A quotation mark or a bracket may open a sentence.
            _ => sentence_begins,
        };
    }
    found
}

/// What stands in double quotation marks, without the marks.
fn quotations(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['"', '“', '„', '«']) {
        let after = &rest[open..];
        let width = after.chars().next().map_or(1, char::len_utf8);
        let inner = &after[width..];
        let Some(close) = inner.find(['"', '”', '“', '»']) else { break };
        let quoted = inner[..close].trim().trim_end_matches([',', '.', '!', '?', '…']);
        if !quoted.is_empty() {
            found.push(quoted);
        }
        rest = &inner[close..];
        rest = &rest[rest.chars().next().map_or(1, char::len_utf8)..];
    }
    found
}

/// Whether a whole number below a hundred was said in English words.
fn said_in_words(digits: &str, words: &HashSet<String>) -> bool {
    const ONES: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 10] =
        ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    match digits.parse::<usize>() {
        Ok(n @ 0..20) => words.contains(ONES[n]),
        Ok(n @ 20..100) => {
            let (tens, ones) = (TENS[n / 10], ONES[n % 10]);
            words.contains(tens) && (n % 10 == 0 || words.contains(ones))
                || words.contains(&format!("{tens}-{ones}"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::recap::tests::sample;

    #[track_caller]
    fn check(text: &str, said: &str, want: &[(DoubtKind, &str)]) {
        let mut point = sample("x", "Bread").topics[0].points[0].clone();
        point.text = text.to_owned();
        let got = doubts(&point, said, &["ada lovelace".to_owned()]);
        let got: Vec<(DoubtKind, &str)> =
            got.iter().map(|doubt| (doubt.kind, doubt.text.as_str())).collect();
        assert_eq!(got, want, "{text}");
    }

    #[test]
    fn a_foreign_number_name_or_quotation_is_a_doubt_and_a_true_one_is_not() {
        let said = "So we waited for 18 hours, and Marta Silva said it was the best loaf, at 4.5 percent salt.";
        check("We waited 18 hours.", said, &[]);
        check("We waited 19 hours.", said, &[(DoubtKind::Number, "19")]);
        check("The best loaf, said Marta Silva.", said, &[]);
        check("The best loaf, said Bruno Silva.", said, &[(DoubtKind::Name, "Bruno")]);
        check("Bruno begins the sentence. Wait.", said, &[]);
        check("Asked by Ada, she said \"the best loaf\".", said, &[]);
        check("She said “the worst loaf”.", said, &[(DoubtKind::Quotation, "the worst loaf")]);
        check("Salt is at 4.5 percent, not 4.6.", said, &[(DoubtKind::Number, "4.6")]);
    }

    #[test]
    fn numbers_said_in_words_are_no_doubts() {
        check(
            "It took 25 days and 7 people, 40 in all.",
            "twenty five days and seven people forty",
            &[],
        );
        check("It took 25 days.", "twenty-five days", &[]);
        check("It took 26 days.", "twenty five days", &[(DoubtKind::Number, "26")]);
    }

    #[test]
    fn odd_marks_and_scripts_do_no_harm() {
        for text in ["\"", "“”", "«a", "„ä“ “”", "１２", "我们等了18个小时。", "", "\u{0}\"\u{0}\""]
        {
            check_runs(text);
        }
    }

    fn check_runs(text: &str) {
        let mut point = sample("x", "Bread").topics[0].points[0].clone();
        point.text = text.to_owned();
        doubts(&point, "", &[]);
    }
}
