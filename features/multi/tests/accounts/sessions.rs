//! Sessions and passes.

use std::sync::Arc;

use chrono::TimeDelta;
use recap_mode::{Fault, FaultKind, Scope};
use recap_multi::refusal::Refusal;
use recap_multi::sessions::{PASS_MINUTES, SESSION_DAYS, SESSIONS_MAX, Sessions};
use recap_multi::sign_in::SignInSettings;
use recap_multi::tiers::Tier;
use recap_multi::trials::TrialSettings;
use recap_multi::{Database, DatabaseError};

use crate::house::{HERE, House, email, house, house_with, ip};

fn shown(pass: &recap_mode::Pass) -> String {
    pass.cookie().unwrap().strip_prefix("recap_session=").unwrap().to_owned()
}

/// What was handed in to be written soon is written before what is handed in now.
async fn settled(house: &House) {
    house.database.write(|_| Ok::<_, DatabaseError>(())).await.unwrap();
}

#[tokio::test]
async fn a_session_holds_for_thirty_days_and_is_never_longer_for_being_used() {
    let house = house();
    let ann = house.signed_in("ann@example.org").await;
    let holds = || house.sessions.authenticate(ann.token.as_str()).unwrap().is_some();
    for _ in 0..SESSION_DAYS - 1 {
        house.clock.advance(TimeDelta::days(1));
        assert!(holds());
    }
    house.clock.advance(TimeDelta::days(1) - TimeDelta::milliseconds(1));
    assert!(holds());
    house.clock.advance(TimeDelta::milliseconds(1));
    assert!(!holds());
    settled(&house).await;
    house.clock.advance(TimeDelta::days(-2));
    assert!(!holds(), "a clock that is set back does not bring it to life again");
}

#[tokio::test]
async fn a_sign_out_by_another_process_holds_at_once() {
    let house = house();
    let ann = house.signed_in("ann@example.org").await;
    assert!(house.sessions.authenticate(ann.token.as_str()).unwrap().is_some());
    let other = Database::open(&house.data.path().join("recap.db")).unwrap();
    let entropy = Arc::new(recap_mode::SeededEntropy::new(9));
    let there = Sessions::new(other, house.clock.clone(), entropy);
    assert!(there.sign_out(ann.token.as_str()).await.unwrap());
    assert!(house.sessions.authenticate(ann.token.as_str()).unwrap().is_none());
    assert!(!there.sign_out(ann.token.as_str()).await.unwrap());
}

#[tokio::test]
async fn a_tenant_sees_and_ends_their_own_sessions_and_nobody_else_s() {
    let house = house();
    let one = house.signed_in("ann@example.org").await;
    house.minutes(1);
    let two = house.signed_in("ann@example.org").await;
    house.minutes(1);
    let bob = house.signed_in("bob@example.org").await;
    let pass = house.sessions.pass_for(&one.tenant.scope()).await.unwrap();
    let list = house.sessions.list(&one.tenant.id).unwrap();
    assert_eq!(list.len(), 2, "a pass is not in the list");
    assert!(list[0].last_seen_at > list[1].last_seen_at);
    assert_eq!(list[0].label, "A browser");
    let bobs = house.sessions.list(&bob.tenant.id).unwrap().pop().unwrap();
    assert!(!house.sessions.end(&one.tenant.id, &bobs.id).await.unwrap());
    assert!(!house.sessions.end(&one.tenant.id, "nonsense").await.unwrap());
    let of_pass = "SELECT id FROM sessions WHERE kind = 'pass'";
    let of_pass: String = house.raw().query_row(of_pass, [], |row| row.get(0)).unwrap();
    assert!(!house.sessions.end(&one.tenant.id, &of_pass).await.unwrap());
    assert!(house.sessions.end(&one.tenant.id, &list[1].id).await.unwrap());
    assert!(house.sessions.authenticate(one.token.as_str()).unwrap().is_none());
    assert!(house.sessions.authenticate(two.token.as_str()).unwrap().is_some());
    assert_eq!(house.sessions.end_all(&one.tenant.id).await.unwrap(), 2, "one session, one pass");
    assert!(house.sessions.authenticate(two.token.as_str()).unwrap().is_none());
    assert!(house.sessions.authenticate(&shown(&pass)).unwrap().is_none());
    assert!(house.sessions.authenticate(bob.token.as_str()).unwrap().is_some());
}

#[tokio::test]
async fn the_last_use_is_noted_every_ten_minutes_and_not_with_each_request() {
    let house = house();
    let ann = house.signed_in("ann@example.org").await;
    let begun = house.now();
    let seen = || house.sessions.list(&ann.tenant.id).unwrap()[0].last_seen_at;
    house.minutes(9);
    house.sessions.authenticate(ann.token.as_str()).unwrap();
    settled(&house).await;
    assert_eq!(seen(), begun);
    house.minutes(1);
    house.sessions.authenticate(ann.token.as_str()).unwrap();
    settled(&house).await;
    assert_eq!(seen(), house.now());
}

#[tokio::test]
async fn with_one_session_too_many_the_one_unused_for_longest_ends() {
    let house = house_with(
        SignInSettings {
            mails_per_address: recap_multi::rate_limits::RateLimit::new(1000, 1),
            mails_per_address_in_all: recap_multi::rate_limits::RateLimit::new(1000, 1),
            asks_per_network: recap_multi::rate_limits::RateLimit::new(1000, 1),
            ..SignInSettings::default()
        },
        TrialSettings::default(),
    );
    let first = house.signed_in("ann@example.org").await;
    let second = house.signed_in("ann@example.org").await;
    house.minutes(11);
    house.sessions.authenticate(first.token.as_str()).unwrap();
    settled(&house).await;
    for _ in 2..SESSIONS_MAX {
        house.signed_in("ann@example.org").await;
    }
    assert_eq!(house.sessions.list(&first.tenant.id).unwrap().len(), SESSIONS_MAX);
    house.signed_in("ann@example.org").await;
    assert_eq!(house.sessions.list(&first.tenant.id).unwrap().len(), SESSIONS_MAX);
    assert!(house.sessions.authenticate(first.token.as_str()).unwrap().is_some());
    assert!(house.sessions.authenticate(second.token.as_str()).unwrap().is_none());
}

#[tokio::test]
async fn a_pass_is_a_real_session_of_minutes_and_gone_when_it_is_dropped() {
    let house = house();
    let ann = house.signed_in("ann@example.org").await;
    let passes = || house.count("SELECT count(*) FROM sessions WHERE kind = 'pass'");
    let pass = house.sessions.pass_for(&ann.tenant.scope()).await.unwrap();
    let cookie = shown(&pass);
    let session = house.sessions.authenticate(&cookie).unwrap().unwrap();
    assert!(session.is_pass);
    assert_eq!(session.tenant.id, ann.tenant.id);
    house.clock.advance(TimeDelta::minutes(PASS_MINUTES) - TimeDelta::milliseconds(1));
    assert!(house.sessions.authenticate(&cookie).unwrap().is_some());
    house.clock.advance(TimeDelta::milliseconds(1));
    assert!(house.sessions.authenticate(&cookie).unwrap().is_none());
    let pass = house.sessions.pass_for(&ann.tenant.scope()).await.unwrap();
    let cookie = shown(&pass);
    drop(pass);
    settled(&house).await;
    assert!(house.sessions.authenticate(&cookie).unwrap().is_none());
    assert_eq!(passes(), 0);
    // Also by a panic, and without anybody who waits.
    let scope = ann.tenant.scope();
    let pass = house.sessions.pass_for(&scope).await.unwrap();
    let panicked = std::thread::spawn(move || {
        let _pass = pass;
        panic!("a step ended");
    })
    .join();
    assert!(panicked.is_err());
    settled(&house).await;
    assert_eq!(passes(), 0);
}

#[tokio::test]
async fn a_pass_dropped_at_shutdown_is_deleted_before_the_database_closes() {
    let house = house();
    let ann = house.signed_in("ann@example.org").await;
    let pass = house.sessions.pass_for(&ann.tenant.scope()).await.unwrap();
    let data = house.closed();
    // It holds the last handle, whose end waits for what was handed in.
    drop(pass);
    let raw = rusqlite::Connection::open(data.path().join("recap.db")).unwrap();
    let left: i64 = raw
        .query_row("SELECT count(*) FROM sessions WHERE kind = 'pass'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn nobody_gets_a_pass_for_a_scope_without_a_person_and_none_for_another_s() {
    let house = house_with(
        SignInSettings {
            admin_email: Some(email("boss@example.org")),
            ..SignInSettings::default()
        },
        TrialSettings::default(),
    );
    let (trial, _) = house.trials.begin(ip(HERE)).await.unwrap();
    for scope in ["owner", "anon/x", "nobody", trial.scope().as_str()] {
        let refused = house.sessions.pass_for(&Scope::parse(scope).unwrap()).await;
        let refusal = refused.unwrap_err();
        assert!(matches!(refusal, Refusal::NobodyToActAs(_)), "{scope}");
        assert_eq!(Fault::from(refusal).kind, FaultKind::Unauthenticated);
    }
    let boss = house.signed_in("boss@example.org").await;
    let pass = house.sessions.pass_for(&Scope::owner()).await.unwrap();
    let session = house.sessions.authenticate(&shown(&pass)).unwrap().unwrap();
    assert_eq!(session.tenant.id, boss.tenant.id);
    assert_eq!(session.tenant.scope(), Scope::owner());
    let by_id = Scope::parse(&boss.tenant.id).unwrap();
    assert!(house.sessions.pass_for(&by_id).await.is_err(), "the admin's scope is `owner` alone");
}

#[tokio::test]
async fn a_start_sweeps_the_passes_of_a_killed_process_and_leaves_people_signed_in() {
    let house = house();
    let ann = house.signed_in("ann@example.org").await;
    let pass = house.sessions.pass_for(&ann.tenant.scope()).await.unwrap();
    let cookie = shown(&pass);
    // Killed: nothing is dropped.
    std::mem::forget(pass);
    assert_eq!(house.sessions.sweep_passes().await.unwrap(), 1);
    assert!(house.sessions.authenticate(&cookie).unwrap().is_none());
    assert!(house.sessions.authenticate(ann.token.as_str()).unwrap().is_some());
}

#[tokio::test]
async fn a_sweep_deletes_what_is_over_and_nothing_else() {
    let house = house();
    house.signed_in("ann@example.org").await;
    house.clock.advance(TimeDelta::days(SESSION_DAYS) - TimeDelta::milliseconds(1));
    assert_eq!(house.sessions.sweep().await.unwrap(), 0);
    let bob = house.signed_in("bob@example.org").await;
    assert_eq!(house.sessions.sweep().await.unwrap(), 1);
    assert!(house.sessions.authenticate(bob.token.as_str()).unwrap().is_some());
}

#[tokio::test]
async fn a_tier_set_now_is_what_the_next_request_sees() {
    let house = house();
    let ann = house.signed_in("ann@example.org").await;
    let end = house.now() + TimeDelta::days(1);
    house.admin.set_tier(&ann.tenant.id, Tier::Pro, Some(end)).await.unwrap();
    let tier = || {
        let session = house.sessions.authenticate(ann.token.as_str()).unwrap().unwrap();
        session.tenant.tier_at(house.now())
    };
    assert_eq!(tier(), Tier::Pro);
    house.clock.advance(TimeDelta::days(1) - TimeDelta::milliseconds(1));
    assert_eq!(tier(), Tier::Pro);
    house.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(tier(), Tier::Core);
    house.admin.set_tier(&ann.tenant.id, Tier::Max, None).await.unwrap();
    assert_eq!(tier(), Tier::Max);
    let other = house.signed_in("bob@example.org").await;
    assert_eq!(other.tenant.tier_at(house.now()), Tier::Core);
}

/// A figure, not a claim: prints what one request's authentication takes.
#[tokio::test]
async fn an_authentication_is_measured() {
    let house = house();
    let ann = house.signed_in("ann@example.org").await;
    let cookie = ann.token.as_str();
    house.sessions.authenticate(cookie).unwrap();
    let rounds = 2000;
    let begun = std::time::Instant::now();
    for _ in 0..rounds {
        assert!(house.sessions.authenticate(cookie).unwrap().is_some());
    }
    println!("one authentication: {:?}", begun.elapsed() / rounds);
}
