//! One configured model server: what it can do behind the two traits, and the try that a person asks
//! for with *Test*.

use std::sync::Arc;

use serde_json::json;
use tokio::time::Instant;

use super::anthropic::{self, AnthropicText};
use super::breaker::Breaker;
use super::call::{Line, Way};
use super::gemini::{GeminiSound, GeminiText};
use super::instance::{Instance, Key, Kind};
use super::ollama::OllamaText;
use super::openai::{OpenaiSound, OpenaiText};
use super::relay::{self, RelayUser};
use super::speech::{Known, Piece, Recogniser, SAMPLE_RATE};
use super::text::{Prompt, TextModel};
use super::{ModelError, ModelFault};

/// Tokens of the answer of a test: a few for the words, the rest for models that think first.
const TEST_TOKENS: u64 = 1_024;
/// Letters of a model's name as a server tells it that are shown.
const MODEL_LETTERS_MAX: usize = 80;

/// One model server. Made once for as long as its settings hold: all its calls share what is known of
/// it. Cheap to clone.
#[derive(Clone)]
pub struct Server {
    text: Arc<dyn TextModel>,
    sound: Option<Arc<dyn Recogniser>>,
    breaker: Arc<Breaker>,
    instance: Arc<Instance>,
    key: Option<Key>,
    way: Way,
}

impl Server {
    /// A server that was not asked yet. `user` is in whose name a relay is asked; other kinds are
    /// never told.
    ///
    /// # Errors
    /// A sentence on what is wrong with the instance.
    pub fn new(
        instance: Instance,
        key: Option<Key>,
        user: Option<&RelayUser>,
        way: Way,
    ) -> Result<Server, String> {
        Server::with(Arc::new(instance), key, user, way, Arc::default())
    }

    /// The same server, asked in the name of another user. What fails for one fails for all; what is known
    /// of a server that is never told the user stays known.
    ///
    /// # Errors
    /// As [`Server::new`].
    pub fn for_user(&self, user: Option<&RelayUser>) -> Result<Server, String> {
        if self.instance.kind != Kind::Relay {
            return Ok(self.clone());
        }
        let (instance, breaker) = (self.instance.clone(), self.breaker.clone());
        Server::with(instance, self.key.clone(), user, self.way.clone(), breaker)
    }

    fn with(
        instance: Arc<Instance>,
        key: Option<Key>,
        user: Option<&RelayUser>,
        way: Way,
        breaker: Arc<Breaker>,
    ) -> Result<Server, String> {
        instance.check()?;
        let bearer = key.as_ref().and_then(Key::bearer);
        let plain = key.as_ref().and_then(Key::plain);
        let headers = match instance.kind {
            Kind::Openai | Kind::Ollama => vec![("authorization", bearer)],
            Kind::Anthropic => {
                let version = http::HeaderValue::from_static(anthropic::VERSION);
                vec![("x-api-key", plain), ("anthropic-version", Some(version))]
            }
            Kind::Gemini => vec![("x-goog-api-key", plain)],
            Kind::Relay => vec![
                (relay::OPERATOR_KEY, plain),
                (relay::USER_ID, user.and_then(|user| user.user.header())),
                (relay::JOB_ID, user.and_then(|user| user.job.as_ref()?.header())),
            ],
        };
        let line = Line::new(
            Instance::clone(&instance),
            key.clone(),
            headers,
            way.clone(),
            breaker.clone(),
        )?;
        let line = Arc::new(line);
        let text: Arc<dyn TextModel> = match instance.kind {
            Kind::Openai | Kind::Relay => Arc::new(OpenaiText::new(line.clone())),
            Kind::Anthropic => Arc::new(AnthropicText::new(line.clone())),
            Kind::Gemini => Arc::new(GeminiText::new(line.clone())),
            Kind::Ollama => Arc::new(OllamaText::new(line.clone())),
        };
        let sound: Option<Arc<dyn Recogniser>> = match instance.kind {
            Kind::Openai | Kind::Relay => Some(Arc::new(OpenaiSound::new(line))),
            Kind::Gemini => Some(Arc::new(GeminiSound::new(line))),
            Kind::Anthropic | Kind::Ollama => None,
        };
        Ok(Server { text, sound, breaker, instance, key, way })
    }

    /// Its settings.
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// As what writes text to an order.
    pub fn text_model(&self) -> Arc<dyn TextModel> {
        self.text.clone()
    }

    /// As what turns sound into words.
    ///
    /// # Errors
    /// A sentence, where its kind does not hear.
    pub fn recogniser(&self) -> Result<Arc<dyn Recogniser>, String> {
        self.sound.clone().ok_or_else(|| {
            format!(
                "The model server `{}` is of the kind {}, which does not hear: use one of openai, gemini or relay.",
                self.instance.name,
                self.instance.kind.as_str()
            )
        })
    }

    /// Makes a real small call for text and says how it went.
    ///
    /// # Errors
    /// Why it gave no answer, with what helps.
    pub async fn probe_text(&self) -> Result<String, ModelError> {
        let prompt = Prompt {
            instructions:
                "This is a test of the connection. Answer with the JSON object {\"ok\": true}."
                    .to_owned(),
            input: "Are you there?".to_owned(),
            schema: json!({
                "type": "object",
                "properties": {"ok": {"type": "boolean"}},
                "required": ["ok"],
                "additionalProperties": false
            }),
            answer_tokens_max: TEST_TOKENS,
        };
        let began = Instant::now();
        let window = self.text.window_tokens().await?;
        let answer = self.text.ask(&prompt).await?;
        let model: String =
            answer.model.chars().filter(|c| !c.is_control()).take(MODEL_LETTERS_MAX).collect();
        Ok(format!(
            "`{}` answered in {:.1} seconds as {model}: a window of {window} tokens, {} tokens sent and {} answered.",
            self.instance.name,
            began.elapsed().as_secs_f32(),
            answer.usage.input_tokens,
            answer.usage.output_tokens
        ))
    }

    /// Sends a second of silence and says how it went.
    ///
    /// # Errors
    /// Why it gave no answer, with what helps; [`ModelFault::Setting`] where its kind does not hear.
    pub async fn probe_sound(&self) -> Result<String, ModelError> {
        let sound = self.recogniser().map_err(|why| ModelError::new(ModelFault::Setting, why))?;
        let piece = Piece { samples: vec![0; SAMPLE_RATE as usize].into(), start_ms: 0 };
        let began = Instant::now();
        let heard = sound.hear(&piece, &Known::default()).await?;
        let invented = match heard.segments.len() {
            0 => "",
            _ => " It heard words in silence: its transcripts may hold some that nobody said.",
        };
        Ok(format!(
            "`{}` answered in {:.1} seconds as {}, pieces of up to {} seconds.{invented}",
            self.instance.name,
            began.elapsed().as_secs_f32(),
            sound.model(),
            sound.piece_ms_max() / 1_000
        ))
    }
}
