//! Lengths and positions as feeds write them: `1:02:03`, `62:03`, `3723`, `1h 2m`, `PT1H2M3S`.

/// Longest that is believed: a hundred days; what is longer is a slip or an attack.
pub(super) const DURATION_MS_MAX: u64 = 100 * 24 * 3600 * 1000;

/// Longest text that is looked at; the longest of the known forms has some 30 letters.
const TEXT_BYTES_MAX: usize = 64;

/// Milliseconds; `None` for what is no length, is negative or is beyond [`DURATION_MS_MAX`].
pub(super) fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    if text.is_empty() || text.len() > TEXT_BYTES_MAX {
        return None;
    }
    if text.contains(':') { clock(text) } else { plain(text).or_else(|| units(text)) }
}

/// Milliseconds of a number of seconds.
pub(super) fn from_seconds(seconds: f64) -> Option<u64> {
    let ms = (seconds * 1000.0).round();
    // The cast is exact: the range was looked at just before, and NaN is in none.
    (0.0..=DURATION_MS_MAX as f64).contains(&ms).then_some(ms as u64)
}

fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let is_number = text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b',');
    match () {
        () if !is_number || text.is_empty() => None,
        () if text.contains(',') => text.replace(',', ".").parse().ok(),
        () => text.parse().ok(),
    }
}

fn plain(text: &str) -> Option<u64> {
    from_seconds(number(text)?)
}

/// `h:mm:ss`, `mm:ss` and, as some write, `d:hh:mm:ss`; parts may exceed 59 (`62:03`), the last
/// may have a fraction, an empty one counts as zero.
fn clock(text: &str) -> Option<u64> {
    let parts: Vec<&str> = text.split(':').collect();
    let worth: &[f64] = match parts.len() {
        2 => &[60.0, 1.0],
        3 => &[3600.0, 60.0, 1.0],
        4 => &[86400.0, 3600.0, 60.0, 1.0],
        _ => return None,
    };
    let mut seconds = 0.0;
    let mut written = 0;
    for (part, worth) in parts.iter().zip(worth) {
        if !part.trim().is_empty() {
            seconds += number(part)? * worth;
            written += 1;
        }
    }
    if written == 0 { None } else { from_seconds(seconds) }
}

/// `1h 2m 3s`, `90 min`, `1 hour and 5 minutes`, and ISO 8601's `PT1H2M3S`.
fn units(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    // The day part of ISO 8601 (`p1dt2h`) ends with the letter of its time part.
    let iso = lower.strip_prefix('p').map(|rest| rest.replace('t', " "));
    let mut rest = iso.as_deref().unwrap_or(&lower);
    let mut seconds = 0.0;
    let mut any = false;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        rest = rest.strip_prefix("and ").unwrap_or(rest);
        if rest.is_empty() {
            break;
        }
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let amount = number(&rest[..digits])?;
        rest = rest[digits..].trim_start();
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        seconds += amount
            * match rest[..letters].trim_end() {
                "d" | "day" | "days" => 86400.0,
                "h" | "hr" | "hrs" | "hour" | "hours" | "std" => 3600.0,
                "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
                "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
                _ => return None,
            };
        any = true;
        rest = rest[letters..].trim_start_matches('.');
    }
    if any { from_seconds(seconds) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_length_is_read() {
        let check = |text: &str, want: Option<u64>| assert_eq!(parse(text), want, "{text:?}");
        check("1:02:03", Some(3_723_000));
        check("01:02:03", Some(3_723_000));
        check("62:03", Some(3_723_000));
        check(" 3723 ", Some(3_723_000));
        check("3723.5", Some(3_723_500));
        check("3723,5", Some(3_723_500));
        check("1h 2m", Some(3_720_000));
        check("1h2m3s", Some(3_723_000));
        check("1 hour and 2 minutes", Some(3_720_000));
        check("1 hr., 2 min.", Some(3_720_000));
        check("90 min", Some(5_400_000));
        check("PT1H2M3S", Some(3_723_000));
        check("P1DT1H", Some(90_000_000));
        check("1:00:00:00", Some(86_400_000));
        check("00:00:00", Some(0));
        check(":30", Some(30_000));
        check("0:00:12.25", Some(12_250));
        check("8640000", Some(DURATION_MS_MAX));
        for bad in ["", ":", "::", "-5", "1:-2", "1:2:3:4:5", "8640001", "1e9", "inf", "NaN", "12x"]
        {
            check(bad, None);
        }
        for bad in ["h", "an hour", "1 2", "٣:٠٠"] {
            check(bad, None);
        }
        check(&"9".repeat(1_000_000), None);
    }
}
