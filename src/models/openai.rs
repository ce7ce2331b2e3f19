//! OpenAI's calls, as OpenAI and very many other servers take them: chat completions, and the
//! transcription of audio.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::call::{Line, Sent};
use super::dialect::{Dialect, Form, Spoken, instructions};
use super::speech::{HeardPiece, Known, Piece, Recogniser};
use super::text::{Answer, Prompt, TextModel};
use super::{ModelError, ModelFault, Usage, sound};

/// The window of models that say theirs nowhere: what small ones on one's own machine have at least.
const WINDOW_TOKENS: u64 = 8_192;
/// OpenAI's models that are on offer have this at least.
const WINDOW_TOKENS_OPENAI: u64 = 128_000;
/// By how OpenAI's models of such a window begin.
const LONG_OPENAI: [&str; 6] = ["gpt-4o", "gpt-4.1", "gpt-5", "o1", "o3", "o4"];

/// The text models of an OpenAI-style server.
pub(super) struct OpenaiText {
    line: Arc<Line>,
    spoken: Spoken,
    window: OnceCell<u64>,
}

impl OpenaiText {
    pub(super) fn new(line: Arc<Line>) -> OpenaiText {
        let base = line.instance.base().ok();
        let is_openai = base.is_some_and(|base| base.host_str() == Some("api.openai.com"));
        let dialect = Dialect::new(is_openai, true);
        OpenaiText { line, spoken: Spoken::new(dialect), window: OnceCell::new() }
    }

    fn body(&self, prompt: &Prompt, dialect: Dialect) -> Value {
        let instance = &self.line.instance;
        let most = instance.answer_tokens(prompt.answer_tokens_max).min(dialect.answer_tokens_max);
        let tokens = if dialect.completion_tokens { "max_completion_tokens" } else { "max_tokens" };
        let mut body = json!({
            "model": instance.model,
            "messages": [
                {"role": "system", "content": instructions(prompt, dialect.form)},
                {"role": "user", "content": prompt.input},
            ],
            "stream": false,
            tokens: most,
        });
        if dialect.temperature {
            body["temperature"] = json!(0);
        }
        match dialect.form {
            Form::Schema => {
                let schema = json!({"name": "answer", "strict": true, "schema": prompt.schema});
                body["response_format"] = json!({"type": "json_schema", "json_schema": schema});
            }
            Form::Object => body["response_format"] = json!({"type": "json_object"}),
            Form::Free => {}
        }
        body
    }

    fn read(&self, value: &Value) -> Result<Answer, ModelError> {
        let usage = tokens(&value["usage"]["prompt_tokens"], &value["usage"]["completion_tokens"]);
        let text = self.text(&value["choices"][0]).map_err(|error| error.after(usage))?;
        let model = value["model"].as_str().unwrap_or(&self.line.instance.model).to_owned();
        Ok(Answer { text, model, usage })
    }

    fn text(&self, choice: &Value) -> Result<String, ModelError> {
        match choice["finish_reason"].as_str() {
            Some("length") => return Err(cut(&self.line)),
            Some("content_filter") => return Err(refused(&self.line)),
            _ => {}
        }
        let message = &choice["message"];
        let text = match &message["content"] {
            Value::String(text) => text.clone(),
            Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
            _ => String::new(),
        };
        if !text.trim().is_empty() {
            return Ok(text);
        }
        let was_refused = message["refusal"].as_str().is_some_and(|text| !text.is_empty());
        Err(if was_refused { refused(&self.line) } else { empty(&self.line) })
    }

    /// Many servers tell the window in their list of models, each under a name of its own.
    async fn told_window(&self) -> u64 {
        let model = &self.line.instance.model;
        let is_openai = LONG_OPENAI.iter().any(|start| model.starts_with(start))
            && self.line.instance.base().is_ok_and(|b| b.host_str() == Some("api.openai.com"));
        if is_openai {
            return WINDOW_TOKENS_OPENAI;
        }
        let read = |value: Value| {
            let listed = value["data"].as_array().map(Vec::as_slice).unwrap_or_default();
            let own = listed.iter().find(|entry| entry["id"].as_str() == Some(model));
            let fields =
                ["loaded_context_length", "max_model_len", "context_length", "context_window"];
            Ok(own.and_then(|own| fields.iter().find_map(|field| own[*field].as_u64())))
        };
        // Where the list does not come, the call itself will tell why.
        let told = self.line.ask("models", Sent::Nothing, self.line.until(), &read).await;
        told.ok().flatten().filter(|told| *told > 0).unwrap_or(WINDOW_TOKENS)
    }
}

#[async_trait]
impl TextModel for OpenaiText {
    fn name(&self) -> &str {
        self.line.instance.name.as_str()
    }

    fn model(&self) -> &str {
        &self.line.instance.model
    }

    async fn window_tokens(&self) -> Result<u64, ModelError> {
        match self.line.instance.window_tokens {
            Some(window) => Ok(window),
            None => Ok(*self.window.get_or_init(|| self.told_window()).await),
        }
    }

    async fn ask(&self, prompt: &Prompt) -> Result<Answer, ModelError> {
        let until = self.line.until();
        self.spoken
            .adapt(
                self.line.instance.answer_tokens(prompt.answer_tokens_max),
                |dialect| async move {
                    let body = self.body(prompt, dialect);
                    let read = |value: Value| self.read(&value);
                    self.line.ask("chat/completions", Sent::Json(&body), until, &read).await
                },
            )
            .await
    }
}

/// An answer that ended at its bound.
pub(super) fn cut(line: &Line) -> ModelError {
    let cure = "Raise its answer_tokens_max, or choose a model that reasons less.";
    line.fault(ModelFault::Cut, "stopped in the middle of its answer, at its bound", cure)
}

/// An answer that a filter held back.
pub(super) fn refused(line: &Line) -> ModelError {
    let cure = "Choose another model for this episode.";
    line.fault(ModelFault::Refused, "will not answer this: its provider's filter says no", cure)
}

/// An answer without content.
pub(super) fn empty(line: &Line) -> ModelError {
    let cure = "Try again, or check that its kind fits the server.";
    line.fault(ModelFault::Malformed, "answered without any text where it belongs", cure)
}

/// What a call took, of two numbers that may be missing.
pub(super) fn tokens(input: &Value, output: &Value) -> Usage {
    Usage {
        calls: 1,
        input_tokens: input.as_u64().unwrap_or(0),
        output_tokens: output.as_u64().unwrap_or(0),
        audio_ms: 0,
    }
}

/// The recogniser of an OpenAI-style server.
pub(super) struct OpenaiSound {
    line: Arc<Line>,
    /// `Form::Schema` stands for segments with times, the others for bare text.
    spoken: Spoken,
}

impl OpenaiSound {
    pub(super) fn new(line: Arc<Line>) -> OpenaiSound {
        let dialect = Dialect::new(false, false);
        OpenaiSound { line, spoken: Spoken::new(dialect) }
    }

    fn form(&self, piece: &Piece, known: &Known, dialect: Dialect) -> Vec<crate::net::Field> {
        let mut fields = vec![
            sound::field("model", self.line.instance.model.clone()),
            sound::file(sound::wav(piece)),
        ];
        if dialect.form == Form::Schema {
            fields.push(sound::field("response_format", "verbose_json"));
            fields.push(sound::field("timestamp_granularities[]", "segment"));
        } else if dialect.form == Form::Object {
            fields.push(sound::field("response_format", "json"));
        }
        if let Some(language) = known.language.as_deref().and_then(|tag| tag.split('-').next()) {
            fields.push(sound::field("language", language.to_ascii_lowercase()));
        }
        if !known.words.is_empty() {
            fields.push(sound::field("prompt", known.words.clone()));
        }
        fields
    }

    fn read(&self, value: &Value, piece: &Piece) -> Result<HeardPiece, ModelError> {
        let text = value["text"].as_str();
        let segments = value["segments"].as_array();
        if text.is_none() && segments.is_none() {
            return Err(empty(&self.line));
        }
        let stamped = segments.map(Vec::as_slice).unwrap_or_default().iter().map(|segment| {
            let secs = |name: &str| segment[name].as_f64();
            sound::Stamped {
                start_secs: secs("start"),
                end_secs: secs("end"),
                text: segment["text"].as_str().unwrap_or_default().to_owned(),
                speaker: segment["speaker"].as_str().map(str::to_owned),
            }
        });
        let usage = Usage {
            calls: 1,
            input_tokens: value["usage"]["input_tokens"].as_u64().unwrap_or(0),
            output_tokens: value["usage"]["output_tokens"].as_u64().unwrap_or(0),
            audio_ms: piece.duration_ms(),
        };
        let language = value["language"].as_str().and_then(sound::language_tag);
        let (segments, times) =
            sound::settle(stamped.collect(), text.unwrap_or_default(), piece.duration_ms());
        Ok(HeardPiece { segments, language, usage, times, loops: Vec::new() })
    }
}

#[async_trait]
impl Recogniser for OpenaiSound {
    fn name(&self) -> &str {
        self.line.instance.name.as_str()
    }

    fn model(&self) -> &str {
        &self.line.instance.model
    }

    fn piece_ms_max(&self) -> u64 {
        self.line.instance.piece_ms_max()
    }

    async fn hear(&self, piece: &Piece, known: &Known) -> Result<HeardPiece, ModelError> {
        sound::fits(&self.line, piece)?;
        let until = self.line.until();
        self.spoken
            .adapt(0, |dialect| async move {
                let form = Sent::Form(self.form(piece, known, dialect));
                let read = |value: Value| self.read(&value, piece);
                self.line.ask("audio/transcriptions", form, until, &read).await
            })
            .await
    }
}
