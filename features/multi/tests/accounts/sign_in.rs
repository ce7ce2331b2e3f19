//! Asking for a link, the link and its code, the sign-up that follows.

use chrono::TimeDelta;
use recap_mode::{Fault, FaultKind, Scope};
use recap_multi::posting::{Dropped, Posted};
use recap_multi::rate_limits::RateLimit;
use recap_multi::refusal::Refusal;
use recap_multi::sessions::SESSION_DAYS;
use recap_multi::sign_in::{SignInSettings, Visit};
use recap_multi::tiers::Tier;
use recap_multi::trials::TrialSettings;

use crate::house::{HERE, house, house_with, ip, visit};

fn settings(change: impl FnOnce(&mut SignInSettings)) -> SignInSettings {
    let mut settings = SignInSettings::default();
    change(&mut settings);
    settings
}

#[tokio::test]
async fn a_first_sign_in_makes_an_account_with_its_seed_and_a_second_finds_it() {
    let house = house();
    let first = house.signed_in("Ann@Example.org").await;
    assert!(first.is_new && !first.tenant.is_admin && first.adopted.is_none());
    assert_eq!(first.tenant.email.as_str(), "ann@example.org");
    assert_eq!(first.tenant.tier, Tier::Core);
    assert_eq!(first.tenant.scope().as_str(), first.tenant.id);
    assert_eq!(house.noted(&first.tenant.id), [("seed".to_owned(), 5)]);
    let again = house.signed_in("ann@example.org").await;
    assert!(!again.is_new);
    assert_eq!(again.tenant.id, first.tenant.id);
    assert_eq!(house.noted(&first.tenant.id).len(), 1, "the seed is given once");
    assert_ne!(again.token.as_str(), first.token.as_str());
    let session = house.sessions.authenticate(again.token.as_str()).unwrap().unwrap();
    assert_eq!(session.tenant.id, first.tenant.id);
    assert_eq!(session.expires_at - house.now(), TimeDelta::days(SESSION_DAYS));
}

#[tokio::test]
async fn known_and_unknown_addresses_are_answered_by_the_same_rows() {
    let house = house();
    house.signed_in("ann@example.org").await;
    for address in ["ann@example.org", "new@example.org"] {
        house.sign_in.ask(address, ip(HERE)).await.unwrap();
        // All that the asking did: one row that says nothing of an account, and one count.
        assert_eq!(house.count("SELECT count(*) FROM outbox"), 1);
        assert_eq!(house.count("SELECT count(*) FROM magic_links WHERE used_at IS NULL"), 0);
        assert_eq!(house.post().await, [Posted::Sent]);
        house.raw().execute("DELETE FROM magic_links", []).unwrap();
    }
}

#[tokio::test]
async fn opening_a_link_uses_nothing_and_only_the_click_signs_in_once() {
    let house = house();
    let (letter, browser) = house.asked("ann@example.org").await;
    for _ in 0..5 {
        let seen = house.sign_in.look(&letter.token, Some(&browser)).unwrap();
        assert_eq!(seen.email.as_str(), "ann@example.org");
        assert!(seen.asked_here);
        assert!(!house.sign_in.look(&letter.token, None).unwrap().asked_here);
        assert!(!house.sign_in.look(&letter.token, Some(&letter.token)).unwrap().asked_here);
    }
    assert_eq!(house.count("SELECT count(*) FROM users"), 0);
    house.sign_in.use_link(&letter.token, ip(HERE), visit()).await.unwrap();
    for _ in 0..2 {
        let again = house.sign_in.use_link(&letter.token, ip(HERE), visit()).await;
        assert!(matches!(again, Err(Refusal::LinkOver)));
        assert!(matches!(house.sign_in.look(&letter.token, None), Err(Refusal::LinkOver)));
    }
    assert_eq!(house.count("SELECT count(*) FROM sessions"), 1);
}

#[tokio::test]
async fn a_link_and_its_code_live_ten_minutes_and_a_clock_set_back_revives_neither() {
    let house = house();
    let (letter, browser) = house.asked("ann@example.org").await;
    house.clock.advance(TimeDelta::minutes(10) - TimeDelta::milliseconds(1));
    assert!(house.sign_in.look(&letter.token, None).is_ok());
    house.clock.advance(TimeDelta::milliseconds(1));
    assert!(house.sign_in.look(&letter.token, None).is_err());
    let used = house.sign_in.use_link(&letter.token, ip(HERE), visit()).await;
    assert!(matches!(used, Err(Refusal::LinkOver)));
    let used = house.sign_in.use_code(&browser, &letter.code, ip(HERE), visit()).await;
    assert!(matches!(used, Err(Refusal::WrongCode)));
    house.minutes(-9);
    assert!(house.sign_in.use_link(&letter.token, ip(HERE), visit()).await.is_err());
    assert!(house.sign_in.use_code(&browser, &letter.code, ip(HERE), visit()).await.is_err());
    let (letter, _) = house.asked("ann@example.org").await;
    house.clock.advance(TimeDelta::minutes(10) - TimeDelta::milliseconds(1));
    assert!(house.sign_in.use_link(&letter.token, ip(HERE), visit()).await.is_ok());
}

#[tokio::test]
async fn a_code_signs_in_only_the_browser_that_asked() {
    let house = house();
    let (letter, browser) = house.asked("ann@example.org").await;
    let other = house.sign_in.ask("eve@example.org", ip(HERE)).await.unwrap();
    for stranger in ["", "x", other.browser.as_str(), &letter.token] {
        let used = house.sign_in.use_code(stranger, &letter.code, ip(HERE), visit()).await;
        assert!(matches!(used, Err(Refusal::WrongCode)), "{stranger}");
    }
    let typed = letter.code.to_lowercase().replace('-', " ");
    let signed_in = house.sign_in.use_code(&browser, &typed, ip(HERE), visit()).await.unwrap();
    assert_eq!(signed_in.tenant.email.as_str(), "ann@example.org");
    let again = house.sign_in.use_code(&browser, &letter.code, ip(HERE), visit()).await;
    assert!(matches!(again, Err(Refusal::WrongCode)));
    let link = house.sign_in.use_link(&letter.token, ip(HERE), visit()).await;
    assert!(matches!(link, Err(Refusal::LinkOver)), "the code used up its link");
}

#[tokio::test]
async fn after_five_wrong_codes_the_right_one_is_refused_and_the_link_still_works() {
    for (wrong, works) in [(4, true), (5, false)] {
        let house = house();
        let (letter, browser) = house.asked("ann@example.org").await;
        for n in 0..wrong {
            let code = ["AAAA-AAAA", "", "nonsense", "BBBB-BBBB", "ＡＡＡＡ"][n % 5];
            let used = house.sign_in.use_code(&browser, code, ip(HERE), visit()).await;
            assert!(matches!(used, Err(Refusal::WrongCode)));
        }
        let used = house.sign_in.use_code(&browser, &letter.code, ip(HERE), visit()).await;
        assert_eq!(used.is_ok(), works, "after {wrong} wrong ones");
        if !works {
            assert!(house.sign_in.use_link(&letter.token, ip(HERE), visit()).await.is_ok());
        }
    }
}

#[tokio::test]
async fn all_that_checks_a_secret_shares_one_limit_of_the_network() {
    let limit = RateLimit::new(3, 15);
    let house = house_with(
        settings(|settings| settings.wrong_secrets_per_network = limit),
        TrialSettings::default(),
    );
    let (letter, browser) = house.asked("ann@example.org").await;
    let from = ip("2001:db8:1:2::1");
    let other_of_it = ip("2001:db8:1:2:ffff::9");
    assert!(matches!(house.sign_in.use_link("x", from, visit()).await, Err(Refusal::LinkOver)));
    assert!(matches!(
        house.sign_in.use_code(&browser, "x", other_of_it, visit()).await,
        Err(Refusal::WrongCode)
    ));
    assert!(matches!(
        house.sign_in.use_set_up_link("x", "a@example.org", from, visit()).await,
        Err(Refusal::SetUpOver)
    ));
    for refused in [
        house.sign_in.use_link(&letter.token, from, visit()).await,
        house.sign_in.use_code(&browser, &letter.code, from, visit()).await,
        house.sign_in.use_password("ann@example.org", "password", from, visit()).await,
        house.sign_in.use_set_up_link("x", "a@example.org", other_of_it, visit()).await,
    ] {
        let Err(refusal @ Refusal::TooMany(_)) = refused else { panic!("{refused:?}") };
        let fault = Fault::from(refusal);
        assert_eq!(fault.kind, FaultKind::TooMany);
        assert_eq!(fault.hint.as_deref(), Some("Try again in 5 minutes."));
    }
    // Others are not held up, and a right one counts for nothing.
    assert!(house.sign_in.use_link(&letter.token, ip(HERE), visit()).await.is_ok());
    house.minutes(5);
    let (letter, _) = house.asked("ann@example.org").await;
    assert!(house.sign_in.use_link(&letter.token, from, visit()).await.is_ok());
    let (letter, _) = house.asked("ann@example.org").await;
    assert!(house.sign_in.use_link(&letter.token, from, visit()).await.is_ok());
}

#[tokio::test]
async fn a_network_may_ask_so_often_and_is_told_when_again_also_after_a_restart() {
    let house = house_with(
        settings(|settings| settings.asks_per_network = RateLimit::new(2, 60)),
        TrialSettings::default(),
    );
    house.sign_in.ask("a@example.org", ip("::ffff:192.0.2.1")).await.unwrap();
    house.sign_in.ask("b@example.org", ip(HERE)).await.unwrap();
    let data = house.closed();
    let house = crate::house::house_in(
        data,
        settings(|settings| settings.asks_per_network = RateLimit::new(2, 60)),
        TrialSettings::default(),
        2,
    );
    let refused = house.sign_in.ask("c@example.org", ip(HERE)).await;
    assert!(matches!(refused, Err(Refusal::TooMany(wait)) if wait == TimeDelta::minutes(30)));
    assert!(house.sign_in.ask("c@example.org", ip("192.0.2.2")).await.is_ok());
    house.minutes(30);
    assert!(house.sign_in.ask("c@example.org", ip(HERE)).await.is_ok());
}

#[tokio::test]
async fn an_address_gets_so_many_mails_and_further_asks_are_answered_as_ever() {
    let house = house_with(
        settings(|settings| settings.mails_per_address_in_all = RateLimit::new(2, 60)),
        TrialSettings::default(),
    );
    for (n, from) in ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"].iter().enumerate() {
        house.sign_in.ask("ann@example.org", ip(from)).await.unwrap();
        let posted = house.post().await;
        let want = if n < 2 { Posted::Sent } else { Posted::Dropped(Dropped::TooMany) };
        assert_eq!(posted, [want]);
        house.clock.advance(TimeDelta::milliseconds(1));
    }
    assert_eq!(house.letters().len(), 2);
    house.minutes(30);
    house.sign_in.ask("ann@example.org", ip(HERE)).await.unwrap();
    assert_eq!(house.post().await, [Posted::Sent]);
}

#[tokio::test]
async fn who_asks_too_often_for_somebody_keeps_nobody_elsewhere_from_their_mail() {
    let house = house_with(
        settings(|settings| settings.mails_per_address = RateLimit::new(2, 60)),
        TrialSettings::default(),
    );
    let asked = async |from: &str| {
        house.sign_in.ask("ann@example.org", ip(from)).await.unwrap();
        house.clock.advance(TimeDelta::milliseconds(1));
        house.post().await
    };
    for want in [Posted::Sent, Posted::Sent, Posted::Dropped(Dropped::TooMany)] {
        assert_eq!(asked("192.0.2.1").await, [want]);
    }
    assert_eq!(asked("192.0.2.2").await, [Posted::Sent], "the person's own network");
}

#[tokio::test]
async fn where_sign_ups_are_closed_strangers_get_no_mail_and_tenants_and_the_admin_do() {
    let house = house();
    house.signed_in("ann@example.org").await;
    let data = house.closed();
    let house = crate::house::house_in(
        data,
        settings(|settings| {
            settings.sign_ups_open = false;
            settings.admin_email = Some(crate::house::email("boss@example.org"));
        }),
        TrialSettings::default(),
        2,
    );
    for (address, want) in [
        ("eve@example.org", Posted::Dropped(Dropped::Closed)),
        ("ann@example.org", Posted::Sent),
        ("boss@example.org", Posted::Sent),
    ] {
        house.sign_in.ask(address, ip(HERE)).await.unwrap();
        assert_eq!(house.post().await, [want], "{address}");
        house.clock.advance(TimeDelta::milliseconds(1));
    }
    // A link that was sent before sign-ups were closed makes no account either.
    house
        .raw()
        .execute("UPDATE magic_links SET email = 'eve@example.org' WHERE used_at IS NULL", [])
        .unwrap();
    let letter = house.letters().pop().unwrap();
    let used = house.sign_in.use_link(&letter.token, ip(HERE), visit()).await;
    assert!(matches!(used, Err(Refusal::LinkOver)));
    assert_eq!(house.count("SELECT count(*) FROM users"), 1);
}

#[tokio::test]
async fn a_sign_in_ends_the_browser_s_old_session_and_all_other_links_of_the_address() {
    let house = house();
    let (first, first_browser) = house.asked("ann@example.org").await;
    house.clock.advance(TimeDelta::milliseconds(1));
    let (second, _) = house.asked("ann@example.org").await;
    let one = house.sign_in.use_link(&second.token, ip(HERE), visit()).await.unwrap();
    assert!(house.sign_in.use_link(&first.token, ip(HERE), visit()).await.is_err());
    assert!(house.sign_in.use_code(&first_browser, &first.code, ip(HERE), visit()).await.is_err());
    let (third, _) = house.asked("ann@example.org").await;
    let with_old =
        Visit { session_cookie: Some(one.token.as_str().to_owned()), ..Visit::default() };
    let two = house.sign_in.use_link(&third.token, ip(HERE), with_old).await.unwrap();
    assert!(house.sessions.authenticate(one.token.as_str()).unwrap().is_none());
    assert!(house.sessions.authenticate(two.token.as_str()).unwrap().is_some());
}

#[test]
fn of_64_racing_uses_of_one_link_one_signs_in() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for round in 0..3 {
        let house = house();
        let (letter, browser) = runtime.block_on(house.asked("ann@example.org"));
        let twin = house.twin();
        let won: usize = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..64)
                .map(|n| {
                    let (letter, browser, runtime) = (&letter, &browser, &runtime);
                    let sign_in = if n % 2 == 0 { &house.sign_in } else { &twin };
                    scope.spawn(move || {
                        let from = ip(&format!("198.51.100.{n}"));
                        let used = runtime.block_on(async {
                            if n % 4 == 0 {
                                sign_in.use_code(browser, &letter.code, from, visit()).await
                            } else {
                                sign_in.use_link(&letter.token, from, visit()).await
                            }
                        });
                        usize::from(used.is_ok())
                    })
                })
                .collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).sum()
        });
        assert_eq!(won, 1, "round {round}");
        assert_eq!(house.count("SELECT count(*) FROM sessions"), 1);
        assert_eq!(house.count("SELECT count(*) FROM users"), 1);
    }
}

#[test]
fn of_64_racing_links_of_one_new_address_one_account_with_one_seed_comes() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let house = house_with(
        settings(|settings| {
            settings.mails_per_address = RateLimit::new(100, 60);
            settings.mails_per_address_in_all = RateLimit::new(100, 60);
            settings.asks_per_network = RateLimit::new(100, 60);
        }),
        TrialSettings::default(),
    );
    let letters = runtime.block_on(async {
        for _ in 0..64 {
            house.sign_in.ask("ann@example.org", ip(HERE)).await.unwrap();
            house.clock.advance(TimeDelta::milliseconds(1));
        }
        house.post().await;
        house.letters()
    });
    assert_eq!(letters.len(), 64);
    let won: usize = std::thread::scope(|scope| {
        let racers: Vec<_> = letters
            .iter()
            .enumerate()
            .map(|(n, letter)| {
                let (house, runtime) = (&house, &runtime);
                let from = ip(&format!("198.51.100.{n}"));
                scope.spawn(move || {
                    let used = house.sign_in.use_link(&letter.token, from, visit());
                    usize::from(runtime.block_on(used).is_ok())
                })
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).sum()
    });
    assert_eq!(won, 1, "each sign-in ends the other links of its address");
    assert_eq!(house.count("SELECT count(*) FROM users"), 1);
    assert_eq!(house.count("SELECT count(*) FROM credit_journal"), 1);
}

#[tokio::test]
async fn nothing_that_signs_in_is_stored_in_the_open() {
    let house = house();
    let (letter, browser) = house.asked("ann@example.org").await;
    let signed_in = house.sign_in.use_link(&letter.token, ip(HERE), visit()).await.unwrap();
    let (trial, trial_cookie) = house.trials.begin(ip(HERE)).await.unwrap();
    house.sign_in.ask("bob@example.org", ip(HERE)).await.unwrap();
    let set_up = house.admin.settle(None).await.unwrap().unwrap();
    let copy = house.data.path().join("copy.db");
    house.database.backup_to(&copy).unwrap();
    let mut bytes = std::fs::read(copy).unwrap();
    bytes.extend(std::fs::read(house.data.path().join("recap.db-wal")).unwrap_or_default());
    let holds = |secret: &str| bytes.windows(secret.len()).any(|at| at == secret.as_bytes());
    assert!(holds(&trial.id) && holds(&signed_in.tenant.id), "the copy is what was written");
    for secret in [
        &*letter.token,
        &*letter.code,
        &letter.code.replace('-', ""),
        &*browser,
        signed_in.token.as_str(),
        trial_cookie.as_str(),
        set_up.as_str(),
    ] {
        assert!(!holds(secret));
    }
}

#[tokio::test]
async fn hostile_words_are_refused_and_change_nothing() {
    let house = house();
    for address in ["", "ann", "a@b.org\r\nBcc: eve@evil.org", "a@x.com\u{ff20}evil.org"] {
        assert!(matches!(house.sign_in.ask(address, ip(HERE)).await, Err(Refusal::Email(_))));
    }
    let long = "A".repeat(1 << 20);
    for link in ["", "'; DROP TABLE users; --", "../..", "\0", &long] {
        assert!(house.sign_in.use_link(link, ip("192.0.2.9"), visit()).await.is_err());
        assert!(house.sign_in.look(link, Some(link)).is_err());
        assert!(house.sign_in.use_code(link, link, ip("192.0.2.9"), visit()).await.is_err());
        assert!(house.sessions.authenticate(link).unwrap().is_none());
        assert!(!house.sessions.sign_out(link).await.unwrap());
        assert!(house.trials.authenticate(link).unwrap().is_none());
    }
    for table in ["users", "sessions", "magic_links", "outbox", "trials"] {
        assert_eq!(house.count(&format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
    // A browser may call itself anything.
    let (letter, _) = house.asked("ann@example.org").await;
    let label = format!("evil\r\n\u{2028}<script>{}", "x".repeat(1000));
    let named = Visit { label, ..Visit::default() };
    let signed_in = house.sign_in.use_link(&letter.token, ip(HERE), named).await.unwrap();
    let line = house.sessions.list(&signed_in.tenant.id).unwrap().pop().unwrap();
    assert!(line.label.starts_with("evil   <script>xx") && line.label.chars().count() <= 120);
}

#[tokio::test]
async fn a_trial_that_came_before_becomes_the_tenant_s_once() {
    let house = house();
    let (trial, cookie) = house.trials.begin(ip(HERE)).await.unwrap();
    let (letter, browser) = house.asked("ann@example.org").await;
    let with_trial =
        || Visit { trial_cookie: Some(cookie.as_str().to_owned()), ..Visit::default() };
    let ann = house.sign_in.use_code(&browser, &letter.code, ip(HERE), with_trial()).await.unwrap();
    assert_eq!(ann.adopted, Some(trial.scope()));
    assert_eq!(house.noted(&ann.tenant.id), [("seed".to_owned(), 5), (trial.id.clone(), 1)]);
    let work = house.folders.pending().unwrap();
    assert_eq!(work.len(), 1);
    assert_eq!((&work[0].scope, &work[0].into), (&trial.scope(), &Some(ann.tenant.scope())));
    assert!(house.trials.authenticate(cookie.as_str()).unwrap().is_none());
    // The same cookie again, by the same and by another person.
    for address in ["ann@example.org", "bob@example.org"] {
        let (letter, _) = house.asked(address).await;
        let again = house.sign_in.use_link(&letter.token, ip(HERE), with_trial()).await.unwrap();
        assert_eq!(again.adopted, None);
        assert!(house.noted(&again.tenant.id).len() <= 2);
        house.clock.advance(TimeDelta::milliseconds(1));
    }
    house.folders.done(work[0].id).await.unwrap();
    assert!(house.folders.pending().unwrap().is_empty());
}

#[tokio::test]
async fn a_trial_follows_from_the_browser_that_asked_though_the_link_was_clicked_elsewhere() {
    let house = house();
    let (trial, cookie) = house.trials.begin(ip(HERE)).await.unwrap();
    house.minutes(1);
    let ann = house.signed_in("ann@example.org").await;
    assert!(ann.is_new && ann.adopted.is_none());
    house.minutes(1);
    let (later, later_cookie) = house.trials.begin(ip(HERE)).await.unwrap();
    for (cookie, want) in [
        (later_cookie.as_str(), None),
        (cookie.as_str(), Some(trial.scope())),
        (cookie.as_str(), None),
    ] {
        let (letter, _) = house.asked("ann@example.org").await;
        let visit = Visit { trial_cookie: Some(cookie.to_owned()), ..Visit::default() };
        let signed_in = house.sign_in.use_link(&letter.token, ip(HERE), visit).await.unwrap();
        assert_eq!(signed_in.adopted, want);
        house.clock.advance(TimeDelta::milliseconds(1));
    }
    assert!(house.trials.authenticate(later_cookie.as_str()).unwrap().is_some(), "{later:?}");
}

#[test]
fn of_64_sign_ups_racing_for_one_trial_one_gets_it() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let house = house_with(
        settings(|settings| settings.asks_per_network = RateLimit::new(100, 60)),
        TrialSettings::default(),
    );
    let (cookie, letters) = runtime.block_on(async {
        let (_, cookie) = house.trials.begin(ip(HERE)).await.unwrap();
        for n in 0..64 {
            house.sign_in.ask(&format!("p{n}@example.org"), ip(HERE)).await.unwrap();
            house.clock.advance(TimeDelta::milliseconds(1));
        }
        house.post().await;
        (cookie, house.letters())
    });
    let adopted: usize = std::thread::scope(|scope| {
        let racers: Vec<_> = letters
            .iter()
            .map(|letter| {
                let (house, runtime, cookie) = (&house, &runtime, &cookie);
                scope.spawn(move || {
                    let visit = Visit {
                        trial_cookie: Some(cookie.as_str().to_owned()),
                        ..Visit::default()
                    };
                    let used = house.sign_in.use_link(&letter.token, ip(HERE), visit);
                    usize::from(runtime.block_on(used).unwrap().adopted.is_some())
                })
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).sum()
    });
    assert_eq!(adopted, 1);
    assert_eq!(house.count("SELECT count(*) FROM users"), 64);
    assert_eq!(
        house.count("SELECT count(*) FROM credit_journal WHERE kind = 'trial_carry_over'"),
        1
    );
    assert_eq!(house.count("SELECT count(*) FROM folder_work"), 1);
}

#[tokio::test]
async fn a_sign_up_whose_seed_fails_leaves_nothing_and_the_link_works_again() {
    let house = house();
    let (letter, _) = house.asked("ann@example.org").await;
    let break_it = "CREATE TRIGGER broken BEFORE INSERT ON tenant_credits
         BEGIN SELECT raise(ABORT, 'broken'); END";
    house.raw().execute_batch(break_it).unwrap();
    let used = house.sign_in.use_link(&letter.token, ip(HERE), visit()).await;
    assert!(matches!(used, Err(Refusal::Ledger(_))));
    assert_eq!(house.count("SELECT count(*) FROM users"), 0);
    assert_eq!(house.count("SELECT count(*) FROM sessions"), 0);
    house.raw().execute_batch("DROP TRIGGER broken").unwrap();
    assert!(house.sign_in.use_link(&letter.token, ip(HERE), visit()).await.is_ok());
}

#[tokio::test]
async fn the_admin_is_who_signs_in_with_the_configured_address_and_never_the_first_stranger() {
    let house = house();
    let first = house.signed_in("first@example.org").await;
    assert!(!first.tenant.is_admin);
    let data = house.closed();
    let house = crate::house::house_in(
        data,
        settings(|settings| settings.admin_email = Some(crate::house::email("Boss@example.org"))),
        TrialSettings::default(),
        2,
    );
    assert!(
        house.admin.settle(Some(&crate::house::email("boss@example.org"))).await.unwrap().is_none()
    );
    let boss = house.signed_in("boss@example.org").await;
    assert!(boss.tenant.is_admin);
    assert_eq!(boss.tenant.scope(), Scope::owner());
    let stranger = house.signed_in("second@example.org").await;
    assert!(!stranger.tenant.is_admin && stranger.tenant.scope() != Scope::owner());
}

#[tokio::test]
async fn a_tenant_who_becomes_the_admin_brings_their_folder_along() {
    let house = house();
    let before = house.signed_in("boss@example.org").await;
    let data = house.closed();
    let house = crate::house::house_in(
        data,
        settings(|settings| settings.admin_email = Some(crate::house::email("boss@example.org"))),
        TrialSettings::default(),
        2,
    );
    let after = house.signed_in("boss@example.org").await;
    assert_eq!(after.tenant.id, before.tenant.id);
    let work = house.folders.pending().unwrap();
    assert_eq!(work.len(), 1);
    assert_eq!((&work[0].scope, &work[0].into), (&before.tenant.scope(), &Some(Scope::owner())));
}
