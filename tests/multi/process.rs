//! The built program in both modes: how it starts, what it refuses, and that it survives being
//! killed. What a default build says of all this is here too.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{TALK, client};

const RECAP: &str = env!("CARGO_BIN_EXE_recap");

/// A running program; it is killed when it is dropped.
struct Program {
    child: Child,
    base: String,
    said: Arc<Mutex<String>>,
}

impl Program {
    /// Starts it over a folder and waits until it answers.
    fn start(data: &Path, variables: &[(&str, &str)]) -> Program {
        let mut child = Command::new(RECAP)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        keep(BufReader::new(child.stdout.take().unwrap()), said.clone());
        keep(BufReader::new(child.stderr.take().unwrap()), said.clone());
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let text = said.lock().unwrap().clone();
            if let Some((_, rest)) = text.split_once("Recap is at ") {
                let base = rest.lines().next().unwrap().trim_end_matches('/').to_owned();
                return Program { child, base, said };
            }
            assert!(child.try_wait().unwrap().is_none(), "it ended: {text}");
            assert!(Instant::now() < deadline, "it did not start: {text}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Stops it as a service manager does; the exit code.
    fn stop(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap().code()
    }

    /// Kills it as a power cut does.
    #[cfg(feature = "multi")]
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail where it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Keeps what a program says.
fn keep(lines: impl BufRead + Send + 'static, said: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        for line in lines.lines().map_while(Result::ok) {
            said.lock().unwrap().push_str(&(line + "\n"));
        }
    });
}

/// Runs it to its end; the exit code and what it said.
fn run(data: &Path, words: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = assert_cmd::Command::new(RECAP)
        .args(words)
        .arg("--data")
        .arg(data)
        .envs(variables.iter().copied())
        .timeout(Duration::from_secs(20))
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn single_mode_boots_without_a_database_a_sign_in_or_a_cookie() {
    let data = tempfile::tempdir().unwrap();
    let program = Program::start(data.path(), &[]);
    let http = client();
    let url = |path: &str| format!("{}{path}", program.base);
    let made = http.post(url("/api/process?name=talk.txt")).body(TALK).send().await.unwrap();
    assert_eq!(made.status(), 202);
    assert!(made.headers().get("set-cookie").is_none());
    for path in ["/api/health", "/", "/api/recaps", "/api/status", "/api/auto-queue"] {
        let answer = http.get(url(path)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        assert!(answer.headers().get("set-cookie").is_none(), "{path}");
    }
    for path in ["/welcome", "/account", "/api/account", "/api/sessions", "/api/admin/tenants"] {
        assert_eq!(http.get(url(path)).send().await.unwrap().status(), 404, "{path}");
    }
    let status: Value = http.get(url("/api/status")).send().await.unwrap().json().await.unwrap();
    assert_eq!(status["signed_in_as"], Value::Null);
    let said = program.said.lock().unwrap().clone();
    assert!(!said.contains("WARN") && !said.contains("ERROR"), "{said}");
    assert_eq!(program.stop(), Some(0));
    let names: Vec<String> = std::fs::read_dir(data.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert!(!names.iter().any(|name| name.contains(".db")), "{names:?}");
    let (code, said) = run(data.path(), &["admin", "tenants"], &[]);
    assert_eq!(code, Some(2));
    assert!(said.contains("RECAP_MODE=multi"), "{said}");
}

#[test]
#[cfg(not(feature = "multi"))]
fn a_default_build_that_is_asked_for_multi_says_how_to_build_it() {
    let data = tempfile::tempdir().unwrap();
    let (code, said) = run(data.path(), &["serve"], &[("RECAP_MODE", "multi")]);
    assert_eq!(code, Some(2));
    assert!(said.contains("cargo build --release --features multi"), "{said}");
}

#[cfg(feature = "multi")]
mod multi {
    use std::os::unix::fs::PermissionsExt;

    use futures_util::future::join_all;
    use reqwest::Method;
    use serde_json::json;

    use super::*;
    use crate::service::{BOSS, Browser, count, letter_to};
    use crate::support::publisher::{Page, Publisher};
    use crate::support::until;

    const ADA: &str = "ada@tenants.example";

    /// The variables of a service, whose mails lie in its data folder.
    fn service<'a>(mail: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let mut variables = vec![
            ("RECAP_MODE", "multi"),
            ("RECAP_PUBLIC_URL", "https://recap.example"),
            ("RECAP_ADMIN_EMAIL", BOSS),
            ("RECAP_MAIL_FOLDER", mail),
        ];
        variables.extend(more);
        variables
    }

    fn mail_of(data: &Path) -> String {
        data.join("mail").to_str().unwrap().to_owned()
    }

    async fn person(program: &Program, data: &Path, address: &str) -> Browser {
        let browser = Browser::at(&program.base, &client());
        let (status, said) =
            browser.send(Method::POST, "/api/session/link", json!({"email": address})).await;
        assert_eq!(status, 202, "{said}");
        let letter = letter_to(&data.join("mail"), address).await;
        let body = json!({"token": letter.token});
        assert_eq!(browser.send(Method::POST, "/api/session", body).await.0, 204);
        browser
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn multi_mode_boots_with_a_database_of_its_own_and_a_set_up_link() {
        let data = tempfile::tempdir().unwrap();
        let program = Program::start(data.path(), &[("RECAP_MODE", "multi")]);
        let answer = client().get(format!("{}/api/health", program.base)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let answer = client().get(format!("{}/api/recaps", program.base)).send().await.unwrap();
        assert_eq!(answer.status(), 401);
        let mode = |name: &str| {
            std::fs::metadata(data.path().join(name)).unwrap().permissions().mode() & 0o777
        };
        assert_eq!(mode("recap.db"), 0o600);
        assert_eq!(mode("recap.db-wal"), 0o600);
        let said = program.said.lock().unwrap().clone();
        assert_eq!(said.matches("/set-up?token=").count(), 1, "{said}");
        assert!(said.contains("No mail can be sent"), "{said}");
        assert_eq!(program.stop(), Some(0));
        assert_eq!(mode("recap.db"), 0o600);
        assert!(!data.path().join("recap.db-wal").exists(), "one file is left, to be copied");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_operator_s_commands_work_beside_the_daemon() {
        let data = tempfile::tempdir().unwrap();
        let mail = mail_of(data.path());
        let variables = service(&mail, &[]);
        let program = Program::start(data.path(), &variables);
        let ada = person(&program, data.path(), ADA).await;
        let admin = |words: &[&str]| {
            let words = [&["admin"], words].concat();
            run_admin(data.path(), &words, &variables)
        };
        let typo = data.path().join("typo");
        let (code, said) = run_admin(&typo, &["admin", "tenants"], &variables);
        assert_eq!(code, Some(2));
        assert!(said.contains("There is no data folder") && !typo.exists(), "{said}");
        assert_eq!(run_admin(&typo, &["admin", "help"], &variables).0, Some(0));
        assert!(!typo.exists(), "nor does help make one");
        let id = ada.id().await;
        let (code, said) = admin(&["tenants"]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains(&id) && said.contains(ADA) && said.contains("core"), "{said}");
        let (code, said) = admin(&["grant", ADA, "3", "--reason", "a gift"]);
        assert_eq!((code, said.trim()), (Some(0), "ada@tenants.example has 8 credits now."));
        assert_eq!(ada.credits().await, 8, "the daemon sees it at once");
        let (code, said) = admin(&["set-tier", &id, "pro", "--until", "2099-01-31T00:00:00Z"]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("pro  until 2099-01-31 00:00"), "{said}");
        assert_eq!(ada.json("/api/account").await["effective_tier"], "pro");
        let (code, said) = admin(&["show", ADA]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("credits 8: purchased 3, replenish 5"), "{said}");
        assert!(said.contains("a gift"), "{said}");
        let visitor = Browser::at(&program.base, &client());
        visitor.process("talk.txt", TALK).await;
        let (code, said) = admin(&["trials"]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("used 1 of 1"), "{said}");
        let (code, said) = admin(&["verify"]);
        assert_eq!((code, said.trim()), (Some(0), "Every balance is what its journal says."));
        let copy = data.path().join("copy.db");
        let copy = copy.to_str().unwrap();
        let (code, said) = admin(&["backup", copy]);
        assert_eq!(code, Some(0), "{said}");
        let saved = recap_multi::Database::open(std::path::Path::new(copy)).unwrap();
        assert!(saved.check().unwrap().is_empty());
        drop(saved);
        let (code, said) = admin(&["backup", copy]);
        assert_eq!(code, Some(2), "what is there is not written over: {said}");
        let (code, said) = admin(&["help"]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("set-tier") && said.contains("end-sessions"), "{said}");
        for (words, piece) in [
            (&["grant", ADA, "0", "--reason", "x"][..], "1"),
            (&["grant", ADA, "-5", "--reason", "x"], "-5"),
            (&["grant", ADA, "5"], "--reason"),
            (&["grant", "nobody@tenants.example", "5", "--reason", "x"], "no such account"),
            (&["set-tier", ADA, "gold"], "core, pro or max"),
            (&["show", "nobody"], "no such account"),
            (&["conjure"], "conjure"),
            (&[], "Usage"),
        ] {
            let (code, said) = admin(words);
            assert_eq!(code, Some(2), "{words:?}: {said}");
            assert!(said.contains(piece), "{words:?}: {said}");
        }
        assert_eq!(ada.credits().await, 8, "what was refused changed nothing");
        let (code, said) = admin(&["end-sessions", ADA]);
        assert_eq!((code, said.trim()), (Some(0), "1 sign-ins of ada@tenants.example ended."));
        assert_eq!(ada.status(Method::GET, "/api/account").await, 401);
        assert_eq!(program.stop(), Some(0));
    }

    /// `recap admin`, whose own flags come before its words.
    fn run_admin(data: &Path, words: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
        let folder = data.to_str().unwrap();
        let variables = [variables, &[("RECAP_DATA", folder)]].concat();
        let output = assert_cmd::Command::new(RECAP)
            .args(words)
            .envs(variables)
            .timeout(Duration::from_secs(20))
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    }

    #[tokio::test]
    async fn what_cannot_work_is_refused_at_the_start_with_a_sentence() {
        let check = |name: &str, data: &Path, more: &[(&str, &str)], pieces: &[&str]| {
            let variables = [&[("RECAP_MODE", "multi")], more].concat();
            let (code, said) = run(data, &["serve", "--listen", "127.0.0.1:0"], &variables);
            assert!(code == Some(1) || code == Some(2), "{name}: {code:?} {said}");
            let last = said.lines().last().unwrap();
            assert!(last.starts_with("recap: ") && last.ends_with('.'), "{name}: {said}");
            for piece in pieces {
                assert!(said.contains(piece), "{name}: {piece}: {said}");
            }
        };
        let fresh = || tempfile::tempdir().unwrap();
        let relay = [("RECAP_RELAY_URL", "https://relay.example")];
        check("a relay without its key", fresh().path(), &relay, &["RECAP_RELAY_OPERATOR_KEY"]);
        let both = [("RECAP_MAIL_FOLDER", "/tmp/m"), ("RECAP_SMTP_HOST", "mail.example")];
        check("mail both ways", fresh().path(), &both, &["mail_folder", "smtp_host"]);
        let plain = [("RECAP_SMTP_HOST", "mail.example"), ("RECAP_SMTP_SECURITY", "plain")];
        check("mail in the open", fresh().path(), &plain, &["unencrypted"]);
        let admin = [("RECAP_ADMIN_EMAIL", "a b@c")];
        check("no address", fresh().path(), &admin, &["admin_email"]);
        let table = [("RECAP_TIER_ALLOWANCES", "{\"gold\": {}}")];
        check("no tier", fresh().path(), &table, &["tier_allowances", "gold"]);

        let damaged = fresh();
        let file = damaged.path().join("recap.db");
        let text = "no database, and long enough to be read as one. ".repeat(40);
        std::fs::write(&file, &text).unwrap();
        check("a damaged file", damaged.path(), &[], &["recap.db", "backup"]);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "it is left as it was");

        let newer = fresh();
        let database = recap_multi::Database::open(&newer.path().join("recap.db")).unwrap();
        let raised = database.write(|tx| {
            Ok::<_, recap_multi::DatabaseError>(tx.execute_batch("PRAGMA user_version = 900")?)
        });
        raised.await.unwrap();
        drop(database);
        check("a newer schema", newer.path(), &[], &["recap.db", "newer"]);
        assert_eq!(count_raw(&newer.path().join("recap.db")), 900, "it is left as it was");
    }

    /// The schema's number in a database file's header (its format's own place: offset 60).
    fn count_raw(file: &Path) -> u32 {
        let bytes = std::fs::read(file).unwrap();
        u32::from_be_bytes(bytes[60..64].try_into().unwrap())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn of_64_first_summaries_and_64_sign_ins_racing_from_one_network_the_cap_holds_exactly() {
        let data = tempfile::tempdir().unwrap();
        let mail = mail_of(data.path());
        let variables = service(&mail, &[("RECAP_TRUSTED_PROXY_HOPS", "1")]);
        let program = Program::start(data.path(), &variables);
        let http = client();
        // Each from another address of the /64, behind one that the client made up.
        let from = |network: &str, n: usize| format!("203.0.113.7, 2001:db8:1:{network}::{n:x}");
        let first = |network: &'static str, n: usize| {
            http.post(format!("{}/api/process", program.base))
                .header("x-forwarded-for", from(network, n))
                .json(&json!({"text": TALK, "name": "A talk"}))
                .send()
        };
        let answers = join_all((1..=64).map(|n| first("2", n))).await;
        let mut browsers = Vec::new();
        let mut refused = 0;
        for answer in answers {
            let answer = answer.unwrap();
            let cookie = answer.headers().get("set-cookie").map(|set| {
                let set = set.to_str().unwrap();
                set.split(';').next().unwrap().split_once('=').unwrap().1.to_owned()
            });
            match (answer.status().as_u16(), cookie) {
                (202, Some(cookie)) => {
                    let browser = Browser::at(&program.base, &http);
                    browser.set_cookie("recap_anon_trial", &cookie);
                    let job: Value = answer.json().await.unwrap();
                    browsers.push((browser, job["id"].as_str().unwrap().to_owned()));
                }
                (402, None) => refused += 1,
                (status, cookie) => panic!("{status} {}", cookie.is_some()),
            }
        }
        assert_eq!((browsers.len(), refused), (5, 59), "trials_per_ip_lifetime");
        for (browser, job) in &browsers {
            assert_eq!(browser.ended(job).await["stage"], "done");
        }
        assert_eq!(first("3", 1).await.unwrap().status(), 202, "the next /64 has its own");
        assert_eq!(count(data.path(), "SELECT count(*) FROM trials"), 6);

        let ask = |n: usize| {
            http.post(format!("{}/api/session/link", program.base))
                .header("x-forwarded-for", from("2", n))
                .json(&json!({"email": format!("person-{n}@tenants.example")}))
                .send()
        };
        let answers = join_all((1..=64).map(ask)).await;
        let statuses: Vec<u16> =
            answers.into_iter().map(|answer| answer.unwrap().status().as_u16()).collect();
        let of = |status: u16| statuses.iter().filter(|one| **one == status).count();
        assert_eq!((of(202), of(429)), (20, 44), "{statuses:?}");
        // Whoever was let in to ask signs up, once, however many press at once.
        until("their mails", async || {
            let mails = std::fs::read_dir(&mail).ok()?;
            (mails
                .flatten()
                .filter(|one| one.path().extension().is_some_and(|e| e == "eml"))
                .count()
                == 20)
                .then_some(())
        })
        .await;
        let letters = crate::service::letters(Path::new(&mail));
        let tokens: Vec<&str> = letters.iter().map(|(_, letter)| letter.token.as_str()).collect();
        let press = |n: usize| {
            http.post(format!("{}/api/session", program.base))
                .header("x-forwarded-for", from("2", n))
                .json(&json!({"token": tokens[n % tokens.len()]}))
                .send()
        };
        // Of 40 clicks on 20 links the second ones fail, and stay below the limit of wrong ones.
        let answers = join_all((0..40).map(press)).await;
        let let_in =
            answers.into_iter().filter(|one| one.as_ref().unwrap().status() == 204).count();
        assert_eq!(let_in, 20);
        assert_eq!(count(data.path(), "SELECT count(*) FROM users"), 20);
        let seeds = "SELECT count(*) FROM tenant_credits WHERE replenish_balance = 5";
        assert_eq!(count(data.path(), seeds), 20);
        let (code, said) = run_admin(data.path(), &["admin", "verify"], &variables);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(program.stop(), Some(0));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_a_killed_service_was_making_goes_on_for_its_owner() {
        let publisher = Publisher::new().await;
        publisher.show("/feed", "The Bakery", 1);
        let wait = Duration::from_secs(30);
        let body = TALK.to_owned();
        let slow = Page { kind: "text/plain", body, wait, ..Page::default() };
        publisher.put("/1.txt", slow.clone());
        let data = tempfile::tempdir().unwrap();
        let mail = mail_of(data.path());
        let variables = service(&mail, &[("RECAP_QUEUE_PAUSE_SECS", "0")]);
        let program = Program::start(data.path(), &variables);
        let boss = person(&program, data.path(), BOSS).await;
        let body = json!({"url": publisher.url("/feed"), "auto_approve": true});
        assert_eq!(boss.send(Method::POST, "/api/subscriptions", body).await.0, 201);
        boss.item("Episode 1", "processing").await;
        until("the publisher to be asked", async || {
            (!publisher.hits("/1.txt").is_empty()).then_some(())
        })
        .await;
        program.kill();
        publisher.put("/1.txt", Page { wait: Duration::ZERO, ..slow });
        let program = Program::start(data.path(), &variables);
        let passes = "SELECT count(*) FROM sessions WHERE kind = 'pass'";
        let again = Browser::at(&program.base, &client());
        again.set_cookie("recap_session", &boss.cookie("recap_session").unwrap());
        again.item("Episode 1", "done").await;
        assert_eq!(again.titles().await, ["Episode 1"], "once");
        assert_eq!(program.stop(), Some(0));
        assert_eq!(count(data.path(), passes), 0);
    }
}
