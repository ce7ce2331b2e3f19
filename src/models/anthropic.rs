//! Anthropic's messages. The form of the answer is held by a tool that must be used; a server that
//! refuses tools is asked in words.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::call::{Line, Sent};
use super::dialect::{Dialect, Form, Spoken, instructions};
use super::openai::{cut, empty, refused};
use super::text::{Answer, Prompt, TextModel};
use super::{ModelError, ModelFault, Usage};

/// Every model on offer has this window at least.
const WINDOW_TOKENS: u64 = 200_000;

/// The version of the calls, which the server wants to be told.
pub(super) const VERSION: &str = "2023-06-01";

/// The text models of Anthropic.
pub(super) struct AnthropicText {
    line: Arc<Line>,
    spoken: Spoken,
}

impl AnthropicText {
    pub(super) fn new(line: Arc<Line>) -> AnthropicText {
        // No temperature: newer models take none.
        let dialect = Dialect::new(false, false);
        AnthropicText { line, spoken: Spoken::new(dialect) }
    }

    fn body(&self, prompt: &Prompt, dialect: Dialect) -> Value {
        let instance = &self.line.instance;
        let most = instance.answer_tokens(prompt.answer_tokens_max).min(dialect.answer_tokens_max);
        let mut body = json!({
            "model": instance.model,
            "max_tokens": most,
            "system": instructions(prompt, dialect.form),
            "messages": [{"role": "user", "content": prompt.input}],
        });
        if dialect.form == Form::Schema {
            let about = "Hands over the answer.";
            body["tools"] =
                json!([{"name": "answer", "description": about, "input_schema": prompt.schema}]);
            body["tool_choice"] = json!({"type": "tool", "name": "answer"});
        }
        body
    }

    fn read(&self, value: &Value) -> Result<Answer, ModelError> {
        let count = |name: &str| value["usage"][name].as_u64().unwrap_or(0);
        let usage = Usage {
            calls: 1,
            input_tokens: count("input_tokens")
                + count("cache_creation_input_tokens")
                + count("cache_read_input_tokens"),
            output_tokens: count("output_tokens"),
            audio_ms: 0,
        };
        let text = self.text(value).map_err(|error| error.after(usage))?;
        let model = value["model"].as_str().unwrap_or(&self.line.instance.model).to_owned();
        Ok(Answer { text, model, usage })
    }

    fn text(&self, value: &Value) -> Result<String, ModelError> {
        match value["stop_reason"].as_str() {
            Some("max_tokens") => return Err(cut(&self.line)),
            Some("refusal") => return Err(refused(&self.line)),
            Some("model_context_window_exceeded") => {
                let what = "filled its window before it had answered";
                let cure = "Lower its window_tokens.";
                return Err(self.line.fault(ModelFault::TooLong, what, cure));
            }
            _ => {}
        }
        let parts = value["content"].as_array().map(Vec::as_slice).unwrap_or_default();
        let handed =
            parts.iter().find(|part| part["type"] == "tool_use" && part["name"] == "answer");
        let text = match handed {
            Some(part) => part["input"].to_string(),
            None => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        };
        if text.trim().is_empty() { Err(empty(&self.line)) } else { Ok(text) }
    }
}

#[async_trait]
impl TextModel for AnthropicText {
    fn name(&self) -> &str {
        self.line.instance.name.as_str()
    }

    fn model(&self) -> &str {
        &self.line.instance.model
    }

    async fn window_tokens(&self) -> Result<u64, ModelError> {
        Ok(self.line.instance.window_tokens.unwrap_or(WINDOW_TOKENS))
    }

    async fn ask(&self, prompt: &Prompt) -> Result<Answer, ModelError> {
        let until = self.line.until();
        self.spoken
            .adapt(
                self.line.instance.answer_tokens(prompt.answer_tokens_max),
                |dialect| async move {
                    let body = self.body(prompt, dialect);
                    let read = |value: Value| self.read(&value);
                    self.line.ask("messages", Sent::Json(&body), until, &read).await
                },
            )
            .await
    }
}
