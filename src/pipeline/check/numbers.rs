//! Numbers of a text, in digits or in words of six languages, as values that can be compared.
//! Where a
//! number can be read in more than one way, each is kept: "1.000" is a thousand here and one there.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::words::{Tongue, Word};

/// Small numbers in words count what a writer sees ("two reasons") and are checked only where the
/// transcript counts the same thing.
const COUNTED_MAX: f64 = 3.0;

/// By how much a number behind "about" may miss what was said.
const ABOUT_SHARE: f64 = 0.03;

/// Below this, "about" is no licence: 19 is not about 18.
const ABOUT_MIN: f64 = 100.0;

/// A number where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Number {
    /// Index of its first word.
    pub(super) first: usize,
    /// Index of its last word.
    pub(super) last: usize,
    /// Every way to read it; at least one.
    values: Vec<f64>,
    /// Parts that must all have been said where none of the values was: "3:30", "12.03.2024".
    parts: Vec<f64>,
    is_digits: bool,
    /// Whether its word means something else as often: "sei", "neuf".
    is_doubtful: bool,
}

impl Number {
    /// Its likeliest value.
    pub(super) fn value(&self) -> f64 {
        self.values[0]
    }
}

/// What numbers were said.
pub(super) struct Numbers {
    values: HashSet<i64>,
    /// Hours, below 12, and minutes.
    times: HashSet<(i64, i64)>,
    /// What was counted: the beginning of the word behind a number, and the number.
    counted: HashMap<String, Vec<f64>>,
}

/// Comparable to four decimals; what is too large for that is the same as the largest.
fn key(value: f64) -> i64 {
    // A float beyond the range becomes its end.
    (value * 10_000.0).round() as i64
}

impl Numbers {
    pub(super) fn of(words: &[Word<'_>], tongues: &[Tongue]) -> Numbers {
        let found = read(words, tongues);
        let mut said =
            Numbers { values: HashSet::new(), times: HashSet::new(), counted: HashMap::new() };
        for number in &found {
            for value in number.values.iter().chain(&number.parts) {
                said.add(*value);
            }
            if let [hour, minute, ..] = number.parts[..] {
                said.add_time(hour, minute);
            }
            // "las tres y media"
            if number.value().fract() == 0.5 {
                said.add_time(number.value().floor(), 30.0);
            }
            if let (Some(word), Some(value)) = (words.get(number.last + 1), number.values.first()) {
                said.counted.entry(beginning(&word.folded)).or_default().push(*value);
            }
        }
        for pair in found.windows(2) {
            let [one, two] = pair else { continue };
            let (Some(a), Some(b)) = (one.values.first(), two.values.first()) else { continue };
            let between = two.first - one.last - 1;
            if between == 0 && words[two.first].follows_closely() {
                said.values.extend(joined(*a, *b).map(key));
            }
            let joins_time = |word: &Word<'_>| {
                matches!(
                    word.folded.as_str(),
                    "uhr"
                        | "h"
                        | "heures"
                        | "heure"
                        | "horas"
                        | "hours"
                        | "ore"
                        | "y"
                        | "e"
                        | "et"
                        | "and"
                        | "to"
                        | "zu"
                )
            };
            if between == 0 || between == 1 && joins_time(&words[one.last + 1]) {
                said.add_time(*a, *b);
            }
        }
        // "seventeen oh three"
        for three in found.windows(3) {
            let [a, zero, b] = three else { continue };
            let (a, zero, b) = (a.values[0], zero.values[0], b.values[0]);
            if (10.0..100.0).contains(&a) && zero == 0.0 && (1.0..10.0).contains(&b) {
                said.add(a * 100.0 + b);
            }
        }
        said.add_money_and_years(words, &found);
        said.add_digits_in_a_row(&found, words);
        said.add_phrases(words, &found);
        said
    }

    fn add(&mut self, value: f64) {
        self.values.insert(key(value));
    }

    fn add_time(&mut self, hour: f64, minute: f64) {
        if (0.0..=24.0).contains(&hour) && (0.0..60.0).contains(&minute) {
            self.times.insert((key(hour % 12.0), key(minute)));
        }
    }

    /// "a dollar fifty", "in seventy seven".
    fn add_money_and_years(&mut self, words: &[Word<'_>], found: &[Number]) {
        let mut before: Option<&Number> = None;
        for number in found {
            let value = number.values[0];
            let word = |back: usize| {
                number.first.checked_sub(back).map_or("", |at| words[at].folded.as_str())
            };
            let is_small = (1.0..100.0).contains(&value);
            let is_coin = matches!(
                word(1),
                "dollar"
                    | "dollars"
                    | "euro"
                    | "euros"
                    | "pound"
                    | "pounds"
                    | "franken"
                    | "reais"
                    | "pesos"
            );
            if is_small && is_coin {
                let whole = before.filter(|before| before.last + 2 == number.first);
                let whole = whole.map(Number::value).or_else(|| is_article(word(2)).then_some(1.0));
                if let Some(whole) = whole {
                    self.add(whole + value / 100.0);
                }
            }
            let is_year = matches!(
                word(1),
                "in" | "of"
                    | "since"
                    | "until"
                    | "from"
                    | "late"
                    | "early"
                    | "summer"
                    | "winter"
                    | "spring"
                    | "fall"
                    | "seit"
                    | "jahr"
                    | "sommer"
                    | "en"
                    | "del"
                    | "desde"
                    | "em"
                    | "de"
                    | "nel"
                    | "dal"
                    | "depuis"
            );
            if is_year && (10.0..100.0).contains(&value) && value.fract() == 0.0 {
                self.add(1900.0 + value);
                if value < 40.0 {
                    self.add(2000.0 + value);
                }
            }
            before = Some(number);
        }
    }

    /// "nine one one" is 911.
    fn add_digits_in_a_row(&mut self, found: &[Number], words: &[Word<'_>]) {
        let (mut value, mut count) = (0.0, 0);
        let mut behind = usize::MAX;
        for number in found {
            let digit = number.values.first().copied().filter(|digit| (0.0..10.0).contains(digit));
            let Some(digit) = digit else {
                count = 0;
                continue;
            };
            if number.first != behind || !words[number.first].follows_closely() {
                (value, count) = (0.0, 0);
            }
            (value, count) = (value * 10.0 + digit, count + 1);
            behind = number.last + 1;
            // Longer ones are numbers of telephones, and floats end.
            if (2..=12).contains(&count) {
                self.add(value);
            }
        }
    }

    /// Numbers that are said in other ways: "half past three", "half an hour", "a quarter",
    /// "double".
    fn add_phrases(&mut self, words: &[Word<'_>], found: &[Number]) {
        let starts: HashMap<usize, f64> = found
            .iter()
            .filter_map(|number| Some((number.first, *number.values.first()?)))
            .collect();
        let ends: HashMap<usize, f64> = found
            .iter()
            .filter_map(|number| Some((number.last, *number.values.first()?)))
            .collect();
        for (at, word) in words.iter().enumerate() {
            let near = |steps: usize| words.get(at + steps).map_or("", |word| word.folded.as_str());
            match word.folded.as_str() {
                "half" | "halb" | "halbe" | "halben" | "halber" | "halbes" | "medio" | "media"
                | "demi" | "demie" | "meio" | "meia" | "mezzo" | "mezza" | "mezz" | "moitie"
                | "mitad" | "halfte" | "meta" | "metade" => {
                    self.values.extend([0.5, 50.0].map(key));
                    let hour = (1..=3).any(|steps| {
                        matches!(
                            near(steps),
                            "hour" | "stunde" | "hora" | "heure" | "ora" | "stunden"
                        )
                    });
                    if hour {
                        self.values.extend([30.0, 90.0].map(key));
                    }
                    if matches!(near(1), "past")
                        && let Some(hour) = starts.get(&(at + 2))
                    {
                        self.add_time(*hour, 30.0);
                    }
                    if word.folded == "halb"
                        && let Some(hour) = starts.get(&(at + 1))
                    {
                        self.add_time(*hour + 11.0, 30.0);
                    }
                    let before = at.checked_sub(2).and_then(|at| ends.get(&at)).or_else(|| {
                        // "trois heures et demie"
                        at.checked_sub(3).and_then(|at| ends.get(&at))
                    });
                    if let Some(hour) = before {
                        self.add_time(*hour, 30.0);
                        self.add(*hour + 0.5);
                    }
                }
                "quarter" | "quarters" | "viertel" | "cuarto" | "quart" | "quarto" => {
                    // "a quarter of a million"
                    if let Some(whole) = (1..=3).find_map(|steps| starts.get(&(at + steps)))
                        && *whole >= 1e3
                    {
                        self.values.extend([whole / 4.0, whole * 0.75].map(key));
                    }
                    self.values.extend([0.25, 25.0, 15.0, 4.0].map(key));
                    match (near(1), starts.get(&(at + 2))) {
                        ("past" | "after" | "nach", Some(hour)) => self.add_time(*hour, 15.0),
                        ("to" | "vor", Some(hour)) => self.add_time(*hour + 11.0, 45.0),
                        _ => {}
                    }
                    if let Some(hour) = at.checked_sub(2).and_then(|at| ends.get(&at)) {
                        self.add_time(*hour, 15.0);
                    }
                    if matches!(near(0), "quarters" | "viertel") {
                        self.values.extend([0.75, 75.0].map(key));
                    }
                }
                "third" | "thirds" | "drittel" | "tercio" | "tercios" | "tiers" | "terco"
                | "tercos" | "terzo" | "terzi" => self.values.extend([33.0, 66.0, 67.0].map(key)),
                "double" | "twice" | "doppelt" | "doble" | "dobro" | "doppio" | "couple"
                | "pair" | "both" | "beide" | "beiden" | "ambos" | "zweimal" | "twin" => {
                    self.add(2.0)
                }
                "triple" | "thrice" | "dreimal" => self.add(3.0),
                "noon" | "midday" | "mittag" | "mediodia" | "midi" | "midnight" | "mitternacht"
                | "minuit" | "mezzogiorno" => self.add(12.0),
                "nobody" | "none" | "zero" | "keine" | "kein" | "ninguno" | "aucun" => {
                    self.add(0.0)
                }
                _ => {}
            }
        }
    }

    /// Whether it was said.
    pub(super) fn has(&self, value: f64) -> bool {
        self.values.contains(&key(value))
    }

    fn has_about(&self, value: f64) -> bool {
        value >= ABOUT_MIN
            && self.values.iter().any(|said| {
                let said = *said as f64 / 10_000.0;
                (said - value).abs() <= value * ABOUT_SHARE
            })
    }

    /// Those of a point's numbers that were not said, as ranges of its words.
    pub(super) fn missing(
        &self,
        point: &[Word<'_>],
        found: &[Number],
        known: &Numbers,
    ) -> Vec<(usize, usize)> {
        let mut missing = Vec::new();
        let mut abouts = 0;
        let mut at = 0;
        while let Some(number) = found.get(at) {
            at += 1;
            if let Some(next) = found.get(at)
                && next.first == number.last + 1
                && point[next.first].follows_closely()
                && joined(number.values[0], next.values[0])
                    .any(|value| self.has(value) || known.has(value))
            {
                at += 1;
                continue;
            }
            let mut is_said =
                number.values.iter().any(|value| self.has(*value) || known.has(*value));
            if let [hour, minute, ..] = number.parts[..] {
                is_said = is_said
                    || number.parts.len() > 2 && number.parts.iter().all(|part| self.has(*part))
                    || self.times.contains(&(key(hour % 12.0), key(minute)));
            }
            // A look at all that was said costs more than the rest; nobody rounds a hundred times.
            if !is_said && abouts < 20 && is_rounded(point, number) {
                abouts += 1;
                is_said = number.values.iter().any(|value| self.has_about(*value));
            }
            if !is_said && self.is_claim(point, number) {
                missing.push((number.first, number.last));
            }
        }
        missing
    }

    /// Whether a number that was not said is one that should have been.
    fn is_claim(&self, point: &[Word<'_>], number: &Number) -> bool {
        if number.is_digits {
            return true;
        }
        let value = number.values[0];
        if value > COUNTED_MAX {
            return !(number.is_doubtful && number.first == number.last);
        }
        let counted = point
            .get(number.last + 1)
            .filter(|word| word.folded.len() > 2)
            .and_then(|word| self.counted.get(&beginning(&word.folded)));
        value >= 2.0 && counted.is_some()
    }
}

/// The letters by which two forms of one noun are the same.
fn beginning(word: &str) -> String {
    word.chars().take(5).collect()
}

fn is_rounded(point: &[Word<'_>], number: &Number) -> bool {
    point[number.first.saturating_sub(2)..number.first].iter().any(|word| {
        matches!(
            word.folded.as_str(),
            "about"
                | "around"
                | "roughly"
                | "nearly"
                | "almost"
                | "some"
                | "over"
                | "than"
                | "approximately"
                | "etwa"
                | "rund"
                | "fast"
                | "knapp"
                | "ungefahr"
                | "uber"
                | "circa"
                | "casi"
                | "unos"
                | "unas"
                | "alrededor"
                | "environ"
                | "presque"
                | "pres"
                | "quase"
                | "cerca"
                | "quasi"
                | "oltre"
        )
    })
}

/// What two numbers in a row may mean together: "nineteen eighty four", "four fifty".
fn joined(a: f64, b: f64) -> impl Iterator<Item = f64> {
    let is_pair = (1.0..100.0).contains(&a) && (10.0..100.0).contains(&b);
    is_pair.then_some(a * 100.0 + b).into_iter()
}

/// All numbers of a text, in order.
pub(super) fn read(words: &[Word<'_>], tongues: &[Tongue]) -> Vec<Number> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let number = if words[at].is_digits() {
            Some(in_digits(words, at, tongues))
        } else {
            tongues.iter().find_map(|tongue| in_words(words, at, *tongue))
        };
        match number {
            Some(number) => {
                at = number.last + 1;
                found.push(number);
            }
            None => at += 1,
        }
    }
    found
}

// ---- digits

fn in_digits(words: &[Word<'_>], at: usize, tongues: &[Tongue]) -> Number {
    let folded = words[at].folded.as_str();
    let end = folded
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',' | ':' | '\'' | '’')))
        .unwrap_or(folded.len());
    let (digits, suffix) = folded.split_at(end);
    let digits = digits.trim_end_matches(['.', ',', ':', '\'', '’']);
    let (mut values, mut parts) = readings(digits);
    let mut last = at;
    // "1 000 000"
    if suffix.is_empty() && digits.len() <= 3 {
        let mut whole = digits.to_owned();
        while let Some(next) = words.get(last + 1)
            && next.gap.trim().is_empty()
            && next.gap.chars().count() == 1
            && next.text.len() == 3
            && next.text.bytes().all(|byte| byte.is_ascii_digit())
            && whole.len() < 16
        {
            whole.push_str(next.text);
            last += 1;
        }
        if last > at {
            parts = words[at..=last].iter().flat_map(|word| readings(&word.folded).0).collect();
            values = readings(&whole).0;
        }
    }
    match suffix {
        "k" => values.iter_mut().for_each(|value| *value *= 1e3),
        "m" | "mio" | "mln" | "mn" => {
            values.splice(0..0, values.clone().into_iter().map(|value| value * 1e6));
        }
        "bn" | "b" | "mrd" | "md" | "mld" => {
            values.splice(0..0, values.clone().into_iter().map(|value| value * 1e9));
        }
        "s" | "er" | "ern" => {
            // Decades: "1980s" may be said as "the eighties".
            values.extend(values.clone().into_iter().map(|value| value % 100.0));
            values.extend(values.clone().into_iter().map(|value| value + 1900.0));
        }
        "th" | "st" | "nd" | "rd" if values.len() == 1 => {}
        _ => {
            // "15h30"
            if let Some((_, minutes)) = suffix.split_once('h')
                && let (Ok(minute), Some(hour)) = (minutes.parse::<f64>(), values.first())
            {
                parts = vec![*hour, minute];
            }
        }
    }
    // "'84"
    if words[at].gap.ends_with(['\'', '’']) && digits.len() == 2 {
        values.extend(values.clone().into_iter().flat_map(|year| [1900.0 + year, 2000.0 + year]));
    }
    if let Some((scale, behind)) = scale_behind(words, last, tongues) {
        values.iter_mut().for_each(|value| *value *= scale);
        last = behind;
    }
    Number { first: at, last, values, parts, is_digits: true, is_doubtful: false }
}

/// Every value that digits with marks between them may have, and their parts where they are a
/// time, a
/// date or a version.
fn readings(digits: &str) -> (Vec<f64>, Vec<f64>) {
    let plain = |text: &str| -> f64 {
        text.chars()
            .filter(char::is_ascii_digit)
            .fold(0.0, |value, c| value * 10.0 + f64::from(c.to_digit(10).unwrap_or_default()))
    };
    let marks: Vec<char> = digits.chars().filter(|c| !c.is_ascii_digit()).collect();
    let groups: Vec<&str> = digits.split(|c: char| !c.is_ascii_digit()).collect();
    if marks.is_empty() {
        return (vec![plain(digits)], Vec::new());
    }
    let decimal = || {
        let (whole, rest) =
            digits.rsplit_once(|c: char| !c.is_ascii_digit()).unwrap_or((digits, ""));
        // Past fifteen digits a float has no more.
        let rest: String = rest.chars().take(15).collect();
        plain(whole) + plain(&rest) / 10f64.powi(rest.len() as i32)
    };
    let last = marks[marks.len() - 1];
    let grouped =
        |groups: &[&str]| groups[0].len() <= 3 && groups[1..].iter().all(|group| group.len() == 3);
    let same = marks.iter().all(|mark| *mark == last);
    if marks.contains(&':') {
        let parts: Vec<f64> = groups.iter().map(|group| plain(group)).collect();
        // A value that nobody says, so that the parts decide.
        return (vec![-1.0], parts);
    }
    if same && grouped(&groups) {
        let mut values = vec![plain(digits)];
        if marks.len() == 1 && last != '\'' && last != '’' {
            values.push(decimal());
        }
        return (values, Vec::new());
    }
    if marks.len() == 1 || !same && grouped(&groups[..groups.len() - 1]) {
        // "3.30" is a time in some places.
        let parts = match groups[..] {
            [hour, minute] if minute.len() == 2 && plain(hour) <= 24.0 && plain(minute) < 60.0 => {
                vec![plain(hour), plain(minute)]
            }
            _ => Vec::new(),
        };
        return (vec![decimal()], parts);
    }
    (vec![-1.0], groups.iter().map(|group| plain(group)).collect())
}

fn scale_behind(words: &[Word<'_>], last: usize, tongues: &[Tongue]) -> Option<(f64, usize)> {
    let next = words.get(last + 1)?;
    if !next.follows_closely() {
        return None;
    }
    tongues.iter().chain(&[Tongue::En]).find_map(|tongue| match part(&next.folded, *tongue)? {
        Part::Scale(scale, _) => {
            // "mil millones"
            let further = words.get(last + 2).and_then(|word| part(&word.folded, *tongue));
            match further {
                Some(Part::Scale(more, _)) if more > scale => Some((scale * more, last + 2)),
                _ => Some((scale, last + 1)),
            }
        }
        Part::Hundred => Some((100.0, last + 1)),
        Part::Dozen => Some((12.0, last + 1)),
        _ => None,
    })
}

// ---- words

/// What a word is within a number.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    /// 0 to 9.
    Unit(f64),
    /// 10 to 19.
    Teen(f64),
    /// 20 to 90, with nothing in its ones.
    Tens(f64),
    /// Up to 99, with its ones.
    Closed(f64),
    /// A multiple of hundred below a thousand, or a compound with all that is below it.
    Hundreds(f64),
    /// Times hundred.
    Hundred,
    /// Times a thousand or more; whether it is a plural that says no number by itself.
    Scale(f64, bool),
    /// A compound of thousands.
    Compound(f64),
    Dozen,
    /// "eighties".
    Decade(f64),
}

/// The number in words that begins at a word.
fn in_words(words: &[Word<'_>], at: usize, tongue: Tongue) -> Option<Number> {
    let mut first = part(&words[at].folded, tongue);
    let mut end = at;
    // "a hundred", "une douzaine"
    if first.is_none() && is_article(&words[at].folded) {
        let next = words.get(at + 1).filter(|word| word.follows_closely())?;
        let next = part(&next.folded, tongue)?;
        if !matches!(next, Part::Scale(_, false) | Part::Hundred | Part::Dozen) {
            return None;
        }
        first = Some(next);
        end = at + 1;
    }
    // "half a million"
    if first.is_none() && matches!(words[at].folded.as_str(), "half" | "medio" | "meio" | "mezzo") {
        let over = usize::from(words.get(at + 1).is_some_and(|word| is_article(&word.folded)));
        let (scale, last) = scale_behind(words, at + over, &[tongue])?;
        return Some(Number {
            first: at,
            last,
            values: vec![scale / 2.0],
            parts: Vec::new(),
            is_digits: false,
            is_doubtful: false,
        });
    }
    let first = first?;
    if let Part::Decade(decade) = first {
        return Some(number(at, end, vec![decade, decade + 1900.0]));
    }
    let mut sum = Sum::default();
    if !sum.take(first, tongue) {
        return None;
    }
    loop {
        let mut next = end + 1;
        let joins = |at: usize| words.get(at).is_some_and(Word::follows_closely);
        if !joins(next) {
            break;
        }
        let is_and = matches!(
            (tongue, words[next].folded.as_str()),
            (Tongue::En, "and")
                | (Tongue::Es, "y")
                | (Tongue::Pt, "e")
                | (Tongue::It, "e")
                | (Tongue::Fr, "et")
                | (Tongue::De, "und")
        );
        if is_and {
            next += 1;
            if !joins(next) {
                break;
            }
        }
        let Some(more) = part(&words[next].folded, tongue) else { break };
        if let Part::Decade(decade) = more {
            // "nineteen eighties"
            if !is_and && sum.value() < 100.0 {
                return Some(number(at, next, vec![sum.value() * 100.0 + decade]));
            }
            break;
        }
        let taken = if is_and { sum.take_behind_and(more, tongue) } else { sum.take(more, tongue) };
        if !taken {
            break;
        }
        end = next;
    }
    let is_plural_alone = matches!(first, Part::Scale(_, true)) && end == at;
    if is_plural_alone {
        return None;
    }
    let mut value = sum.value();
    if let Some((decimals, last)) = decimals(words, end, tongue) {
        value += decimals;
        end = last;
    }
    if let Some(last) = half_behind(words, end) {
        // "tres millones y medio"
        value += if sum.group == 0.0 && sum.total > 0.0 { sum.scale / 2.0 } else { 0.5 };
        end = last;
    }
    if value.fract() != 0.0
        && let Some((scale, last)) = scale_behind(words, end, &[tongue])
    {
        value *= scale;
        end = last;
    }
    if words.get(end + 1).is_some_and(|word| word.follows_closely() && word.folded == "k") {
        value *= 1e3;
        end += 1;
    }
    let mut values = vec![value];
    // "los años ochenta", "les années soixante", "the 80s" in other words
    let before = at.checked_sub(1).map_or("", |at| words[at].folded.as_str());
    if matches!(before, "anos" | "annees" | "anni") && value % 10.0 == 0.0 && value < 100.0 {
        values.push(value + 1900.0);
    }
    let mut found = number(at, end, values);
    found.is_doubtful = matches!(
        (tongue, words[at].folded.as_str()),
        (Tongue::It, "sei")
            | (Tongue::Fr, "neuf" | "six" | "cent")
            | (Tongue::De, "acht")
            | (Tongue::Es, "once")
            | (Tongue::En, "dozen" | "dozens")
    );
    Some(found)
}

fn number(first: usize, last: usize, values: Vec<f64>) -> Number {
    Number { first, last, values, parts: Vec::new(), is_digits: false, is_doubtful: false }
}

fn is_article(word: &str) -> bool {
    matches!(
        word,
        "a" | "an"
            | "un"
            | "una"
            | "une"
            | "um"
            | "uma"
            | "ein"
            | "eine"
            | "einem"
            | "einen"
            | "einer"
    )
}

/// "point one four" behind a number: the decimals, and the last word of them.
fn decimals(words: &[Word<'_>], end: usize, tongue: Tongue) -> Option<(f64, usize)> {
    let comma = words.get(end + 1)?;
    if !matches!(
        comma.folded.as_str(),
        "point" | "komma" | "coma" | "punto" | "virgula" | "ponto" | "virgola" | "virgule"
    ) {
        return None;
    }
    let mut text = String::new();
    let mut at = end + 2;
    while let Some(word) = words.get(at)
        && text.len() < 9
    {
        let closely = word.follows_closely();
        match part(&word.folded, tongue) {
            Some(Part::Unit(value)) if closely => text.push_str(&value.to_string()),
            Some(Part::Teen(value) | Part::Tens(value) | Part::Closed(value))
                if closely && text.is_empty() =>
            {
                // "four point twenty five"
                let unit = words.get(at + 1).filter(|word| word.follows_closely());
                match unit.and_then(|word| part(&word.folded, tongue)) {
                    Some(Part::Unit(unit)) if value % 10.0 == 0.0 && value >= 20.0 => {
                        text.push_str(&(value + unit).to_string());
                        at += 1;
                    }
                    _ => text.push_str(&value.to_string()),
                }
                at += 1;
                break;
            }
            _ => break,
        }
        at += 1;
    }
    if text.is_empty() {
        return None;
    }
    Some((format!("0.{text}").parse().ok()?, at - 1))
}

/// "and a half" behind a number: its last word.
fn half_behind(words: &[Word<'_>], end: usize) -> Option<usize> {
    let word = |steps: usize| words.get(end + steps).map_or("", |word| word.folded.as_str());
    if !matches!(word(1), "and" | "y" | "e" | "et" | "und") {
        return None;
    }
    let over = usize::from(is_article(word(2)));
    let half = matches!(
        word(2 + over),
        "half"
            | "medio"
            | "media"
            | "meio"
            | "meia"
            | "mezzo"
            | "mezza"
            | "demi"
            | "demie"
            | "halb"
    );
    half.then_some(end + 2 + over)
}

/// A number as its words come in.
struct Sum {
    /// What is behind the last thousand or million.
    total: f64,
    /// Below a thousand.
    group: f64,
    /// The smallest power that may still be filled within the group: 1000 where it is empty.
    room: f64,
    /// The last scale; a smaller one may follow.
    scale: f64,
    is_empty: bool,
}

impl Default for Sum {
    fn default() -> Sum {
        Sum { total: 0.0, group: 0.0, room: 1000.0, scale: f64::INFINITY, is_empty: true }
    }
}

impl Sum {
    fn value(&self) -> f64 {
        self.total + self.group
    }

    /// Takes a word in, where it continues the number.
    fn take(&mut self, part: Part, tongue: Tongue) -> bool {
        let taken = match part {
            Part::Unit(0.0) => self.is_empty && self.add(0.0, 0.5),
            Part::Unit(value) => {
                // "dix-sept" is said in two words, and "dix deux" is no number.
                (self.room > 2.0 || self.room == 2.0 && value >= 7.0) && self.add(value, 1.0)
            }
            Part::Teen(value) => {
                let french = tongue == Tongue::Fr
                    && (self.group % 100.0 == 60.0 || self.group % 100.0 == 80.0);
                let room = if tongue == Tongue::Fr && value == 10.0 { 2.0 } else { 1.0 };
                (self.room > 10.0 || french && self.room == 10.0) && self.add(value, room)
            }
            // "quatre-vingt" comes in as four and twenty.
            Part::Tens(20.0)
                if tongue == Tongue::Fr && self.group % 10.0 == 4.0 && self.room == 1.0 =>
            {
                self.group += 76.0;
                self.room = 10.0;
                true
            }
            Part::Tens(value) => self.room > 10.0 && self.add(value, 10.0),
            Part::Closed(value) => self.room > 10.0 && self.add(value, 1.0),
            Part::Hundreds(value) => {
                let room = if value % 100.0 == 0.0 { 100.0 } else { 1.0 };
                self.room > 100.0 && self.add(value, room)
            }
            Part::Hundred => {
                if self.group == 0.0 && self.room > 100.0 {
                    self.add(100.0, 100.0)
                } else if self.group < 100.0 && self.group > 0.0 && self.room <= 10.0 {
                    self.group *= 100.0;
                    self.room = 100.0;
                    true
                } else {
                    false
                }
            }
            Part::Scale(scale, _) => self.multiply(scale),
            Part::Compound(value) => {
                self.is_empty && {
                    self.total = value;
                    self.room = 0.5;
                    self.scale = 1.0;
                    true
                }
            }
            Part::Dozen => {
                let count = if self.is_empty { 1.0 } else { self.group };
                (self.total == 0.0 && count < 100.0) && {
                    (self.group, self.room, self.scale) = (count * 12.0, 0.5, 1.0);
                    true
                }
            }
            Part::Decade(_) => false,
        };
        self.is_empty &= !taken;
        taken
    }

    /// The same behind "and", which stands in certain places only.
    fn take_behind_and(&mut self, part: Part, tongue: Tongue) -> bool {
        match (tongue, part) {
            // "vier und zwanzig"
            (Tongue::De, Part::Tens(value)) if self.room == 1.0 && self.group % 10.0 != 0.0 => {
                self.group += value;
                self.room = 0.5;
                true
            }
            (Tongue::De, Part::Unit(_) | Part::Teen(_) | Part::Tens(_) | Part::Closed(_)) => {
                self.room == 100.0 && self.take(part, tongue)
            }
            // "a hundred and five", and not "twenty and five"
            (Tongue::En, Part::Unit(_) | Part::Teen(_) | Part::Tens(_)) => {
                let fits = self.room == 100.0 || self.room == 1000.0 && self.total > 0.0;
                fits && self.take(part, tongue)
            }
            // "treinta y uno", "vingt et un", and in Portuguese nearly everywhere
            (Tongue::Es | Tongue::Fr | Tongue::It, Part::Unit(_))
            | (Tongue::Fr, Part::Teen(11.0)) => self.room == 10.0 && self.take(part, tongue),
            (Tongue::Pt, Part::Unit(_) | Part::Teen(_) | Part::Tens(_) | Part::Hundreds(_)) => {
                self.room >= 10.0 && self.take(part, tongue)
            }
            _ => false,
        }
    }

    fn add(&mut self, value: f64, room: f64) -> bool {
        self.group += value;
        self.room = room;
        true
    }

    fn multiply(&mut self, scale: f64) -> bool {
        if self.room == 0.5 && self.scale == 1.0 {
            return false;
        }
        if self.group == 0.0 && self.total > 0.0 && self.total < scale {
            // "mil millones"
            self.total *= scale;
        } else if scale < self.scale && (self.group > 0.0 || self.is_empty) {
            self.total += self.group.max(1.0) * scale;
        } else {
            return false;
        }
        (self.group, self.room, self.scale) = (0.0, 1000.0, scale);
        true
    }
}

fn part(word: &str, tongue: Tongue) -> Option<Part> {
    match tongue {
        Tongue::En => english(word),
        Tongue::Es => spanish(word),
        Tongue::De => german(word),
        Tongue::Fr => french(word),
        Tongue::Pt => portuguese(word),
        Tongue::It => italian(word),
        Tongue::Other => None,
    }
}

/// A number below a hundred as the part that it is.
fn below_hundred(value: u32) -> Part {
    let float = f64::from(value);
    match value {
        0..=9 => Part::Unit(float),
        10..=19 => Part::Teen(float),
        _ if value.is_multiple_of(10) => Part::Tens(float),
        _ => Part::Closed(float),
    }
}

/// The place of each word in a list, blanks between the places and `|` between forms of one.
fn places(list: &'static str) -> HashMap<&'static str, u32> {
    let places = (0..).zip(list.split_whitespace());
    places.flat_map(|(at, forms)| forms.split('|').map(move |form| (form, at))).collect()
}

type List = LazyLock<HashMap<&'static str, u32>>;

fn place(word: &str, list: &List) -> Option<u32> {
    list.get(word).copied()
}

fn english(word: &str) -> Option<Part> {
    static ONES: List = LazyLock::new(|| {
        places(
            "zero|oh|nought one|once|first two|twice three four|fourth five|fifth six|sixth \
            seven|seventh \
        eight|eighth nine|ninth ten|tenth eleven|eleventh twelve|twelfth thirteen|thirteenth \
        fourteen|fourteenth \
        fifteen|fifteenth sixteen|sixteenth seventeen|seventeenth eighteen|eighteenth nineteen|nineteenth",
        )
    });
    static TENS: List = LazyLock::new(|| {
        places(
            "twenty|twentieth thirty|thirtieth forty|fortieth|fourty fifty|fiftieth sixty|sixtieth \
        seventy|seventieth eighty|eightieth ninety|ninetieth",
        )
    });
    static DECADES: List = LazyLock::new(|| {
        places("twenties thirties forties fifties sixties seventies eighties nineties")
    });
    if let Some(value) = place(word, &ONES) {
        return Some(below_hundred(value));
    }
    if let Some(tens) = place(word, &TENS) {
        return Some(Part::Tens(f64::from(tens + 2) * 10.0));
    }
    if let Some(tens) = place(word, &DECADES) {
        return Some(Part::Decade(f64::from(tens + 2) * 10.0));
    }
    // "third" is also a part, and "second" a unit: they are no claims, and what is said may be one.
    Some(match word {
        "second" => Part::Unit(2.0),
        "third" => Part::Unit(3.0),
        "hundred" | "hundredth" => Part::Hundred,
        "thousand" | "thousandth" | "grand" => Part::Scale(1e3, false),
        "million" | "millionth" => Part::Scale(1e6, false),
        "billion" => Part::Scale(1e9, false),
        "trillion" => Part::Scale(1e12, false),
        "hundreds" | "thousands" => Part::Scale(1e3, true),
        "millions" => Part::Scale(1e6, true),
        "billions" => Part::Scale(1e9, true),
        "dozen" => Part::Dozen,
        _ => return None,
    })
}

fn spanish(word: &str) -> Option<Part> {
    static ONES: List = LazyLock::new(|| {
        places(
            "cero uno|un|una|primero|primera|primer dos|segundo|segunda \
            tres|tercero|tercera|tercer \
        cuatro|cuarta cinco|quinto|quinta seis|sexto|sexta siete|septimo|septima \
        ocho|octavo|octava nueve|noveno|novena \
        diez|decimo|decima once doce trece catorce quince dieciseis diecisiete dieciocho \
        diecinueve veinte \
        veintiuno|veintiun|veintiuna veintidos veintitres veinticuatro veinticinco veintiseis \
        veintisiete veintiocho \
        veintinueve",
        )
    });
    static TENS: List =
        LazyLock::new(|| places("treinta cuarenta cincuenta sesenta setenta ochenta noventa"));
    static HUNDREDS: List = LazyLock::new(|| {
        places(
            "cien|ciento doscientos|doscientas trescientos|trescientas cuatrocientos|cuatrocientas \
        quinientos|quinientas seiscientos|seiscientas setecientos|setecientas \
        ochocientos|ochocientas \
        novecientos|novecientas",
        )
    });
    by_lists(word, &ONES, &TENS, &HUNDREDS).or_else(|| {
        Some(match word {
            "mil" => Part::Scale(1e3, false),
            "miles" => Part::Scale(1e3, true),
            "millon" => Part::Scale(1e6, false),
            "millones" => Part::Scale(1e6, true),
            "billon" | "billones" => Part::Scale(1e12, true),
            "docena" | "docenas" => Part::Dozen,
            _ => return None,
        })
    })
}

fn portuguese(word: &str) -> Option<Part> {
    static ONES: List = LazyLock::new(|| {
        places(
            "zero um|uma|primeiro|primeira dois|duas|segundo|segunda tres|terceiro|terceira \
            quatro|quarta \
        cinco|quinto|quinta seis|meia|sexto|sexta sete|setimo|setima oito|oitavo|oitava \
        nove|nono|nona dez|decimo|decima \
        onze doze treze catorze|quatorze quinze dezesseis|dezasseis dezessete|dezassete dezoito dezenove|dezanove vinte",
        )
    });
    static TENS: List =
        LazyLock::new(|| places("trinta quarenta cinquenta sessenta setenta oitenta noventa"));
    static HUNDREDS: List = LazyLock::new(|| {
        places(
            "cem|cento duzentos|duzentas trezentos|trezentas quatrocentos|quatrocentas \
        quinhentos|quinhentas seiscentos|seiscentas setecentos|setecentas oitocentos|oitocentas novecentos|novecentas",
        )
    });
    if word == "meia" {
        return None;
    }
    by_lists(word, &ONES, &TENS, &HUNDREDS).or_else(|| {
        Some(match word {
            "mil" => Part::Scale(1e3, false),
            "milhares" => Part::Scale(1e3, true),
            "milhao" => Part::Scale(1e6, false),
            "milhoes" => Part::Scale(1e6, true),
            "bilhao" => Part::Scale(1e9, false),
            "bilhoes" => Part::Scale(1e9, true),
            "duzia" | "duzias" => Part::Dozen,
            _ => return None,
        })
    })
}

fn french(word: &str) -> Option<Part> {
    static ONES: List = LazyLock::new(|| {
        places(
            "zero un|une|premier|premiere deux|second|seconde trois quatre cinq six sept huit \
            neuf dix onze \
        douze treize quatorze quinze seize",
        )
    });
    static TENS: List = LazyLock::new(|| {
        places("vingt|vingts trente quarante cinquante soixante septante huitante|octante nonante")
    });
    let cardinal = |word: &str| -> Option<Part> {
        if let Some(value) = place(word, &ONES) {
            return Some(below_hundred(value));
        }
        let tens = place(word, &TENS)?;
        Some(Part::Tens(f64::from(tens + 2) * 10.0))
    };
    cardinal(word).or_else(|| match word {
        "cent" | "cents" => Some(Part::Hundred),
        "mille" => Some(Part::Scale(1e3, false)),
        "milliers" => Some(Part::Scale(1e3, true)),
        "million" => Some(Part::Scale(1e6, false)),
        "millions" => Some(Part::Scale(1e6, true)),
        "milliard" => Some(Part::Scale(1e9, false)),
        "milliards" => Some(Part::Scale(1e9, true)),
        "douzaine" | "douzaines" => Some(Part::Dozen),
        _ => {
            // "quatrième", "cinquième", "neuvième", "trentième"
            let stem = word.strip_suffix("iemes").or_else(|| word.strip_suffix("ieme"))?;
            let stem = match stem {
                "cinqu" => "cinq",
                "neuv" => "neuf",
                stem => stem,
            };
            cardinal(stem).or_else(|| cardinal(&format!("{stem}e")))
        }
    })
}

/// A word by the lists of a language: up to 19 or 29, tens from 30 on, hundreds.
fn by_lists(word: &str, ones: &List, tens: &List, hundreds: &List) -> Option<Part> {
    if let Some(value) = place(word, ones) {
        return Some(below_hundred(value));
    }
    if let Some(value) = place(word, tens) {
        return Some(Part::Tens(f64::from(value + 3) * 10.0));
    }
    place(word, hundreds).map(|value| Part::Hundreds(f64::from(value + 1) * 100.0))
}

/// A whole number as the part that it is.
fn whole(value: u32) -> Part {
    match value {
        0..100 => below_hundred(value),
        100 => Part::Hundred,
        101..1000 => Part::Hundreds(f64::from(value)),
        1000 => Part::Scale(1e3, false),
        _ => Part::Compound(f64::from(value)),
    }
}

fn german(word: &str) -> Option<Part> {
    match word {
        "million" | "mio" => return Some(Part::Scale(1e6, false)),
        "millionen" => return Some(Part::Scale(1e6, true)),
        "milliarde" | "mrd" => return Some(Part::Scale(1e9, false)),
        "milliarden" => return Some(Part::Scale(1e9, true)),
        "tausende" | "hunderte" => return Some(Part::Scale(1e3, true)),
        "dutzend" => return Some(Part::Dozen),
        "anderthalb" | "eineinhalb" => return Some(Part::Closed(1.5)),
        "ein" | "eine" | "einen" | "einem" | "einer" => return Some(Part::Unit(1.0)),
        "ersten" | "erste" | "erster" => return Some(Part::Unit(1.0)),
        "dritte" | "dritten" | "dritter" => return Some(Part::Unit(3.0)),
        "siebte" | "siebten" | "siebter" => return Some(Part::Unit(7.0)),
        _ => {}
    }
    if let Some(value) = german_whole(word) {
        return Some(whole(value));
    }
    if let Some(stem) = word.strip_suffix("einhalb") {
        return german_whole(stem).map(|value| Part::Closed(f64::from(value) + 0.5));
    }
    // "achtziger Jahre"
    let decade = word.strip_suffix("er").or_else(|| word.strip_suffix("ern"));
    if let Some(value @ 20..=90) = decade.and_then(german_whole)
        && value.is_multiple_of(10)
    {
        return Some(Part::Decade(f64::from(value)));
    }
    // "zwanzigste", "vierten"
    let stem = word.trim_end_matches(['n', 'r', 's', 'm']);
    let stem = stem.strip_suffix("ste").or_else(|| stem.strip_suffix("te"))?;
    german_whole(stem).filter(|value| *value != 1).map(whole)
}

/// "neunzehnhundertvierundachtzig".
fn german_whole(word: &str) -> Option<u32> {
    // "hundert" and "tausend" with nothing before them are one.
    let (word, thousands) = match word.split_once("tausend") {
        Some((before, rest)) => (without_und(rest), before_or_one(before)?),
        None => (word, 0),
    };
    let (word, hundreds) = match word.split_once("hundert") {
        Some((before, rest)) => (without_und(rest), before_or_one(before)?),
        None => (word, 0),
    };
    let rest = match word {
        "" if thousands + hundreds > 0 => 0,
        word => german_small(word)?,
    };
    Some(thousands * 1000 + hundreds * 100 + rest)
}

fn without_und(word: &str) -> &str {
    word.strip_prefix("und").unwrap_or(word)
}

fn before_or_one(word: &str) -> Option<u32> {
    match word {
        "" => Some(1),
        word => match word.split_once("hundert") {
            Some((before, rest)) => {
                let hundreds = if before.is_empty() { 1 } else { german_small(before)? };
                let rest = without_und(rest);
                Some(hundreds * 100 + if rest.is_empty() { 0 } else { german_small(rest)? })
            }
            None => german_small(word),
        },
    }
}

fn german_small(word: &str) -> Option<u32> {
    static ONES: List = LazyLock::new(|| {
        places(
            "null ein|eins|eine zwei|zwo drei vier funf|fuenf sechs sieben acht neun zehn elf \
            zwolf|zwoelf \
        dreizehn vierzehn funfzehn|fuenfzehn sechzehn siebzehn achtzehn neunzehn",
        )
    });
    static TENS: List = LazyLock::new(|| {
        places("zwanzig dreissig|dreizig vierzig funfzig|fuenfzig sechzig siebzig achtzig neunzig")
    });
    let tens = |word: &str| place(word, &TENS).map(|tens| (tens + 2) * 10);
    if let Some(value) = place(word, &ONES).or_else(|| tens(word)) {
        return Some(value);
    }
    let (unit, ten) = word.split_once("und")?;
    let unit = place(unit, &ONES).filter(|unit| (1..10).contains(unit))?;
    Some(tens(ten)? + unit)
}

fn italian(word: &str) -> Option<Part> {
    match word {
        "milione" => return Some(Part::Scale(1e6, false)),
        "milioni" => return Some(Part::Scale(1e6, true)),
        "miliardo" => return Some(Part::Scale(1e9, false)),
        "miliardi" => return Some(Part::Scale(1e9, true)),
        "migliaia" | "centinaia" => return Some(Part::Scale(1e3, true)),
        "mila" => return Some(Part::Scale(1e3, true)),
        "dozzina" | "dozzine" => return Some(Part::Dozen),
        "primo" | "prima" => return Some(Part::Unit(1.0)),
        "secondo" | "seconda" => return Some(Part::Unit(2.0)),
        "terzo" | "terza" => return Some(Part::Unit(3.0)),
        "quinto" | "quinta" => return Some(Part::Unit(5.0)),
        "sesto" | "sesta" => return Some(Part::Unit(6.0)),
        "settimo" | "settima" => return Some(Part::Unit(7.0)),
        "ottavo" | "ottava" => return Some(Part::Unit(8.0)),
        "decimo" | "decima" => return Some(Part::Teen(10.0)),
        _ => {}
    }
    if let Some(value) = italian_whole(word) {
        return Some(whole(value));
    }
    // "ventesimo", and "trent" of "trent'anni"
    let stem = word.strip_suffix("esimo").or_else(|| word.strip_suffix("esima")).unwrap_or(word);
    if stem.len() < 4 {
        return None;
    }
    let endings = ["", "o", "i", "a", "e"];
    endings.iter().find_map(|end| italian_whole(&format!("{stem}{end}"))).map(whole)
}

/// "millenovecentottantaquattro".
fn italian_whole(word: &str) -> Option<u32> {
    let (thousands, word) = match word.split_once("mila") {
        Some((before, rest)) => (italian_below_thousand(before)?, rest),
        None => match word.strip_prefix("mille") {
            Some(rest) => (1, rest),
            None => (0, word),
        },
    };
    let rest = match word {
        "" if thousands > 0 => 0,
        word => italian_below_thousand(word)?,
    };
    Some(thousands * 1000 + rest)
}

fn italian_below_thousand(word: &str) -> Option<u32> {
    if let Some(value) = italian_small(word) {
        return Some(value);
    }
    let (before, rest) = word.split_once("cent")?;
    let hundreds =
        if before.is_empty() { 1 } else { italian_small(before).filter(|count| *count < 10)? };
    // "cento", "centouno", and "centotto", where an o is dropped.
    let rest = match rest.strip_prefix('o') {
        Some("") => 0,
        Some(behind) => italian_small(behind).or_else(|| italian_small(rest))?,
        None => return None,
    };
    Some(hundreds * 100 + rest)
}

fn italian_small(word: &str) -> Option<u32> {
    static ONES: List = LazyLock::new(|| {
        places(
            "zero uno|un|una due tre quattro cinque sei sette otto nove dieci undici dodici \
            tredici \
        quattordici quindici sedici diciassette diciotto diciannove",
        )
    });
    const TENS: &str = "venti trenta quaranta cinquanta sessanta settanta ottanta novanta";
    if let Some(value) = place(word, &ONES) {
        return Some(value);
    }
    TENS.split_whitespace().enumerate().find_map(|(at, tens)| {
        let value = (u32::try_from(at).ok()? + 2) * 10;
        let rest = match word.strip_prefix(tens) {
            Some("") => return Some(value),
            Some(rest) => rest,
            // "ventuno", "trentotto"
            None => word.strip_prefix(&tens[..tens.len() - 1])?,
        };
        Some(value + place(rest, &ONES).filter(|unit| (1..10).contains(unit))?)
    })
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    /// The numbers of a text, by their first reading.
    #[track_caller]
    fn check(tongue: Tongue, text: &str, want: &[f64]) {
        let words = words(text);
        let found: Vec<f64> = read(&words, &[tongue]).iter().map(|one| one.values[0]).collect();
        assert_eq!(found, want, "{text}");
    }

    #[test]
    fn english_words_are_numbers() {
        let check = |text, want: &[f64]| check(Tongue::En, text, want);
        check("twenty-five days and seven people, forty", &[25.0, 7.0, 40.0]);
        check("seven eight nine", &[7.0, 8.0, 9.0]);
        check("a hundred and five, two thousand and twelve", &[105.0, 2012.0]);
        check("three hundred forty two thousand six hundred", &[342_600.0]);
        check(
            "half a million, two and a half million, one point five billion",
            &[5e5, 2.5e6, 1.5e9],
        );
        check("a dozen eggs, two dozen, nineteen hundred", &[12.0, 24.0, 1900.0]);
        check("four point two five, four point twenty five", &[4.25, 4.25]);
        check("the nineteen eighties and the seventies", &[1980.0, 70.0]);
        check("twenty first, hundredth, thousands of people, a thousand", &[21.0, 100.0, 1000.0]);
        check("four hundred fifty thousand, zero", &[450_000.0, 0.0]);
        check("this is the point, a house and half", &[]);
    }

    #[test]
    fn words_of_five_other_languages_are_numbers() {
        check(Tongue::Es, "mil novecientos ochenta y cuatro y veintiún", &[1984.0, 21.0]);
        check(Tongue::Es, "dos mil veinticuatro, mil millones, cien", &[2024.0, 1e9, 100.0]);
        check(Tongue::Es, "tres millones y medio, una docena", &[3.5e6, 12.0]);
        check(Tongue::De, "neunzehnhundertvierundachtzig zweitausendzwölf", &[1984.0, 2012.0]);
        check(
            Tongue::De,
            "zweieinhalb, anderthalb, hundertfünf, dreißig",
            &[2.5, 1.5, 105.0, 30.0],
        );
        check(Tongue::De, "fünf komma drei Millionen, die achtziger Jahre", &[5.3e6, 80.0]);
        check(Tongue::De, "vier und zwanzig, am vierundzwanzigsten", &[24.0, 24.0]);
        check(Tongue::De, "dreihundertfünfzigtausend", &[350_000.0]);
        check(Tongue::Fr, "mille neuf cent quatre-vingt-quatre", &[1984.0]);
        check(Tongue::Fr, "soixante-dix-sept, quatre-vingt-onze, vingt et un", &[77.0, 91.0, 21.0]);
        check(
            Tongue::Fr,
            "deux millions et demi, trois cents, une douzaine",
            &[2.5e6, 300.0, 12.0],
        );
        check(Tongue::Fr, "quatrième, cinquième, vingtième", &[4.0, 5.0, 20.0]);
        check(Tongue::Pt, "mil novecentos e oitenta e quatro, trinta e um", &[1984.0, 31.0]);
        check(Tongue::Pt, "duzentos e cinquenta mil, dois milhões e meio", &[250_000.0, 2.5e6]);
        check(Tongue::It, "millenovecentottantaquattro, duemila, ventuno", &[1984.0, 2000.0, 21.0]);
        check(
            Tongue::It,
            "trentotto, centoventi, duecentocinquanta, centotto",
            &[38.0, 120.0, 250.0, 108.0],
        );
        check(Tongue::It, "due milioni e mezzo, ventesimo, trentatré", &[2.5e6, 20.0, 33.0]);
    }

    #[test]
    fn digits_are_numbers_however_they_are_grouped() {
        let check = |text, want: &[f64]| check(Tongue::En, text, want);
        check("1,000 1.000 1 000 1'000", &[1000.0; 4]);
        check("4.5 4,5 1,234,567.89 1.234.567,89", &[4.5, 4.5, 1_234_567.89, 1_234_567.89]);
        check("10k $5 million 3bn 18h 240°C 2nd", &[1e4, 5e6, 3e9, 18.0, 240.0, 2.0]);
        check("1980s 50% GPT4", &[1980.0, 50.0]);
    }

    /// What of a point was not said.
    #[track_caller]
    fn missing(point: &str, said: &str, want: &[&str]) {
        let tongues = Tongue::KNOWN;
        let (said, words) = (words(said), words(point));
        let known = Numbers::of(&[], &tongues);
        let found = Numbers::of(&said, &tongues).missing(&words, &read(&words, &tongues), &known);
        let found: Vec<&str> = found
            .iter()
            .map(|(first, last)| &point[words[*first].at..words[*last].end()])
            .collect();
        assert_eq!(found, want, "{point}");
    }

    #[test]
    fn the_same_number_in_another_form_is_no_doubt() {
        missing("In 1984 at 3:30.", "nineteen eighty four at half past three", &[]);
        missing("At 3:30 and 15:45.", "um halb vier und viertel vor vier", &[]);
        missing("In 2020 and 1905", "in twenty twenty and nineteen oh five", &[]);
        missing("In 1977 for $1.50", "in seventy seven for a dollar fifty", &[]);
        missing("250,000 people", "a quarter of a million people", &[]);
        missing("1.5 million, 50 percent", "one and a half million, that is half of them", &[]);
        missing("In the 1980s, 30 minutes.", "in the eighties for half an hour", &[]);
        missing("In den 1980ern", "in den achtziger Jahren", &[]);
        missing("Room 911, 747s", "room nine one one and the seven forty seven", &[]);
        missing("About 10,000 people", "nine thousand nine hundred and eighty people", &[]);
        missing("About 19 hours", "eighteen hours", &["19"]);
        missing("1000 Leute", "1.000 Leute", &[]);
        missing("On 12.03.2024", "12.03.2024", &[]);
    }

    #[test]
    fn a_number_that_was_not_said_is_missing() {
        missing("It took 26 days.", "twenty five days", &["26"]);
        missing("$6 million", "five million dollars", &["6 million"]);
        missing("At 3:40", "three thirty", &["3:40"]);
        missing("Es dauerte neunzehn Stunden", "achtzehn stunden", &["neunzehn"]);
        missing("He has three children.", "he has two children", &["three"]);
        missing("He gives two reasons.", "because it is warm and because it is wet", &[]);
        missing("1 500 euros", "1 600 euros", &["1 500"]);
    }
}
