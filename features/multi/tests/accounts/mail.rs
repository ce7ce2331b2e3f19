//! Mail: what it says, how it leaves, what happens when it cannot.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use chrono::TimeDelta;
use recap_mode::Stop;
use recap_multi::mail::{
    Mail, MailSettings, MailSettingsError, MailWay, SmtpPassword, SmtpSecurity, SmtpSettings,
};
use recap_multi::posting::{Dropped, Posted};
use recap_multi::rate_limits::RateLimit;
use recap_multi::sign_in::SignInSettings;
use recap_multi::trials::TrialSettings;
use tokio::task::JoinSet;

use crate::house::{HERE, House, house, house_in, house_with_mail, ip, letter, visit};

pub fn mail_by(way: MailWay, public_url: &str) -> Result<Mail, MailSettingsError> {
    let from = "Recap <recap@recap.example>".to_owned();
    Mail::new(&MailSettings { from, way }, &public_url.parse().unwrap())
}

pub fn server(host: &str, port: u16, security: SmtpSecurity) -> SmtpSettings {
    SmtpSettings {
        host: host.to_owned(),
        port: Some(port),
        security,
        user: None,
        password: None,
        ca_file: None,
    }
}

fn house_by(smtp: SmtpSettings) -> House {
    let mail = mail_by(MailWay::Smtp(smtp), "https://recap.example/").unwrap();
    let data = tempfile::tempdir().unwrap();
    house_with_mail(data, SignInSettings::default(), TrialSettings::default(), 1, mail)
}

#[tokio::test]
async fn a_mail_holds_link_and_code_in_both_its_parts_and_nothing_of_them_in_its_head() {
    let house = house();
    let (letter, _) = house.asked("Ann@Example.org").await;
    assert_eq!(letter.to, "ann@example.org");
    let (head, body) = letter.whole.split_once("\n\n").unwrap();
    assert!(head.contains("Subject: Sign in to Recap"));
    assert!(head.contains("From: Recap <recap@recap.example>"), "{head}");
    assert!(head.contains("Date: Fri, 20 Nov 2026 10:00:00"), "{head}");
    assert!(head.contains("Auto-Submitted: auto-generated"), "{head}");
    assert!(!head.contains(&letter.code) && !head.contains(&letter.token));
    let link = format!("https://recap.example/base/sign-in/link?token={}", letter.token);
    assert_eq!(body.matches(&link).count(), 2, "{body}");
    assert_eq!(body.matches(&letter.code).count(), 2);
    assert_eq!(body.matches("until 10:10 UTC").count(), 2);
}

#[tokio::test]
async fn a_letter_in_the_folder_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let house = house();
    house.asked("ann@example.org").await;
    let folder = house.data.path().join("mail");
    let paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(paths.len(), 1);
    assert_eq!(std::fs::metadata(&paths[0]).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn settings_that_would_lose_or_leak_mail_are_refused() {
    let good = "https://recap.example";
    let smtp = |host: &str, security| MailWay::Smtp(server(host, 25, security));
    for host in ["localhost", "127.0.0.1", "127.9.9.9", "::1"] {
        assert!(mail_by(smtp(host, SmtpSecurity::Plain), good).is_ok(), "{host}");
    }
    for host in ["mail.example", "10.0.0.1", "localhost.evil.example", "0.0.0.0", ""] {
        let refused = mail_by(smtp(host, SmtpSecurity::Plain), good).err().unwrap();
        assert!(matches!(refused, MailSettingsError::PlainAbroad(_)), "{host}");
    }
    for url in ["mailto:a@example.org", "file:///etc/passwd", "javascript:alert(1)", "data:x"] {
        let refused = mail_by(MailWay::Folder("mail".into()), url).err().unwrap();
        assert!(matches!(refused, MailSettingsError::PublicUrl(_)), "{url}");
    }
    for from in ["", "nobody", "a@b.example\r\nBcc: c@d.example", "a@b.example, c@d.example"] {
        let settings = MailSettings { from: from.to_owned(), way: MailWay::Folder("mail".into()) };
        let refused = Mail::new(&settings, &good.parse().unwrap()).err().unwrap();
        assert!(matches!(refused, MailSettingsError::From(_)), "{from:?}");
    }
    let mut half = server("mail.example", 587, SmtpSecurity::Starttls);
    half.user = Some("recap".to_owned());
    let refused = mail_by(MailWay::Smtp(half), good).err().unwrap();
    assert!(matches!(refused, MailSettingsError::HalfCredentials));
    let folder = tempfile::tempdir().unwrap();
    let mut untrusted = server("mail.example", 587, SmtpSecurity::Starttls);
    untrusted.ca_file = Some(folder.path().join("absent.pem"));
    let refused = mail_by(MailWay::Smtp(untrusted), good).err().unwrap();
    assert!(matches!(refused, MailSettingsError::Certificates { .. }));
}

#[test]
fn settings_are_read_with_a_sensible_default_and_a_password_is_not_printed() {
    let text = r#"{"from": "r@recap.example", "way": {"smtp":
        {"host": "mail.example", "user": "recap", "password": "very secret"}}}"#;
    let settings: MailSettings = serde_json::from_str(text).unwrap();
    let MailWay::Smtp(smtp) = &settings.way else { panic!("not smtp") };
    assert_eq!((smtp.port, smtp.security), (None, SmtpSecurity::Starttls));
    assert!(!format!("{settings:?}").contains("very secret"));
    let folder = r#"{"from": "r@recap.example", "way": {"folder": "/tmp/mail"}}"#;
    assert!(serde_json::from_str::<MailSettings>(folder).is_ok());
    for bad in [
        r#"{"from": "r@recap.example"}"#,
        r#"{"from": "r@recap.example", "way": {"smtp": {"host": "x", "tls": false}}}"#,
        r#"{"from": "r@recap.example", "way": {"smtp": {"host": "x", "security": "none"}}}"#,
    ] {
        assert!(serde_json::from_str::<MailSettings>(bad).is_err(), "{bad}");
    }
}

/// A mail server that greets and then answers each command that begins with a word by its line;
/// all others by `250 ok`. `None` in place of an answer is silence.
pub fn scripted(word: &'static str, answer: Option<&'static str>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.write_all(b"220 test\r\n");
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let mut in_data = false;
            while let Some(Ok(line)) = lines.next() {
                let said = match (line.starts_with(word), answer) {
                    _ if in_data && line != "." => continue,
                    (true, None) => continue,
                    (true, Some(answer)) => answer,
                    (false, _) if line == "DATA" => "354 go on",
                    (false, _) => "250 ok",
                };
                in_data = said.starts_with("354");
                let _ = stream.write_all(format!("{said}\r\n").as_bytes());
            }
        }
    });
    port
}

#[tokio::test]
async fn a_mail_that_is_refused_for_now_is_tried_again_and_given_up_before_its_link_is_over() {
    for code in ["451 greylisted", "421 busy", "535 who are you"] {
        let port = scripted("MAIL", Some(code));
        let house = house_by(server("127.0.0.1", port, SmtpSecurity::Plain));
        house.sign_in.ask("ann@example.org", ip(HERE)).await.unwrap();
        let asked_at = house.now();
        for wait in [5, 15, 45, 135] {
            let posted = house.posting.post_one().await.unwrap();
            assert_eq!(posted, Posted::Later(house.now() + TimeDelta::seconds(wait)), "{code}");
            let next = house.posting.post_one().await.unwrap();
            assert_eq!(next, Posted::Nothing(Some(house.now() + TimeDelta::seconds(wait))));
            house.clock.advance(TimeDelta::seconds(wait));
        }
        assert_eq!(house.posting.post_one().await.unwrap(), Posted::Dropped(Dropped::Over));
        assert!(house.now() - asked_at < TimeDelta::minutes(10));
        assert_eq!(house.posting.post_one().await.unwrap(), Posted::Nothing(None));
    }
}

#[tokio::test]
async fn a_second_try_counts_as_no_second_mail_and_none_comes_in_a_link_s_last_minute() {
    let port = scripted("MAIL", Some("451 greylisted"));
    let mail = mail_by(
        MailWay::Smtp(server("127.0.0.1", port, SmtpSecurity::Plain)),
        "https://recap.example/",
    );
    let settings =
        SignInSettings { mails_per_address: RateLimit::new(1, 60), ..SignInSettings::default() };
    let data = tempfile::tempdir().unwrap();
    let house = house_with_mail(data, settings, TrialSettings::default(), 1, mail.unwrap());
    house.sign_in.ask("ann@example.org", ip(HERE)).await.unwrap();
    for wait in [5, 15] {
        let posted = house.posting.post_one().await.unwrap();
        assert_eq!(posted, Posted::Later(house.now() + TimeDelta::seconds(wait)));
        house.clock.advance(TimeDelta::seconds(wait));
    }
    // 495 of 600 seconds: the next wait of 45 ends exactly a minute before the end.
    house.clock.advance(TimeDelta::seconds(475));
    assert!(matches!(house.posting.post_one().await.unwrap(), Posted::Later(_)));
    house.sign_in.ask("bob@example.org", ip(HERE)).await.unwrap();
    house.clock.advance(TimeDelta::seconds(536));
    let posted = house.posting.post_one().await.unwrap();
    assert_eq!(posted, Posted::Dropped(Dropped::Over), "five seconds later it is too late");
}

#[tokio::test(start_paused = true)]
async fn a_letter_is_in_one_hand_at_a_time() {
    let port = scripted("EHLO", None);
    let house = house_by(server("127.0.0.1", port, SmtpSecurity::Plain));
    house.sign_in.ask("ann@example.org", ip(HERE)).await.unwrap();
    let turn = house.now() + TimeDelta::seconds(60);
    let (one, other) = tokio::join!(house.posting.post_one(), house.posting.post_one());
    let (one, other) = (one.unwrap(), other.unwrap());
    assert!(matches!(one, Posted::Later(_)), "{one:?}");
    assert_eq!(other, Posted::Nothing(Some(turn)));
}

#[tokio::test]
async fn a_mail_that_is_refused_for_good_is_not_tried_again() {
    let port = scripted("RCPT", Some("550 5.1.1 <ann@example.org> is unknown"));
    let house = house_by(server("127.0.0.1", port, SmtpSecurity::Plain));
    house.sign_in.ask("ann@example.org", ip(HERE)).await.unwrap();
    assert_eq!(house.posting.post_one().await.unwrap(), Posted::Dropped(Dropped::Refused));
    assert_eq!(house.posting.post_one().await.unwrap(), Posted::Nothing(None));
}

#[tokio::test]
async fn a_server_that_is_not_there_costs_the_asker_nothing_and_the_mail_waits() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let house = house_by(server("127.0.0.1", port, SmtpSecurity::Plain));
    house.sign_in.ask("ann@example.org", ip(HERE)).await.unwrap();
    assert!(matches!(house.posting.post_one().await.unwrap(), Posted::Later(_)));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_falls_silent_holds_a_letter_for_a_bounded_time_alone() {
    for word in ["EHLO", "MAIL", "."] {
        let port = scripted(word, None);
        let house = house_by(server("127.0.0.1", port, SmtpSecurity::Plain));
        house.sign_in.ask("ann@example.org", ip(HERE)).await.unwrap();
        let begun = tokio::time::Instant::now();
        assert!(matches!(house.posting.post_one().await.unwrap(), Posted::Later(_)), "{word}");
        assert!(begun.elapsed() < std::time::Duration::from_secs(60));
    }
}

#[tokio::test]
async fn a_check_says_whether_mail_could_leave_and_sends_nothing() {
    let by =
        |port| mail_by(MailWay::Smtp(server("127.0.0.1", port, SmtpSecurity::Plain)), "http://x");
    assert!(by(scripted("nothing", None)).unwrap().check().await.is_ok());
    assert!(by(scripted("EHLO", Some("554 go away"))).unwrap().check().await.is_err());
    let folder = tempfile::tempdir().unwrap();
    let mail = mail_by(MailWay::Folder(folder.path().join("mail")), "http://x").unwrap();
    assert!(mail.check().await.is_ok());
    std::fs::write(folder.path().join("file"), "").unwrap();
    let mail = mail_by(MailWay::Folder(folder.path().join("file/mail")), "http://x").unwrap();
    assert!(mail.check().await.is_err());
}

#[tokio::test]
async fn a_letter_in_a_killed_process_s_hand_is_sent_by_the_next_and_both_mails_sign_in() {
    let port = scripted(".", Some("451 lost it"));
    let first = house_by(server("127.0.0.1", port, SmtpSecurity::Plain));
    let asked = first.sign_in.ask("ann@example.org", ip(HERE)).await.unwrap();
    let taken = first.raw();
    taken.execute("UPDATE outbox SET not_before = not_before + 60000, tries = 1", []).unwrap();
    let second = house_in(first.closed(), SignInSettings::default(), TrialSettings::default(), 2);
    let turn = second.now() + TimeDelta::seconds(60);
    assert_eq!(second.posting.post_one().await.unwrap(), Posted::Nothing(Some(turn)));
    second.clock.advance(TimeDelta::seconds(60));
    assert_eq!(second.post().await, [Posted::Sent]);
    let letter = second.letters().pop().unwrap();
    let browser = asked.browser.as_str();
    assert!(second.sign_in.look(&letter.token, Some(browser)).unwrap().asked_here);
    assert!(second.sign_in.use_code(browser, &letter.code, ip(HERE), visit()).await.is_ok());
}

#[tokio::test]
async fn a_link_is_never_sent_when_it_is_over_or_nearly() {
    for (seconds, want) in [
        (540, vec![Posted::Sent]),
        (541, vec![Posted::Dropped(Dropped::Over)]),
        (599, vec![Posted::Dropped(Dropped::Over)]),
        (600, vec![]),
        (100_000, vec![]),
    ] {
        let house = house();
        house.sign_in.ask("ann@example.org", ip(HERE)).await.unwrap();
        house.clock.advance(TimeDelta::seconds(seconds));
        assert_eq!(house.post().await, want, "after {seconds} s");
        assert_eq!(house.count("SELECT count(*) FROM outbox"), 0);
        // What was sent late lives no longer for it.
        if let Some(letter) = house.letters().pop() {
            house.clock.advance(TimeDelta::seconds(60) - TimeDelta::milliseconds(1));
            assert!(house.sign_in.look(&letter.token, None).is_ok());
            house.clock.advance(TimeDelta::milliseconds(1));
            assert!(house.sign_in.look(&letter.token, None).is_err());
        }
    }
}

#[tokio::test]
async fn a_full_outbox_refuses_and_a_letter_of_a_later_version_is_thrown_away() {
    let house = house();
    house
        .raw()
        .execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
             INSERT INTO outbox SELECT
                 'x' || i, 'digest', 'a@example.org', '{\"kind\": \"digest\"}',
                 0, 9000000000000, 8000000000000, 0 FROM n",
        )
        .unwrap();
    let full = house.sign_in.ask("ann@example.org", ip(HERE)).await;
    assert!(matches!(full, Err(recap_multi::refusal::Refusal::OutboxFull)));
    house.raw().execute("DELETE FROM outbox WHERE id <> 'x1'", []).unwrap();
    house.raw().execute("UPDATE outbox SET not_before = 0", []).unwrap();
    house.sign_in.ask("ann@example.org", ip(HERE)).await.unwrap();
    assert_eq!(house.post().await, [Posted::Sent]);
    assert_eq!(house.count("SELECT count(*) FROM outbox"), 0);
}

#[tokio::test]
async fn the_loop_sends_what_is_asked_for_and_stops_when_told() {
    let house = Arc::new(house());
    let (stop, mut loops) = (Stop::new(), JoinSet::new());
    for _ in 0..2 {
        loops.spawn(Arc::clone(&house.posting).run(stop.clone()));
    }
    house.sign_in.ask("ann@example.org", ip(HERE)).await.unwrap();
    while house.letters().is_empty() {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    while loops.join_next().await.is_some() {}
    assert_eq!(house.letters().len(), 1);
}

struct Server {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// The next mail that it took.
    fn mail(&mut self) -> serde_json::Value {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
    }
}

fn ran(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// A Python with aiosmtpd, made once beside the build; `None` where there is no Python or no PyPI.
fn python() -> Option<PathBuf> {
    static MADE: std::sync::OnceLock<Option<PathBuf>> = std::sync::OnceLock::new();
    let made = MADE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("aiosmtpd");
        let python = folder.join("bin/python");
        let has_it = || ran(Command::new(&python).args(["-c", "import aiosmtpd"]));
        if !has_it() {
            let pip = ["-m", "pip", "install", "--quiet", "--timeout", "10", "aiosmtpd==1.4.6"];
            let _ = ran(Command::new("python3").args(["-m", "venv"]).arg(&folder))
                && ran(Command::new(&python).args(pip));
        }
        has_it().then_some(python)
    });
    if made.is_none() {
        println!("skipped: no Python 3 with aiosmtpd here, so no real mail server");
    }
    made.clone()
}

/// An authority and a certificate for `localhost` from it; `false` where there is no openssl.
fn certificates(folder: &Path) -> bool {
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    let openssl = |args: &str| {
        let mut command = Command::new("openssl");
        command.current_dir(folder).args(args.split(' '));
        if args.starts_with("req") {
            command.args(key);
        }
        ran(&mut command)
    };
    let made = openssl("req -x509 -days 2 -subj /CN=Tests -keyout ca.key -out ca.pem")
        && openssl("req -subj /CN=localhost -keyout key.pem -out leaf.csr")
        && openssl(
            "x509 -req -days 2 -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial \
             -extfile names -out cert.pem",
        );
    if !made {
        println!("skipped: no openssl here, so no certificate");
    }
    made
}

fn real_server(way: &str, folder: &Path) -> Option<Server> {
    let python = python()?;
    if !certificates(folder) {
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/accounts/smtp_server.py");
    let mut child = Command::new(python)
        .arg(script)
        .arg(way)
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let port = lines.next().unwrap().unwrap().parse().unwrap();
    Some(Server { child, lines, port })
}

async fn arrives(way: &str, security: SmtpSecurity, with_password: bool) {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut running) = real_server(way, folder.path()) else { return };
    let mut smtp = server("localhost", running.port, security);
    smtp.ca_file = Some(folder.path().join("ca.pem"));
    if with_password {
        smtp.user = Some("recap".to_owned());
        smtp.password = Some(SmtpPassword("secret of the test".to_owned()));
    }
    let house = house_by(smtp);
    house.sign_in.ask("ann@example.org", ip(HERE)).await.unwrap();
    assert_eq!(house.post().await, [Posted::Sent], "{way}");
    let mail = running.mail();
    assert_eq!(mail["to"], serde_json::json!(["ann@example.org"]));
    assert_eq!(mail["tls"], serde_json::json!(way != "plain"));
    assert_eq!(mail["user"], serde_json::json!(with_password.then_some("recap")));
    let letter = letter(mail["text"].as_str().unwrap());
    assert!(house.sign_in.use_link(&letter.token, ip(HERE), visit()).await.is_ok());
}

#[tokio::test]
async fn a_real_mail_server_takes_it_with_starttls_and_a_password() {
    arrives("starttls", SmtpSecurity::Starttls, true).await;
}

#[tokio::test]
async fn a_real_mail_server_takes_it_over_tls() {
    arrives("tls", SmtpSecurity::Tls, false).await;
}

#[tokio::test]
async fn a_real_mail_server_takes_it_plain_on_loopback() {
    arrives("plain", SmtpSecurity::Plain, false).await;
}

#[tokio::test]
async fn nothing_is_said_to_a_server_without_starttls_or_with_a_certificate_that_nobody_knows() {
    for (way, host, trusted) in [
        ("plain", "localhost", true),
        ("starttls", "localhost", false),
        ("starttls", "127.0.0.1", true),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let Some(running) = real_server(way, folder.path()) else { return };
        let mut smtp = server(host, running.port, SmtpSecurity::Starttls);
        smtp.ca_file = trusted.then(|| folder.path().join("ca.pem"));
        let house = house_by(smtp);
        house.sign_in.ask("ann@example.org", ip(HERE)).await.unwrap();
        let posted = house.posting.post_one().await.unwrap();
        assert!(matches!(posted, Posted::Later(_)), "{way} {host} {trusted}: {posted:?}");
    }
}
