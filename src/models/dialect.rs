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

impl Dialect {
    /// The call without what was refused; `None` where there is nothing that could be left out.
    /// `said` is the refusal in lower case.
    fn without(self, said: &str) -> Option<Dialect> {
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
        if self.completion_tokens && says(&["max_completion_tokens"]) && !says(&["too large"]) {
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

/// What was found to work with one server and model.
pub(super) struct Spoken(Mutex<Dialect>);

impl Spoken {
    pub(super) fn new(dialect: Dialect) -> Spoken {
        Spoken(Mutex::new(dialect))
    }

    /// Makes a call, and again without what is refused of it.
    pub(super) async fn adapt<A, W>(
        &self,
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
            match dialect.without(&failed.said) {
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
        let first = Dialect { form: Form::Schema, completion_tokens: false, temperature: true };
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
            (first, "response_format is unknown", Some(object)),
            (object, "must be 'json_schema'", Some(Dialect { form: Form::Free, ..first })),
            (Dialect { form: Form::Free, temperature: false, ..first }, "temperature", None),
        ] {
            assert_eq!(from.without(said), want, "{said}");
        }
    }
}
