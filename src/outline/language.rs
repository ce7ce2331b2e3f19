//! Which language a transcript speaks, and the few words of it that the outliner leans on.
//!
//! Only data and the choice of it live here, one file a language. A language without a file still
//! gets sections,
//! titles and points: only stop words, fillers and turns of phrase are then unknown.

mod de;
mod en;
mod es;
mod fr;
mod it;
mod pt;

use rust_stemmers::Algorithm;

use crate::domain::transcript::Transcript;

/// What the outliner knows of one language. All is lower case; within one text, words are
/// separated by blanks and phrases by `|`.
#[derive(Clone, Copy)]
pub(super) struct Language {
    /// Primary subtag, which also picks the rules for sentence ends.
    pub code: &'static str,
    /// How words are cut to their stem; `None` where the forms are taken as they are.
    pub stemmer: Option<Algorithm>,
    /// Function words: they carry no topic.
    pub stops: &'static str,
    /// Words of talk rather than of a topic ("think", "really"): neither begin nor end a title.
    pub weak: &'static str,
    /// Prepositions and the like that may join two content words within a title.
    pub joints: &'static [&'static str],
    /// Endings of words that rather do or describe than name: such a word seldom ends a title.
    pub verbal: &'static [&'static str],
    /// Joins two phrases in a title.
    pub and: &'static str,
    /// Words that mostly begin a sentence ("so", "but"), separated by blanks.
    pub firsts: &'static str,
    /// Words that begin one more often than others ("I", "there's"), separated by blanks.
    pub starters: &'static str,
    /// Words that never end one ("the", "of"), separated by blanks.
    pub dangling: &'static str,
    /// Words dropped from the head of a point.
    pub fillers: &'static [&'static str],
    /// Words dropped wherever they stand between commas or blanks ("um").
    pub hesitations: &'static [&'static str],
    /// Phrases dropped where they stand between commas ("you know").
    pub asides: &'static str,
    /// Beginnings of sentences that lean on what came before ("it", "they").
    pub leaning: &'static [&'static str],
    /// Pronouns that stand for somebody named before.
    pub pronouns: &'static [&'static str],
    /// Phrases that all but always open a new topic.
    pub openers: &'static str,
    /// Phrases that close one.
    pub closers: &'static str,
    /// Phrases that are followed by the name of the topic.
    pub announcements: &'static str,
    /// Words that count through a programme ("next", "third").
    pub steps: &'static str,
    /// What a programme has parts of ("question", "item").
    pub parts: &'static str,
    /// Words between such a word and the name of the item ("is", "titled"), separated by blanks.
    pub links: &'static str,
    /// Phrases that mark a conclusion or a rule.
    pub conclusions: &'static str,
    /// Phrases of greeting, thanks and housekeeping: no sentence to quote.
    pub housekeeping: &'static str,
}

/// For languages without a file: no words are known, the rest works.
const OTHER: Language = Language {
    code: "en",
    stemmer: None,
    stops: "",
    weak: "",
    joints: &[],
    verbal: &[],
    and: "",
    firsts: "",
    starters: "",
    dangling: "",
    fillers: &[],
    hesitations: &[],
    asides: "",
    leaning: &[],
    pronouns: &[],
    openers: "",
    closers: "",
    announcements: "",
    steps: "",
    parts: "",
    links: "",
    conclusions: "",
    housekeeping: "",
};

/// Codes whose sentence ends sentencex knows by their own rules, beside the six with a file here.
const SPLIT_ONLY: [&str; 14] =
    ["am", "ar", "bg", "ca", "da", "el", "fi", "hi", "ja", "nl", "pl", "ru", "uk", "zh"];

/// How much of a transcript is read to guess its language: enough to be sure, too little to cost a
/// millisecond.
const SAMPLE_BYTES: usize = 3_000;

/// The language of a transcript: the hint if there is one, else the transcript's own, else a guess
/// from its words.
pub(super) fn of(transcript: &Transcript, hint: Option<&str>) -> Language {
    let named = hint.or(transcript.language.as_deref()).map(primary_subtag);
    if let Some(code) = named.filter(|code| !code.is_empty() && code != "und") {
        return by_code(&code);
    }
    guess(transcript).map_or(OTHER, by_code)
}

fn primary_subtag(tag: &str) -> String {
    tag.split(['-', '_']).next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn by_code(code: &str) -> Language {
    match code {
        "en" | "eng" => en::WORDS,
        "es" | "spa" => es::WORDS,
        "de" | "deu" | "ger" => de::WORDS,
        "fr" | "fra" | "fre" => fr::WORDS,
        "pt" | "por" => pt::WORDS,
        "it" | "ita" => it::WORDS,
        _ => Language {
            code: SPLIT_ONLY.iter().find(|known| **known == code).copied().unwrap_or(OTHER.code),
            ..OTHER
        },
    }
}

/// Reads a little from the middle, where greetings and jingles are over.
fn guess(transcript: &Transcript) -> Option<&'static str> {
    let mut sample = String::with_capacity(SAMPLE_BYTES);
    let middle = transcript.cues.len() / 3;
    for cue in &transcript.cues[middle..] {
        let room = SAMPLE_BYTES.saturating_sub(sample.len());
        if room == 0 {
            break;
        }
        let end = cue.text.floor_char_boundary(room.min(cue.text.len()));
        sample.push_str(&cue.text[..end]);
        sample.push(' ');
    }
    let info = whatlang::detect(&sample)?;
    // A few words can be wrong even when the guess is "reliable"; English is the better bet for
    // Latin letters then.
    let sure = info.is_reliable() && sample.len() > 60;
    Some(match info.lang() {
        whatlang::Lang::Jpn => "ja",
        whatlang::Lang::Cmn => "zh",
        whatlang::Lang::Ara => "ar",
        whatlang::Lang::Rus => "ru",
        whatlang::Lang::Ukr => "uk",
        whatlang::Lang::Ell => "el",
        whatlang::Lang::Hin => "hi",
        whatlang::Lang::Spa if sure => "es",
        whatlang::Lang::Deu if sure => "de",
        whatlang::Lang::Fra if sure => "fr",
        whatlang::Lang::Por if sure => "pt",
        whatlang::Lang::Ita if sure => "it",
        whatlang::Lang::Nld if sure => "nl",
        whatlang::Lang::Pol if sure => "pl",
        whatlang::Lang::Eng => "en",
        _ if sure => "other",
        _ if info.script() == whatlang::Script::Latin => "en",
        _ => "other",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::transcript::Cue;

    fn said(text: &str) -> Transcript {
        let cue = Cue { text: text.to_owned(), ..Cue::default() };
        Transcript { cues: vec![cue], ..Transcript::default() }
    }

    #[track_caller]
    fn check(text: &str, hint: Option<&str>, code: &str, has_stops: bool) {
        let found = of(&said(text), hint);
        assert_eq!((found.code, !found.stops.is_empty()), (code, has_stops), "{text}");
    }

    #[test]
    fn a_hint_comes_before_a_guess() {
        let text = "Today we talk about the bread oven and how long it keeps its heat after the fire is out.";
        check(text, None, "en", true);
        check(text, Some("es-MX"), "es", true);
        check(text, Some("de_AT"), "de", true);
        check(text, Some("nl"), "nl", false);
        check(text, Some("tlh"), "en", false);
        check(text, Some("und"), "en", true);
    }

    #[test]
    fn a_longer_text_tells_its_language() {
        check(
            "Heute sprechen wir über den alten Backofen im Dorf und darüber, wie lange er seine Wärme hält.",
            None,
            "de",
            true,
        );
        check(
            "Hoy hablamos del horno viejo del pueblo y de cuánto tiempo guarda el calor después del fuego.",
            None,
            "es",
            true,
        );
        check("今日は古い窯の話をします。火が消えた後も熱が残ります。", None, "ja", false);
    }
}
