//! What a server takes of the finer parts of a call. Servers and models differ and do not say so
//! beforehand: what is refused is left out, the call is made again, and what worked is remembered.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use super::ModelError;
use super::call::Failed;
use super::text::Prompt;

/// Steps down that one call may take: more parts than that are not varied.
const STEPS_MAX: usize = 5;

/// How a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    /// How the form of the answer is held.
    pub(super) form: Form,
    /// Whether the bound of the answer is called `max_completion_tokens`, as newer models want it.
    pub(super) completion_tokens: bool,
    /// Whether a temperature is sent: models that reason first take none.
    pub(super) temperature: bool,
    /// Most tokens of an answer that the model takes for a bound; no bound until it names one.
    pub(super) answer_tokens_max: u64,
}

/// How a model is held to the form of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// By a schema.
    Schema,
    /// To JSON of any kind.
    Object,
    /// By nothing but the words of the prompt.
    Free,
}

/// Tokens of an answer at least: a number below it in a refusal is none of its bound.
const ANSWER_TOKENS_MIN: u64 = 128;

impl Dialect {
    /// A call to a server of which nothing is known yet, held to a schema.
    pub(super) fn new(completion_tokens: bool, temperature: bool) -> Dialect {
        Dialect { form: Form::Schema, completion_tokens, temperature, answer_tokens_max: u64::MAX }
    }

    /// The call without what was refused; `None` where there is nothing that could be left out.
    /// `said` is the refusal in lower case, `sent` the bound of the answer that was sent.
    fn without(self, said: &str, sent: u64) -> Option<Dialect> {
        if said.is_empty() {
            return None;
        }
        let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
        if self.temperature && said.contains("temperature") {
            return Some(Dialect { temperature: false, ..self });
        }
        if !self.completion_tokens && says(&["max_completion_tokens"]) {
            return Some(Dialect { completion_tokens: true, ..self });
        }
        let sent = sent.min(self.answer_tokens_max);
        if says(&["max_tokens", "max_completion_tokens", "maxoutputtokens"])
            && says(&["too large", "at most", "maximum", "range", "less than"])
            && let Some(bound) = largest_below(said, sent)
        {
            return Some(Dialect { answer_tokens_max: bound, ..self });
        }
        if self.completion_tokens && says(&["max_completion_tokens"]) {
            return Some(Dialect { completion_tokens: false, ..self });
        }
        // Whatever else it is, the schema is what most servers stumble over.
        let form = match self.form {
            Form::Schema => Form::Object,
            Form::Object => Form::Free,
            Form::Free => return None,
        };
        Some(Dialect { form, ..self })
    }
}

/// The largest number of a text that can be a bound and is less than what was sent.
fn largest_below(said: &str, sent: u64) -> Option<u64> {
    said.split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .filter(|number| (ANSWER_TOKENS_MIN..sent).contains(number))
        .max()
}

/// What was found to work with one server and model.
pub(super) struct Spoken(Mutex<Dialect>);

impl Spoken {
    pub(super) fn new(dialect: Dialect) -> Spoken {
        Spoken(Mutex::new(dialect))
    }

    /// Makes a call, and again without what is refused of it. `sent` is the bound of the answer that
    /// the call would send.
    pub(super) async fn adapt<A, W>(
        &self,
        sent: u64,
        mut call: impl FnMut(Dialect) -> W + Send,
    ) -> Result<A, ModelError>
    where
        W: Future<Output = Result<A, Failed>> + Send,
    {
        let mut dialect = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tried = vec![dialect];
        loop {
            let failed = match call(dialect).await {
                Ok(answer) => {
                    *self.0.lock().unwrap_or_else(PoisonError::into_inner) = dialect;
                    return Ok(answer);
                }
                Err(failed) => failed,
            };
            match dialect.without(&failed.said, sent) {
                Some(next) if tried.len() <= STEPS_MAX && !tried.contains(&next) => {
                    tried.push(next);
                    dialect = next;
                }
                _ => return Err(failed.error),
            }
        }
    }
}

/// The instructions, with the schema in words where nothing else holds the model to it.
pub(super) fn instructions(prompt: &Prompt, form: Form) -> Cow<'_, str> {
    match form {
        Form::Schema => Cow::Borrowed(&prompt.instructions),
        Form::Object | Form::Free => Cow::Owned(format!(
            "{}\n\nAnswer with one JSON object and nothing else, of this JSON schema:\n{}",
            prompt.instructions, prompt.schema
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_left_out_and_nothing_twice() {
        let first = Dialect::new(false, true);
        let object = Dialect { form: Form::Object, ..first };
        for (from, said, want) in [
            (first, "", None),
            (
                first,
                "unsupported value: 'temperature'",
                Some(Dialect { temperature: false, ..first }),
            ),
            (
                first,
                "'max_tokens' is not supported, use 'max_completion_tokens'",
                Some(Dialect { completion_tokens: true, ..first }),
            ),
            (
                Dialect { completion_tokens: true, ..first },
                "unknown field max_completion_tokens",
                Some(first),
            ),
            (
                first,
                "max_tokens: 8000 > 4096, which is the maximum allowed for m-1",
                Some(Dialect { answer_tokens_max: 4_096, ..first }),
            ),
            (
                Dialect { answer_tokens_max: 4_096, ..first },
                "max_tokens is too large: 4096. at most 2048 completion tokens",
                Some(Dialect { answer_tokens_max: 2_048, ..first }),
            ),
            (first, "the valid range of max_tokens is [1, 16384]", Some(object)),
            (first, "response_format is unknown", Some(object)),
            (object, "must be 'json_schema'", Some(Dialect { form: Form::Free, ..first })),
            (Dialect { form: Form::Free, temperature: false, ..first }, "temperature", None),
        ] {
            assert_eq!(from.without(said, 8_000), want, "{said}");
        }
    }
}
