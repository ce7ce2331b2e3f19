//! Outlines by models through the real doors: a stand-in on loopback speaks each protocol, and
//! misbehaves. Choices, keys, costs and caps as people meet them.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use super::faults::{serve, serve_telling};
use super::stand_in::{Mood, StandIn};
use super::support::{House, TALK, client, ended, single, tree, until};

/// What must be found in `secrets.json` and nowhere else.
const CANARY: &str = "sk-canary-4f9a1c7e";

/// A model server as it stands in settings.
pub fn an_instance(name: &str, kind: &str, base: &str) -> Value {
    json!({"name": name, "kind": kind, "base_url": base, "model": "m-1"})
}

/// Writes `config.json`.
pub fn settings_file(data: &Path, set: Value) {
    std::fs::write(data.join("config.json"), set.to_string()).unwrap();
}

/// What is set where one server writes outlines, at 2 and 8 a million tokens.
fn writing(kind: &str, base: &str) -> Value {
    let mut one = an_instance("pen", kind, base);
    one["price"] =
        json!({"input_per_million_micros": 2_000_000, "output_per_million_micros": 8_000_000});
    one["currency"] = json!("EUR");
    json!({"model_servers": [one], "outline_models": ["pen"]})
}

fn keep_key(data: &Path) {
    let keys = json!({"model_keys": {"pen": CANARY, "ears": CANARY}});
    std::fs::write(data.join("secrets.json"), keys.to_string()).unwrap();
}

async fn house(set: Value) -> House {
    let data = tempfile::tempdir().unwrap();
    keep_key(data.path());
    settings_file(data.path(), set);
    House::over(data, json!({}), single).await
}

async fn recap_of(house: &House, done: &Value) -> Value {
    let id = done["recap"].as_str().unwrap_or_else(|| panic!("{done}"));
    house.json(&format!("/api/recaps/{id}")).await
}

fn recap(data: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_recap"))
        .args(args)
        .env_clear()
        .env("RECAP_DATA", data)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

/// No file but the one of secrets holds the key.
fn key_is_nowhere_else(data: &Path) {
    for (file, bytes) in tree(data) {
        let holds = bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes());
        assert_eq!(holds, file == "secrets.json", "{file}");
    }
}

/// A talk of so many lines.
fn long_talk(lines: usize) -> String {
    let line = |n: usize| {
        let (minute, second) = (n / 6, n % 6 * 10);
        format!(
            "[{:02}:{:02}:{second:02}] Loaf number {n} rests for {} hours in the cellar before we bake it.\n",
            minute / 60,
            minute % 60,
            n % 17 + 2
        )
    };
    (0..lines).map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_protocol_writes_an_outline_and_the_record_says_by_whom_and_for_how_much() {
    for (kind, path, header, before) in [
        ("openai", "/v1/chat/completions", "authorization", "Bearer "),
        ("anthropic", "/v1/messages", "x-api-key", ""),
        ("gemini", "/v1beta/models/m-1:generateContent", "x-goog-api-key", ""),
        ("ollama", "/api/chat", "authorization", "Bearer "),
        ("relay", "/v1/chat/completions", "x-recap-operator-key", ""),
    ] {
        let pen = StandIn::new().await;
        let house = house(writing(kind, &pen.base)).await;
        let recap = recap_of(&house, &house.process_text("talk.txt", TALK).await).await;
        let by = &recap["made_by"]["outline"];
        assert_eq!((&by["provider"], &by["model"]), (&json!("pen"), &json!("m-1")), "{kind}: {by}");
        assert_eq!(by["prompts"].as_str().map(str::len), Some(16), "{kind}: {by}");
        assert_eq!(by["fell_back_from"], Value::Null, "{kind}: {by}");
        assert_eq!(recap["overview"], "What was said, in short.", "{kind}");
        assert!(recap["topics"][0]["title"].as_str().unwrap().starts_with("About"), "{kind}");
        let asked = pen.asked();
        assert_eq!((asked.len(), asked[0].path.as_str()), (1, path), "{kind}");
        assert_eq!(asked[0].header(header), format!("{before}{CANARY}"), "{kind}");
        let used = &recap["made_by"]["usage"]["pen"];
        assert_eq!((&used["calls"], &used["output_tokens"]), (&json!(1), &json!(7)), "{kind}");
        let micros = used["input_tokens"].as_u64().unwrap() * 2 + 7 * 8;
        let cost: f64 = used["cost"].as_str().unwrap().parse().unwrap();
        assert_eq!((cost * 1e6).round() as u64, micros, "{kind}: {used}");
        assert_eq!(used["currency"], "EUR");
        let spending = house.json("/api/spending").await;
        let month = spending["months"].as_object().unwrap().values().next().unwrap();
        assert_eq!(month["pen"]["cost_micros"], micros, "{kind}: {spending}");
        let day = spending["days"].as_object().unwrap().values().next().unwrap();
        assert_eq!(*day, micros, "{kind}: {spending}");
        let settings = house.json("/api/settings").await;
        assert_eq!(settings["cost_month"], used["cost"], "{kind}: {settings}");
        for path in ["/api/settings", "/api/status", "/api/spending", "/api/jobs", "/api/recaps"] {
            assert!(!house.json(path).await.to_string().contains(CANARY), "{kind}: {path}");
        }
        key_is_nowhere_else(house.data());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_every_model_fails_the_built_in_outline_stands_and_says_why() {
    let (first, second) = (StandIn::new().await, StandIn::new().await);
    first.mood(Mood::Status(401, "invalid_api_key", ""));
    second.mood(Mood::Bytes("{\"choices\": [{\"message\": {\"content\": \"no\"}}]}"));
    let mut set = writing("openai", &first.base);
    set["model_servers"].as_array_mut().unwrap().push(an_instance("other", "openai", &second.base));
    set["outline_models"] = json!(["pen", "other"]);
    let house = house(set).await;
    let recap = recap_of(&house, &house.process_text("talk.txt", TALK).await).await;
    let by = &recap["made_by"]["outline"];
    assert_eq!(by["provider"], "builtin");
    assert_eq!(by["fell_back_from"], json!(["pen", "other"]));
    let notes = recap["notes"].to_string();
    for part in ["built-in one stands here", "`pen`", "`other`", "key"] {
        assert!(notes.contains(part), "{part} is missing: {notes}");
    }
    assert!(!recap.to_string().contains(CANARY), "{recap}");
    assert!(!recap["topics"].as_array().unwrap().is_empty());
    // An answer that is no use was paid for all the same.
    let used = &recap["made_by"]["usage"];
    let spending = house.json("/api/spending").await;
    let month = spending["months"].as_object().unwrap().values().next().unwrap();
    assert_eq!(month["other"]["calls"], 2, "{spending}");
    assert_eq!(used["other"]["calls"], 2, "the record says what it took: {recap}");

    // The first that works goes on, and the record says which did not.
    second.mood(Mood::Well);
    let recap = recap_of(&house, &house.process_text("talk.txt", TALK).await).await;
    let by = &recap["made_by"]["outline"];
    assert_eq!((&by["provider"], &by["fell_back_from"]), (&json!("other"), &json!(["pen"])));
    assert!(recap["notes"].to_string().contains("asked of another model"), "{recap}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_s_misbehaviour_is_a_sentence_and_leaves_the_built_in_outline() {
    let each = [
        (Mood::Status(402, "insufficient_quota", ""), "account"),
        (Mood::Page(200), "page"),
        (Mood::Redirect, ""),
        (Mood::Huge(50 << 20), "more than 8 MiB"),
        (Mood::Endless, "in full within"),
        (Mood::Stuck, "in full within"),
        (Mood::Silent, "in full within"),
        (Mood::HangsUp, ""),
        (Mood::Empty, ""),
        (Mood::Cut, ""),
        (Mood::Refused, ""),
        (Mood::Bytes("{\"choices\": [{\"message\": {\"content\": NaN}}]}"), ""),
        (Mood::Bytes("{\"topics\": []}"), ""),
    ];
    let one = async |(mood, word): (Mood, &'static str)| {
        let pen = StandIn::new().await;
        pen.mood(mood.clone());
        let mut set = writing("openai", &pen.base);
        set["model_servers"][0]["timeout_secs"] = json!(2);
        let house = house(set).await;
        let recap = recap_of(&house, &house.process_text("talk.txt", TALK).await).await;
        assert_eq!(recap["made_by"]["outline"]["provider"], "builtin", "{mood:?}");
        let notes = recap["notes"].to_string();
        assert!(notes.contains("`pen`") && notes.contains(word), "{mood:?}: {notes}");
        assert!(notes.len() < 2_000, "{mood:?}: {notes}");
    };
    futures_util::future::join_all(each.map(one)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_filled_ollama_s_window_is_no_answer() {
    let pen = StandIn::new().await;
    pen.window(4_096);
    pen.mood(Mood::Counted(4_096));
    let house = house(writing("ollama", &pen.base)).await;
    let recap = recap_of(&house, &house.process_text("talk.txt", TALK).await).await;
    assert_eq!(recap["made_by"]["outline"]["provider"], "builtin");
    assert!(recap["notes"].to_string().contains("window"), "{}", recap["notes"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_of_a_server_lasts_from_one_recap_to_the_next() {
    let pen = StandIn::new().await;
    pen.mood(Mood::Without("json_schema"));
    let house = house(writing("openai", &pen.base)).await;
    recap_of(&house, &house.process_text("talk.txt", TALK).await).await;
    assert_eq!(pen.asked().len(), 2, "it says what it does not take, and is asked without");
    recap_of(&house, &house.process_text("talk.txt", TALK.replace("two", "six")).await).await;
    assert_eq!(pen.asked().len(), 3, "and is not asked with it again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redo_in_another_style_pays_for_what_changed_alone() {
    let pen = StandIn::new().await;
    let house = house(writing("openai", &pen.base)).await;
    let make = async || recap_of(&house, &house.process_text("talk.txt", TALK).await).await;
    make().await;
    make().await;
    assert_eq!(pen.asked().len(), 1, "the same is asked once");
    let patch = json!({"rules": "Mind the temperatures.", "language": "de"});
    let answer = house.client.patch(house.url("/api/settings")).json(&patch).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    make().await;
    let asked = pen.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked[1].body.contains("Mind the temperatures."));
    let spending = house.json("/api/spending").await;
    let month = spending["months"].as_object().unwrap().values().next().unwrap();
    assert_eq!(month["pen"]["calls"], 2, "{spending}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_two_windows_what_was_paid_for_is_not_asked_again() {
    let pen = StandIn::new().await;
    let mut set = writing("openai", &pen.base);
    set["model_servers"][0]["window_tokens"] = json!(8_000);
    let data = tempfile::tempdir().unwrap();
    keep_key(data.path());
    settings_file(data.path(), set);
    pen.mood(Mood::Silent);
    pen.moods(&[Mood::Well]);
    let (daemon, base) = serve(data.path()).await;
    let talk = long_talk(400);
    let answer =
        client().post(format!("{base}/api/process?name=talk.txt")).body(talk).send().await.unwrap();
    let job = answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
    // One that is just being written is none yet.
    let answers = || {
        let files = tree(&data.path().join("work/owner").join(&job).join("answers"));
        files.iter().filter(|(name, _)| !name.ends_with(".part")).count()
    };
    until("an answer", async || (answers() == 1 && pen.asked().len() >= 2).then_some(())).await;
    drop(daemon);
    let asked_before = pen.asked();
    pen.mood(Mood::Well);
    let (daemon, base) = serve(data.path()).await;
    let done = ended(&client(), &base, &job, "").await;
    assert_eq!(done["stage"], "done", "{done}");
    let asked = pen.asked();
    let times = |input: &str| asked.iter().filter(|one| one.input() == input).count();
    let paid = asked_before.iter().filter(|one| times(&one.input()) == 1).count();
    assert_eq!(paid, 1, "the one that was answered is asked once, of {}", asked_before.len());
    assert!(asked.iter().all(|one| times(&one.input()) <= 2));
    let get = async |path: &str| -> Value {
        client().get(format!("{base}{path}")).send().await.unwrap().json().await.unwrap()
    };
    let recap = get(&format!("/api/recaps/{}", done["recap"].as_str().unwrap())).await;
    assert_eq!(recap["made_by"]["outline"]["provider"], "pen");
    let used = &recap["made_by"]["usage"]["pen"];
    let answered = asked.len() - asked_before.len() + 1;
    assert_eq!(used["calls"], answered, "{used}");
    let spending = get("/api/spending").await;
    let month = spending["months"].as_object().unwrap().values().next().unwrap();
    for what in ["calls", "input_tokens", "output_tokens"] {
        assert_eq!(month["pen"][what], used[what], "{what}: {spending}");
    }
    drop(daemon);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_that_is_reached_stops_the_queue_and_a_person_s_order_until_it_is_raised() {
    let pen = StandIn::new().await;
    let publisher = super::support::publisher::Publisher::new().await;
    publisher.show("/feed", "The Bakery", 1);
    let house = house(writing("openai", &pen.base)).await;
    let patch = async |body: Value| {
        let answer =
            house.client.patch(house.url("/api/settings")).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    };
    let post = async |path: &str, body: Value| {
        house.client.post(house.url(path)).json(&body).send().await.unwrap()
    };
    patch(json!({"cost_per_day_max": 0.000_001})).await;
    // Nothing is spent yet.
    recap_of(&house, &house.process_text("talk.txt", TALK).await).await;
    let refused = post("/api/process", json!({"text": TALK, "name": "Again"})).await;
    assert_eq!(refused.status(), 429);
    let said = refused.text().await.unwrap();
    assert!(said.contains("The cap of 0.000001 a day for models is reached"), "{said}");
    assert!(said.contains("Raise the cap"), "{said}");
    assert!(house.json("/api/jobs").await.as_array().unwrap().len() == 1, "none was begun");

    post("/api/subscriptions", json!({"url": publisher.url("/feed")})).await;
    let item = async |what: &str, is: &dyn Fn(&Value) -> bool| {
        until(what, async || {
            let queue = house.json("/api/auto-queue").await;
            let one = queue["items"].as_array()?.first()?.clone();
            let at_rest = house.daemon().app().jobs.open_count() == 0;
            (is(&one) && at_rest).then_some(one)
        })
        .await
    };
    let found = item("an item", &|one| one["state"] == "found").await;
    let estimate = &found["estimate"];
    assert_eq!((&estimate["model"], &estimate["currency"]), (&json!("pen"), &json!("EUR")));
    assert_eq!(estimate["tokens"]["by_history"], true, "{found}");
    assert_eq!(estimate["transcriber"], Value::Null, "{found}");
    let path = format!("/api/auto-queue/{}/approve", found["id"].as_str().unwrap());
    assert_eq!(post(&path, json!({})).await.status(), 200);
    let waits = item("the wait", &|one| one["reason"]["code"] == "cost_cap").await;
    assert_eq!(waits["state"], "approved", "{waits}");
    let until_midnight = waits["not_before"].as_str().unwrap();
    assert!(until_midnight.ends_with("T00:00:00Z"), "{waits}");
    assert_eq!((&waits["attempt"], pen.asked().len()), (&json!(0), 1), "it was no try: {waits}");
    patch(json!({"cost_per_day_max": null})).await;
    item("the recap", &|one| one["state"] == "done").await;
    assert_eq!(pen.asked().len(), 2);
    // Models that cost nothing are not held up.
    patch(json!({"cost_per_day_max": 0, "models": []})).await;
    let done = post("/api/process", json!({"text": TALK, "name": "Free"})).await;
    assert_eq!(done.status(), 202);
    house.outcome(done.json::<Value>().await.unwrap()["id"].as_str().unwrap()).await;
    assert_eq!(pen.asked().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn choices_keys_and_cookies_are_kept_and_each_slip_is_a_sentence() {
    let (pen, refusing) = (StandIn::new().await, StandIn::new().await);
    refusing.mood(Mood::Status(403, "forbidden", ""));
    let house = house(json!({})).await;
    let send = async |method: reqwest::Method, path: &str, body: Vec<u8>| {
        let answer = house
            .client
            .request(method, house.url(path))
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let patch = async |body: Value| {
        send(reqwest::Method::PATCH, "/api/settings", body.to_string().into()).await
    };
    let put = async |path: &str, body: &str| send(reqwest::Method::PUT, path, body.into()).await;
    let own = |more: Value| {
        let mut one = an_instance("mine", "openai", &pen.base);
        one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"model_servers": [one]})
    };
    let with_key = format!("{}/v1?key={CANARY}", pen.base);
    for (body, word) in [
        (json!({"nonsense": 1}), "there is no setting `nonsense`"),
        (json!({"language": "../x"}), "no language"),
        (json!({"caption_translation": "e"}), "no language"),
        (json!({"transcript_sources": []}), "transcript_sources"),
        (json!({"transcript_sources": ["hearsay"]}), "hearsay"),
        (json!({"rules": "x".repeat(4_001)}), "4000"),
        (json!({"cookies": "sometimes"}), "sometimes"),
        (json!({"cost_per_day_max": -1}), "number from 0"),
        (json!({"cost_per_month_max": "much"}), "invalid type"),
        (json!({"models": vec!["x"; 21]}), "20 at most"),
        (
            json!({"model_servers": (0..21).map(|n| an_instance(&format!("a{n}"), "openai", &pen.base)).collect::<Vec<_>>()}),
            "20 model",
        ),
        (json!({"model_servers": ["x"]}), "invalid type"),
        (own(json!({"kind": "relay"})), "only the operator"),
        (own(json!({"kind": "telepathy"})), "telepathy"),
        (own(json!({"key": CANARY})), "unknown field `key`"),
        (own(json!({"base_url": with_key})), "a key is set apart"),
        (own(json!({"model": ""})), "The model of `mine`"),
        (own(json!({"window_tokens": 1})), "window_tokens"),
        (own(json!({"price": {"input_per_million_micros": -1}})), "not described well"),
        (
            json!({"model_servers": [an_instance("mine", "openai", &pen.base), an_instance("mine", "openai", &pen.base)]}),
            "Two model servers are called `mine`",
        ),
        (json!({"model_servers": [an_instance("whisper", "openai", &pen.base)]}), "whisper"),
    ] {
        let (status, said) = patch(body.clone()).await;
        assert_eq!(status, 400, "{body}: {said}");
        assert!(said.contains(word) && !said.contains(CANARY), "{body}: {said}");
    }
    assert_eq!(send(reqwest::Method::PATCH, "/api/settings", b"[1]".to_vec()).await.0, 400);
    let large = json!({"rules": "x".repeat(256 * 1024)});
    assert_eq!(patch(large).await.0, 413);
    assert!(!house.file("settings.json").exists(), "no slip wrote anything");

    assert_eq!(patch(json!({"rules": "x".repeat(4_000), "cookies": "always"})).await.0, 200);
    let (_, said) = patch(json!({"rules": null, "cookies": null, "models": ["mine"]})).await;
    assert!(said.contains("There is no model server `mine`, which models names"), "{said}");
    let mut servers = own(json!({}));
    let other = an_instance("other", "anthropic", &refusing.base);
    servers["model_servers"].as_array_mut().unwrap().push(other);
    assert_eq!(patch(servers).await.0, 200);
    let view = house.json("/api/settings").await;
    assert_eq!(view["problems"], json!([]), "{view}");
    assert_eq!(view["settings"]["rules"], Value::Null, "{view}");
    let engine = |view: &Value, name: &str| {
        let all = view["engines"].as_array().unwrap();
        all.iter().find(|one| one["name"] == name).cloned().unwrap_or_else(|| panic!("{view}"))
    };
    let mine = engine(&view, "mine");
    for (key, value) in [("is_own", true), ("has_key", false), ("hears", true), ("writes", true)] {
        assert_eq!(mine[key], value, "{mine}");
    }
    assert!(engine(&view, "whisper")["problem"].as_str().unwrap().contains("--features whisper"));

    // Keys.
    for (path, body, status, word) in [
        ("/api/settings/keys/nobody", json!({"key": CANARY}), 404, "no model server `nobody`"),
        ("/api/settings/keys/mine", json!({"key": ""}), 400, "A key must be"),
        ("/api/settings/keys/mine", json!({"key": format!("{CANARY} x")}), 400, "A key must be"),
        ("/api/settings/keys/mine", json!({"key": "x".repeat(4_097)}), 400, "A key must be"),
        ("/api/settings/keys/mine", json!({"kye": CANARY}), 400, "not the JSON"),
        ("/api/settings/keys/mine", json!(CANARY), 400, "not the JSON"),
        ("/api/settings/keys/mine", json!({"key": {CANARY: 1}}), 400, "not the JSON"),
    ] {
        let (got, said) = put(path, &body.to_string()).await;
        assert_eq!(got, status, "{body}: {said}");
        assert!(said.contains(word) && !said.contains(CANARY), "{body}: {said}");
    }
    let (status, _) = put("/api/settings/keys/mine", &json!({"key": CANARY}).to_string()).await;
    assert_eq!(status, 204);
    assert_eq!(engine(&house.json("/api/settings").await, "mine")["has_key"], true);
    key_is_nowhere_else(house.data());

    // *Test* makes a real call.
    let test = async |name: &str| {
        let body = json!({"name": name}).to_string();
        send(reqwest::Method::POST, "/api/settings/test", body.into()).await
    };
    let (status, said) = test("mine").await;
    assert!(status == 200 && said.contains("answered in"), "{status} {said}");
    assert_eq!(pen.asked()[0].header("authorization"), format!("Bearer {CANARY}"));
    for (name, status, word) in [
        ("nobody", 404, "There is no model server"),
        ("other", 502, "key"),
        ("whisper", 400, "--features whisper"),
    ] {
        let (got, said) = test(name).await;
        assert_eq!(got, status, "{name}: {said}");
        assert!(said.contains(word) && !said.contains(CANARY), "{name}: {said}");
    }
    let delete = async |path: &str| send(reqwest::Method::DELETE, path, Vec::new()).await;
    // A key outlives neither the wish to have it nor its server.
    assert_eq!(patch(json!({"model_servers": null, "models": null})).await.0, 200);
    assert_eq!(delete("/api/settings/keys/mine").await.0, 204);
    assert_eq!(delete("/api/settings/keys/mine").await.0, 404);
    assert!(
        !std::fs::read_to_string(house.data().join("secrets.json")).unwrap().contains("\"mine\"")
    );

    // Cookies.
    let cookies = "# Netscape HTTP Cookie File\n.video.example\tTRUE\t/\tTRUE\t0\tsid\tsesame-42\n";
    assert_eq!(put("/api/settings/cookies", "just words").await.0, 400);
    assert_eq!(put("/api/settings/cookies", "").await.0, 400);
    assert_eq!(put("/api/settings/cookies", &"#".repeat(4 * 1024 * 1024 + 1)).await.0, 413);
    assert_eq!(house.json("/api/settings").await["cookies_written_at"], Value::Null);
    assert_eq!(put("/api/settings/cookies", cookies).await.0, 204);
    let view = house.json("/api/settings").await;
    assert!(view["cookies_written_at"].is_string(), "{view}");
    assert!(!view.to_string().contains("sesame-42"));
    let kept: Vec<String> = tree(house.data())
        .into_iter()
        .filter(|(_, bytes)| bytes.windows(9).any(|part| part == b"sesame-42"))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(house.data().join(&kept[0])).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(delete("/api/settings/cookies").await.0, 204);
    assert_eq!(house.json("/api/settings").await["cookies_written_at"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stands_in_no_line_of_the_log_and_in_nothing_that_is_printed() {
    let pen = StandIn::new().await;
    let mut set = writing("openai", &pen.base);
    set["log"] = json!("trace");
    let data = tempfile::tempdir().unwrap();
    keep_key(data.path());
    settings_file(data.path(), set);
    let log = tempfile::NamedTempFile::new().unwrap();
    let (daemon, base) = serve_telling(data.path(), log.reopen().unwrap()).await;
    for mood in [Mood::Status(401, "invalid_api_key", ""), Mood::Page(200), Mood::Well] {
        pen.mood(mood);
        let answer = client()
            .post(format!("{base}/api/process?name=talk.txt"))
            .body(TALK.replace("two", &format!("{} and two", pen.asked().len())))
            .send()
            .await
            .unwrap();
        let job = answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
        assert_eq!(ended(&client(), &base, &job, "").await["stage"], "done");
    }
    drop(daemon);
    let log = std::fs::read_to_string(log.path()).unwrap();
    assert!(log.lines().count() > 3, "there is a log: {log}");
    assert!(!log.contains(CANARY) && !log.contains("crumb stays"), "{log}");
    for args in [
        &["models", "servers"][..],
        &["models", "servers", "--json"],
        &["models", "test", "pen"],
        &["check"],
        &["list", "--json"],
        &["config", "show"],
    ] {
        let output = recap(data.path(), args);
        assert!(!said(&output).contains(CANARY), "{args:?}: {}", said(&output));
    }
    key_is_nowhere_else(data.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn summarize_takes_a_model_a_recogniser_and_says_beforehand_what_it_would_take() {
    let pen = StandIn::new().await;
    let mut set = writing("openai", &pen.base);
    let mut ears = an_instance("ears", "openai", &pen.base);
    ears["price"] = json!({"audio_per_minute_micros": 6_000});
    ears["currency"] = json!("EUR");
    set["model_servers"].as_array_mut().unwrap().push(ears);
    set.as_object_mut().unwrap().remove("outline_models");
    let data = tempfile::tempdir().unwrap();
    keep_key(data.path());
    settings_file(data.path(), set);
    let file = data.path().join("talk.txt");
    std::fs::write(&file, long_talk(60)).unwrap();
    let file = file.to_str().unwrap();
    let run = |args: &[&str]| {
        let all: Vec<&str> = ["summarize", file].iter().chain(args).copied().collect();
        let output = recap(data.path(), &all);
        (output.status.code().unwrap(), said(&output))
    };
    let (code, text) = run(&["--estimate"]);
    assert_eq!(code, 0, "{text}");
    for part in ["10 minutes", "written down already", "The outline is the built-in", "nothing"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (code, text) = run(&["--estimate", "--model", "pen"]);
    assert_eq!(code, 0, "{text}");
    for part in ["written by pen: some 3176 tokens sent, 397 answered", "0.009528 EUR"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(pen.asked().len(), 0, "an estimate asks nobody");
    let (code, text) = run(&["--model", "pen", "--language", "de", "--format", "json"]);
    assert_eq!(code, 0, "{text}");
    let made: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(made["made_by"]["outline"]["provider"], "pen");
    assert_eq!(pen.asked().len(), 1);
    let (code, text) = run(&["--model", "builtin", "--format", "json"]);
    assert!(code == 0 && text.contains("\"builtin\""), "{text}");
    for (args, word) in [
        (&["--model", "nobody"][..], "There is no model server `nobody`"),
        (&["--transcriber", "nobody"], "There is no model server `nobody`"),
        (&["--transcriber", "whisper"], "--features whisper"),
        (&["--language", "../x"], "no language"),
        (&["--spoken", "../x"], "no language"),
    ] {
        let (code, text) = run(args);
        assert!(code == 2 && text.contains(word), "{args:?}: {code} {text}");
    }
    let (code, text) = run(&["--transcriber", "ears", "--estimate"]);
    assert!(code == 0 && text.contains("written down already"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_only_hears_is_tried_with_sound_and_a_misspelt_setting_is_refused() {
    let ears = StandIn::new().await;
    let set = json!({"model_servers": [an_instance("ears", "openai", &ears.base)], "transcribers": ["ears"]});
    let house = house(set).await;
    let post = house.client.post(house.url("/api/settings/test")).json(&json!({"name": "ears"}));
    let answer = post.send().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    assert_eq!(ears.asked()[0].path, "/v1/audio/transcriptions");
    for wrong in [json!({"modells": []}), json!({"rule": ""}), json!({"laguage": null})] {
        let patch = house.client.patch(house.url("/api/settings")).json(&wrong);
        let answer = patch.send().await.unwrap();
        assert_eq!(answer.status(), 400, "{wrong}");
        assert!(answer.text().await.unwrap().contains("there is no setting"), "{wrong}");
    }
}
