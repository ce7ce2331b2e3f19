//! Google's Gemini: text by a schema, and sound that is sent within the request. Its times are its own
//! words and no measurement, so that they are checked against the piece.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;

use super::call::{Line, Sent};
use super::dialect::{Dialect, Form, Spoken, instructions};
use super::openai::{cut, empty, refused};
use super::speech::{HeardPiece, Known, Piece, Recogniser};
use super::text::{Answer, Prompt, TextModel};
use super::{ModelError, ModelFault, Usage, sound};

/// Where the server does not say: every model on offer has this window at least.
const WINDOW_TOKENS: u64 = 1_000_000;
/// Where the server does not say how long an answer may be.
const ANSWER_TOKENS_MAX: u64 = 8_192;
/// What a model thinks counts as part of its answer; this is added for it.
const THOUGHT_TOKENS: u64 = 8_192;
/// Tokens of what is heard in ten minutes, with times and marks, several times over.
const HEARD_TOKENS_MAX: u64 = 32_000;
/// An answer about sound that cannot be read is asked for once more.
const HEAR_TRIES_MAX: u32 = 2;
/// What it is to do with sound.
const HEAR: &str = include_str!("hear.md");
/// What its schemas know; all else is refused.
const SCHEMA_WORDS: [&str; 9] = [
    "type",
    "description",
    "enum",
    "properties",
    "required",
    "items",
    "minItems",
    "maxItems",
    "nullable",
];

/// One model of Gemini, for text and sound.
struct Gemini {
    line: Arc<Line>,
    spoken: Spoken,
    limits: OnceCell<Limits>,
}

/// What the server tells of a model.
#[derive(Clone, Copy)]
struct Limits {
    window_tokens: u64,
    answer_tokens_max: u64,
}

/// One question.
struct Asked<'a> {
    prompt: &'a Prompt,
    /// What is sent beside the words.
    sound: Option<Value>,
}

impl Gemini {
    fn new(line: Arc<Line>) -> Gemini {
        let dialect = Dialect::new(false, true);
        Gemini { line, spoken: Spoken::new(dialect), limits: OnceCell::new() }
    }

    fn path(&self) -> String {
        format!("models/{}", self.line.instance.model.trim_start_matches("models/"))
    }

    async fn limits(&self) -> Limits {
        let told = async {
            let read = |value: Value| {
                let count =
                    |name: &str, or: u64| value[name].as_u64().filter(|n| *n > 0).unwrap_or(or);
                Ok(Limits {
                    window_tokens: count("inputTokenLimit", WINDOW_TOKENS),
                    answer_tokens_max: count("outputTokenLimit", ANSWER_TOKENS_MAX),
                })
            };
            let asked = self.line.ask(&self.path(), Sent::Nothing, self.line.until(), &read).await;
            // Where it does not tell, the call itself will say why.
            asked.unwrap_or(Limits {
                window_tokens: WINDOW_TOKENS,
                answer_tokens_max: ANSWER_TOKENS_MAX,
            })
        };
        *self.limits.get_or_init(|| told).await
    }

    fn answer_tokens(&self, prompt: &Prompt, limits: Limits) -> u64 {
        let wanted = prompt.answer_tokens_max.saturating_add(THOUGHT_TOKENS);
        self.line.instance.answer_tokens(wanted).min(limits.answer_tokens_max)
    }

    fn body(&self, asked: &Asked<'_>, limits: Limits, dialect: Dialect) -> Value {
        let Asked { prompt, sound } = asked;
        let most = self.answer_tokens(prompt, limits).min(dialect.answer_tokens_max);
        let mut config = json!({"maxOutputTokens": most});
        if dialect.temperature {
            config["temperature"] = json!(0);
        }
        if dialect.form != Form::Free {
            config["responseMimeType"] = json!("application/json");
        }
        if dialect.form == Form::Schema {
            config["responseSchema"] = schema(&prompt.schema);
        }
        let mut parts: Vec<Value> = sound.iter().cloned().collect();
        parts.push(json!({"text": prompt.input}));
        let categories = ["HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT"];
        // What people say in an episode is written down, whatever it is.
        let safety = categories.map(
            |name| json!({"category": format!("HARM_CATEGORY_{name}"), "threshold": "BLOCK_NONE"}),
        );
        json!({
            "systemInstruction": {"parts": [{"text": instructions(prompt, dialect.form)}]},
            "contents": [{"role": "user", "parts": parts}],
            "generationConfig": config,
            "safetySettings": safety,
        })
    }

    fn read(&self, value: &Value) -> Result<Answer, ModelError> {
        let count = |name: &str| value["usageMetadata"][name].as_u64().unwrap_or(0);
        let usage = Usage {
            calls: 1,
            input_tokens: count("promptTokenCount"),
            output_tokens: count("candidatesTokenCount") + count("thoughtsTokenCount"),
            audio_ms: 0,
        };
        let text = self.text(value).map_err(|error| error.after(usage))?;
        let model = value["modelVersion"].as_str().unwrap_or(&self.line.instance.model).to_owned();
        Ok(Answer { text, model, usage })
    }

    fn text(&self, value: &Value) -> Result<String, ModelError> {
        if value["promptFeedback"]["blockReason"].as_str().is_some() {
            return Err(refused(&self.line));
        }
        let candidate = &value["candidates"][0];
        match candidate["finishReason"].as_str() {
            Some("MAX_TOKENS") => return Err(cut(&self.line)),
            Some("SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII") => {
                return Err(refused(&self.line));
            }
            _ => {}
        }
        let parts = candidate["content"]["parts"].as_array().map(Vec::as_slice).unwrap_or_default();
        let spoken = parts.iter().filter(|part| part["thought"] != json!(true));
        let text: String = spoken.filter_map(|part| part["text"].as_str()).collect();
        if text.trim().is_empty() { Err(empty(&self.line)) } else { Ok(text) }
    }

    async fn ask(&self, asked: &Asked<'_>) -> Result<Answer, ModelError> {
        let until = self.line.until();
        let limits = self.limits().await;
        let path = format!("{}:generateContent", self.path());
        let path = path.as_str();
        self.spoken
            .adapt(self.answer_tokens(asked.prompt, limits), |dialect| async move {
                let body = self.body(asked, limits, dialect);
                let read = |value: Value| self.read(&value);
                self.line.ask(path, Sent::Json(&body), until, &read).await
            })
            .await
    }
}

/// A JSON schema in Gemini's words: types in capitals, and nothing that it does not know.
fn schema(from: &Value) -> Value {
    let Value::Object(from) = from else { return from.clone() };
    let mut to = Map::new();
    for (word, value) in from.iter().filter(|(word, _)| SCHEMA_WORDS.contains(&word.as_str())) {
        let value = match (word.as_str(), value) {
            ("type", Value::String(name)) => json!(name.to_ascii_uppercase()),
            ("items", value) => schema(value),
            ("properties", Value::Object(fields)) => {
                fields.iter().map(|(name, field)| (name.clone(), schema(field))).collect()
            }
            (_, value) => value.clone(),
        };
        to.insert(word.clone(), value);
    }
    Value::Object(to)
}

/// The text models of Gemini.
pub(super) struct GeminiText(Gemini);

impl GeminiText {
    pub(super) fn new(line: Arc<Line>) -> GeminiText {
        GeminiText(Gemini::new(line))
    }
}

#[async_trait]
impl TextModel for GeminiText {
    fn name(&self) -> &str {
        self.0.line.instance.name.as_str()
    }

    fn model(&self) -> &str {
        &self.0.line.instance.model
    }

    async fn window_tokens(&self) -> Result<u64, ModelError> {
        match self.0.line.instance.window_tokens {
            Some(window) => Ok(window),
            None => Ok(self.0.limits().await.window_tokens),
        }
    }

    async fn ask(&self, prompt: &Prompt) -> Result<Answer, ModelError> {
        self.0.ask(&Asked { prompt, sound: None }).await
    }
}

/// Gemini as a recogniser.
pub(super) struct GeminiSound(Gemini);

impl GeminiSound {
    pub(super) fn new(line: Arc<Line>) -> GeminiSound {
        GeminiSound(Gemini::new(line))
    }

    fn prompt(known: &Known) -> Prompt {
        let mut input = String::from("The recording is above.");
        if let Some(language) = &known.language {
            input.push_str(&format!(" It is in the language `{language}`."));
        }
        if !known.words.is_empty() {
            input.push_str(&format!(" These names and words may be said: {}", known.words));
        }
        let string = json!({"type": "string"});
        Prompt {
            instructions: HEAR.to_owned(),
            input,
            schema: json!({
                "type": "object",
                "properties": {
                    "language": string,
                    "segments": {"type": "array", "items": {
                        "type": "object",
                        "properties": {
                            "start": string, "end": string, "text": string, "speaker": string
                        },
                        "required": ["start", "end", "text"]
                    }},
                },
                "required": ["language", "segments"],
            }),
            answer_tokens_max: HEARD_TOKENS_MAX,
        }
    }
}

#[async_trait]
impl Recogniser for GeminiSound {
    fn name(&self) -> &str {
        self.0.line.instance.name.as_str()
    }

    fn model(&self) -> &str {
        &self.0.line.instance.model
    }

    fn piece_ms_max(&self) -> u64 {
        self.0.line.instance.piece_ms_max()
    }

    async fn hear(&self, piece: &Piece, known: &Known) -> Result<HeardPiece, ModelError> {
        sound::fits(&self.0.line, piece)?;
        let prompt = GeminiSound::prompt(known);
        let data = STANDARD.encode(sound::wav(piece));
        let sound = json!({"inlineData": {"mimeType": "audio/wav", "data": data}});
        let asked = Asked { prompt: &prompt, sound: Some(sound) };
        let mut usage = Usage { audio_ms: piece.duration_ms(), ..Usage::default() };
        // A form that is broken once is mostly well the second time.
        for _ in 0..HEAR_TRIES_MAX {
            let answer = self.0.ask(&asked).await?;
            usage += answer.usage;
            if let Some(heard) = heard(&answer.text, piece.duration_ms()) {
                return Ok(HeardPiece { usage, ..heard });
            }
        }
        let what = "answered with something else than the words that were said";
        let cure = "Try again, or choose another model.";
        Err(self.0.line.fault(ModelFault::Malformed, what, cure).after(usage))
    }
}

/// What an answer says was heard; `None` where it has another form.
fn heard(answer: &str, piece_ms: u64) -> Option<HeardPiece> {
    let value: Value = serde_json::from_str(answer.trim()).ok()?;
    let stamped = value["segments"].as_array()?.iter().map(|segment| {
        let label = segment["speaker"].as_str().map(str::trim).filter(|label| {
            (1..=20).contains(&label.len()) && label.chars().all(char::is_alphanumeric)
        });
        sound::Stamped {
            start_secs: secs(&segment["start"]),
            end_secs: secs(&segment["end"]),
            text: segment["text"].as_str().unwrap_or_default().to_owned(),
            speaker: label.map(str::to_owned),
        }
    });
    let (segments, times) = sound::settle(stamped.collect(), "", piece_ms);
    let language = value["language"].as_str().and_then(sound::language_tag);
    Some(HeardPiece { segments, language, times, ..HeardPiece::default() })
}

/// A time as Gemini writes it: `MM:SS.s`, `HH:MM:SS`, or bare seconds.
fn secs(value: &Value) -> Option<f64> {
    if let Some(number) = value.as_f64() {
        return Some(number);
    }
    let mut secs = 0.0;
    let text = value.as_str()?.trim();
    for part in text.split(':') {
        let part: f64 = part.parse().ok()?;
        if !(0.0..=86_400.0).contains(&part) {
            return None;
        }
        secs = secs * 60.0 + part;
    }
    Some(secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_each_of_their_writings() {
        for (value, want) in [
            (json!("01:07.5"), Some(67.5)),
            (json!("00:00"), Some(0.0)),
            (json!("1:00:01"), Some(3_601.0)),
            (json!("12.5"), Some(12.5)),
            (json!(3), Some(3.0)),
            (json!("-1:00"), None),
            (json!("soon"), None),
            (json!("nan"), None),
            (json!(null), None),
        ] {
            assert_eq!(secs(&value), want, "{value}");
        }
    }

    #[test]
    fn a_schema_loses_what_gemini_does_not_know() {
        let from = json!({"type": "object", "additionalProperties": false, "properties": {
            "type": {"type": "array", "items": {"type": "integer", "$id": "x"}}}});
        let to = json!({"type": "OBJECT", "properties": {
            "type": {"type": "ARRAY", "items": {"type": "INTEGER"}}}});
        assert_eq!(schema(&from), to);
    }
}
