//! Names of a point that were not said. Captions mishear and miswrite, so a name is found again
//! where
//! it sounds the same, is split or joined, inflected, or said as an acronym. What is a name is
//! told by
//! its capital, which says little where a sentence begins, and in German.

use std::collections::HashSet;
use std::sync::LazyLock;

use strsim::osa_distance;

use super::words::{SmallWords, Tongue, Word};

/// Names of one point that are compared by their sound with everything that was said; a sentence
/// has
/// fewer, and a hostile text must not cost the product of two lengths.
const COMPARED_MAX: usize = 40;

/// Most letters of an acronym that somebody spells.
const SPELLED_MAX: usize = 6;

type WordList = LazyLock<HashSet<&'static str>>;

fn set(list: &'static str) -> HashSet<&'static str> {
    list.split_whitespace().collect()
}

/// Words before a name that are no name.
static TITLES: WordList = LazyLock::new(|| {
    set("mr mrs ms miss dr prof professor doctor sir lady lord president king queen saint st \
        herr frau \
    herrn doktor konig konigin senor senora senorita don dona sr sra presidente presidenta \
    monsieur madame mme m \
    mademoiselle roi reine senhor senhora rei rainha signor signora dottor dottore dottoressa re regina captain uncle aunt")
});

/// What follows or precedes a person's name: verbs of saying and of a person's life.
static DEEDS: WordList = LazyLock::new(|| {
    set("says said say explains explained argues argued thinks thought believes believed \
        describes described tells \
    told asks asked recalls recalled adds added notes noted admits admitted claims claimed warns \
    warned suggests suggested \
    recommends recommended compares compared wants wanted learned started founded moved worked \
    grew lives lived wrote built \
    bought met joined left married studied visited called showed taught runs ran owns owned \
    remembers remembered prefers \
    preferred won lost came went was is has had \
    dice dijo explica explico cuenta conto cree recuerda recordo recomienda recomendo piensa \
    afirma anade opina compara \
    fundo nacio vive vivio trabaja trabajo empezo escribio advierte prefiere \
    sagt sagte erklart erklarte meint meinte erzahlt erzahlte berichtet berichtete findet fand \
    glaubt glaubte empfiehlt \
    empfahl warnt warnte grundete lebt lebte arbeitet arbeitete schrieb vergleicht erinnert zog \
    lernte \
    dit disait explique expliquait raconte pense croit affirme ajoute conseille recommande \
    rappelle fonda vit vivait \
    travaille travaillait ecrit compare previent prefere \
    diz disse explicou conta contou acha acredita lembra recomenda pensa acrescenta alerta vive \
    trabalha comecou escreveu \
    ha spiega spiegato racconta raccontato crede ricorda consiglia raccomanda aggiunge avverte lavora preferisce scrisse")
});

/// Words that begin a sentence and are no names, beside function words: whom and what talks are
/// about.
static OPENERS: WordList = LazyLock::new(|| {
    set("listeners people guests hosts viewers everyone everybody someone nobody anyone bread \
        water money food \
    music history science time work life children parents students teachers experts researchers \
    scientists doctors patients \
    farmers workers customers companies governments cities countries patience practice advice \
    success failure training sleep \
    health love fear trust memory language art nature technology software data research evidence \
    experience today yesterday \
    tomorrow later earlier finally instead however therefore meanwhile together often sometimes \
    always never most many much \
    another others several nothing something everything whoever whatever whenever wherever part \
    half author host guest speaker founder director owner baker \
    oyentes gente personas paciencia ninos padres expertos dinero musica historia tiempo vida \
    trabajo agua pan salud hoy ayer \
    manana luego despues ademas ahora siempre nunca nadie alguien invitado invitada autor autora \
    parte \
    auditeurs gens personnes patience enfants parents experts argent musique histoire temps vie \
    travail eau pain sante \
    aujourd hier demain ensuite enfin toujours jamais personne quelqu invite auteur partie \
    ouvintes pessoas paciencia criancas pais especialistas dinheiro tempo vida trabalho agua pao \
    saude hoje ontem amanha \
    depois sempre nunca ninguem alguem convidado convidada \
    ascoltatori persone pazienza bambini genitori esperti soldi musica storia tempo vita lavoro \
    acqua pane salute oggi ieri \
    domani dopo sempre mai nessuno qualcuno ospite autore parte \
    menschen leute kinder eltern experten geld musik geschichte zeit leben arbeit wasser brot \
    gesundheit heute gestern \
    morgen danach spater immer nie niemand jemand gast autor teil")
});

/// What begins the words that say who somebody is: "Anna, a baker, …".
static ARTICLES: WordList = LazyLock::new(|| {
    set("a an the who whose un una une um uma il lo la le el l che qui que quien")
});

/// German words before a noun.
static GERMAN_DETERMINERS: WordList = LazyLock::new(|| {
    set("der die das den dem des ein eine einen einem einer eines kein keine keinen keinem \
        keiner mein meine \
    meinen meinem meiner dein deine sein seine seinen seinem seiner ihr ihre ihren ihrem ihrer \
    unser unsere unseren unserem \
    unserer euer eure dieser diese dieses diesen diesem jeder jede jedes jeden jedem welche \
    welcher welches manche viele \
    wenige alle beide einige mehrere am im zum zur vom beim ins ans ubers furs mehr weniger viel \
    wenig etwas genug pro je \
    ohne als wie und oder sowie statt aller vieler solche solcher keines ums")
});

/// Prepositions before a name of a place or person.
static GERMAN_PLACES: WordList =
    LazyLock::new(|| set("in aus nach von bei mit fur an gegen durch laut"));

/// German nouns that stand behind such a preposition without an article.
static GERMAN_MASS: WordList = LazyLock::new(|| {
    set("wasser mehl salz zeit geduld hand hause holz hilfe strom geld jahren jahre stunden \
        minuten tagen wochen \
    monaten prozent menschen kindern leuten freude liebe angst arbeit beginn anfang ende deutsch \
    englisch zucker butter hefe \
    milch brot musik sport recht luft feuer erde glas stein metall plastik papier sinn erfolg \
    wirkung dingen fragen worten \
    freunden eltern frauen mannern schulen stadten landern daten rucksicht bezug anbetracht folge ordnung gefahr verbindung")
});

/// Endings of words that are no names.
const GERMAN_ENDINGS: [&str; 19] = [
    "ung", "ungen", "heit", "heiten", "keit", "keiten", "schaft", "tion", "tionen", "tat", "taten",
    "nis", "nisse", "tum", "chen", "lein", "ling", "linge", "ismus",
];

/// The same for languages in which only the first word of a sentence is in question.
const ENDINGS: [&str; 28] = [
    "tion", "tions", "ness", "ment", "ments", "ity", "ing", "ism", "ance", "ence", "ly", "ers",
    "cion", "ciones", "dad", "mente", "miento", "cao", "coes", "dade", "mento", "zione", "zioni",
    "ita", "ite", "eurs", "isme", "eza",
];

/// Endings of one name's forms.
const FORMS: [&str; 8] = ["", "s", "es", "n", "en", "er", "ers", "ns"];

/// Endings of a country, and of who or what comes from it.
const LANDS: [&str; 11] = ["", "y", "ia", "ien", "ie", "e", "o", "a", "land", "i", "in"];
const FROM_LANDS: [&str; 30] = [
    "ian", "ians", "an", "ans", "ean", "ese", "ish", "ic", "isch", "ische", "ischen", "ischer",
    "isches", "ois", "oise", "ais", "aise", "ano", "ana", "anos", "anas", "ino", "ina", "es",
    "esa", "er", "ien", "ienne", "eno", "ena",
];

/// What was said, as names are found in it again.
pub(super) struct Spellings {
    words: HashSet<String>,
    /// Two or three words in a row written as one, and letters that were spelled.
    joined: HashSet<String>,
    /// What is compared by sound: words and pairs of them, each with its sound.
    near: Vec<(String, String)>,
    /// First letters of all words, of those that say something, and of the long ones.
    initials: [String; 3],
}

impl Spellings {
    pub(super) fn of(words: &[Word<'_>], small: &SmallWords) -> Spellings {
        let mut said = Spellings {
            words: HashSet::new(),
            joined: HashSet::new(),
            near: Vec::new(),
            initials: Default::default(),
        };
        let mut near = HashSet::new();
        for (at, word) in words.iter().enumerate() {
            let folded = word.folded.as_str();
            let is_small = small.has(folded);
            if let Some(first) = folded.chars().next() {
                let is_long = folded.len() >= 4 && !is_small;
                said.initials[0].push(first);
                if !is_small {
                    said.initials[1].push(first);
                }
                said.initials[2].push(if is_long { first } else { ' ' });
            }
            if !is_small && folded.len() >= 3 && said.words.insert(folded.to_owned()) {
                near.insert(folded.to_owned());
            }
            said.words.insert(folded.to_owned());
            let mut together = folded.to_owned();
            let are_letters = |word: &Word<'_>| word.folded.chars().count() == 1;
            for (steps, next) in words[at + 1..].iter().take(SPELLED_MAX - 1).enumerate() {
                let spells = are_letters(word) && are_letters(next);
                if steps >= 2 && !spells {
                    break;
                }
                together.push_str(&next.folded);
                if steps == 0 && together.len() >= 6 && !(is_small && small.has(&next.folded)) {
                    near.insert(together.clone());
                }
                said.joined.insert(together.clone());
            }
        }
        said.near = near.into_iter().map(|word| (sound(&word), word)).collect();
        said
    }

    /// Whether a name was said, in this form or another.
    fn has(&self, name: &str) -> bool {
        if self.words.contains(name) || self.joined.contains(name) {
            return true;
        }
        FORMS[1..].iter().any(|ending| {
            let shorter = name.strip_suffix(ending).filter(|rest| rest.len() >= 3);
            shorter.is_some_and(|rest| self.words.contains(rest))
                || name.len() >= 3 && self.words.contains(&format!("{name}{ending}"))
        })
    }

    /// Whether something was said that sounds like a name, or is a form of it.
    fn has_near(&self, name: &str) -> bool {
        let letters = name.chars().count();
        if letters < 4 {
            return false;
        }
        let (plain_max, sound_max) = match letters {
            4 => (0, 1),
            5 | 6 => (0, 2),
            7 | 8 => (2, 3),
            9..=11 => (2, 4),
            _ => (3, 5),
        };
        let own = sound(name);
        self.near.iter().any(|(said_sound, said)| {
            let said_letters = said.chars().count();
            if said_letters.abs_diff(letters) > sound_max {
                return is_of_one_land(name, said);
            }
            if own == *said_sound {
                return osa_distance(name, said) <= sound_max;
            }
            let begins = name.chars().next() == said.chars().next();
            // "Jimena" and "Ximena"
            if letters >= 6 && said_letters == letters && without_first(name) == without_first(said)
            {
                return true;
            }
            plain_max > 0 && begins && said_letters >= 5 && osa_distance(name, said) <= plain_max
                || is_of_one_land(name, said)
        })
    }

    fn has_initials(&self, acronym: &str) -> bool {
        match acronym.chars().count() {
            2 => self.initials[2].contains(acronym),
            3..=SPELLED_MAX => self.initials.iter().any(|initials| initials.contains(acronym)),
            _ => false,
        }
    }
}

fn without_first(word: &str) -> &str {
    word.char_indices().nth(1).map_or("", |(at, _)| &word[at..])
}

/// "Italian" and "Italy"; forms of other scripts' names.
fn is_of_one_land(one: &str, two: &str) -> bool {
    let shared: usize =
        one.chars().zip(two.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let (rest_one, rest_two) = (&one[shared..], &two[shared..]);
    let letters = one[..shared].chars().count();
    if letters < 4 {
        return false;
    }
    if !one.is_ascii() {
        return rest_one.chars().count() <= 3 && rest_two.chars().count() <= 3;
    }
    let is = |land: &str, from: &str| LANDS.contains(&land) && FROM_LANDS.contains(&from);
    is(rest_one, rest_two) || is(rest_two, rest_one)
}

/// How a word sounds, roughly: its consonants, those that are heard for each other as one.
fn sound(word: &str) -> String {
    let letters: Vec<char> = word.chars().collect();
    let mut out = String::with_capacity(word.len());
    let mut at = 0;
    while let Some(&c) = letters.get(at) {
        let next = letters.get(at + 1).copied().unwrap_or(' ');
        let begins = at == 0;
        let (heard, taken): (&str, usize) = match (c, next) {
            ('p', 'h') => ("f", 2),
            ('s', 'c') if letters.get(at + 2) == Some(&'h') => ("x", 3),
            ('s' | 'c', 'h') | ('c' | 's', 'z') => ("x", 2),
            ('t', 'h') => ("t", 2),
            ('g', 'h') => (if begins { "k" } else { "" }, 2),
            ('k', 'n') if begins => ("n", 2),
            ('w', 'r') if begins => ("r", 2),
            ('q', 'u') => ("k", 2),
            ('c', 'e' | 'i' | 'y') => ("s", 1),
            ('b' | 'p', _) => ("p", 1),
            ('d' | 't', _) => ("t", 1),
            ('c' | 'g' | 'k' | 'q', _) => ("k", 1),
            ('f' | 'v' | 'w', _) => ("f", 1),
            ('s' | 'z', _) => ("s", 1),
            ('m' | 'n', _) => ("n", 1),
            ('x', _) => ("ks", 1),
            ('h', _) => ("", 1),
            ('a' | 'e' | 'i' | 'o' | 'u' | 'y', _) => (if begins { "a" } else { "" }, 1),
            _ => {
                if !out.ends_with(c) {
                    out.push(c);
                }
                at += 1;
                continue;
            }
        };
        if !out.ends_with(heard) || heard.is_empty() {
            out.push_str(heard);
        }
        at += taken;
    }
    out
}

/// Against what the names of points are held.
pub(super) struct Naming<'a> {
    pub(super) tongue: Tongue,
    pub(super) small: &'a SmallWords,
    /// Beginnings of all words of the transcript: what is said elsewhere in it tells a common word.
    pub(super) vocabulary: &'a HashSet<String>,
    /// Titles, chapters, who speaks.
    pub(super) known: &'a Spellings,
}

/// The letters by which a word of the transcript is known again.
pub(super) fn beginning(word: &str) -> &str {
    word.char_indices().nth(5).map_or(word, |(end, _)| &word[..end])
}

impl Naming<'_> {
    /// The words of a point that are names.
    pub(super) fn names(&self, point: &[Word<'_>]) -> Vec<usize> {
        if is_shouted(point) {
            return Vec::new();
        }
        (0..point.len()).filter(|at| self.is_name(point, *at)).collect()
    }

    /// Those of a point's names that were not said, as ranges of its words.
    pub(super) fn missing(
        &self,
        point: &[Word<'_>],
        names: &[usize],
        said: &Spellings,
        has_number: &dyn Fn(f64) -> bool,
    ) -> Vec<(usize, usize)> {
        let mut missing: Vec<(usize, usize)> = Vec::new();
        let mut compared = 0;
        for &at in names {
            if self.is_written(point, at, said, has_number) {
                continue;
            }
            compared += 1;
            let name = &point[at].folded;
            let sounds = || {
                said.has_near(name) || self.known.has_near(name) || {
                    let pair = |first: usize| {
                        let two = point.get(first..=first + 1)?;
                        let close =
                            two[1].follows_closely() && two[0].is_capital() && two[1].is_capital();
                        close.then(|| format!("{}{}", two[0].folded, two[1].folded))
                    };
                    [Some(at), at.checked_sub(1)].into_iter().flatten().any(|first| {
                        pair(first).is_some_and(|pair| pair.len() <= 24 && said.has_near(&pair))
                    })
                }
            };
            if compared <= COMPARED_MAX && sounds() {
                continue;
            }
            match missing.last_mut() {
                Some((_, last)) if *last + 1 == at && point[at].follows_closely() => *last = at,
                _ => missing.push((at, at)),
            }
        }
        missing
    }

    /// Whether a name stands in what was said, split, joined or shortened.
    fn is_written(
        &self,
        point: &[Word<'_>],
        at: usize,
        said: &Spellings,
        has_number: &dyn Fn(f64) -> bool,
    ) -> bool {
        let name = point[at].folded.as_str();
        let has = |name: &str| said.has(name) || self.known.has(name);
        if has(name) {
            return true;
        }
        let beside =
            |other: Option<&Word<'_>>| other.map_or("", |word| word.folded.as_str()).to_owned();
        let (before, behind) =
            (beside(at.checked_sub(1).and_then(|at| point.get(at))), beside(point.get(at + 1)));
        let is_joined = |one: &str, two: &str| {
            let together = format!("{one}{two}");
            said.words.contains(&together) || self.known.words.contains(&together)
        };
        if !before.is_empty() && is_joined(&before, name)
            || !behind.is_empty() && is_joined(name, &behind)
        {
            return true;
        }
        if is_acronym(&point[at]) && (said.has_initials(name) || self.known.has_initials(name)) {
            return true;
        }
        // Who says "the states" means them.
        if name == "united" && has(&behind) {
            return true;
        }
        // "GPT4"
        if let Some(digits) = name.find(|c: char| c.is_ascii_digit())
            && let Ok(number) = name[digits..].parse::<f64>()
        {
            let letters = name[..digits].trim();
            return (letters.is_empty() || has(letters)) && has_number(number);
        }
        self.is_spelled_out(point, at, said)
    }

    /// "European Union" where "EU" was said.
    fn is_spelled_out(&self, point: &[Word<'_>], at: usize, said: &Spellings) -> bool {
        let is_part = |at: usize| point.get(at).is_some_and(|word| word.is_capital());
        let mut first = at;
        while first > 0
            && at - first < SPELLED_MAX
            && is_part(first - 1)
            && point[first].follows_closely()
        {
            first -= 1;
        }
        let mut initials = String::new();
        for word in point[first..].iter().take(SPELLED_MAX) {
            if self.small.has(&word.folded) && !word.is_capital() {
                continue;
            }
            if !word.is_capital() {
                break;
            }
            initials.extend(word.folded.chars().next());
        }
        initials.len() >= 2
            && (2..=initials.len()).any(|count| {
                let part = &initials[..initials.floor_char_boundary(count)];
                part.len() >= 2 && at - first < count && said.has_acronym(part)
            })
    }

    fn is_name(&self, point: &[Word<'_>], at: usize) -> bool {
        let word = &point[at];
        let name = word.folded.as_str();
        let letters = word.text.chars().filter(|c| c.is_alphabetic()).count();
        if letters < 2 || word.is_digits() || word.is_clitic() || TITLES.contains(name) {
            return false;
        }
        // "8 GB", "9 PM"
        let is_unit = letters <= 3 && at.checked_sub(1).is_some_and(|at| point[at].is_digits());
        if is_acronym(word) && is_unit {
            return false;
        }
        if is_acronym(word) || word.text.chars().skip(1).any(char::is_uppercase) {
            return true;
        }
        if !word.is_capital() || self.small.has(name) {
            return false;
        }
        let behind = point.get(at + 1);
        let next_is_capital =
            behind.is_some_and(|word| word.is_capital() && word.gap == " " && !is_acronym(word));
        if self.tongue == Tongue::De {
            return self.is_german_name(point, at, next_is_capital);
        }
        if !word.opens {
            return true;
        }
        if self.tongue == Tongue::Other {
            return false;
        }
        let is_common = OPENERS.contains(name)
            || self.vocabulary.contains(beginning(name))
            || ENDINGS.iter().any(|ending| name.ends_with(ending));
        let is_possessive = self.tongue == Tongue::En
            && behind.is_some_and(|word| word.is_clitic() && word.folded == "s");
        let acts = behind.is_some_and(|word| word.gap == " " && self.is_deed(word))
            || behind
                .is_some_and(|word| word.gap == ", " && ARTICLES.contains(word.folded.as_str()));
        // The plural of a noun begins many sentences, a name that ends so few.
        let is_plural = name.ends_with('s') && !next_is_capital && !is_possessive;
        !is_common && !is_plural && (next_is_capital || is_possessive || acts)
    }

    /// Whether a word is a verb of what a person did.
    fn is_deed(&self, word: &Word<'_>) -> bool {
        let folded = word.folded.as_str();
        let ends = |endings: &[&str]| endings.iter().any(|ending| word.text.ends_with(ending));
        DEEDS.contains(folded)
            || folded.len() >= 4
                && match self.tongue {
                    Tongue::En => ends(&["ed"]),
                    Tongue::Es => ends(&["ó"]),
                    Tongue::Pt => ends(&["ou", "eu", "iu"]),
                    _ => false,
                }
            || folded == "a" && self.tongue == Tongue::Fr
    }

    /// Every German noun has a capital, so a name is one only where it stands as nouns do not:
    /// beside
    /// another capital, beside a verb of saying, or behind a preposition without an article.
    fn is_german_name(&self, point: &[Word<'_>], at: usize, next_is_capital: bool) -> bool {
        let word = &point[at];
        let name = word.folded.as_str();
        let before = at.checked_sub(1).and_then(|at| point.get(at)).filter(|_| word.gap == " ");
        let behind = point.get(at + 1).filter(|word| word.gap == " ");
        if GERMAN_ENDINGS.iter().any(|ending| name.ends_with(ending))
            || OPENERS.contains(name)
            || self.vocabulary.contains(beginning(name))
        {
            return false;
        }
        let before_name = before.map_or("", |word| word.folded.as_str());
        if TITLES.contains(before_name) {
            return true;
        }
        let says = |word: Option<&Word<'_>>| {
            word.is_some_and(|word| !word.is_capital() && DEEDS.contains(word.folded.as_str()))
        };
        if word.opens {
            return next_is_capital || says(behind);
        }
        let is_adjective = before.is_some_and(|word| {
            !word.is_capital()
                && word.folded.len() > 4
                && ["e", "en", "er", "es", "em"].iter().any(|ending| word.folded.ends_with(ending))
                && !DEEDS.contains(word.folded.as_str())
        });
        if GERMAN_DETERMINERS.contains(before_name) || is_adjective {
            // "der Gründer Bruno Keller" has its name behind.
            return false;
        }
        let before_is_capital = before.is_some_and(|word| word.is_capital() && !word.opens);
        if GERMAN_PLACES.contains(before_name) {
            return name.len() >= 4 && !GERMAN_MASS.contains(name);
        }
        before_is_capital || next_is_capital || says(behind) || says(before)
    }
}

impl Spellings {
    fn has_acronym(&self, letters: &str) -> bool {
        self.words.contains(letters) || self.joined.contains(letters)
    }
}

fn is_acronym(word: &Word<'_>) -> bool {
    let mut letters = word.text.chars().filter(|c| c.is_alphabetic());
    let count = letters.clone().count();
    (2..=SPELLED_MAX).contains(&count) && letters.all(char::is_uppercase)
}

/// Whether a text writes nearly every word with a capital, so that a capital says nothing.
fn is_shouted(point: &[Word<'_>]) -> bool {
    let words = point.iter().filter(|word| word.text.chars().all(char::is_alphabetic));
    let (all, capitals) = words
        .fold((0, 0), |(all, capitals), word| (all + 1, capitals + usize::from(word.is_capital())));
    all >= 6 && capitals * 10 > all * 8
}

#[cfg(test)]
mod tests {
    use super::super::numbers::Numbers;
    use super::super::words::words;
    use super::*;

    #[track_caller]
    fn check(tongue: Tongue, point: &str, said: &str, want: &[&str]) {
        let small = SmallWords::of(&[tongue]);
        let (said, words) = (words(said), words(point));
        let vocabulary: HashSet<String> =
            said.iter().map(|word| beginning(&word.folded).to_owned()).collect();
        let known = Spellings::of(&super::super::words::words("Ada Lovelace on Engines"), &small);
        let naming = Naming { tongue, small: &small, vocabulary: &vocabulary, known: &known };
        let numbers = Numbers::of(&said, &[tongue]);
        let found = naming.missing(
            &words,
            &naming.names(&words),
            &Spellings::of(&said, &small),
            &|value| numbers.has(value),
        );
        let found: Vec<&str> = found
            .iter()
            .map(|(first, last)| &point[words[*first].at..words[*last].end()])
            .collect();
        assert_eq!(found, want, "{point}");
    }

    #[test]
    fn a_name_that_was_not_said_is_missing() {
        let said = "so marta silva told me about the oven in lisbon";
        check(Tongue::En, "She met Marta Silva in Lisbon.", said, &[]);
        check(Tongue::En, "She met Bruno Silva in Porto.", said, &["Bruno", "Porto"]);
        check(Tongue::En, "She met Bruno Keller.", said, &["Bruno Keller"]);
        check(Tongue::En, "Ada asked about it.", said, &[]);
        check(
            Tongue::En,
            "Bruno told her about it. Bruno's oven is old.",
            said,
            &["Bruno", "Bruno"],
        );
        check(Tongue::En, "Patience matters. Listeners said so.", said, &[]);
    }

    #[test]
    fn a_name_is_known_by_its_sound_and_in_other_forms() {
        let check = |point, said| check(Tongue::En, point, said, &[]);
        check("They use Kowalski pumps.", "they use cowalsky pumps");
        check("He asked Karl and Sofia.", "he asked carl and sophia");
        check("It is YouTube and the MacDonald farm.", "it is you tube and the mac donald farm");
        check("The Mac Donald farm", "the macdonald farm");
        check("An Italian in Germany", "somebody from italy and the german state");
        check("The WHO and the European Union", "the world health organization and the eu");
        check("He works for IBM on GPT4.", "he works for i b m on gpt four");
        check("It is O'Brien's and Anna's.", "obrien and anna");
        check("In São Tomé and Zürich", "in sao tome and zurich");
    }

    #[test]
    fn a_german_noun_is_no_name() {
        let said = "wir backen brot mit marta silva in lissabon und das braucht zeit";
        check(Tongue::De, "Der Teig braucht Ruhe und viel Wärme, sagt Marta Silva.", said, &[]);
        check(Tongue::De, "Das braucht Zeit, sagt Bruno Keller.", said, &["Bruno Keller"]);
        check(Tongue::De, "Sie backen mit Geduld in Hamburg.", said, &["Hamburg"]);
        check(Tongue::De, "Bruno erklärt den Ofen.", said, &["Bruno"]);
    }

    #[test]
    fn other_scripts_with_capitals_are_checked_and_a_shout_is_not() {
        check(Tongue::Other, "Она встретила Марту в Москве.", "марта живёт в москве", &[]);
        check(Tongue::Other, "Она встретила Ивана.", "марта живёт в москве", &["Ивана"]);
        check(Tongue::En, "HOW BREAD IS BAKED IN PORTO TODAY", "bread", &[]);
    }
}
