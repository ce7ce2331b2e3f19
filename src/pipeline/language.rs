//! In which language a text is, as far as its words tell, and what is said where a publisher names
//! another one. A guess is made only where there is enough to guess from.

use whatlang::{Lang, Script};

use crate::domain::transcript::Transcript;

/// Letters of a stretch that is looked at by itself.
const STRETCH_LETTERS: usize = 600;

/// Stretches that are looked at, spread over the whole: an advertisement in another language is
/// one.
const STRETCHES: usize = 9;

/// Least letters of a transcript whose language is doubted: a minute of speech has some 750.
const LETTERS_MIN: usize = 1_500;

/// Least letters of points whose language is told from them alone.
const POINTS_LETTERS_MIN: usize = 300;

/// Most letters of points that are looked at.
const POINTS_LETTERS_MAX: usize = 3_000;

/// Least certainty of a guess, 0 to 1; whatlang calls 0.9 reliable.
const CERTAINTY_MIN: f64 = 0.9;

/// Languages that are written so much alike that a guess takes one for the other; their letters
/// stand
/// for their ISO 639-3 codes.
const ALIKE: [&[&str]; 7] = [
    &["nob", "nno", "dan", "swe"],
    &["spa", "cat", "glg", "por"],
    &["hrv", "srp", "bos", "slv", "mkd", "bul"],
    &["ces", "slk"],
    &["ind", "zsm", "msa", "jav"],
    &["rus", "ukr", "bel"],
    &["nld", "afr", "deu"],
];

/// The language of a transcript as a BCP 47 tag: what its words say where they say it surely, else
/// what
/// its source says.
pub(super) fn of_transcript(transcript: &Transcript) -> Option<String> {
    let spoken = spoken(transcript).map(|lang| tag_of(lang).to_owned());
    spoken.or_else(|| transcript.language.clone())
}

/// The language of some texts, where there are enough of them to tell, as a BCP 47 tag.
pub(super) fn of_texts<'a>(texts: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut all = String::new();
    for text in texts {
        if all.len() > POINTS_LETTERS_MAX {
            break;
        }
        all.push_str(text);
        all.push(' ');
    }
    (letters(&all) >= POINTS_LETTERS_MIN)
        .then(|| certain(&all))
        .flatten()
        .map(|lang| tag_of(lang).to_owned())
}

/// What is to be said of a transcript in another language than it was said to be in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mismatch {
    /// What it is in, as a BCP 47 tag.
    pub(super) language: String,
    /// A sentence for the reader.
    pub(super) note: String,
}

/// What is said where a transcript is in another language than the feed or track says; `None`
/// where it is
/// the same, too short to tell, or mixed. `says` is a BCP 47 tag.
pub(super) fn mismatch(transcript: &Transcript, says: &str) -> Option<Mismatch> {
    let named = iso(says)?;
    let heard = spoken(transcript)?;
    let code = heard.code();
    let alike = ALIKE.iter().any(|group| group.contains(&code) && group.contains(&named.as_str()));
    if code == named || alike {
        return None;
    }
    let named = Lang::from_code(&named).map_or(says.to_owned(), |lang| lang.eng_name().to_owned());
    let note = format!(
        "The transcript seems to be in {}, although it is announced as {named}: it may be a translation, or the wrong one.",
        heard.eng_name()
    );
    Some(Mismatch { language: tag_of(heard).to_owned(), note })
}

/// What nearly all stretches of a transcript are in.
fn spoken(transcript: &Transcript) -> Option<Lang> {
    let all: usize = transcript.cues.iter().map(|cue| letters(&cue.text)).sum();
    if all < LETTERS_MIN {
        return None;
    }
    let mut guesses = Vec::new();
    let step = all / STRETCHES;
    let (mut passed, mut stretch) = (0, String::new());
    for cue in &transcript.cues {
        passed += letters(&cue.text);
        if passed < step * guesses.len() {
            continue;
        }
        // A cue may be a whole book.
        let room = (STRETCH_LETTERS * 4).saturating_sub(stretch.len());
        stretch.push_str(&cue.text[..cue.text.floor_char_boundary(room.min(cue.text.len()))]);
        stretch.push(' ');
        if letters(&stretch) >= STRETCH_LETTERS.min(step.max(1)) {
            guesses.push(certain(&stretch));
            stretch.clear();
        }
    }
    let most = guesses
        .iter()
        .flatten()
        .max_by_key(|lang| guesses.iter().filter(|guess| guess.as_ref() == Some(lang)).count())?;
    let agree = guesses.iter().filter(|guess| guess.as_ref() == Some(most)).count();
    // A few stretches may be names, songs or another speaker; where it is more, it is mixed.
    (agree * 4 >= guesses.len() * 3).then_some(*most)
}

fn certain(text: &str) -> Option<Lang> {
    let info = whatlang::detect(text)?;
    let by_script = !matches!(
        info.script(),
        Script::Latin | Script::Cyrillic | Script::Arabic | Script::Devanagari | Script::Hebrew
    );
    (by_script || info.confidence() >= CERTAINTY_MIN).then(|| info.lang())
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphabetic()).map(|c| if c as u32 >= 0x2E80 { 3 } else { 1 }).sum()
}

/// ISO 639-3 of a BCP 47 tag; `None` for those that name no language and those whatlang does not
/// know.
fn iso(tag: &str) -> Option<String> {
    let primary = tag.split(['-', '_']).next().unwrap_or_default().trim().to_ascii_lowercase();
    let code = TAGS.iter().find(|(short, _)| *short == primary).map(|(_, code)| *code);
    let code = code.unwrap_or(&primary);
    Lang::from_code(code).map(|lang| lang.code().to_owned())
}

/// The BCP 47 tag of a language.
fn tag_of(lang: Lang) -> &'static str {
    let code = lang.code();
    TAGS.iter().find(|(_, long)| *long == code).map_or(code, |(short, _)| *short)
}

/// Two letters and three of the languages that whatlang tells apart and that have both.
const TAGS: [(&str, &str); 63] = [
    ("af", "afr"),
    ("am", "amh"),
    ("ar", "ara"),
    ("az", "aze"),
    ("be", "bel"),
    ("bn", "ben"),
    ("bg", "bul"),
    ("ca", "cat"),
    ("cs", "ces"),
    ("zh", "cmn"),
    ("da", "dan"),
    ("de", "deu"),
    ("el", "ell"),
    ("en", "eng"),
    ("eo", "epo"),
    ("et", "est"),
    ("fi", "fin"),
    ("fr", "fra"),
    ("gu", "guj"),
    ("he", "heb"),
    ("hi", "hin"),
    ("hr", "hrv"),
    ("hu", "hun"),
    ("hy", "hye"),
    ("id", "ind"),
    ("it", "ita"),
    ("jv", "jav"),
    ("ja", "jpn"),
    ("kn", "kan"),
    ("ka", "kat"),
    ("km", "khm"),
    ("ko", "kor"),
    ("la", "lat"),
    ("lv", "lav"),
    ("lt", "lit"),
    ("ml", "mal"),
    ("mr", "mar"),
    ("mk", "mkd"),
    ("my", "mya"),
    ("ne", "nep"),
    ("nl", "nld"),
    ("nb", "nob"),
    ("no", "nob"),
    ("or", "ori"),
    ("pa", "pan"),
    ("fa", "pes"),
    ("pl", "pol"),
    ("pt", "por"),
    ("ro", "ron"),
    ("ru", "rus"),
    ("si", "sin"),
    ("sk", "slk"),
    ("sl", "slv"),
    ("sn", "sna"),
    ("es", "spa"),
    ("sr", "srp"),
    ("sv", "swe"),
    ("ta", "tam"),
    ("te", "tel"),
    ("th", "tha"),
    ("tr", "tur"),
    ("uk", "ukr"),
    ("vi", "vie"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::transcript::Cue;

    const ENGLISH: &str = "Today we talk about the old oven in the village and about how long it keeps its heat after \
        the fire has gone out, because that is what decides which bread goes in first.";
    const GERMAN: &str = "Heute sprechen wir über den alten Backofen im Dorf und darüber, wie lange er seine Wärme hält, \
        wenn das Feuer aus ist, denn davon hängt ab, welches Brot zuerst hineinkommt.";
    const SPANISH: &str = "Hoy hablamos del horno viejo del pueblo y de cuánto tiempo guarda el calor cuando se apaga el \
        fuego, porque de eso depende qué pan entra primero y cuál tiene que esperar.";

    /// So many letters of a text, and a little more, a sentence a cue.
    fn cues(text: &str, letters_min: usize) -> Vec<Cue> {
        let count = letters_min.div_ceil(letters(text));
        vec![Cue { text: text.to_owned(), ..Cue::default() }; count]
    }

    fn transcript(cues: Vec<Cue>) -> Transcript {
        Transcript { cues, ..Transcript::default() }
    }

    #[track_caller]
    fn check(cues: Vec<Cue>, says: &str, want: Option<&str>) {
        let found = mismatch(&transcript(cues), says).map(|mismatch| mismatch.language);
        assert_eq!(found.as_deref(), want, "{says}");
    }

    #[test]
    fn another_language_than_was_announced_is_told_in_a_sentence() {
        check(cues(GERMAN, 4_000), "en-US", Some("de"));
        check(cues(ENGLISH, 4_000), "de", Some("en"));
        check(cues(SPANISH, 4_000), "eng", Some("es"));
        let note = mismatch(&transcript(cues(GERMAN, 4_000)), "en-GB").unwrap().note;
        assert!(note.contains("German") && note.contains("announced as English"), "{note}");
    }

    #[test]
    fn the_same_language_a_like_one_and_an_unknown_one_are_not_doubted() {
        check(cues(ENGLISH, 4_000), "en_AU", None);
        check(cues(SPANISH, 4_000), "ca", None);
        for says in ["", "und", "x-klingon", "tlh", "mul"] {
            check(cues(GERMAN, 4_000), says, None);
        }
    }

    #[test]
    fn a_short_transcript_is_not_doubted() {
        let mut short = cues(GERMAN, LETTERS_MIN);
        check(short.clone(), "en", Some("de"));
        let all: usize = short.iter().map(|cue| letters(&cue.text)).sum();
        let last = short.last_mut().unwrap();
        last.text.truncate(last.text.len() - (all - LETTERS_MIN) - 20);
        let all: usize = short.iter().map(|cue| letters(&cue.text)).sum();
        assert!(all < LETTERS_MIN && all > LETTERS_MIN - 100, "{all}");
        check(short, "en", None);
    }

    #[test]
    fn a_mixed_transcript_is_not_doubted() {
        let mixed = |german: usize, english: usize| {
            let mut all = cues(GERMAN, german * 600);
            all.extend(cues(ENGLISH, english * 600));
            all
        };
        check(mixed(9, 1), "en", Some("de"));
        check(mixed(5, 5), "en", None);
        check(mixed(5, 5), "fr", None);
    }

    #[test]
    fn a_transcript_is_in_what_its_words_say_and_else_in_what_it_was_called() {
        let named = |cues| Transcript { language: Some("en".to_owned()), ..transcript(cues) };
        assert_eq!(of_transcript(&named(cues(GERMAN, 4_000))).as_deref(), Some("de"));
        assert_eq!(of_transcript(&named(cues(GERMAN, 10))).as_deref(), Some("en"));
        assert_eq!(of_transcript(&transcript(Vec::new())), None);
        let points = [GERMAN, GERMAN, GERMAN];
        assert_eq!(of_texts(points.into_iter()).as_deref(), Some("de"));
        assert_eq!(of_texts([GERMAN].into_iter()), None);
    }

    #[test]
    fn scripts_without_spaces_and_hostile_texts_do_no_harm() {
        check(
            cues("今日は古い窯の話をします。火が消えた後も熱が残ります。", 4_000),
            "en",
            Some("ja"),
        );
        check(vec![Cue { text: "9 ".repeat(10_000), ..Cue::default() }], "en", None);
        check(vec![Cue { text: "ä".repeat(3_000_000), ..Cue::default() }], "en", None);
    }
}
