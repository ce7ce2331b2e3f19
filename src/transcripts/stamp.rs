//! Times as people and programs write them.

/// Latest time taken at face value, in milliseconds: what a JSON number holds exactly.
const TIME_MS_MAX: u64 = 9_007_199_254_740_991;

/// A time of WebVTT by the letter: two digits each, hours of two or more, three of a fraction.
/// Gives the milliseconds and the rest of the text.
pub(super) fn vtt(text: &str) -> Option<(u64, &str)> {
    let (first, first_len, rest) = digits(text)?;
    let (second, second_len, rest) = digits(rest.strip_prefix(':')?)?;
    if second_len != 2 {
        return None;
    }
    let (hours, minutes, seconds, rest) = if first_len != 2 || first > 59 || rest.starts_with(':') {
        let (third, third_len, rest) = digits(rest.strip_prefix(':')?)?;
        if third_len != 2 {
            return None;
        }
        (first, second, third, rest)
    } else {
        (0, first, second, rest)
    };
    let (fraction, fraction_len, rest) = digits(rest.strip_prefix('.')?)?;
    if fraction_len != 3 || minutes > 59 || seconds > 59 {
        return None;
    }
    Some((millis(hours, minutes, seconds, fraction), rest))
}

/// A time as SRT, SBV and hand-written files have it: hours optional, `.` or `,`, one to three
/// digits of a fraction or none. A minus sign means zero.
pub(super) fn loose(text: &str) -> Option<(u64, &str)> {
    let (text, negative) = match text.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let (first, first_len, rest) = digits(text)?;
    let (second, second_len, rest) = digits(rest.strip_prefix(':')?)?;
    if first_len > 6 || second_len > 2 {
        return None;
    }
    let third = rest.strip_prefix(':').and_then(digits);
    let (hours, minutes, seconds, rest) = match third {
        Some((third, len, rest)) if len <= 2 => (first, second, third, rest),
        Some(_) => return None,
        None => (0, first, second, rest),
    };
    // Without hours the minutes may run on: a podcast's `75:10`.
    if seconds > 59 || (third.is_some() && minutes > 59) {
        return None;
    }
    let (fraction, rest) = fraction(rest);
    Some((if negative { 0 } else { millis(hours, minutes, seconds, fraction) }, rest))
}

/// `.5`, `,500`, `.123456` as milliseconds; what is no fraction is left alone.
fn fraction(text: &str) -> (u64, &str) {
    let Some(after) = text.strip_prefix(['.', ',']) else {
        return (0, text);
    };
    let Some((value, len, rest)) = digits(after) else {
        return (0, text);
    };
    match len {
        1 => (value * 100, rest),
        2 => (value * 10, rest),
        3 => (value, rest),
        4..=9 => (value / 10u64.pow(len as u32 - 3), rest),
        _ => (0, text),
    }
}

/// A whole text that is a time and nothing else.
pub(super) fn whole(text: &str) -> Option<u64> {
    let (ms, rest) = loose(text.trim())?;
    rest.trim().is_empty().then_some(ms)
}

/// Both times of `START --> END …`, by the letter of WebVTT or loosely.
pub(super) fn range(line: &str, strict: bool) -> Option<(u64, u64)> {
    // VT and NUL are not blanks in WebVTT, so `trim` would take too much.
    let blank = [' ', '\t', '\u{c}', '\r', '\n'];
    let read = if strict { vtt } else { loose };
    let (start, rest) = read(line.trim_start_matches(blank))?;
    let rest = rest.trim_start_matches(blank);
    let rest = match rest.strip_prefix("-->") {
        Some(rest) => rest,
        None if strict => return None,
        None => ["->", "--&gt;", "—>", "–>"].iter().find_map(|arrow| rest.strip_prefix(arrow))?,
    };
    let (end, _) = read(rest.trim_start_matches(blank))?;
    Some((start, end))
}

/// Seconds of a JSON or XML number; negative ones are zero, and what is no number is `None`.
pub(super) fn from_seconds(seconds: f64) -> Option<u64> {
    from_millis(seconds * 1000.0)
}

/// Milliseconds of a JSON or XML number, under the same rules.
pub(super) fn from_millis(millis: f64) -> Option<u64> {
    if millis.is_nan() {
        return None;
    }
    // `as` saturates, so infinity and 1e300 end at the bound.
    Some((millis.max(0.0).round() as u64).min(TIME_MS_MAX))
}

fn millis(hours: u64, minutes: u64, seconds: u64, fraction: u64) -> u64 {
    hours
        .saturating_mul(3_600_000)
        .saturating_add(minutes.saturating_mul(60_000) + seconds * 1_000 + fraction)
        .min(TIME_MS_MAX)
}

/// A run of ASCII digits: its value (saturating), its length and the rest.
fn digits(text: &str) -> Option<(u64, usize, &str)> {
    let len = text.bytes().take_while(u8::is_ascii_digit).count();
    if len == 0 {
        return None;
    }
    let value = text[..len]
        .bytes()
        .fold(0u64, |sum, b| sum.saturating_mul(10).saturating_add(u64::from(b - b'0')));
    // Below a billion, so that no later product can overflow.
    Some((value.min(999_999_999), len, &text[len..]))
}
