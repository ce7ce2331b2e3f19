//! What both JSON readers share: which kind a document is, values of any type read without ever
//! failing, and lists that stop growing at the bound.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{CUES_MAX, Format, Refusal};

/// Tells the kinds apart by their top keys, and finds what is broken.
pub(super) fn format(text: &str) -> Result<Format, Refusal> {
    #[derive(serde::Deserialize)]
    struct Top {
        events: Option<IgnoredAny>,
        segments: Option<IgnoredAny>,
        transcript: Option<IgnoredAny>,
        cues: Option<IgnoredAny>,
        items: Option<IgnoredAny>,
        feed_url: Option<IgnoredAny>,
        chapters: Option<IgnoredAny>,
    }
    if text.starts_with('[') {
        return Ok(Format::PodcastJson);
    }
    let top: Top = document(text)?;
    if top.events.is_some() {
        Ok(Format::YouTubeJson)
    } else if top.segments.is_some() || top.transcript.is_some() || top.cues.is_some() {
        Ok(Format::PodcastJson)
    } else if top.items.is_some() || top.feed_url.is_some() {
        Err(Refusal::NotATranscript("a JSON feed"))
    } else if top.chapters.is_some() {
        Err(Refusal::NotATranscript("a list of chapters"))
    } else {
        Err(Refusal::NotATranscript("JSON of another kind"))
    }
}

/// Reads one document; serde_json itself refuses more than 128 levels.
pub(super) fn document<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Refusal> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0');
    serde_json::from_str(text).map_err(|error| {
        if error.to_string().starts_with("recursion limit") {
            Refusal::TooDeep("JSON")
        } else {
            Refusal::Broken { kind: "JSON", line: error.line() }
        }
    })
}

/// A number, or a string that holds one; anything else is `None`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Number(pub(super) Option<f64>);

/// A string, a number as text, or the `name` of an object; anything else is `None`.
#[derive(Clone, Debug, Default)]
pub(super) struct Words(pub(super) Option<String>);

/// A list whose wanted items are kept up to one more than [`CUES_MAX`]; anything else is empty.
#[derive(Debug)]
pub(super) struct Few<T>(pub(super) Vec<T>);

impl<T> Default for Few<T> {
    fn default() -> Self {
        Few(Vec::new())
    }
}

/// Whether an item of a [`Few`] is worth its memory.
pub(super) trait Wanted {
    fn wanted(&self) -> bool;
}

/// The arms of a visitor that answer "nothing of use here".
macro_rules! nothing {
    ($value:expr; $($arm:ident),*) => { $(nothing!(@$arm $value);)* };
    (@unit $value:expr) => {
        fn visit_unit<E>(self) -> Result<Self::Value, E> { Ok($value) }
        fn visit_none<E>(self) -> Result<Self::Value, E> { Ok($value) }
    };
    (@bool $value:expr) => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> { Ok($value) }
    };
    (@str $value:expr) => {
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> { Ok($value) }
    };
    (@numbers $value:expr) => {
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> { Ok($value) }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> { Ok($value) }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> { Ok($value) }
    };
    (@seq $value:expr) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok($value)
        }
    };
    (@map $value:expr) => {
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok($value)
        }
    };
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a number")
            }
            fn visit_u64<E>(self, v: u64) -> Result<Number, E> {
                Ok(Number(Some(v as f64)))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Number, E> {
                Ok(Number(Some(v as f64)))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Number, E> {
                Ok(Number(Some(v)))
            }
            fn visit_str<E>(self, v: &str) -> Result<Number, E> {
                let clock = || super::stamp::whole(v).map(|ms| ms as f64 / 1000.0);
                Ok(Number(v.trim().parse().ok().or_else(clock)))
            }
            nothing!(Number(None); unit, bool, seq, map);
        }
        deserializer.deserialize_any(Any)
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Words;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_str<E>(self, v: &str) -> Result<Words, E> {
                Ok(Words(Some(v.to_owned())))
            }
            fn visit_u64<E>(self, v: u64) -> Result<Words, E> {
                Ok(Words(Some(v.to_string())))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Words, E> {
                Ok(Words(Some(v.to_string())))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Words, E> {
                Ok(Words(Some(v.to_string())))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Words, A::Error> {
                let mut found = Words(None);
                while let Some(key) = map.next_key::<String>()? {
                    if key == "name" {
                        found = map.next_value()?;
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(found)
            }
            nothing!(Words(None); unit, bool, seq);
        }
        deserializer.deserialize_any(Any)
    }
}

impl<'de, T: Deserialize<'de> + Wanted> Deserialize<'de> for Few<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de> + Wanted> Visitor<'de> for Any<T> {
            type Value = Few<T>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Few<T>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element::<T>()? {
                    if item.wanted() {
                        items.push(item);
                    }
                    if items.len() > CUES_MAX {
                        while seq.next_element::<IgnoredAny>()?.is_some() {}
                    }
                }
                Ok(Few(items))
            }
            nothing!(Few::default(); unit, bool, str, numbers, map);
        }
        deserializer.deserialize_any(Any(PhantomData))
    }
}
