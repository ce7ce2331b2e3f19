//! What the log must never hold.

use std::io::Write;
use std::sync::{Arc, Mutex};

use recap_multi::mail::{MailWay, SmtpSecurity};
use recap_multi::posting::Posted;
use recap_multi::rate_limits::RateLimit;
use recap_multi::sign_in::{SignInSettings, Visit};
use recap_multi::trials::TrialSettings;

use crate::house::{HERE, house_with, house_with_mail, ip};
use crate::mail::{mail_by, scripted, server};

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_log_line_holds_an_address_a_link_a_code_a_cookie_or_a_password() {
    let kept = Kept::default();
    let writer = kept.clone();
    // Of the whole process, so that the thread that writes is heard too.
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .init();
    let address = "canary-address@example.org";
    let settings =
        SignInSettings { mails_per_address: RateLimit::new(2, 60), ..SignInSettings::default() };
    for answer in ["550 5.1.1 <canary-address@example.org> is unknown", "451 later, canary-address"]
    {
        let smtp = server("127.0.0.1", scripted("RCPT", Some(answer)), SmtpSecurity::Plain);
        let mail = mail_by(MailWay::Smtp(smtp), "https://recap.example/").unwrap();
        let data = tempfile::tempdir().unwrap();
        let house = house_with_mail(data, settings.clone(), TrialSettings::default(), 7, mail);
        house.sign_in.ask(address, ip(HERE)).await.unwrap();
        assert_ne!(house.posting.post_one().await.unwrap(), Posted::Sent);
    }
    let house = house_with(settings, TrialSettings::default());
    let (trial, trial_cookie) = house.trials.begin(ip(HERE)).await.unwrap();
    let (letter, browser) = house.asked(address).await;
    let visit = Visit {
        label: "A browser".to_owned(),
        session_cookie: Some("canary-session-cookie".to_owned()),
        trial_cookie: Some(trial_cookie.as_str().to_owned()),
    };
    tracing::info!(?visit, ?trial, "shown as they print themselves");
    let seen = house.sign_in.look(&letter.token, Some(&browser));
    tracing::info!(?seen, "seen");
    let signed_in = house.sign_in.use_link(&letter.token, ip(HERE), visit).await;
    tracing::info!(?signed_in, "signed in");
    let signed_in = signed_in.unwrap();
    let password = "canary password";
    house.sign_in.set_password(&signed_in.tenant.id, Some(password), None).await.unwrap();
    let by_password = house.sign_in.use_password(address, password, ip(HERE), Visit::default());
    tracing::info!(by_password = ?by_password.await, "by password");
    let pass = house.sessions.pass_for(&signed_in.tenant.scope()).await;
    tracing::info!(?pass, "a pass");
    let pass = pass.unwrap();
    let set_up = house.admin.settle(None).await.unwrap().unwrap();
    tracing::info!(?set_up, "a set-up link, which only the daemon's start shows");
    // The address had its mails: a warning, without it.
    for _ in 0..2 {
        house.sign_in.ask(address, ip(HERE)).await.unwrap();
    }
    house.post().await;
    let log = String::from_utf8_lossy(&kept.0.lock().unwrap()).into_owned();
    assert!(log.contains("signed in") && log.contains("refused a sign-in mail for good"), "{log}");
    assert!(log.contains("asked for more sign-in mails"), "{log}");
    for secret in [
        "canary",
        &letter.token,
        &letter.code,
        &browser,
        signed_in.token.as_str(),
        trial_cookie.as_str(),
        set_up.as_str(),
        pass.cookie().unwrap().split_once('=').unwrap().1,
    ] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}
