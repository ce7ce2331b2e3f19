//! Every route as everybody: the table is checked against the document of the router, so that a
//! route without a row fails.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use futures_util::StreamExt;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::log;
use crate::service::{BOSS, Browser, Service, near};
use crate::support::publisher::Publisher;
use crate::support::{PATIENCE, until};

const CORE: &str = "cora@tenants.example";
const OTHER: &str = "ada@tenants.example";
const PRO: &str = "ben@tenants.example";

/// Whose thing it is (`pro`), and everybody else. The columns of the table, in its order.
const WHO: [&str; 6] = ["anonymous", "trial", "other", "core", "pro", "admin"];

/// Each route with the status that each of [`WHO`] gets. What a path names in braces is the pro
/// tenant's: their recap, job, folder, subscription, queue item, sign-in and account. Rows stand in
/// the order in which they are asked, and the owner asks last: what they end is not missed before.
#[rustfmt::skip]
const TABLE: [(&str, [u16; 6]); 74] = [
    ("GET /api/health",                              [200, 200, 200, 200, 200, 200]),
    ("GET /api/openapi.json",                        [401, 200, 200, 200, 200, 200]),
    ("GET /api/status",                              [401, 200, 200, 200, 200, 200]),
    ("GET /api/events",                              [401, 200, 200, 200, 200, 200]),
    ("GET /api/search",                              [401, 200, 200, 200, 200, 200]),
    // The visitor who has had their recap has no credit for another.
    ("POST /api/process",                            [202, 402, 202, 202, 202, 202]),
    ("GET /api/jobs",                                [401, 200, 200, 200, 200, 200]),
    ("GET /api/jobs/{id}",                           [401, 404, 404, 404, 200, 404]),
    ("GET /api/jobs/{id}/events",                    [401, 404, 404, 404, 200, 404]),
    ("DELETE /api/jobs/{id}",                        [401, 404, 404, 404, 202, 404]),
    ("GET /api/recaps",                              [401, 200, 200, 200, 200, 200]),
    ("GET /api/recaps/{id}",                         [401, 404, 404, 404, 200, 404]),
    ("GET /api/recaps/{id}/export",                  [401, 404, 404, 404, 200, 404]),
    ("PATCH /api/recaps/{id}",                       [401, 404, 404, 404, 200, 404]),
    ("PUT /api/recaps/{id}",                         [401, 404, 404, 404, 200, 404]),
    ("PUT /api/recaps/{id}/place",                   [401, 404, 404, 404, 204, 404]),
    ("GET /api/folders",                             [401, 200, 200, 200, 200, 200]),
    ("POST /api/folders",                            [401, 201, 201, 201, 201, 201]),
    ("PATCH /api/folders/{id}",                      [401, 404, 404, 404, 204, 404]),
    ("DELETE /api/folders/{id}",                     [401, 404, 404, 404, 204, 404]),
    ("GET /api/library/export",                      [401, 200, 200, 200, 200, 200]),
    ("POST /api/library/import",                     [401, 200, 200, 200, 200, 200]),
    ("GET /api/subscriptions",                       [401, 200, 200, 200, 200, 200]),
    ("POST /api/subscriptions",                      [401, 402, 201, 402, 201, 201]),
    ("POST /api/subscriptions/preview",              [401, 402, 200, 402, 200, 200]),
    ("POST /api/subscriptions/check",                [401, 402, 200, 402, 200, 200]),
    ("GET /api/subscriptions/export",                [401, 200, 200, 200, 200, 200]),
    ("POST /api/subscriptions/import",               [401, 402, 200, 402, 200, 200]),
    ("GET /api/subscriptions/{id}",                  [401, 404, 404, 404, 200, 404]),
    ("GET /api/subscriptions/{id}/episodes",         [401, 404, 404, 404, 200, 404]),
    ("POST /api/subscriptions/{id}/check",           [401, 402, 404, 402, 200, 404]),
    ("PATCH /api/subscriptions/{id}",                [401, 404, 404, 404, 200, 404]),
    ("GET /api/auto-queue",                          [401, 200, 200, 200, 200, 200]),
    ("PATCH /api/auto-queue",                        [401, 204, 204, 204, 204, 204]),
    ("POST /api/auto-queue",                         [401, 404, 404, 404, 201, 404]),
    ("POST /api/auto-queue/approve-all",             [401, 200, 200, 200, 200, 200]),
    ("POST /api/auto-queue/{id}/{decision}",         [401, 404, 404, 404, 200, 404]),
    ("GET /api/skip-list",                           [401, 200, 200, 200, 200, 200]),
    ("POST /api/skip-list",                          [401, 204, 204, 204, 204, 204]),
    ("DELETE /api/skip-list/{id}",                   [401, 404, 404, 404, 204, 404]),
    ("DELETE /api/subscriptions/{id}",               [401, 404, 404, 404, 204, 404]),
    ("DELETE /api/recaps/{id}",                      [401, 404, 404, 404, 200, 404]),
    ("POST /api/recaps/{id}/restore",                [401, 404, 404, 404, 200, 404]),
    ("GET /api/settings",                            [401, 200, 200, 200, 200, 200]),
    ("PATCH /api/settings",                          [401, 200, 200, 200, 200, 200]),
    ("POST /api/settings/test",                      [401, 404, 404, 404, 404, 404]),
    // Of one's own model server, which only the pro tenant has.
    ("PUT /api/settings/keys/{name}",                [401, 404, 404, 404, 204, 404]),
    ("DELETE /api/settings/keys/{name}",             [401, 404, 404, 404, 204, 404]),
    ("PUT /api/settings/cookies",                    [401, 204, 204, 204, 204, 204]),
    ("DELETE /api/settings/cookies",                 [401, 204, 204, 204, 204, 204]),
    ("GET /api/spending",                            [401, 200, 200, 200, 200, 200]),
    ("POST /api/session/link",                       [202, 202, 202, 202, 202, 202]),
    ("POST /api/session",                            [401, 401, 401, 401, 401, 401]),
    ("POST /api/set-up",                             [401, 401, 401, 401, 401, 401]),
    // A visitor has no account.
    ("GET /api/sessions",                            [401, 401, 200, 200, 200, 200]),
    ("DELETE /api/sessions/{id}",                    [401, 401, 404, 404, 204, 404]),
    ("DELETE /api/session",                          [204, 204, 204, 204, 204, 204]),
    ("DELETE /api/sessions",                         [401, 401, 204, 204, 204, 204]),
    ("GET /api/account",                             [401, 401, 200, 200, 200, 200]),
    ("GET /api/account/journal",                     [401, 401, 200, 200, 200, 200]),
    ("GET /api/account/export",                      [401, 401, 200, 200, 200, 200]),
    ("PUT /api/account/password",                    [401, 401, 204, 204, 204, 204]),
    ("GET /api/admin/tenants",                       [401, 401, 403, 403, 403, 200]),
    ("GET /api/admin/trials",                        [401, 401, 403, 403, 403, 200]),
    ("GET /api/admin/tenants/{id}",                  [401, 401, 403, 403, 403, 200]),
    ("POST /api/admin/tenants/{id}/credits",         [401, 401, 403, 403, 403, 200]),
    ("PUT /api/admin/tenants/{id}/tier",             [401, 401, 403, 403, 403, 200]),
    ("DELETE /api/admin/tenants/{id}/sessions",      [401, 401, 403, 403, 403, 204]),
    // With the pro tenant's address in hand.
    ("DELETE /api/account",                          [401, 401, 400, 400, 204, 400]),
    // Pages, which the document leaves out.
    ("PAGE /",                                       [303, 200, 200, 200, 200, 200]),
    ("PAGE /recaps/{id}",                            [303, 404, 404, 404, 200, 404]),
    ("PAGE /search",                                 [303, 200, 200, 200, 200, 200]),
    ("PAGE /welcome",                                [200, 200, 303, 303, 303, 303]),
    ("PAGE /account",                                [303, 303, 200, 200, 200, 200]),
];

/// What the pro tenant has.
struct Things {
    recap: String,
    whole: Value,
    job: String,
    folder: String,
    subscription: String,
    item: String,
    older: String,
    session: String,
    account: String,
    feed: String,
    library: Vec<u8>,
}

impl Things {
    /// The one that a path names.
    fn id(&self, path: &str) -> &str {
        let kinds: [(&str, &str); 9] = [
            ("/api/jobs", &self.job),
            ("/api/recaps", &self.recap),
            ("/recaps", &self.recap),
            ("/api/folders", &self.folder),
            ("/api/subscriptions", &self.subscription),
            ("/api/auto-queue", &self.item),
            ("/api/skip-list", &self.item),
            ("/api/sessions", &self.session),
            ("/api/admin", &self.account),
        ];
        kinds.iter().find(|(start, _)| path.starts_with(start)).unwrap().1
    }
}

struct Scene {
    service: Service,
    callers: [Browser; 6],
    things: Things,
}

const ADMIN_AT: usize = 5;
const PRO_AT: usize = 4;

/// Words of the pro tenant's that nobody else may ever read.
const SECRETS: [&str; 4] = ["quagga", PRO, "thylacine", "Dodo feed"];

const TALK: &str = "[00:00:00] Ben: The quagga was a zebra with half its stripes, and it is gone.\n\
    [00:00:09] Ben: Nobody has seen a living one since the year 1883, in a garden in Amsterdam.\n\
    [00:00:20] Ben: What is left are a few skins, some bones and one row of old photographs.\n";

/// A talk in which nothing of the pro tenant's is said.
fn of_others() -> String {
    TALK.replace("quagga", "okapi").replace("Amsterdam", "Berlin")
}

async fn scene() -> Scene {
    log::keep();
    let publisher = Publisher::new().await;
    publisher.show("/feed", "Dodo feed", 5);
    publisher.show("/other", "Open feed", 2);
    let service = Service::new(json!({"trials_per_ip_lifetime": 9}), near).await;
    let boss = service.person(BOSS).await;
    let core = service.person(CORE).await;
    let (other, _) = service.pro(&boss, OTHER).await;
    let (pro, account) = service.pro(&boss, PRO).await;
    let trial = service.browser();
    let words = of_others();
    assert_eq!(trial.process("okapi.txt", &words).await["stage"], "done");
    let made = pro.process("The quagga.txt", TALK).await;
    let recap = made["recap"].as_str().unwrap().to_owned();
    // Their second: folders are numbered, and everybody's first has the same id.
    pro.send(Method::POST, "/api/folders", json!({"name": "thylacine"})).await;
    let folder = pro.send(Method::POST, "/api/folders", json!({"name": "thylacine"})).await.1;
    let subscription = pro.follow(&publisher.url("/feed")).await;
    let item = pro.found(3).await[0].2.clone();
    let older = until("an older episode", async || {
        let episodes = pro.json(&format!("/api/subscriptions/{subscription}/episodes")).await;
        let older = episodes.as_array()?.iter().find(|one| one["place"] == "seen_list")?;
        Some(older["id"].as_str()?.to_owned())
    })
    .await;
    let server = json!({"name": "mine", "kind": "openai", "model": "quagga-1"});
    let settings = json!({"model_servers": [server]});
    assert_eq!(pro.send(Method::PATCH, "/api/settings", settings).await.0, 200);
    let second = service.person(PRO).await;
    let session = second.json("/api/sessions").await["this"].as_str().unwrap().to_owned();
    let export = trial.ask(trial.request(Method::GET, "/api/library/export")).await;
    let things = Things {
        whole: pro.json(&format!("/api/recaps/{recap}")).await,
        recap,
        job: made["id"].as_str().unwrap().to_owned(),
        folder: folder["id"].as_str().unwrap().to_owned(),
        subscription,
        item,
        older,
        session,
        account,
        feed: publisher.url("/other"),
        library: export.bytes().await.unwrap().to_vec(),
    };
    let callers = [service.browser(), trial, other, core, pro, boss];
    Scene { service, callers, things }
}

/// What a request sends: what would work for whoever the thing belongs to.
fn with_body(row: &str, things: &Things, who: usize, request: RequestBuilder) -> RequestBuilder {
    match row {
        "POST /api/process" => {
            let words = if who == PRO_AT { TALK.to_owned() } else { of_others() };
            request.json(&json!({"text": words, "name": "A talk"}))
        }
        "GET /api/search" | "PAGE /search" => request.query(&[("q", "amsterdam")]),
        "GET /api/recaps/{id}/export" => request.query(&[("format", "md")]),
        "PATCH /api/recaps/{id}" => request.json(&json!({"title": "The quagga, again"})),
        "PUT /api/recaps/{id}" => request.json(&things.whole),
        "PUT /api/recaps/{id}/place" => request.json(&json!({"position": 0})),
        "POST /api/folders" => request.json(&json!({"name": "Mine"})),
        "PATCH /api/folders/{id}" => request.json(&json!({"name": "thylacine!"})),
        "POST /api/library/import" => request.body(things.library.clone()),
        "POST /api/subscriptions" => request.json(&json!({"url": things.feed})),
        "POST /api/subscriptions/preview" => request.json(&json!({"url": things.feed})),
        "POST /api/subscriptions/import" => {
            let text = "<opml version=\"2.0\"><head><title>x</title></head><body></body></opml>";
            request.body(text)
        }
        "PATCH /api/subscriptions/{id}" => request.json(&json!({"title": "Dodo feed, mine"})),
        "PATCH /api/auto-queue" => request.json(&json!({"paused": true})),
        "POST /api/auto-queue" => {
            request.json(&json!({"subscription": things.subscription, "episode": things.older}))
        }
        "POST /api/skip-list" => {
            request.json(&json!({"episode_id": "pod:0123456789abcdef", "title": "x"}))
        }
        "PATCH /api/settings" => request.json(&json!({"language": "en"})),
        "POST /api/settings/test" => request.json(&json!({"name": "nobody"})),
        "PUT /api/settings/keys/{name}" => request.json(&json!({"key": "quagga-key"})),
        "PUT /api/settings/cookies" => request.body("# Netscape HTTP Cookie File\n"),
        "POST /api/session/link" => request.json(&json!({"email": PRO})),
        "POST /api/session" => request.json(&json!({"token": "x".repeat(43)})),
        "POST /api/set-up" => request.json(&json!({"token": "x".repeat(43), "email": PRO})),
        "PUT /api/account/password" => request.json(&json!({"password": "correct horse battery"})),
        "POST /api/admin/tenants/{id}/credits" => {
            request.json(&json!({"amount": 2, "reason": "a gift"}))
        }
        "PUT /api/admin/tenants/{id}/tier" => request.json(&json!({"tier": "max"})),
        "DELETE /api/account" => request.json(&json!({"email": PRO})),
        _ => request,
    }
}

fn request(row: &str, things: &Things, who: usize, browser: &Browser, id: &str) -> RequestBuilder {
    let (method, path) = row.split_once(' ').unwrap();
    let path = path.replace("{id}", id).replace("{decision}", "skip").replace("{name}", "mine");
    let request = match method {
        "PAGE" => browser.request(Method::GET, &path).header("accept", "text/html"),
        method => browser.request(method.parse().unwrap(), &path),
    };
    with_body(row, things, who, request)
}

/// An id of the same form that nobody has.
fn nobodys(id: &str) -> String {
    let (rest, last) = id.split_at(id.len() - 1);
    format!("{rest}{}", if last == "0" { "1" } else { "0" })
}

/// The document's routes.
async fn operations(browser: &Browser) -> BTreeSet<String> {
    let document = browser.json("/api/openapi.json").await;
    let mut all = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            all.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    all
}

/// The text of an answer; of a stream its beginning.
async fn text_of(row: &str, answer: reqwest::Response) -> String {
    if row != "GET /api/events" {
        return String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned();
    }
    let first = answer.bytes_stream().next().await.unwrap().unwrap();
    String::from_utf8_lossy(&first).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_everybody_as_the_table_says() {
    let Scene { service, mut callers, things } = scene().await;
    let rows: BTreeSet<String> = TABLE
        .iter()
        .map(|(row, _)| (*row).to_owned())
        .filter(|row| !row.starts_with("PAGE"))
        .collect();
    assert_eq!(rows, operations(&callers[PRO_AT]).await, "a route without a row, or a row without");
    let pages = |row: &&(&str, [u16; 6])| row.0.starts_with("PAGE");
    // Pages first: at the end the pro tenant is gone.
    let order = TABLE.iter().filter(pages).chain(TABLE.iter().filter(|row| !pages(row)));
    let mut wrong = Vec::new();
    for (row, want) in order {
        let id = row.contains("{id}").then(|| things.id(row.split_once(' ').unwrap().1));
        // Whose it is comes last: what they end was there for all others.
        let order = if row.contains("/api/admin/") {
            [0, 1, 2, 3, PRO_AT, ADMIN_AT]
        } else {
            [0, 1, 2, 3, ADMIN_AT, PRO_AT]
        };
        for who in order {
            // Somebody else each time: the first recap makes them a visitor who is known.
            let stranger = service.browser();
            let browser = if who == 0 { &stranger } else { &callers[who] };
            let asked = request(row, &things, who, browser, id.unwrap_or_default());
            let answer = browser.ask(asked).await;
            let status = answer.status().as_u16();
            let text = text_of(row, answer).await;
            if status != want[who] {
                wrong.push(format!("{row} as {}: {status}, not {}: {text}", WHO[who], want[who]));
            }
            if *row == "POST /api/process" && status == 202 {
                let job: Value = serde_json::from_str(&text).unwrap();
                browser.ended(job["id"].as_str().unwrap()).await;
            }
            let is_desk = row.contains("/api/admin/") && who == ADMIN_AT;
            if who == PRO_AT || is_desk {
                continue;
            }
            for secret in SECRETS {
                // What somebody asked for by its name may be said back to them.
                let asked = id.unwrap_or("{id}");
                let said = text.replace(asked, "");
                if said.to_lowercase().contains(&secret.to_lowercase()) {
                    wrong.push(format!("{row} tells {} of {secret}: {text}", WHO[who]));
                }
            }
            let Some(id) = id else { continue };
            // Whether it exists shows in nothing: what nobody has is answered in the same words.
            let asked = request(row, &things, who, browser, &nobodys(id));
            let answer = browser.ask(asked).await;
            let (other_status, other) = (answer.status().as_u16(), text_of(row, answer).await);
            let alike = |text: &str, id: &str| text.replace(id, "ID");
            if (status, alike(&text, id)) != (other_status, alike(&other, &nobodys(id))) {
                wrong.push(format!("{row} tells {} that it is there: {text} / {other}", WHO[who]));
            }
        }
        if [
            "DELETE /api/session",
            "DELETE /api/sessions",
            "DELETE /api/admin/tenants/{id}/sessions",
        ]
        .contains(row)
        {
            service.clock.advance(TimeDelta::hours(1));
            callers = sign_in_again(&service, callers).await;
        }
    }
    let short = |line: &String| line.chars().take(400).collect::<String>();
    let shown: Vec<String> = wrong.iter().map(short).collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), shown.join("\n"));
    until("the folder's end", async || (!service.of(&things.account, "").exists()).then_some(()))
        .await;
    // What the log says of all this names nobody and nothing of theirs.
    let logged = log::so_far();
    for secret in SECRETS.iter().chain(&[OTHER, CORE, BOSS]) {
        let line = logged.lines().find(|line| line.to_lowercase().contains(&secret.to_lowercase()));
        assert_eq!(line, None, "{secret} is in the log");
    }
    for cookie in callers.iter().filter_map(|caller| caller.cookie("recap_session")) {
        assert!(!logged.contains(&cookie), "a cookie is in the log");
    }
    service.stop().await;
}

async fn sign_in_again(service: &Service, callers: [Browser; 6]) -> [Browser; 6] {
    let [anonymous, trial, ..] = callers;
    let mut people = Vec::new();
    for address in [OTHER, CORE, PRO, BOSS] {
        people.push(service.person(address).await);
    }
    let [other, core, pro, boss] = people.try_into().unwrap_or_else(|_| unreachable!());
    [anonymous, trial, other, core, pro, boss]
}

/// Reads a stream of events until one of a name has come; all that was said.
async fn heard(answer: reqwest::Response, until: &str) -> String {
    let mut said = String::new();
    let mut stream = answer.bytes_stream();
    while !said.contains(&format!("event: {until}\n")) {
        let next = tokio::time::timeout(PATIENCE, stream.next()).await.expect("an event comes");
        said.push_str(&String::from_utf8_lossy(&next.unwrap().unwrap()));
    }
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_hears_exports_or_finds_anything_of_another_s() {
    let Scene { service, callers, things } = scene().await;
    let [_, trial, other, core, pro, boss] = &callers;
    let everybody = [(trial, "trial"), (other, "other"), (core, "core"), (boss, "admin")];
    let events = |who: &Browser| who.request(Method::GET, "/api/events").send();
    let mut open = Vec::new();
    for (who, _) in everybody {
        open.push(events(who).await.unwrap());
    }
    let own = events(pro).await.unwrap();
    let change = json!({"title": "The quagga, again"});
    let path = format!("/api/recaps/{}", things.recap);
    assert_eq!(pro.send(Method::PATCH, &path, change).await.0, 200);
    pro.process("Another quagga.txt", &TALK.replace("1883", "1884")).await;
    assert!(heard(own, "recap_saved").await.contains("quagga"));
    for (answer, (who, name)) in open.into_iter().zip(everybody) {
        // Their own event is behind what they must not hear.
        who.send(Method::POST, "/api/folders", json!({"name": "Mine"})).await;
        let said = heard(answer, "library_changed").await;
        nothing_of_pro(&said, &things, &format!("events of {name}"));
    }
    for (who, name) in everybody {
        for path in ["/api/library/export", "/api/account/export", "/api/subscriptions/export"] {
            let answer = who.ask(who.request(Method::GET, path)).await;
            let is_visitor = name == "trial" && path == "/api/account/export";
            assert_eq!(answer.status(), if is_visitor { 401 } else { 200 }, "{path} as {name}");
            let bytes = answer.bytes().await.unwrap();
            let said = String::from_utf8_lossy(&bytes);
            nothing_of_pro(&said, &things, &format!("{path} of {name}"));
        }
        for word in ["quagga", "amsterdam", "thylacine"] {
            let found = who.json(&format!("/api/search?q={word}")).await;
            assert_eq!(found["total"], 0, "{word} as {name}: {found}");
        }
    }
    let found = pro.json("/api/search?q=quagga").await;
    assert_eq!(found["total"], 2, "{found}");
    service.stop().await;
}

fn nothing_of_pro(said: &str, things: &Things, place: &str) {
    let secrets = SECRETS.iter().copied();
    let ids = [&things.recap, &things.job, &things.subscription, &things.item, &things.account];
    for secret in secrets.chain(ids.map(String::as_str)) {
        assert!(!said.to_lowercase().contains(&secret.to_lowercase()), "{secret}: {place}: {said}");
    }
}
