//! From what a model wrote to JSON. Models wrap it in fences and prefaces, leave commas behind, quote
//! within quotes and stop in the middle. This reader takes all of it that can be understood and
//! invents nothing: a value that was not written is not there. Pure; never fails by panic; bounded in
//! depth. No library: those that there are guess at missing values, which here would be lines that
//! nobody named.

use serde_json::{Map, Number, Value};

/// How deep an answer may be nested; what is asked for has four levels.
const DEPTH_MAX: usize = 16;

/// Reads an answer: strictly where it is good, and otherwise as far as it can be understood.
///
/// # Errors
/// What is wrong, in words for the model that wrote it.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let text = text.trim().trim_start_matches('\u{feff}');
    if let Ok(value @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text) {
        return Ok(value);
    }
    let text = without_thoughts(text);
    // A preface may hold brackets of its own: what yields most is what was meant.
    let best = text
        .char_indices()
        .filter(|(_, c)| matches!(c, '{' | '['))
        .take(STARTS_MAX)
        .filter_map(|(at, _)| {
            let mut reader = Reader { rest: &text[at..], closed_early: false };
            let value = reader.value(0)?;
            Some((weight(&value), value))
        })
        .fold(None, |best: Option<(usize, Value)>, (weight, value)| match best {
            Some((most, _)) if most >= weight => best,
            _ => Some((weight, value)),
        });
    match best {
        Some((weight, value)) if weight > 0 => Ok(value),
        _ => Err("It holds no JSON object.".to_owned()),
    }
}

/// Brackets at which an answer is taken to begin, at most.
const STARTS_MAX: usize = 8;

/// How much a value holds: the number of its scalars.
fn weight(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(fields) => fields.values().map(weight).sum(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
    }
}

/// What some models write down of their thinking is no part of the answer.
fn without_thoughts(text: &str) -> &str {
    ["</think>", "</thinking>", "<|message|>"]
        .iter()
        .filter_map(|end| text.rfind(end).map(|at| &text[at + end.len()..]))
        .filter(|rest| rest.contains(['{', '[']))
        .min_by_key(|rest| rest.len())
        .unwrap_or(text)
}

struct Reader<'a> {
    rest: &'a str,
    /// The text ended within a value.
    closed_early: bool,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn skip(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    /// Past blanks and comments.
    fn blanks(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.starts_with("//") {
                self.rest = self.rest.find('\n').map_or("", |at| &self.rest[at..]);
            } else if self.rest.starts_with("/*") {
                self.rest = self.rest.find("*/").map_or("", |at| &self.rest[at + 2..]);
            } else {
                return;
            }
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        self.blanks();
        if depth > DEPTH_MAX {
            return None;
        }
        match self.peek()? {
            '{' => Some(self.object(depth)),
            '[' => Some(self.array(depth)),
            c if is_quote(c) => self.string().map(Value::String),
            _ => self.bare(),
        }
    }

    fn object(&mut self, depth: usize) -> Value {
        self.skip();
        let mut fields = Map::new();
        loop {
            self.blanks();
            match self.peek() {
                None => {
                    self.closed_early = true;
                    break;
                }
                Some('}') => {
                    self.skip();
                    break;
                }
                // The end of what is around: this one was not closed.
                Some(']') => break,
                Some(',') => {
                    self.skip();
                    continue;
                }
                Some(_) => {}
            }
            let Some(name) = self.name() else { break };
            self.blanks();
            if self.peek() == Some(':') {
                self.skip();
            }
            let Some(value) = self.value(depth + 1) else { break };
            // A scalar in which the text ended may not be all that was meant; a number may lack digits.
            if self.closed_early && !matches!(value, Value::Object(_) | Value::Array(_)) {
                break;
            }
            fields.insert(name, value);
        }
        Value::Object(fields)
    }

    fn array(&mut self, depth: usize) -> Value {
        self.skip();
        let mut items = Vec::new();
        loop {
            self.blanks();
            match self.peek() {
                None => {
                    self.closed_early = true;
                    break;
                }
                Some(']') => {
                    self.skip();
                    break;
                }
                Some('}' | ':') => break,
                Some(',') => {
                    self.skip();
                    continue;
                }
                Some(_) => {}
            }
            let before = self.rest.len();
            let Some(value) = self.value(depth + 1) else { break };
            if self.closed_early && !matches!(value, Value::Object(_) | Value::Array(_)) {
                break;
            }
            items.push(value);
            if self.rest.len() == before {
                break;
            }
        }
        Value::Array(items)
    }

    /// The name of a field, quoted or not.
    fn name(&mut self) -> Option<String> {
        if self.peek().is_some_and(is_quote) {
            return self.string();
        }
        let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let name = self.rest[..end].to_owned();
        self.rest = &self.rest[end..];
        (!name.is_empty()).then_some(name)
    }

    fn string(&mut self) -> Option<String> {
        let open = self.skip()?;
        let mut out = String::new();
        while let Some(c) = self.skip() {
            if c == '\\' {
                match self.escape() {
                    Some(c) => out.push(c),
                    None => break,
                }
            } else if closes(open, c) && self.is_an_end() {
                return Some(out);
            } else if c.is_control() {
                out.push(' ');
            } else {
                out.push(c);
            }
        }
        self.closed_early = true;
        Some(out)
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.skip()? {
            'n' | 'r' | 't' | 'b' | 'f' => ' ',
            'u' => {
                let high = self.hex()?;
                if (0xD800..0xDC00).contains(&high) && self.rest.starts_with("\\u") {
                    self.rest = &self.rest[2..];
                    let low = self.hex()?;
                    let both =
                        0x10000 + ((high - 0xD800) << 10) + (low.wrapping_sub(0xDC00) & 0x3FF);
                    char::from_u32(both).unwrap_or('\u{fffd}')
                } else {
                    char::from_u32(high).unwrap_or('\u{fffd}')
                }
            }
            c => c,
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.rest.get(..4)?;
        let value = u32::from_str_radix(digits, 16).ok()?;
        self.rest = &self.rest[4..];
        Some(value)
    }

    /// Whether a quotation mark that was just read ends its string: what follows goes on with the
    /// JSON, and not with the sentence.
    fn is_an_end(&self) -> bool {
        let rest = self.rest.trim_start();
        let Some(next) = rest.chars().next() else { return true };
        match next {
            '}' | ']' | ':' => true,
            ',' => {
                // `he said "yes", and left"`: after a comma JSON has a name or a value.
                let after = rest.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
                match after.chars().next() {
                    None => true,
                    Some(c) if is_quote(c) => self.names_a_field(after) || self.is_item(after),
                    Some(c) if c.is_ascii_alphabetic() => names_a_bare_field(after),
                    Some(c) => matches!(c, '{' | '[' | '}' | ']') || c.is_ascii_digit(),
                }
            }
            // A comma that was forgotten before the next name.
            c if is_quote(c) => rest.len() < self.rest.len() && self.names_a_field(rest),
            '/' => rest.starts_with("//") || rest.starts_with("/*"),
            '`' => rest.starts_with("```"),
            _ => false,
        }
    }

    /// Whether a text begins with a quoted word and a colon.
    fn names_a_field(&self, text: &str) -> bool {
        let Some(open) = text.chars().next() else { return false };
        let inner = &text[open.len_utf8()..];
        let end = inner.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(inner.len());
        let mut after = inner[end..].chars();
        end > 0
            && after.next().is_some_and(|c| closes(open, c))
            && after.as_str().trim_start().starts_with(':')
    }

    /// Whether a text begins with a quoted string that ends as one in a list does.
    fn is_item(&self, text: &str) -> bool {
        let Some(open) = text.chars().next() else { return false };
        let inner = &text[open.len_utf8()..];
        let Some(end) = inner.find(|c| closes(open, c)) else { return false };
        let close = inner[end..].chars().next().map_or(1, char::len_utf8);
        let after = inner[end + close..].trim_start();
        after.starts_with([',', ']']) && !inner[..end].contains(['{', '}'])
    }

    /// A number or a word of JSON, or of another language that models mix in.
    fn bare(&mut self) -> Option<Value> {
        let end = self.rest.find([',', '}', ']', ':', '\n']).unwrap_or(self.rest.len());
        let is_at_the_end = end == self.rest.len();
        let word = self.rest[..end].split("//").next().unwrap_or_default().trim();
        let value = match word {
            "true" | "True" | "TRUE" => Value::Bool(true),
            "false" | "False" | "FALSE" => Value::Bool(false),
            "null" | "None" | "undefined" | "NaN" | "Infinity" | "-Infinity" => Value::Null,
            _ => number(word)?,
        };
        self.rest = &self.rest[end..];
        self.closed_early |= is_at_the_end;
        Some(value)
    }
}

fn number(word: &str) -> Option<Value> {
    if let Ok(whole) = word.trim_start_matches('+').parse::<i64>() {
        return Some(Value::from(whole));
    }
    word.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number)
}

/// Whether a text begins with a word and at once a colon.
fn names_a_bare_field(text: &str) -> bool {
    let end = text.find(|c: char| !(c.is_ascii_alphabetic() || c == '_')).unwrap_or(text.len());
    text[end..].starts_with(':')
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„' | '\'' | '‘' | '’' | '`')
}

/// Whether a mark closes what another opened.
fn closes(open: char, c: char) -> bool {
    match open {
        '"' => c == '"',
        '“' | '„' | '”' => matches!(c, '”' | '“' | '"'),
        '\'' => c == '\'',
        '‘' | '’' => matches!(c, '’' | '\''),
        _ => c == open,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_models_do_to_json_is_undone() {
        let good = json!({"topics": [{"title": "Bread", "first_line": 1}]});
        let plain = r#"{"topics": [{"title": "Bread", "first_line": 1}]}"#;
        for text in [
            plain,
            "\u{feff}{\"topics\": [{\"title\": \"Bread\", \"first_line\": 1}]}",
            "```json\n{\"topics\": [{\"title\": \"Bread\", \"first_line\": 1}]}\n```",
            "```\n{\"topics\": [{\"title\": \"Bread\", \"first_line\": 1}]}",
            "Sure! Here is it:\n{\"topics\": [{\"title\": \"Bread\", \"first_line\": 1}]}\nAnything else?",
            "The lines [1] and {2} follow: {\"topics\": [{\"title\": \"Bread\", \"first_line\": 1}]}",
            "<think>{\"topics\": []} or so</think>{\"topics\": [{\"title\": \"Bread\", \"first_line\": 1}]}",
            r#"{"topics": [{"title": "Bread", "first_line": 1,},],}"#,
            r#"{"topics": [{"title": "Bread" "first_line": 1}]}"#,
            r#"{topics: [{title: "Bread", first_line: 1}]}"#,
            r#"{'topics': [{'title': 'Bread', 'first_line': 1}]}"#,
            "{“topics”: [{“title”: “Bread”, “first_line”: 1}]}",
            "{\"topics\": [{\"title\": \"Bread\", \"first_line\": 1}] // all\n}",
            "{\"topics\": /* mine */ [{\"title\": \"Bread\", \"first_line\": 1}]}",
            r#"{"topics": [{"title": "Bread", "first_line": 1}"#,
            r#"{"topics": [{"title": "Bread", "first_line": 1"#,
            r#"{"topics": [{"title": "Bread", "first_line": +1}]}"#,
            r#"{"topics": [{"title": "Bread", "first_line": 1}}"#,
            r#"{"topics": [{"title": "Bread", "first_line": 1]}"#,
            r#"{"topics": [{"title": "Bread", "first_line": 1}]};"#,
            r#"{"topics": [{"title": "Bread",, "first_line": 1}]}}"#,
        ] {
            let got = read(text);
            // Where the text ends in a number, nobody knows whether it was all of it.
            let cut = text.ends_with("\"first_line\": 1");
            let want = if cut { json!({"topics": [{"title": "Bread"}]}) } else { good.clone() };
            assert_eq!(got, Ok(want), "{text}");
        }
    }

    #[test]
    fn quotes_within_quotes_stay_in_the_sentence() {
        for (text, want) in [
            (r#"{"a": "a 6'6" man", "b": 1}"#, json!({"a": "a 6'6\" man", "b": 1})),
            (
                r#"{"a": "he said "yes" twice", "b": 1}"#,
                json!({"a": "he said \"yes\" twice", "b": 1}),
            ),
            (
                r#"{"a": "he said "yes", and left", "b": 1}"#,
                json!({"a": "he said \"yes\", and left", "b": 1}),
            ),
            (r#"{"a": "so "no"", "b": 1}"#, json!({"a": "so \"no\"", "b": 1})),
            (r#"{"a": ["x "y" z", "w"]}"#, json!({"a": ["x \"y\" z", "w"]})),
            (r#"{"a": "tab	and \u00e4 \ud83d\ude00 \x"}"#, json!({"a": "tab and ä 😀 x"})),
            ("{\"a\": \"two\nlines\"}", json!({"a": "two lines"})),
            (
                r#"{"a": None, "b": True, "c": NaN, "d": False}"#,
                json!({"a": null, "b": true, "c": null, "d": false}),
            ),
            (r#"{"a": "b", "c": "never clos"#, json!({"a": "b"})),
            (r#"{"a": 1, "b": 12"#, json!({"a": 1})),
            (r#"[{"a": 1}, {"a": 2"#, json!([{"a": 1}, {}])),
        ] {
            assert_eq!(read(text), Ok(want), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in [
            "",
            "   ",
            "I cannot do that.",
            "{",
            "[",
            "}{",
            "\"text\"",
            "12",
            "null",
            "{{{{",
            "```json\n```",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        let deep = "[".repeat(10_000) + "1";
        assert!(read(&deep).is_err());
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "[\\[\\]{}\"':,0-9a-z\\\\u“” \n/*`]{0,80}") {
            let _ = read(&text);
        }

        #[test]
        fn a_good_answer_cut_anywhere_yields_only_what_was_written(at in 0_usize..300) {
            let lines: Vec<Value> =
                (10..20).map(|n| json!({"t": format!("a{n}"), "n": n * 1_000})).collect();
            let whole = json!({ "x": lines }).to_string();
            let cut = &whole[..at.min(whole.len())];
            if let Ok(value) = read(cut) {
                for item in value["x"].as_array().cloned().unwrap_or_default() {
                    if let Some(n) = item["n"].as_i64() {
                        prop_assert!(n % 1_000 == 0 && (10_000..20_000).contains(&n), "{cut}");
                    }
                }
            }
        }
    }
}
