//! Every kind of server against stand-ins that behave badly, on loopback.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use recap_mode::{ManualClock, SeededEntropy};
use serde_json::{Value, json};

use super::speech::{Known, Piece};
use super::stand_in::{self, Mood, StandIn};
use super::text::{Answer, Prompt};
use super::*;
use crate::domain::transcript::Times;
use crate::net::{Net, Trust};

const KINDS: [Kind; 5] = [Kind::Openai, Kind::Anthropic, Kind::Gemini, Kind::Ollama, Kind::Relay];

/// By which every secret of these tests is found where it must not be.
const CANARY: &str = "canary-7c1f";

fn instance(kind: Kind, base: &str, more: Value) -> Instance {
    let mut value = json!({
        "name": "mine", "kind": kind, "model": "m-1", "base_url": base, "timeout_secs": 20
    });
    for (key, more) in more.as_object().unwrap() {
        value[key] = more.clone();
    }
    serde_json::from_value(value).unwrap()
}

thread_local! {
    /// One for each test, which has a thread of its own: making a client reads all certificates.
    static NET: Arc<Net> = Net::new();
}

fn way(trust: Trust) -> Way {
    Way {
        net: NET.with(Arc::clone),
        trust,
        clock: Arc::new(ManualClock::at("2026-11-20T10:00:00Z".parse().unwrap())),
        entropy: Arc::new(SeededEntropy::new(1)),
    }
}

fn server_with(kind: Kind, stand_in: &StandIn, more: Value) -> Server {
    let instance = instance(kind, &stand_in.base, more);
    let trust = Trust::typed(&instance.base().unwrap());
    let key = Key::new(&format!("{CANARY}-key")).unwrap();
    let user = RelayUser { user: "ann_1".parse().unwrap(), job: Some("job-1".parse().unwrap()) };
    Server::new(instance, Some(key), Some(&user), way(trust)).unwrap()
}

fn server(kind: Kind, stand_in: &StandIn) -> Server {
    server_with(kind, stand_in, json!({}))
}

fn prompt() -> Prompt {
    Prompt {
        instructions: "Do it.".to_owned(),
        input: format!("[0] {CANARY} words"),
        schema: json!({"type": "object", "properties": {"topics": {"type": "array"}}}),
        answer_tokens_max: 500,
    }
}

async fn ask(kind: Kind, stand_in: &StandIn) -> Result<Answer, ModelError> {
    server(kind, stand_in).text_model().ask(&prompt()).await
}

fn second() -> Piece {
    Piece { samples: vec![0; 16_000].into(), start_ms: 5_000 }
}

#[tokio::test]
async fn each_kind_is_asked_in_its_own_words_with_its_own_key() {
    let stand_in = StandIn::new().await;
    for (kind, path, header) in [
        (Kind::Openai, "/v1/chat/completions", "authorization"),
        (Kind::Anthropic, "/v1/messages", "x-api-key"),
        (Kind::Gemini, "/v1beta/models/m-1:generateContent", "x-goog-api-key"),
        (Kind::Ollama, "/api/chat", "authorization"),
        (Kind::Relay, "/v1/chat/completions", "x-recap-operator-key"),
    ] {
        let answer = ask(kind, &stand_in).await.unwrap();
        assert!(answer.text.contains("\"topics\""), "{kind:?}: {}", answer.text);
        assert!(answer.model.starts_with("m-1"), "{kind:?}");
        let usage = answer.usage;
        assert!(usage.calls == 1 && usage.input_tokens > 10 && usage.output_tokens == 7);
        let asked = stand_in.asked().pop().unwrap();
        assert_eq!(asked.path, path);
        assert!(asked.header(header).ends_with("canary-7c1f-key"), "{kind:?}");
        assert_eq!(asked.input(), prompt().input, "{kind:?}");
        let body = asked.json();
        let schema = match kind {
            Kind::Openai | Kind::Relay => &body["response_format"]["json_schema"]["schema"],
            Kind::Anthropic => &body["tools"][0]["input_schema"],
            Kind::Gemini => &body["generationConfig"]["responseSchema"],
            Kind::Ollama => &body["format"],
        };
        assert!(schema["properties"]["topics"].is_object(), "{kind:?}: {body}");
        let identity = (asked.header("x-recap-user-id"), asked.header("x-recap-job-id"));
        let want = if kind == Kind::Relay { ("ann_1", "job-1") } else { ("", "") };
        assert_eq!(identity, want, "only a relay is told who asks: {kind:?}");
    }
}

#[tokio::test]
async fn each_misbehaviour_is_its_own_fault() {
    use ModelFault::{Busy, Cut, Key, Malformed, Quota, Refused, Setting, TooLong, Unknown};
    let stand_in = StandIn::new().await;
    for (mood, want) in [
        (Mood::Status(401, "invalid_api_key", ""), Key),
        (Mood::Status(403, "permission_denied", ""), Key),
        (Mood::Status(402, "payment_required", ""), Quota),
        (Mood::Status(429, "insufficient_quota", ""), Quota),
        (Mood::Status(429, "rate_limit_exceeded", "120"), Busy),
        (Mood::Status(404, "model_not_found", ""), Unknown),
        (Mood::Status(400, "context_length_exceeded", ""), TooLong),
        (Mood::Status(413, "too_big", ""), TooLong),
        (Mood::Status(409, "odd", ""), Setting),
        (Mood::Page(200), Unknown),
        (Mood::Page(404), Unknown),
        (Mood::Redirect, Unknown),
        (Mood::Huge(50 << 20), Malformed),
        (Mood::Cut, Cut),
    ] {
        for kind in KINDS {
            stand_in.mood(mood.clone());
            let before = stand_in.asked().len();
            let error = ask(kind, &stand_in).await.unwrap_err();
            assert_eq!(error.kind, want, "{kind:?} {mood:?}: {error}");
            assert_eq!(stand_in.asked().len() - before, 1, "{kind:?} {mood:?}: asked once");
            assert!(error.message.contains("`mine`"), "{error}");
            assert_eq!(error.used.is_some(), mood == Mood::Cut, "what was cut is paid: {error}");
            assert!(error.message.matches(". ").count() >= 1, "it says what helps: {error}");
        }
    }
    stand_in.mood(Mood::Refused);
    for kind in [Kind::Openai, Kind::Anthropic, Kind::Gemini] {
        assert_eq!(ask(kind, &stand_in).await.unwrap_err().kind, Refused, "{kind:?}");
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again_until_it_has() {
    let cases = [
        (Kind::Openai, Mood::Status(503, "busy", "")),
        (Kind::Anthropic, Mood::Status(529, "overloaded_error", "")),
        (Kind::Gemini, Mood::HangsUp),
        (Kind::Ollama, Mood::Status(500, "crashed", "")),
        (Kind::Relay, Mood::Empty),
        (Kind::Openai, Mood::Bytes("{\"choices\": [{\"message\": {\"content\": NaN}}]}")),
        (Kind::Openai, Mood::Bytes("{\"error\": {\"code\": 502, \"message\": \"upstream\"}}")),
    ];
    // Beside each other, since each waits for its pause.
    let calls = cases.map(|(kind, mood)| async move {
        let stand_in = StandIn::new().await;
        stand_in.moods(std::slice::from_ref(&mood));
        ask(kind, &stand_in).await.unwrap();
        assert_eq!(stand_in.asked().len(), 2, "{kind:?} {mood:?}");
    });
    futures_util::future::join_all(calls).await;
}

#[tokio::test]
async fn a_server_that_never_ends_is_left_at_the_deadline() {
    let stand_in = StandIn::new().await;
    for mood in [Mood::Endless, Mood::Silent, Mood::Stuck] {
        stand_in.mood(mood.clone());
        let server = server_with(Kind::Openai, &stand_in, json!({"timeout_secs": 1}));
        let began = std::time::Instant::now();
        let error = server.text_model().ask(&prompt()).await.unwrap_err();
        assert_eq!(error.kind, ModelFault::TimedOut, "{mood:?}: {error}");
        assert!(began.elapsed() < Duration::from_secs(5), "{mood:?}");
    }
}

#[tokio::test]
async fn dropping_a_call_hangs_up() {
    let stand_in = StandIn::new().await;
    stand_in.mood(Mood::Silent);
    let model = server(Kind::Openai, &stand_in).text_model();
    {
        let prompt = prompt();
        let mut call = model.ask(&prompt);
        let began = async {
            while stand_in.asked().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = &mut call => panic!("it answered"),
            () = began => {}
        }
    }
    let hung_up = async {
        while stand_in.hung_up() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), hung_up).await.expect("the server heard of it");
}

#[tokio::test]
async fn nobody_there_and_a_private_address_are_told_apart() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    for kind in KINDS {
        let instance = instance(kind, &base, json!({"timeout_secs": 1}));
        let trust = Trust::typed(&instance.base().unwrap());
        let reached = Server::new(instance.clone(), None, None, way(trust)).unwrap();
        let error = reached.text_model().ask(&prompt()).await.unwrap_err();
        assert_eq!(error.kind, ModelFault::Unreachable, "{kind:?}: {error}");
        let tenant_s = Server::new(instance, None, None, way(Trust::Public)).unwrap();
        let error = tenant_s.text_model().ask(&prompt()).await.unwrap_err();
        assert_eq!(error.kind, ModelFault::Setting, "{kind:?}: {error}");
        assert!(error.message.contains("private"), "{error}");
    }
}

#[tokio::test]
async fn what_a_server_refuses_of_a_call_is_left_out_and_remembered() {
    for (kind, word, holds) in [
        (Kind::Openai, "temperature", "json_schema"),
        (Kind::Openai, "json_schema", "json_object"),
        (Kind::Openai, "response_format", "temperature"),
        (Kind::Anthropic, "tool_choice", "max_tokens"),
        (Kind::Gemini, "responseSchema", "responseMimeType"),
        (Kind::Ollama, "\"format\":{", "\"format\":\"json\""),
    ] {
        let stand_in = StandIn::new().await;
        stand_in.mood(Mood::Without(word));
        let model = server(kind, &stand_in).text_model();
        model.ask(&prompt()).await.unwrap();
        let first = stand_in.asked().len();
        assert!(first > 1, "{word}");
        model.ask(&prompt()).await.unwrap();
        let asked = stand_in.asked();
        assert_eq!(asked.len() - first, 1, "{kind:?} {word}: remembered");
        let body = &asked[first].body;
        assert!(!body.contains(word) && body.contains(holds), "{kind:?} {word}: {body}");
    }
}

#[tokio::test]
async fn newer_models_get_their_own_word_for_the_bound_of_an_answer() {
    let stand_in = StandIn::new().await;
    stand_in.moods(&[Mood::Status(400, "unsupported_parameter", "")]);
    // The stand-in repeats the input in its refusal, as some servers do.
    let model = server(Kind::Openai, &stand_in).text_model();
    let prompt = Prompt { input: "use max_completion_tokens".to_owned(), ..prompt() };
    model.ask(&prompt).await.unwrap();
    let bodies: Vec<Value> = stand_in.asked().iter().map(stand_in::Asked::json).collect();
    assert_eq!(bodies[0]["max_tokens"], 500);
    assert_eq!(
        (bodies[1]["max_completion_tokens"].as_u64(), bodies[1].get("max_tokens")),
        (Some(500), None)
    );
}

#[tokio::test]
async fn the_window_is_set_or_told_by_the_server_or_known() {
    let stand_in = StandIn::new().await;
    stand_in.window(6_000);
    for (kind, more, want) in [
        (Kind::Openai, json!({}), 6_000),
        (Kind::Openai, json!({"model": "unheard-of"}), 8_192),
        (Kind::Openai, json!({"window_tokens": 2_000}), 2_000),
        (Kind::Gemini, json!({}), 6_000),
        (Kind::Ollama, json!({}), 6_000),
        (Kind::Ollama, json!({"window_tokens": 2_000}), 2_000),
        (Kind::Ollama, json!({"window_tokens": 9_000}), 6_000),
        (Kind::Anthropic, json!({}), 200_000),
    ] {
        let model = server_with(kind, &stand_in, more.clone()).text_model();
        assert_eq!(model.window_tokens().await.unwrap(), want, "{kind:?} {more}");
    }
    stand_in.window(131_072);
    let model = server(Kind::Ollama, &stand_in).text_model();
    assert_eq!(model.window_tokens().await.unwrap(), 16_384, "no more memory than is asked for");
}

#[tokio::test]
async fn a_prompt_that_ollama_cut_in_silence_is_no_answer() {
    let stand_in = StandIn::new().await;
    stand_in.window(4_096);
    let model = server(Kind::Ollama, &stand_in).text_model();
    // Some 2,500 tokens by any count.
    let long = Prompt { input: "[0] the baker waits. ".repeat(750), ..prompt() };
    let well = Prompt { input: "[0] the baker waits. ".repeat(300), ..prompt() };
    for (prompt, counted, fits) in [
        (&well, 2_000, true),
        (&well, 4_094, true),
        (&well, 4_095, false),
        (&well, 4_096, false),
        (&long, 2_048, false),
        (&long, 2_700, true),
        (&well, 0, false),
    ] {
        stand_in.mood(Mood::Counted(counted));
        let outcome = model.ask(prompt).await;
        assert_eq!(outcome.is_ok(), fits, "{counted}: {outcome:?}");
        if let Err(error) = outcome {
            assert_eq!(error.kind, ModelFault::TooLong);
            assert!(error.message.contains("window of 4096"), "{error}");
        }
    }
    let sent = stand_in.asked()[0].json();
    assert_eq!(sent["options"]["num_ctx"], 4_096, "the window is set in each call");
}

#[tokio::test]
async fn a_key_is_in_no_error_no_debug_and_no_log() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(move || writer.clone())
        .finish();
    // For all threads: one that listens alone misses what another thread came to first.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let kinds = KINDS.map(|kind| async move {
        let stand_in = StandIn::new().await;
        for mood in [
            Mood::Well,
            Mood::Status(400, "canary-7c1f-key", ""),
            Mood::Status(401, "canary-7c1f-key", ""),
            Mood::Status(404, CANARY, ""),
            Mood::Status(429, "slow", "300"),
            Mood::Page(200),
            Mood::Redirect,
            Mood::Bytes("{\"canary-7c1f-key\": NaN}"),
            Mood::Cut,
            Mood::Silent,
        ] {
            stand_in.mood(mood.clone());
            let server = server_with(kind, &stand_in, json!({"timeout_secs": 1}));
            let outcome = server.text_model().ask(&prompt()).await;
            let mut shown = outcome.err().map(|error| format!("{error} {error:?}"));
            if let Ok(sound) = server.recogniser()
                && let Err(error) = sound.hear(&second(), &Known::default()).await
            {
                shown = Some(format!("{shown:?} {error} {error:?}"));
            }
            let shown = shown.unwrap_or_default();
            assert!(!shown.contains(CANARY), "{kind:?} {mood:?}: {shown}");
        }
    });
    futures_util::future::join_all(kinds).await;
    let logged = log.text();
    assert!(logged.contains("a model server gave no answer"), "the log was heard: {logged}");
    assert!(!logged.contains(CANARY), "{logged}");
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_server_hears_with_times_or_without_and_says_which() {
    let stand_in = StandIn::new().await;
    let hello = json!({"language": "english", "segments": [
        {"start": 0.25, "end": 0.75, "text": " Hello there."}, {"start": 0.75, "end": 1.0, "text": " "}
    ]});
    let gemini = json!({"language": "en-US", "segments": [
        {"start": "00:00.25", "end": "00:00.75", "text": "Hello there.", "speaker": "A"}
    ]});
    let invented = json!({"language": "en", "segments": [
        {"start": "12:00", "end": "12:30", "text": "Hello."}, {"start": "00:10", "end": "00:20", "text": "There."}
    ]});
    for (kind, heard, times, spans) in [
        (Kind::Openai, hello.clone(), Times::Exact, vec![(250, 750)]),
        (Kind::Relay, hello, Times::Exact, vec![(250, 750)]),
        (
            Kind::Openai,
            json!({"text": "Hello there. Well."}),
            Times::About,
            vec![(0, 705), (705, 1_000)],
        ),
        (Kind::Openai, json!({"text": ""}), Times::About, vec![]),
        (Kind::Gemini, gemini, Times::Exact, vec![(250, 750)]),
        (Kind::Gemini, invented, Times::About, vec![(0, 500), (500, 1_000)]),
    ] {
        stand_in.hear(heard.clone());
        let sound = server(kind, &stand_in).recogniser().unwrap();
        let heard_piece = sound.hear(&second(), &Known::default()).await.unwrap();
        let got: Vec<_> = heard_piece.segments.iter().map(|s| (s.start_ms, s.end_ms)).collect();
        assert_eq!((got, heard_piece.times), (spans, times), "{kind:?} {heard}");
        assert_eq!(heard_piece.usage.audio_ms, 1_000);
        if heard["language"].is_string() {
            assert!(heard_piece.language.unwrap().starts_with("en"));
        }
    }
}

#[tokio::test]
async fn gemini_is_asked_once_more_for_words_that_cannot_be_read() {
    let stand_in = StandIn::new().await;
    for answer in [json!("It is about bread."), json!({"words": []}), json!({"segments": "none"})] {
        stand_in.hear(answer);
        let before = stand_in.asked().len();
        let sound = server(Kind::Gemini, &stand_in).recogniser().unwrap();
        let error = sound.hear(&second(), &Known::default()).await.unwrap_err();
        assert_eq!(error.kind, ModelFault::Malformed, "{error}");
        assert_eq!(stand_in.asked().len() - before, 2);
        let used = error.used.unwrap();
        assert_eq!((used.calls, used.audio_ms), (2, 1_000), "both were paid");
    }
}

#[tokio::test]
async fn sound_is_sent_as_a_file_with_what_is_known_and_falls_back_to_text() {
    let stand_in = StandIn::new().await;
    stand_in.mood(Mood::Without("verbose_json"));
    stand_in.hear(json!({"text": "Hello."}));
    let sound = server(Kind::Openai, &stand_in).recogniser().unwrap();
    let known = Known { language: Some("pt-BR".to_owned()), words: "Marta, levain".to_owned() };
    let heard = sound.hear(&second(), &known).await.unwrap();
    assert_eq!((heard.segments.len(), heard.times), (1, Times::About));
    let asked = stand_in.asked();
    assert_eq!(asked.len(), 2);
    for part in ["piece.wav", "RIFF", "name=\"language\"\r\n", "\r\npt\r\n", "Marta, levain", "m-1"]
    {
        assert!(asked[1].body.contains(part), "{part}");
    }
    sound.hear(&second(), &known).await.unwrap();
    assert_eq!(stand_in.asked().len(), 3, "remembered");
}

#[tokio::test]
async fn a_piece_that_is_too_long_is_not_sent() {
    let stand_in = StandIn::new().await;
    for kind in [Kind::Openai, Kind::Gemini, Kind::Relay] {
        let server = server_with(kind, &stand_in, json!({"piece_secs_max": 10}));
        let sound = server.recogniser().unwrap();
        assert_eq!(sound.piece_ms_max(), 10_000);
        let piece = |samples| Piece { samples: vec![0; samples].into(), start_ms: 0 };
        let error = sound.hear(&piece(160_016), &Known::default()).await.unwrap_err();
        assert_eq!(error.kind, ModelFault::TooLong, "{error}");
        assert!(stand_in.asked().is_empty());
    }
    for kind in [Kind::Anthropic, Kind::Ollama] {
        let error = server(kind, &stand_in).recogniser().err().unwrap();
        assert!(error.contains("does not hear"), "{error}");
    }
}

#[tokio::test]
async fn a_test_makes_a_real_call_and_is_a_sentence() {
    let stand_in = StandIn::new().await;
    stand_in.say(|_| "{\"ok\": true}".to_owned());
    for kind in KINDS {
        let said = server(kind, &stand_in).probe_text().await.unwrap();
        assert!(said.starts_with("`mine` answered in ") && said.contains("m-1"), "{said}");
    }
    assert_eq!(stand_in.asked().len(), KINDS.len());
    let said = server(Kind::Openai, &stand_in).probe_sound().await.unwrap();
    assert!(said.contains("It heard words in silence"), "{said}");
    stand_in.hear(json!({"text": ""}));
    let said = server(Kind::Openai, &stand_in).probe_sound().await.unwrap();
    assert!(said.contains("pieces of up to 600 seconds") && !said.contains("silence"), "{said}");
    let error = server(Kind::Ollama, &stand_in).probe_sound().await.unwrap_err();
    assert_eq!(error.kind, ModelFault::Setting);
    stand_in.mood(Mood::Status(401, "invalid_api_key", ""));
    let error = server(Kind::Openai, &stand_in).probe_text().await.unwrap_err();
    assert!(error.message.contains("refused its key (401"), "{error}");
}

#[tokio::test]
async fn a_server_that_fails_for_one_user_is_left_alone_for_all() {
    let stand_in = StandIn::new().await;
    stand_in.mood(Mood::Status(500, "down", ""));
    let relay = server_with(Kind::Relay, &stand_in, json!({"timeout_secs": 1}));
    let ben = RelayUser { user: "ben".parse().unwrap(), job: None };
    let other = relay.for_user(Some(&ben)).unwrap();
    // The pauses are longer than its time: each call is one try.
    for _ in 0..5 {
        let error = relay.text_model().ask(&prompt()).await.unwrap_err();
        assert_eq!(error.kind, ModelFault::Server, "{error}");
    }
    let error = other.text_model().ask(&prompt()).await.unwrap_err();
    assert!(error.message.contains("was not asked"), "{error}");
    assert_eq!(stand_in.asked().len(), 5);
}
