//! The operator's desk.

use chrono::TimeDelta;
use recap_mode::Scope;
use recap_multi::admin::{Cursor, SET_UP_HOURS};
use recap_multi::refusal::Refusal;
use recap_multi::sign_in::Visit;
use recap_multi::tiers::Tier;

use crate::house::{HERE, email, house, ip, visit};

#[tokio::test]
async fn the_set_up_link_makes_one_admin_once_and_each_start_a_new_link() {
    let house = house();
    let stranger = house.signed_in("stranger@example.org").await;
    assert!(!stranger.tenant.is_admin, "being first makes nobody the admin");
    let old = house.admin.settle(None).await.unwrap().unwrap();
    let link = house.admin.settle(None).await.unwrap().unwrap();
    let from = ip(HERE);
    let used = |link: String, address: &'static str| {
        let house = &house;
        async move { house.sign_in.use_set_up_link(&link, address, from, visit()).await }
    };
    let replaced = used(old.as_str().to_owned(), "boss@example.org").await;
    assert!(matches!(replaced, Err(Refusal::SetUpOver)));
    assert!(matches!(used(link.as_str().to_owned(), "boss").await, Err(Refusal::Email(_))));
    let boss = used(link.as_str().to_owned(), "Boss@example.org").await.unwrap();
    assert!(boss.is_new && boss.tenant.is_admin);
    assert_eq!(boss.tenant.scope(), Scope::owner());
    let again = used(link.as_str().to_owned(), "eve@example.org").await;
    assert!(matches!(again, Err(Refusal::SetUpOver)));
    assert!(house.admin.settle(None).await.unwrap().is_none(), "there is an admin now");
    assert!(house.signed_in("boss@example.org").await.tenant.is_admin);
}

#[tokio::test]
async fn a_set_up_link_is_over_after_a_day_or_with_a_configured_address() {
    let house = house();
    let link = house.admin.settle(None).await.unwrap().unwrap();
    house.clock.advance(TimeDelta::hours(SET_UP_HOURS));
    let used = house.sign_in.use_set_up_link(link.as_str(), "a@example.org", ip(HERE), visit());
    assert!(matches!(used.await, Err(Refusal::SetUpOver)));
    let link = house.admin.settle(None).await.unwrap().unwrap();
    assert!(house.admin.settle(Some(&email("boss@example.org"))).await.unwrap().is_none());
    let used = house.sign_in.use_set_up_link(link.as_str(), "a@example.org", ip(HERE), visit());
    assert!(matches!(used.await, Err(Refusal::SetUpOver)));
    let link = house.admin.settle(None).await.unwrap().unwrap();
    house.clock.advance(TimeDelta::hours(SET_UP_HOURS) - TimeDelta::milliseconds(1));
    let used = house.sign_in.use_set_up_link(link.as_str(), "a@example.org", ip(HERE), visit());
    assert!(used.await.is_ok());
}

#[tokio::test]
async fn who_squatted_the_admin_s_address_is_put_out_by_the_set_up_link() {
    let house = house();
    let squatter = house.signed_in("boss@example.org").await;
    let id = &squatter.tenant.id;
    let cookie = squatter.token.as_str();
    house.sign_in.set_password(id, Some("correct horse"), Some(cookie)).await.unwrap();
    assert!(house.sessions.authenticate(cookie).unwrap().is_some());
    let (squatted, _) = house.asked("boss@example.org").await;
    let link = house.admin.settle(None).await.unwrap().unwrap();
    let boss =
        house.sign_in.use_set_up_link(link.as_str(), "boss@example.org", ip(HERE), visit()).await;
    let boss = boss.unwrap();
    assert!(boss.tenant.is_admin && !boss.tenant.has_password && !boss.is_new);
    assert!(house.sessions.authenticate(squatter.token.as_str()).unwrap().is_none());
    assert!(house.sign_in.use_link(&squatted.token, ip(HERE), visit()).await.is_err());
}

#[test]
fn of_64_racing_uses_of_the_set_up_link_one_is_the_admin() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let house = house();
    let link = runtime.block_on(house.admin.settle(None)).unwrap().unwrap();
    let won: usize = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..64)
            .map(|n| {
                let (house, runtime, link) = (&house, &runtime, &link);
                scope.spawn(move || {
                    let (address, from) =
                        (format!("p{n}@example.org"), ip(&format!("198.51.100.{n}")));
                    let used =
                        house.sign_in.use_set_up_link(link.as_str(), &address, from, visit());
                    usize::from(runtime.block_on(used).is_ok())
                })
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).sum()
    });
    assert_eq!(won, 1);
    assert_eq!(house.count("SELECT count(*) FROM users WHERE is_admin = 1"), 1);
}

#[tokio::test]
async fn with_a_configured_address_nobody_else_stays_the_admin() {
    let house = house();
    let link = house.admin.settle(None).await.unwrap().unwrap();
    let old = house
        .sign_in
        .use_set_up_link(link.as_str(), "old@example.org", ip(HERE), visit())
        .await
        .unwrap();
    house.admin.settle(Some(&email("new@example.org"))).await.unwrap();
    let session = house.sessions.authenticate(old.token.as_str()).unwrap().unwrap();
    assert!(!session.tenant.is_admin);
    assert_ne!(session.tenant.scope(), Scope::owner());
}

#[tokio::test]
async fn lists_come_in_pages_the_newest_first_and_each_line_once() {
    let house = house();
    for n in 0..7 {
        house.signed_in(&format!("p{n}@example.org")).await;
        house.trials.begin(ip(&format!("198.51.100.{n}"))).await.unwrap();
        if n % 2 == 0 {
            house.minutes(1);
        }
    }
    let mut seen = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let page = house.admin.tenants(after.as_ref(), 3).unwrap();
        assert!(page.lines.len() <= 3);
        seen.extend(page.lines.into_iter().map(|tenant| tenant.email.as_str().to_owned()));
        let Some(next) = page.next else { break };
        let text = next.to_string();
        after = Some(text.parse().unwrap());
    }
    let want: Vec<String> = (0..7).rev().map(|n| format!("p{n}@example.org")).collect();
    assert_eq!(seen, want);
    let page = house.admin.trials(None, 7).unwrap();
    assert_eq!((page.lines.len(), page.next), (7, None));
    assert_eq!(house.admin.trials(None, 0).unwrap().lines.len(), 1);
    assert_eq!(house.admin.trials(None, usize::MAX).unwrap().lines.len(), 7);
    for bad in ["", "1", "x.y", "1.'; --", "1.a b", "99999999999999999999.a", "1.\u{e4}"] {
        assert!(bad.parse::<Cursor>().is_err(), "{bad:?}");
    }
}

#[tokio::test]
async fn a_deleted_account_leaves_no_row_that_names_it_and_earns_no_second_seed() {
    let house = house();
    let (trial, cookie) = house.trials.begin(ip(HERE)).await.unwrap();
    let (letter, browser) = house.asked("ann@example.org").await;
    let with_trial = Visit { trial_cookie: Some(cookie.as_str().to_owned()), ..visit() };
    let ann = house.sign_in.use_code(&browser, &letter.code, ip(HERE), with_trial).await.unwrap();
    let bob = house.signed_in("bob@example.org").await;
    house.sign_in.ask("ann@example.org", ip(HERE)).await.unwrap();
    house.admin.delete(&ann.tenant.id).await.unwrap();
    assert!(matches!(house.admin.delete(&ann.tenant.id).await, Err(Refusal::NoTenant)));
    assert!(matches!(house.tenants.by_id(&ann.tenant.id), Err(Refusal::NoTenant)));
    assert!(house.sessions.authenticate(ann.token.as_str()).unwrap().is_none());
    assert!(house.sessions.authenticate(bob.token.as_str()).unwrap().is_some());
    assert!(house.post().await.is_empty(), "waiting mail is gone");
    let of_ann = [
        "SELECT count(*) FROM users WHERE email LIKE 'ann%'",
        "SELECT count(*) FROM magic_links WHERE email LIKE 'ann%'",
        "SELECT count(*) FROM outbox WHERE recipient LIKE 'ann%'",
        "SELECT count(*) FROM trials WHERE user_id IS NOT NULL",
    ];
    for sql in of_ann {
        assert_eq!(house.count(sql), 0, "{sql}");
    }
    assert!(house.noted(&ann.tenant.id).is_empty());
    let left = "SELECT count(*) FROM credit_journal WHERE user_id LIKE 'gone/%'";
    assert_eq!(house.count(left), 4, "seed, trial, and both closed");
    // First the adoption, then the heir goes.
    let work = house.folders.pending().unwrap();
    let places: Vec<_> = work.iter().map(|work| (&work.scope, work.into.is_some())).collect();
    assert_eq!(places, [(&trial.scope(), true), (&ann.tenant.scope(), false)]);
    house.clock.advance(TimeDelta::milliseconds(1));
    let again = house.signed_in("ann@example.org").await;
    assert!(again.is_new && again.tenant.id != ann.tenant.id);
    assert_eq!(house.noted(&again.tenant.id), [("seed".to_owned(), 0)]);
    let balance = house.ledger.balance(&again.tenant.scope()).await.unwrap();
    assert_eq!(balance.total.get(), 0);
}

#[tokio::test]
async fn behind_a_scope_stands_the_person_whom_ledger_and_relay_know() {
    let house = house();
    let ann = house.signed_in("ann@example.org").await;
    let (trial, _) = house.trials.begin(ip(HERE)).await.unwrap();
    let behind = |scope: Scope| house.tenants.behind(&scope).unwrap().map(|tenant| tenant.id);
    assert_eq!(behind(Scope::owner()), None);
    assert_eq!(behind(trial.scope()), None);
    assert_eq!(behind(ann.tenant.scope()), Some(ann.tenant.id));
    let link = house.admin.settle(None).await.unwrap().unwrap();
    let boss = house
        .sign_in
        .use_set_up_link(link.as_str(), "boss@example.org", ip(HERE), visit())
        .await
        .unwrap();
    assert_eq!(behind(Scope::owner()), Some(boss.tenant.id.clone()));
    assert_eq!(behind(Scope::parse(&boss.tenant.id).unwrap()), None);
}

#[tokio::test]
async fn the_machine_s_own_folder_outlives_its_admin() {
    let house = house();
    let link = house.admin.settle(None).await.unwrap().unwrap();
    let boss = house
        .sign_in
        .use_set_up_link(link.as_str(), "boss@example.org", ip(HERE), visit())
        .await
        .unwrap();
    house.admin.delete(&boss.tenant.id).await.unwrap();
    assert!(house.folders.pending().unwrap().iter().all(|work| work.scope != Scope::owner()));
}

#[tokio::test]
async fn a_tier_is_set_for_somebody_who_is_there() {
    let house = house();
    let ann = house.signed_in("ann@example.org").await;
    let end = house.now() + TimeDelta::days(30);
    let set = house.admin.set_tier(&ann.tenant.id, Tier::Max, Some(end)).await.unwrap();
    assert_eq!((set.tier, set.tier_expires_at), (Tier::Max, Some(end)));
    assert_eq!(house.tenants.by_address("ann@example.org").unwrap(), set);
    let nobody = house.admin.set_tier("nobody", Tier::Pro, None).await;
    assert!(matches!(nobody, Err(Refusal::NoTenant)));
    assert!(matches!(house.tenants.by_address("bob@example.org"), Err(Refusal::NoTenant)));
}

#[tokio::test]
async fn what_the_relay_tells_is_kept_with_its_time_until_it_is_set_here() {
    let house = house();
    let ann = house.signed_in("ann@example.org").await;
    let end = house.now() + TimeDelta::days(30);
    let told = house.tenants.note_relay_tier(&ann.tenant.id, Tier::Pro, Some(end)).await.unwrap();
    assert_eq!((told.tier, told.tier_expires_at), (Tier::Pro, Some(end)));
    assert_eq!(told.tier_read_at, Some(house.now()));
    let set = house.admin.set_tier(&ann.tenant.id, Tier::Max, None).await.unwrap();
    assert_eq!((set.tier, set.tier_expires_at, set.tier_read_at), (Tier::Max, None, None));
    let nobody = house.tenants.note_relay_tier("nobody", Tier::Pro, None).await;
    assert!(matches!(nobody, Err(Refusal::NoTenant)));
}

#[tokio::test]
async fn one_sweep_takes_all_that_is_over() {
    let house = house();
    house.asked("ann@example.org").await;
    house.signed_in("bob@example.org").await;
    house.trials.begin(ip(HERE)).await.unwrap();
    house.admin.sweep().await.unwrap();
    assert_eq!(house.count("SELECT count(*) FROM sessions"), 1);
    assert_eq!(house.count("SELECT count(*) FROM magic_links"), 2);
    house.clock.advance(TimeDelta::days(31));
    assert!(house.admin.sweep().await.unwrap() >= 5);
    for table in ["sessions", "magic_links", "rate_limits", "trials"] {
        assert_eq!(house.count(&format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
    assert_eq!(house.count("SELECT count(*) FROM users"), 1);
    assert!(house.database.check().unwrap().is_empty());
}
