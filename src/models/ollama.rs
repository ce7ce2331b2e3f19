//! Ollama's own calls: it answers 200 and drops the head of a prompt that does not fit, instructions
//! first. So the window is read from it and set in each call, and the tokens that it counted are held
//! against those that the prompt must have.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::call::{Line, Sent};
use super::dialect::{Dialect, Form, Spoken, instructions};
use super::openai::{cut, empty, tokens};
use super::text::{Answer, Prompt, TextModel};
use super::{ModelError, ModelFault};

/// Most of the native window that is used unless more is set: each thousand tokens of it take memory
/// of the graphics card, 16,384 of them some two gigabytes with a model of eight billion weights.
const WINDOW_TOKENS_DEFAULT: u64 = 16_384;
/// Where the server does not tell the native window: its own default of today.
const WINDOW_TOKENS_UNKNOWN: u64 = 4_096;
/// Below this a prompt is too short to tell by its count that something is missing.
const TOLD_APART_MIN: u64 = 400;

/// The text models of an Ollama.
pub(super) struct OllamaText {
    line: Arc<Line>,
    spoken: Spoken,
    native: OnceCell<u64>,
}

impl OllamaText {
    pub(super) fn new(line: Arc<Line>) -> OllamaText {
        let dialect = Dialect::new(false, true);
        OllamaText { line, spoken: Spoken::new(dialect), native: OnceCell::new() }
    }

    async fn native_window(&self) -> Result<u64, ModelError> {
        let told = async {
            let body = json!({"model": self.line.instance.model});
            let read = |value: Value| {
                let info = value["model_info"].as_object();
                let length = info.and_then(|info| {
                    info.iter()
                        .find(|(name, _)| name.ends_with(".context_length"))
                        .and_then(|(_, value)| value.as_u64())
                });
                Ok(length.filter(|length| *length > 0).unwrap_or(WINDOW_TOKENS_UNKNOWN))
            };
            let until = self.line.until();
            self.line.ask("api/show", Sent::Json(&body), until, &read).await
        };
        self.native.get_or_try_init(|| told).await.copied().map_err(ModelError::from)
    }

    fn body(&self, prompt: &Prompt, window: u64, dialect: Dialect) -> Value {
        let instance = &self.line.instance;
        let most = instance.answer_tokens(prompt.answer_tokens_max).min(dialect.answer_tokens_max);
        let mut body = json!({
            "model": instance.model,
            "messages": [
                {"role": "system", "content": instructions(prompt, dialect.form)},
                {"role": "user", "content": prompt.input},
            ],
            "stream": false,
            // Newer versions refuse what does not fit, where they are told to.
            "truncate": false,
            "shift": false,
            "options": {"num_ctx": window, "num_predict": most, "temperature": 0},
        });
        match dialect.form {
            Form::Schema => body["format"] = prompt.schema.clone(),
            Form::Object => body["format"] = json!("json"),
            Form::Free => {}
        }
        body
    }

    fn read(&self, value: &Value, prompt: &Prompt, window: u64) -> Result<Answer, ModelError> {
        let usage = tokens(&value["prompt_eval_count"], &value["eval_count"]);
        let text = self.text(value, prompt, window).map_err(|error| error.after(usage))?;
        let model = value["model"].as_str().unwrap_or(&self.line.instance.model).to_owned();
        Ok(Answer { text, model, usage })
    }

    fn text(&self, value: &Value, prompt: &Prompt, window: u64) -> Result<String, ModelError> {
        let counted = value["prompt_eval_count"].as_u64();
        let least = tokens_min(&prompt.instructions) + tokens_min(&prompt.input);
        let filled = counted.is_some_and(|counted| counted + 1 >= window);
        let lacks = counted.is_some_and(|counted| least >= TOLD_APART_MIN && counted < least);
        // A server that does not count is believed only where the prompt cannot have been too long.
        let unknown = counted.is_none() && least * 2 >= window;
        if filled || lacks || unknown {
            let what = format!(
                "read only {} tokens of a prompt that has more, in a window of {window}",
                counted.map_or("an unknown number of".to_owned(), |counted| counted.to_string())
            );
            let cure = "Set window_tokens to what it really has, or choose another model.";
            return Err(self.line.fault(ModelFault::TooLong, &what, cure));
        }
        if value["done_reason"].as_str() == Some("length") {
            return Err(cut(&self.line));
        }
        let text = value["message"]["content"].as_str().unwrap_or_default();
        if text.trim().is_empty() || value["done"] == json!(false) {
            return Err(empty(&self.line));
        }
        Ok(text.to_owned())
    }
}

/// Tokens that a text has at least: six letters of an alphabet a token, and two of the larger scripts.
/// Against the public vocabularies p50k, cl100k and o200k that is 0.45 to 0.76 of what English and
/// Spanish have, and less elsewhere: never too much, and more than the half that is left of a prompt
/// which a newer vocabulary counts and Ollama cut.
fn tokens_min(text: &str) -> u64 {
    let wide = text.chars().filter(|c| u32::from(*c) >= 0x2E80).count() as u64;
    let narrow = text.chars().count() as u64 - wide;
    narrow / 6 + wide / 2
}

#[async_trait]
impl TextModel for OllamaText {
    fn name(&self) -> &str {
        self.line.instance.name.as_str()
    }

    fn model(&self) -> &str {
        &self.line.instance.model
    }

    async fn window_tokens(&self) -> Result<u64, ModelError> {
        let native = self.native_window().await?;
        Ok(self.line.instance.window_tokens.unwrap_or(WINDOW_TOKENS_DEFAULT).min(native))
    }

    async fn ask(&self, prompt: &Prompt) -> Result<Answer, ModelError> {
        let until = self.line.until();
        let window = self.window_tokens().await?;
        self.spoken
            .adapt(
                self.line.instance.answer_tokens(prompt.answer_tokens_max),
                |dialect| async move {
                    let body = self.body(prompt, window, dialect);
                    let read = |value: Value| self.read(&value, prompt, window);
                    self.line.ask("api/chat", Sent::Json(&body), until, &read).await
                },
            )
            .await
    }
}
