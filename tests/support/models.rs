//! A model server on loopback that speaks all protocols (OpenAI's, Anthropic's, Gemini's, Ollama's)
//! and has a switch for each misbehaviour. Stands by itself: unit tests include it by its path.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde_json::{Value, json};

/// How the server behaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Mood {
    /// As it should.
    #[default]
    Well,
    /// A status with the protocol's error body, a code and perhaps a `Retry-After`.
    Status(u16, &'static str, &'static str),
    /// A status with a page.
    Page(u16),
    /// 200 with bytes of one's own.
    Bytes(&'static str),
    /// 200 with so many bytes of JSON.
    Huge(usize),
    /// 200 and then blanks for ever.
    Endless,
    /// 200, a part of the answer, and then silence.
    Stuck,
    /// Takes the question and says nothing.
    Silent,
    /// Closes the connection in the middle of the answer.
    HangsUp,
    /// Nothing in its lists of answers.
    Empty,
    /// Stopped at its bound.
    Cut,
    /// A filter held the answer back.
    Refused,
    /// Leads elsewhere.
    Redirect,
    /// Refuses questions that have this word in them, and says so.
    Without(&'static str),
    /// Drops what does not fit and says nothing (Ollama): counts so many tokens.
    Counted(u64),
}

/// What was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    pub headers: HeaderMap,
    /// As text, JSON or a form.
    pub body: String,
}

impl Asked {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The words of the question, whatever the protocol, without its instructions.
    pub fn input(&self) -> String {
        let body = self.json();
        let turns = body["messages"].as_array().or(body["contents"].as_array());
        let last = turns.and_then(|turns| turns.last()).cloned().unwrap_or_default();
        let parts = last["parts"].as_array().and_then(|parts| parts.last()).cloned();
        let text = last["content"].as_str().map(str::to_owned);
        text.or(parts.and_then(|part| part["text"].as_str().map(str::to_owned))).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

type Say = dyn Fn(&Asked) -> String + Send + Sync;

/// The server.
#[derive(Clone)]
pub struct StandIn {
    pub base: String,
    state: Arc<Mutex<Inner>>,
}

struct Inner {
    moods: VecDeque<Mood>,
    /// Once the moods are used up.
    mood: Mood,
    say: Arc<Say>,
    asked: Vec<Asked>,
    hung_up: usize,
    heard: Value,
    window: u64,
}

impl StandIn {
    pub async fn new() -> StandIn {
        let state = Arc::new(Mutex::new(Inner {
            moods: VecDeque::new(),
            mood: Mood::Well,
            say: Arc::new(|asked| outline_of(&asked.input())),
            asked: Vec::new(),
            hung_up: 0,
            heard: json!({"language": "english", "text": "Hello there.", "segments": [
                {"start": 0.0, "end": 0.5, "text": " Hello there."}
            ]}),
            window: 32_768,
        }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let stand_in = StandIn { base, state };
        let router = Router::new().fallback(answer).with_state(stand_in.clone());
        let router = router.layer(axum::extract::DefaultBodyLimit::disable());
        #[expect(clippy::disallowed_methods, reason = "what a test starts ends with its runtime")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        stand_in
    }

    /// From now on.
    pub fn mood(&self, mood: Mood) {
        let mut inner = self.state.lock().unwrap();
        inner.moods.clear();
        inner.mood = mood;
    }

    /// For the next questions for an answer, one each; then as before.
    pub fn moods(&self, moods: &[Mood]) {
        self.state.lock().unwrap().moods.extend(moods.iter().cloned());
    }

    /// What it writes.
    pub fn say(&self, say: impl Fn(&Asked) -> String + Send + Sync + 'static) {
        self.state.lock().unwrap().say = Arc::new(say);
    }

    /// What it hears.
    pub fn hear(&self, heard: Value) {
        self.state.lock().unwrap().heard = heard;
    }

    /// The window that it tells.
    pub fn window(&self, tokens: u64) {
        self.state.lock().unwrap().window = tokens;
    }

    /// The questions for an answer, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().asked.clone()
    }

    /// How many questions were given up by who had asked, before they were answered.
    pub fn hung_up(&self) -> usize {
        self.state.lock().unwrap().hung_up
    }
}

/// Counts a question that is dropped before its answer.
struct Waiting<'a>(&'a StandIn);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.state.lock().unwrap().hung_up += 1;
    }
}

async fn answer(State(stand_in): State<StandIn>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let asked = Asked {
        path: path.clone(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&bytes).into_owned(),
    };
    let (mood, say, heard, window) = {
        let mut inner = stand_in.state.lock().unwrap();
        let (say, heard, window) = (inner.say.clone(), inner.heard.clone(), inner.window);
        if parts.method == "GET" || path.ends_with("/api/show") {
            return about(&path, window);
        }
        inner.asked.push(asked.clone());
        (inner.moods.pop_front().unwrap_or(inner.mood.clone()), say, heard, window)
    };
    let json = |value: Value| axum::Json(value).into_response();
    let typed = |body: Body| ([(CONTENT_TYPE, "application/json")], body).into_response();
    match mood {
        Mood::Well => json(well(&asked, &say(&asked), &heard, None, window)),
        Mood::Counted(tokens) => json(well(&asked, &say(&asked), &heard, Some(tokens), window)),
        Mood::Status(status, code, after) => {
            // Bad servers repeat what they got, the key among it.
            let key = ["authorization", "x-api-key", "x-goog-api-key", "x-recap-operator-key"];
            let keys: String = key.iter().map(|name| asked.header(name)).collect();
            let message = format!("no: {keys} {}", asked.input());
            let error = json!({"error": {"code": code, "type": code, "message": message}});
            let status = StatusCode::from_u16(status).unwrap();
            let mut response = (status, axum::Json(error)).into_response();
            if !after.is_empty() {
                response.headers_mut().insert("retry-after", after.parse().unwrap());
            }
            response
        }
        Mood::Page(status) => {
            let page = "<!doctype html><title>Sign in</title>";
            (StatusCode::from_u16(status).unwrap(), axum::response::Html(page)).into_response()
        }
        Mood::Bytes(text) => typed(Body::from(text)),
        Mood::Huge(bytes) => {
            let pieces = futures_util::stream::repeat(Bytes::from(" ".repeat(1 << 16)));
            let pieces = pieces.take(bytes >> 16).map(Ok::<_, std::io::Error>);
            typed(Body::from_stream(pieces))
        }
        Mood::Endless => {
            let pieces = futures_util::stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some((Ok::<_, std::io::Error>(Bytes::from(" ")), ()))
            });
            typed(Body::from_stream(pieces))
        }
        Mood::Stuck => {
            let begun = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from("{"))]);
            typed(Body::from_stream(begun.chain(futures_util::stream::pending())))
        }
        Mood::Silent => {
            let waiting = Waiting(&stand_in);
            std::future::pending::<()>().await;
            drop(waiting);
            StatusCode::OK.into_response()
        }
        Mood::HangsUp => {
            let broken = [Ok(Bytes::from("{")), Err(std::io::Error::other("gone"))];
            typed(Body::from_stream(futures_util::stream::iter(broken)))
        }
        Mood::Empty => json(match protocol(&path) {
            Protocol::Openai => json!({"choices": []}),
            Protocol::Anthropic => json!({"content": []}),
            Protocol::Gemini => json!({"candidates": []}),
            Protocol::Ollama => json!({"message": {"content": ""}, "done": true}),
            Protocol::Sound => json!({}),
        }),
        Mood::Cut => json(match protocol(&path) {
            Protocol::Openai => json!({"choices": [
                {"finish_reason": "length", "message": {"content": "{\"topics\": ["}}
            ]}),
            Protocol::Anthropic => json!({"stop_reason": "max_tokens", "content": [
                {"type": "text", "text": "{"}
            ]}),
            Protocol::Gemini => json!({"candidates": [
                {"finishReason": "MAX_TOKENS", "content": {"parts": [{"text": "{"}]}}
            ]}),
            Protocol::Ollama => json!({
                "message": {"content": "{"}, "done": true, "done_reason": "length",
                "prompt_eval_count": 10
            }),
            Protocol::Sound => json!({}),
        }),
        Mood::Refused => json(match protocol(&path) {
            Protocol::Openai => json!({"choices": [
                {"finish_reason": "stop", "message": {"content": null, "refusal": "I will not."}}
            ]}),
            Protocol::Anthropic => json!({"stop_reason": "refusal", "content": []}),
            Protocol::Gemini => json!({"promptFeedback": {"blockReason": "SAFETY"}}),
            Protocol::Ollama | Protocol::Sound => json!({}),
        }),
        Mood::Redirect => {
            let to = [(LOCATION, format!("{}/elsewhere", stand_in.base))];
            (StatusCode::TEMPORARY_REDIRECT, to).into_response()
        }
        Mood::Without(word) if asked.body.contains(word) => {
            let message =
                format!("Unsupported parameter: '{word}' is not supported with this model.");
            let error = json!({"error": {"code": "unsupported_parameter", "message": message}});
            (StatusCode::BAD_REQUEST, axum::Json(error)).into_response()
        }
        Mood::Without(_) => json(well(&asked, &say(&asked), &heard, None, window)),
    }
}

enum Protocol {
    Openai,
    Anthropic,
    Gemini,
    Ollama,
    Sound,
}

fn protocol(path: &str) -> Protocol {
    match path {
        _ if path.ends_with("/messages") => Protocol::Anthropic,
        _ if path.ends_with(":generateContent") => Protocol::Gemini,
        _ if path.ends_with("/api/chat") => Protocol::Ollama,
        _ if path.ends_with("/audio/transcriptions") => Protocol::Sound,
        _ => Protocol::Openai,
    }
}

/// What it tells of its models.
fn about(path: &str, window: u64) -> Response {
    let value = if path.ends_with("/api/show") {
        json!({"model_info": {"general.architecture": "tiny", "tiny.context_length": window}})
    } else if path.ends_with("/models") {
        json!({"data": [{"id": "other", "context_length": 1}, {"id": "m-1", "context_length": window}]})
    } else {
        json!({"inputTokenLimit": window, "outputTokenLimit": 8_192})
    };
    axum::Json(value).into_response()
}

/// A good answer in the protocol's own form.
fn well(asked: &Asked, text: &str, heard: &Value, counted: Option<u64>, window: u64) -> Value {
    // About what a real vocabulary makes of English.
    let tokens = (asked.body.len() as u64).div_ceil(4);
    match protocol(&asked.path) {
        Protocol::Openai => json!({
            "model": "m-1-2026",
            "choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
            "usage": {"prompt_tokens": tokens, "completion_tokens": 7},
        }),
        Protocol::Anthropic => {
            let input = serde_json::from_str::<Value>(text);
            let part = match (asked.json().get("tools"), input) {
                (Some(_), Ok(input)) => {
                    json!({"type": "tool_use", "id": "t", "name": "answer", "input": input})
                }
                _ => json!({"type": "text", "text": text}),
            };
            json!({
                "model": "m-1-2026", "stop_reason": "end_turn", "content": [part],
                "usage": {"input_tokens": tokens, "output_tokens": 7},
            })
        }
        Protocol::Gemini => {
            let is_sound = asked.body.contains("inlineData");
            let text = if is_sound { heard.to_string() } else { text.to_owned() };
            json!({
                "modelVersion": "m-1-2026",
                "candidates": [{"finishReason": "STOP", "content": {"parts": [{"text": text}]}}],
                "usageMetadata": {"promptTokenCount": tokens, "candidatesTokenCount": 7},
            })
        }
        Protocol::Ollama => json!({
            "model": "m-1", "message": {"role": "assistant", "content": text},
            "done": true, "done_reason": "stop",
            "prompt_eval_count": counted.unwrap_or(tokens.min(window / 2)), "eval_count": 7,
        }),
        Protocol::Sound => heard.clone(),
    }
}

/// The numbered lines of a question: `[12] words`.
pub fn lines_of(input: &str) -> Vec<(usize, String)> {
    input
        .lines()
        .filter_map(|line| {
            let (number, words) = line.strip_prefix('[')?.split_once("] ")?;
            Some((number.parse().ok()?, words.to_owned()))
        })
        .collect()
}

/// An honest outline of the lines of a question: a topic for each twenty, each with a point that says
/// what a line of it says.
pub fn outline_of(input: &str) -> String {
    let lines = lines_of(input);
    let topics: Vec<Value> = lines
        .chunks(20)
        .map(|part| {
            let (first, words) = &part[0];
            let title: Vec<&str> = words.split_whitespace().take(5).collect();
            json!({
                "title": format!("About {}", title.join(" ")),
                "first_line": first,
                "last_line": part[part.len() - 1].0,
                "points": [{"text": format!("{words}."), "first_line": first, "last_line": first}],
            })
        })
        .collect();
    json!({"overview": "What was said, in short.", "topics": topics}).to_string()
}
