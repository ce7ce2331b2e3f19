//! Words of a text as they are compared: small letters without accents, with where they stand. And
//! the words of six languages that say nothing by themselves. No rule of what is in doubt lives
//! here.

use std::collections::HashSet;

use deunicode::deunicode_char;

/// A word is compared by its first 32 letters: no real one is longer, a hostile one is cut.
const LETTERS_MAX: usize = 32;

/// A language whose words are known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Tongue {
    En,
    Es,
    De,
    Fr,
    Pt,
    It,
    /// Any other: its numbers in digits, its names and its quotations are still compared.
    Other,
}

impl Tongue {
    /// Those whose words are known.
    pub(super) const KNOWN: [Tongue; 6] =
        [Tongue::En, Tongue::Es, Tongue::De, Tongue::Fr, Tongue::Pt, Tongue::It];

    /// By the primary subtag of a BCP 47 tag.
    pub(super) fn of(tag: &str) -> Tongue {
        let primary = tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        match primary.as_str() {
            "en" | "eng" => Tongue::En,
            "es" | "spa" => Tongue::Es,
            "de" | "deu" | "ger" => Tongue::De,
            "fr" | "fra" | "fre" => Tongue::Fr,
            "pt" | "por" => Tongue::Pt,
            "it" | "ita" => Tongue::It,
            _ => Tongue::Other,
        }
    }

    /// Function words, folded: they carry no claim. Words that deny are not among them.
    fn small_words(self) -> &'static str {
        match self {
            Tongue::En => {
                "a about after again all also although am an and any are as at be because been \
                before being both but by can \
                 could did do does doing down each either else even ever every few for from had \
                 has have having he her here hers \
                 him his how i if in into is it its just like may me might more most much must \
                 my now of off oh on once one only or \
                 other our out over own per perhaps really same shall she should since so some \
                 still such than that the their \
                 them then there these they this those though through till to too under until up \
                 upon us very was we well were \
                 what when where whether which while who whom whose why will with within would \
                 yeah yes yet you your d ll m re s ve"
            }
            Tongue::Es => {
                "a al algo ante aqui asi aun bien como con cual cuando cuyo de del desde donde \
                dos e el ella ellas ellos en entre \
                 era eran es esa esas ese eso esos esta estaba estan estas este esto estos estoy \
                 fue fueron ha habia han has hasta \
                 hay he la las le les lo los mas me mi mis mucho muy nos nosotros o os otra otro \
                 para pero por porque pues que quien \
                 se ser si sin sobre son su sus tal tambien tan te tiene todo todos tu tus u un \
                 una unas uno unos va vamos y ya yo"
            }
            Tongue::De => {
                "aber alle allem allen aller alles als also am an auch auf aus bei beim bin bis \
                bist da dabei damit dann daran \
                 darauf das dass dein deine dem den denn der deren des dessen dich die dies \
                 diese diesem diesen dieser dieses dir doch \
                 dort du durch ein eine einem einen einer eines er es etwas euch fur gegen hab \
                 habe haben hat hatte hatten hier ich \
                 ihm ihn ihnen ihr ihre ihrem ihren ihrer im in ins ist ja jede jedem jeden \
                 jeder jedes jetzt kann konnen man mehr \
                 mein meine mich mir mit mal muss nach noch nun nur ob oder schon sehr sein \
                 seine seinem seinen seiner seit sich sie \
                 sind so soll sollte uber um und uns unser unsere unter viel viele vom von vor \
                 wann war waren warum was weil welche \
                 wenn wer werden wie wieder will wir wird wo wurde wurden zu zum zur"
            }
            Tongue::Fr => {
                "a afin ai ainsi alors apres as assez au aussi autre autres aux avait avant avec \
                avoir beaucoup bien c ca car ce cela \
                 celle celui ces cet cette ceux chaque chez comme d dans de des deux donc dont \
                 du elle elles en encore entre est et etaient \
                 etait ete etre eu eux fait faut il ils j je l la le les leur leurs lui m ma \
                 mais me meme mes moi mon n nos notre \
                 nous on ont ou par parce peu peut plus pour pourquoi puis qu quand que quel \
                 quelle qui quoi s sa sans se ses si \
                 son sont sous sur t ta te tes toi ton tous tout toute toutes tres tu un une va \
                 vers voici voila vos votre vous y"
            }
            Tongue::Pt => {
                "a ainda ao aos aquela aquele aqui as assim ate bem cada com como da das de dela \
                dele deles depois do dos e ela elas \
                 ele eles em entao entre era eram essa esse esta estao estava este eu foi foram \
                 ha isso isto ja la lhe mais mas me \
                 mesmo meu minha muito na nas no nos nossa nosso num numa o os ou outra outro \
                 para pela pelo por porque pra quando que \
                 quem sao se sem ser seu seus si sido so sobre sua suas tambem te tem tinha todo \
                 todos tu tudo um uma umas uns vai voce"
            }
            Tongue::It => {
                "a ad agli ai al alla alle allo anche ancora anni c che chi ci cio come con cosa \
                cosi cui d da dagli dai dal dalla \
                 degli dei del della delle dello di dopo dove e ed era erano essere fa fatto fra \
                 gia gli ha hanno ho i il in io l la le \
                 lei li lo loro lui ma me mi mia mio molto ne nei nel nella nelle noi nostra \
                 nostro o ogni oppure per perche pero piu \
                 po poi qua quando quella quello questa queste questi questo qui se si sia siamo \
                 sono sta su sua sue sugli sui sul \
                 sulla suo suoi tra tu tutti tutto un una uno va vi voi"
            }
            Tongue::Other => "",
        }
    }

    /// Whether a word turns what is said into its opposite.
    pub(super) fn denies(word: &str) -> bool {
        const WORDS: &str = "not never no nobody nothing none nor neither t without nunca nadie nada ni jamas ninguno ninguna sin \
            nicht nie niemals niemand nichts kein keine keinen keinem keiner ohne pas jamais \
            rien aucun aucune sans nao ninguem nenhum \
            nenhuma sem non mai nessuno nessuna niente senza";
        WORDS.split_whitespace().any(|one| one == word)
    }

    /// Sounds and words of hesitation, which a quotation may leave out.
    pub(super) fn is_filler(word: &str) -> bool {
        matches!(
            word,
            "um" | "uh"
                | "uhm"
                | "er"
                | "erm"
                | "hm"
                | "hmm"
                | "mhm"
                | "ah"
                | "eh"
                | "ahm"
                | "oh"
                | "euh"
                | "bah"
                | "like"
                | "well"
                | "este"
                | "pues"
                | "ne"
                | "tipo"
                | "cioe"
                | "ben"
                | "beh"
                | "also"
                | "halt"
                | "sozusagen"
                | "quasi"
                | "basically"
                | "actually"
        )
    }
}

/// Function words of some languages.
pub(super) struct SmallWords(HashSet<&'static str>);

impl SmallWords {
    pub(super) fn of(tongues: &[Tongue]) -> SmallWords {
        SmallWords(
            tongues.iter().flat_map(|tongue| tongue.small_words().split_whitespace()).collect(),
        )
    }

    pub(super) fn has(&self, word: &str) -> bool {
        self.0.contains(word)
    }
}

/// One word where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word<'a> {
    /// As it is written.
    pub(super) text: &'a str,
    /// In bytes from the start of its text.
    pub(super) at: usize,
    /// What stands between it and the word before.
    pub(super) gap: &'a str,
    /// Small letters of the Latin script, without accents; other scripts in small letters.
    pub(super) folded: String,
    /// Whether a sentence or a quotation may begin with it, so that a capital says nothing.
    pub(super) opens: bool,
}

impl Word<'_> {
    /// Behind its last letter, in bytes from the start of its text.
    pub(super) fn end(&self) -> usize {
        self.at + self.text.len()
    }

    /// Whether only a blank or a hyphen stands between it and the word before.
    pub(super) fn follows_closely(&self) -> bool {
        let gap = self.gap.trim();
        gap.is_empty() || matches!(gap, "-" | "‐" | "‑") && self.gap.len() == gap.len()
    }

    /// Whether it begins with a capital.
    pub(super) fn is_capital(&self) -> bool {
        self.text.chars().next().is_some_and(char::is_uppercase)
    }

    /// Whether it begins with a digit.
    pub(super) fn is_digits(&self) -> bool {
        self.text.chars().next().is_some_and(|c| digit_of(c).is_some())
    }

    /// Whether it is what an apostrophe left: "s" of "Anna's".
    pub(super) fn is_clitic(&self) -> bool {
        self.gap.len() <= 3 && is_apostrophe(self.gap) && self.folded.len() <= 2
    }
}

fn is_apostrophe(text: &str) -> bool {
    matches!(text, "'" | "’" | "ʼ" | "`" | "´")
}

/// The value of a digit of any script in which transcripts come.
pub(super) fn digit_of(c: char) -> Option<u32> {
    const ZEROS: [u32; 5] = [0x30, 0x660, 0x6F0, 0x966, 0xFF10];
    ZEROS.iter().find_map(|zero| (c as u32).checked_sub(*zero).filter(|digit| *digit < 10))
}

/// Letters of scripts that put no spaces between words are words by themselves.
fn is_unspaced(c: char) -> bool {
    matches!(c as u32,
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x3040..=0x30FF | 0x3400..=0x4DBF
        | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF)
}

fn is_mark(c: char) -> bool {
    matches!(c as u32, 0x300..=0x36F)
}

fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(LETTERS_MAX));
    for c in text.chars().filter(|c| !is_mark(*c)).take(LETTERS_MAX) {
        match c as u32 {
            0..0x80 => out.push(c.to_ascii_lowercase()),
            // Latin with marks, and the half of it that ligatures and Vietnamese take.
            0x80..0x250 | 0x1E00..0x1F00 => {
                out.push_str(&deunicode_char(c).unwrap_or_default().to_ascii_lowercase());
            }
            _ => match digit_of(c).and_then(|digit| char::from_digit(digit, 10)) {
                Some(digit) => out.push(digit),
                None => out.extend(c.to_lowercase()),
            },
        }
    }
    out
}

/// The words of a text, in order. Numbers keep the marks within them ("1,000.5", "3:30").
pub(super) fn words(text: &str) -> Vec<Word<'_>> {
    let mut found: Vec<Word<'_>> = Vec::new();
    let mut behind = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if !c.is_alphanumeric() {
            continue;
        }
        let mut end = at + c.len_utf8();
        let mut last = c;
        while !is_unspaced(c)
            && let Some(&(next_at, next)) = chars.peek()
        {
            let joins = match next {
                '.' | ',' | ':' | '\'' | '’' => {
                    let after = text[next_at + next.len_utf8()..].chars().next();
                    digit_of(last).is_some() && after.is_some_and(|c| digit_of(c).is_some())
                }
                _ => (next.is_alphanumeric() || is_mark(next)) && !is_unspaced(next),
            };
            if !joins {
                break;
            }
            end = next_at + next.len_utf8();
            last = next;
            chars.next();
        }
        let gap = &text[behind..at];
        let opens = found.last().is_none_or(|before| opens(before, gap));
        found.push(Word { text: &text[at..end], at, gap, folded: fold(&text[at..end]), opens });
        behind = end;
    }
    found
}

/// Whether what stands between two words ends a sentence or opens a quotation.
fn opens(before: &Word<'_>, gap: &str) -> bool {
    if gap.starts_with('.') {
        let short = before.text.chars().count() == 1 && before.is_capital();
        let title = matches!(
            before.folded.as_str(),
            "dr" | "mr" | "mrs" | "ms" | "prof" | "st" | "sr" | "sra" | "jr" | "vs" | "nr" | "dott"
        );
        if short || title {
            return false;
        }
        // "am 3. Mai"
        if before.is_digits() && before.text.len() <= 2 {
            return false;
        }
    }
    let marks = [
        '.', '!', '?', ':', ';', '…', '。', '！', '？', '\n', '"', '“', '„', '«', '•', '¿', '¡',
        '(', '–', '—', '「',
    ];
    gap.contains(marks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &[&str]) {
        let words = words(text);
        let folded: Vec<&str> = words.iter().map(|word| word.folded.as_str()).collect();
        assert_eq!(folded, want, "{text}");
        for word in &words {
            assert_eq!(&text[word.at..word.end()], word.text);
        }
    }

    #[test]
    fn words_are_small_letters_without_accents() {
        check(
            "L’Été à São Paulo, Straße: e\u{301}!",
            &["l", "ete", "a", "sao", "paulo", "strasse", "e"],
        );
        check("twenty-five don't", &["twenty", "five", "don", "t"]);
        check("Она сказала", &["она", "сказала"]);
        check("", &[]);
        check("\u{0}\u{301}-", &[]);
    }

    #[test]
    fn numbers_keep_the_marks_within_them() {
        check("$1,000.5 at 3:30, 10k. １２ ٣", &["1,000.5", "at", "3:30", "10k", "12", "3"]);
        check("等了18个", &["等", "了", "18", "个"]);
    }

    #[test]
    fn a_sentence_begins_behind_its_end_and_not_behind_a_title() {
        let said = words("He met Dr. Keller. Then J. Smith: “Bread” on the 3. Mai");
        let opening: Vec<&str> =
            said.iter().filter(|word| word.opens).map(|word| word.text).collect();
        assert_eq!(opening, ["He", "Then", "Bread"]);
    }

    #[test]
    fn a_hostile_word_is_cut() {
        assert_eq!(words(&"x".repeat(1_000_000))[0].folded.len(), LETTERS_MAX);
    }
}
