//! From a link, a feed or a file to a recap.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::routing::get;
use serde_json::{Value, json};

use crate::support::{House, TALK, canned, sample_show, single, twins, until, upstream};

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_s_newest_episode_becomes_a_recap_whose_points_lead_back_to_what_was_said() {
    let house = House::new().await;
    let feed = sample_show().await;
    let done = house.process_link(json!({"link": feed})).await;
    assert_eq!(done["stage"], "done", "{done}");
    let recap = house.json(&format!("/api/recaps/{}", done["recap"].as_str().unwrap())).await;
    assert_eq!(recap["format"], 1);
    assert_eq!(recap["episode"]["kind"], "podcast");
    assert_eq!(recap["episode"]["show"]["title"], "The Long Keep");
    assert_eq!(recap["episode"]["show"]["feed_url"], feed);
    assert_eq!(recap["made_by"]["transcript"]["source"], "podcast");
    assert_eq!(recap["made_by"]["job"], done["id"]);
    assert_eq!(
        (recap["coverage"]["cues"].as_f64(), recap["coverage"]["time"].as_f64()),
        (Some(1.0), Some(1.0))
    );
    let cues = recap["transcript"]["cues"].as_array().unwrap();
    let mut next = 0;
    for topic in recap["topics"].as_array().unwrap() {
        assert_eq!(topic["first_cue"], next, "no gap and no overlap");
        next = topic["last_cue"].as_u64().unwrap() + 1;
        assert!(!topic["points"].as_array().unwrap().is_empty());
        for point in topic["points"].as_array().unwrap() {
            let at = point["cue"].as_u64().unwrap() as usize;
            let last = point["last_cue"].as_u64().map_or(at, |last| last as usize);
            assert_eq!(point["start_ms"], cues[at]["start_ms"]);
            let said: String = cues[at..=last]
                .iter()
                .map(|cue| cue["text"].as_str().unwrap().to_lowercase() + " ")
                .collect();
            let words = |text: &str| -> Vec<String> {
                text.to_lowercase()
                    .split(|c: char| !c.is_alphanumeric())
                    .filter(|w| !w.is_empty())
                    .map(str::to_owned)
                    .collect()
            };
            let heard = words(&said);
            for word in words(point["text"].as_str().unwrap()) {
                assert!(heard.contains(&word), "“{word}” is not in what the point cites: {said}");
            }
        }
    }
    assert_eq!(next, cues.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_episode_is_chosen_by_name_and_its_publisher_s_chapters_set_the_topics() {
    let house = House::new().await;
    let feed = sample_show().await;
    let done = house.process_link(json!({"link": feed, "episode": "OVEN"})).await;
    let recap = house.json(&format!("/api/recaps/{}", done["recap"].as_str().unwrap())).await;
    assert_eq!(recap["made_by"]["outline"]["chapters"], true);
    let chapters: Vec<&Value> =
        recap["episode"]["chapters"].as_array().unwrap().iter().map(|c| &c["title"]).collect();
    let topics: Vec<&Value> =
        recap["topics"].as_array().unwrap().iter().map(|t| &t["title"]).collect();
    assert_eq!(chapters, topics);
    let missing = house.process_link(json!({"link": feed, "episode": "no such thing"})).await;
    assert_eq!(missing["stage"], "failed");
    let said = missing["error"]["message"].as_str().unwrap();
    assert!(said.contains("No episode") && said.contains("The newest are"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_progress_comes_as_events_and_the_last_one_has_the_outcome() {
    let house = House::new().await;
    let answer = house
        .client
        .post(house.url("/api/process"))
        .header("accept", "text/event-stream")
        .json(&json!({"text": TALK, "name": "Baking day"}))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let text = answer.text().await.unwrap();
    assert!(
        text.lines()
            .filter(|line| !line.is_empty())
            .all(|line| line == "event: job" || line.starts_with("data: "))
    );
    let last: Value = serde_json::from_str(
        text.lines().rev().find_map(|line| line.strip_prefix("data: ")).unwrap(),
    )
    .unwrap();
    assert_eq!((last["stage"].as_str(), last["percent"].as_u64()), (Some("done"), Some(100)));
    let recap = house.json(&format!("/api/recaps/{}", last["recap"].as_str().unwrap())).await;
    assert_eq!(recap["title"], "Baking day");
    assert_eq!(recap["transcript"]["speakers"], json!({"s1": "Ada", "s2": "Ben"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_as_a_form_or_as_bytes_and_a_form_without_a_script_leads_back_to_the_page() {
    let house = House::new().await;
    let part = reqwest::multipart::Part::bytes(TALK.as_bytes().to_vec()).file_name("my_talk.txt");
    let form = reqwest::multipart::Form::new().text("link", "").part("file", part);
    let answer = house.client.post(house.url("/api/process")).multipart(form).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    assert!(answer.headers()["location"].to_str().unwrap().starts_with("/api/jobs/"));
    let job = answer.json::<Value>().await.unwrap();
    let done = house.outcome(job["id"].as_str().unwrap()).await;
    assert_eq!(
        house.json(&format!("/api/recaps/{}", done["recap"].as_str().unwrap())).await["title"],
        "My talk"
    );
    let form =
        reqwest::multipart::Form::new().text("link", "https://example.invalid/x").text("file", "");
    let answer = house
        .client
        .post(house.url("/api/process"))
        .header("accept", "text/html")
        .multipart(form)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()),
        (303, "/")
    );
    until("the job's end", async || {
        let jobs = house.json("/api/jobs").await;
        jobs.as_array().unwrap().iter().all(|job| job["finished_at"].is_string()).then_some(())
    })
    .await;
}

/// Input that cannot become a recap, and a piece of the sentence that says why.
#[tokio::test(flavor = "multi_thread")]
async fn bad_input_gets_a_sentence_and_leaves_nothing_half_written() {
    let house =
        House::over(tempfile::tempdir().unwrap(), json!({"fetch_timeout_secs": 1}), single).await;
    until("the companions", async || {
        house.data().join("history/.gitignore").exists().then_some(())
    })
    .await;
    let base = upstream(
        Router::new()
            .route("/circle", get(|| async { (StatusCode::FOUND, [(LOCATION, "/circle")]) }))
            .route("/hang", get(std::future::pending::<()>))
            .route("/gone", get(|| async { StatusCode::GONE })),
    )
    .await;
    let page = canned(
        "text/html",
        format!(
            "<html><title>x</title><body>{}</body></html>",
            "<p>Just a page of words.</p>".repeat(60)
        ),
    )
    .await;
    let empty_feed =
        canned("application/rss+xml", "<rss><channel><title>x</title></channel></rss>").await;
    let no_transcript = canned(
        "application/rss+xml",
        "<rss><channel><title>x</title><item><title>One</title><guid>1</guid></item></channel></rss>",
    )
    .await;
    for (link, sentence) in [
        (format!("{base}/circle"), "redirects more than 10 times"),
        (format!("{base}/hang"), "did not answer in full within 1 seconds"),
        (format!("{base}/gone"), "nothing at this address"),
        ("http://127.0.0.1:9/x".to_owned(), "could not be fetched"),
        (page, "is a web page"),
        (empty_feed, "has no episodes"),
        (no_transcript, "names a transcript"),
        ("https://www.youtube.com/watch?v=abc".to_owned(), "has no valid video"),
    ] {
        let outcome = house.process_link(json!({"link": link})).await;
        assert_eq!(outcome["stage"], "failed", "{link}: {outcome}");
        let said = outcome["error"]["message"].as_str().unwrap();
        assert!(said.contains(sentence), "{link}: {said}");
    }
    let mut pdf = b"%PDF-1.7\n".to_vec();
    pdf.extend([0xff, 0x00, 0xfe].repeat(500));
    for (name, bytes, word) in [
        ("words.vtt", b"WEBVTT\n\n".to_vec(), ""),
        ("zeros.txt", vec![0; 5000], ""),
        ("book.pdf", pdf, ""),
        ("deep.json", "[".repeat(100_000).into_bytes(), ""),
        (
            "song.mp3",
            [b"ID3\x04\x00\x00".as_slice(), &[0xff, 0xfb, 0x90, 0x00].repeat(500)].concat(),
            "nobody here listens to sound",
        ),
    ] {
        let outcome = house.process_text(name, bytes).await;
        assert_eq!(outcome["stage"], "failed", "{name}: {outcome}");
        let said = outcome["error"]["message"].as_str().unwrap();
        assert!(
            said.starts_with(name) && said.contains(word) && said.ends_with('.'),
            "{name}: {said}"
        );
    }
    let left: Vec<String> = house.tree().into_iter().map(|(name, _)| name).collect();
    assert!(left.iter().all(|name| name.starts_with("history/.")), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_ask_for_nothing_or_too_much_are_refused_at_once() {
    let house = House::new().await;
    let post = |body: Vec<u8>, kind: &'static str| {
        house.client.post(house.url("/api/process")).header("content-type", kind).body(body).send()
    };
    for (body, kind, status, word) in [
        (b"{}".to_vec(), "application/json", 400, "Nothing to make a recap of"),
        (b"{\"link\": \"ftp://example.org/x\"}".to_vec(), "application/json", 400, "is no link"),
        (b"{\"link\": \"a\", \"text\": \"b\"}".to_vec(), "application/json", 400, "not both"),
        (b"{\"links\": \"x\"}".to_vec(), "application/json", 400, "unknown field"),
        (b"{\"link\": ".to_vec(), "application/json", 400, "not the JSON"),
        (Vec::new(), "text/plain", 400, "is empty"),
        (vec![b'x'; 65 * 1024 * 1024 + 1], "text/plain", 413, "larger than"),
        (vec![b'x'; 64 * 1024 * 1024 + 1], "text/plain", 413, "larger than"),
    ] {
        let size = body.len();
        let answer = post(body, kind).await.unwrap();
        assert_eq!(answer.status(), status, "{size} bytes of {kind}");
        let said =
            answer.json::<Value>().await.unwrap()["error"]["message"].as_str().unwrap().to_owned();
        assert!(said.contains(word), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_public_feed_names_is_not_fetched_from_private_addresses_but_its_own_server_is_fine()
{
    let house = House::new().await;
    let secret =
        canned("text/vtt", "WEBVTT\n\n00:00.000 --> 00:05.000\nThe secret of this network.\n")
            .await;
    let item = |url: &str| {
        format!(
            "<rss xmlns:podcast=\"https://podcastindex.org/namespace/1.0\"><channel><title>x</title><item><title>One</title>\
             <guid>1</guid><podcast:transcript url=\"{url}\" type=\"text/vtt\"/></item></channel></rss>"
        )
    };
    // The feed was typed, the second server was not.
    let feed = canned("application/rss+xml", item(&secret)).await;
    let outcome = house.process_link(json!({"link": feed})).await;
    assert_eq!(outcome["stage"], "failed");
    let said = outcome["error"]["message"].as_str().unwrap();
    assert!(said.contains("private address") && said.contains("allow_private_addresses"), "{said}");
    let allowing =
        House::over(tempfile::tempdir().unwrap(), json!({"allow_private_addresses": true}), single)
            .await;
    assert_eq!(allowing.process_link(json!({"link": feed})).await["stage"], "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_cancelled_stops_at_once_and_leaves_nothing() {
    let house = House::new().await;
    let base = upstream(Router::new().route("/hang", get(std::future::pending::<()>))).await;
    let answer = house
        .client
        .post(house.url("/api/process"))
        .json(&json!({"link": format!("{base}/hang")}))
        .send()
        .await
        .unwrap();
    let job = answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
    let gone = house.client.delete(house.url("/api/jobs/nope")).send().await.unwrap();
    assert_eq!(gone.status(), 404);
    let answer = house.client.delete(house.url(&format!("/api/jobs/{job}"))).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    assert_eq!(house.outcome(&job).await["stage"], "cancelled");
    let work: Vec<_> =
        house.tree().into_iter().filter(|(name, _)| name.starts_with("work/")).collect();
    assert!(work.is_empty(), "{work:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_job_goes_on_at_the_next_start_and_makes_one_recap() {
    let house = House::new().await;
    let (released, gate) = tokio::sync::watch::channel(false);
    let transcript = move || {
        let mut gate = gate.clone();
        async move {
            gate.wait_for(|open| *open).await.unwrap();
            TALK
        }
    };
    let base = upstream(Router::new().route("/talk.txt", get(transcript))).await;
    let link = json!({"link": format!("{base}/talk.txt")});
    let answer = house.client.post(house.url("/api/process")).json(&link).send().await.unwrap();
    let job = answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
    until("the order on disk", async || {
        house.tree().iter().any(|(name, _)| name.ends_with("order.json")).then_some(())
    })
    .await;
    let data = house.interrupt().await;
    released.send(true).unwrap();
    let house = House::over(data, json!({}), single).await;
    let done = house.outcome(&job).await;
    assert_eq!(done["stage"], "done", "{done}");
    assert_eq!(house.json("/api/recaps").await["total"], 1);
    let recap = house.json(&format!("/api/recaps/{}", done["recap"].as_str().unwrap())).await;
    assert_eq!(recap["made_by"]["job"], job);
    // A run that was cut off between saving and tidying finds its own recap.
    let folder = house.data().join("work/owner").join(&job);
    std::fs::create_dir_all(&folder).unwrap();
    let order = json!({"link": {"url": format!("{base}/talk.txt"), "episode": "newest"}});
    std::fs::write(folder.join("order.json"), order.to_string()).unwrap();
    let data = house.stop().await;
    let house = House::over(data, json!({}), single).await;
    assert_eq!(house.outcome(&job).await["recap"], done["recap"]);
    assert_eq!(house.json("/api/recaps").await["total"], 1);
    until("the folder's end", async || (!folder.exists()).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_s_jobs_are_bounded_and_another_s_are_not_seen() {
    let house = House::over(tempfile::tempdir().unwrap(), json!({}), twins::choose).await;
    let call = |method: reqwest::Method, path: &str, who: &str| {
        house.client.request(method, house.url(path)).header("cookie", format!("twin={who}"))
    };
    let answer = call(reqwest::Method::POST, "/api/process?name=talk.txt", "ada")
        .body(TALK)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 202);
    let job = answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
    let path = format!("/api/jobs/{job}");
    let done = house.ended(&job, "ada").await["recap"].as_str().unwrap().to_owned();
    for (method, path) in [
        (reqwest::Method::GET, path.clone()),
        (reqwest::Method::DELETE, path.clone()),
        (reqwest::Method::GET, format!("{path}/events")),
        (reqwest::Method::GET, format!("/api/recaps/{done}")),
        (reqwest::Method::PATCH, format!("/api/recaps/{done}")),
        (reqwest::Method::DELETE, format!("/api/recaps/{done}")),
        (reqwest::Method::POST, format!("/api/recaps/{done}/restore")),
        (reqwest::Method::GET, format!("/api/recaps/{done}/export?format=md")),
        (reqwest::Method::GET, format!("/recaps/{done}")),
    ] {
        let answer = call(method.clone(), &path, "ben")
            .header("content-type", "application/json")
            .body("{}")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 404, "{method} {path} as another tenant");
    }
    let seen: Value = call(reqwest::Method::GET, "/api/search?q=bread", "ben")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(seen["total"], 0);
    let own: Value = call(reqwest::Method::GET, "/api/search?q=bread", "ada")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(own["total"], 1);
    let typed = call(reqwest::Method::POST, "/api/process", "ada")
        .json(&json!({"link": "http://127.0.0.1:9/feed"}))
        .send()
        .await
        .unwrap();
    let job = typed.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
    let refused = house.ended(&job, "ada").await["error"]["message"].as_str().unwrap().to_owned();
    assert!(refused.contains("private address"), "a tenant types what they like: {refused}");
    tokio::time::timeout(Duration::from_secs(20), house.stop()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_says_cancelled_has_left_no_recap_and_lists_show_what_is_on_disk() {
    let house = House::new().await;
    let mut outcomes = Vec::new();
    for round in 0..24_u64 {
        let answer = house
            .client
            .post(house.url("/api/process?name=talk.txt"))
            .body(TALK)
            .send()
            .await
            .unwrap();
        let job = answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
        tokio::time::sleep(Duration::from_millis(round % 8 * 4)).await;
        house.client.delete(house.url(&format!("/api/jobs/{job}"))).send().await.unwrap();
        outcomes.push(house.outcome(&job).await["stage"].as_str().unwrap().to_owned());
    }
    let done = outcomes.iter().filter(|stage| *stage == "done").count();
    assert_eq!(
        done + outcomes.iter().filter(|stage| *stage == "cancelled").count(),
        24,
        "{outcomes:?}"
    );
    assert_eq!(house.json("/api/recaps").await["total"], done);
    let files = house.tree().iter().filter(|(name, _)| name.starts_with("history/owner/2")).count();
    assert_eq!(files, done, "a cancelled job has left its recap");
}
