//! Long texts into pieces that fit a cue, and how long a piece takes to say.

/// 150 words a minute, the usual pace of an interview.
const WORD_MS: u64 = 400;

/// A sentence longer than this is cut at a blank: what a listener hears in half a minute.
const SENTENCE_BYTES_MAX: usize = 400;

/// Words before a full stop that end no sentence.
const ABBREVIATIONS: [&str; 16] = [
    "dr", "mr", "mrs", "ms", "prof", "st", "vs", "etc", "no", "jr", "sr", "inc", "z.b", "bzw",
    "ca", "nr",
];

/// How long a text takes to say; scripts without blanks are counted by their letters.
pub(super) fn spoken_ms(text: &str) -> u64 {
    (words(text) * WORD_MS).max(WORD_MS)
}

/// Words, or what stands for a word in scripts without blanks.
pub(super) fn words(text: &str) -> u64 {
    let spaced = text.split_whitespace().count() as u64;
    let (mut ideographs, mut south_east) = (0u64, 0u64);
    for c in text.chars() {
        match u32::from(c) {
            0x3040..=0x30ff | 0x3400..=0x9fff => ideographs += 1,
            0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff => south_east += 1,
            _ => {}
        }
    }
    spaced.max(ideographs / 2).max(south_east / 5)
}

/// Parts a text into its sentences, none empty, none longer than half a minute of speech.
pub(super) fn sentences(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut from = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let after = at + c.len_utf8();
        let wide = matches!(c, '。' | '！' | '？' | '।');
        if !wide && !matches!(c, '.' | '!' | '?' | '…') {
            continue;
        }
        // Closing quotes belong to the sentence.
        let mut end = after;
        while let Some((quote_at, quote)) = chars.peek().copied() {
            if !matches!(quote, '"' | '\'' | '”' | '’' | '»' | ')' | '」' | '.' | '!' | '?') {
                break;
            }
            end = quote_at + quote.len_utf8();
            chars.next();
        }
        let blank = chars.peek().is_none_or(|(_, next)| next.is_whitespace());
        if wide || (blank && !(c == '.' && is_abbreviation(&text[from..at]))) {
            fit(&text[from..end], SENTENCE_BYTES_MAX, &mut out);
            from = end;
        }
    }
    fit(&text[from..], SENTENCE_BYTES_MAX, &mut out);
    out
}

/// Parts a text into pieces of whole sentences of at most `bytes_max` (at least 4) each.
pub(super) fn pieces(text: &str, bytes_max: usize) -> Vec<&str> {
    let mut out = Vec::new();
    let (mut from, mut to) = (0, 0);
    for sentence in sentences(text) {
        let start = sentence.as_ptr() as usize - text.as_ptr() as usize;
        let end = start + sentence.len();
        if end - from > bytes_max && to > from {
            fit(&text[from..to], bytes_max, &mut out);
            from = start;
        }
        to = end;
    }
    fit(&text[from..to], bytes_max, &mut out);
    out
}

/// Cuts at the last blank that fits, else between two letters.
fn fit<'a>(text: &'a str, bytes_max: usize, out: &mut Vec<&'a str>) {
    let mut rest = text.trim();
    while rest.len() > bytes_max {
        let hard = rest.floor_char_boundary(bytes_max);
        let soft = rest[..hard].rfind(char::is_whitespace).filter(|at| *at > hard / 2);
        let (head, tail) = rest.split_at(soft.unwrap_or(hard));
        out.push(head.trim_end());
        rest = tail.trim_start();
    }
    if !rest.is_empty() {
        out.push(rest);
    }
}

fn is_abbreviation(before: &str) -> bool {
    let tail = &before[before.ceil_char_boundary(before.len().saturating_sub(16))..];
    let word = tail.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or("");
    let single = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    let initials = word.len() > 1 && word.contains('.') && word.len() <= 8;
    single || initials || ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}
