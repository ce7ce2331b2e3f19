//! Trials.

use chrono::TimeDelta;
use recap_mode::JobId;
use recap_multi::refusal::Refusal;
use recap_multi::sign_in::{SignInSettings, Visit};
use recap_multi::trials::{TRIAL_DAYS, TrialSettings};

use crate::house::{HERE, House, house, house_with, ip};

fn with_credits(credits: i64) -> House {
    let trials = TrialSettings { trial_credits_per_visitor: credits, ..TrialSettings::default() };
    house_with(SignInSettings::default(), trials)
}

fn job(text: &str) -> JobId {
    text.parse().unwrap()
}

#[test]
fn of_64_racing_first_summaries_from_one_network_the_cap_holds_exactly() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let house = house();
    let begun: usize = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..64)
            .map(|n| {
                let (house, runtime) = (&house, &runtime);
                scope.spawn(move || {
                    let from = ip(&format!("2001:db8:1:2::{n:x}"));
                    match runtime.block_on(house.trials.begin(from)) {
                        Ok(_) => 1,
                        Err(Refusal::TrialsUsedUp) => 0,
                        Err(other) => panic!("{other}"),
                    }
                })
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).sum()
    });
    assert_eq!(begun, 5);
    assert_eq!(house.count("SELECT count(*) FROM trials"), 5);
    runtime.block_on(async {
        assert!(house.trials.begin(ip("2001:db8:1:3::1")).await.is_ok(), "another network's");
    });
}

#[tokio::test]
async fn the_cap_is_for_life_and_outlives_the_trials() {
    let house = house();
    for _ in 0..5 {
        house.trials.begin(ip("::ffff:192.0.2.1")).await.unwrap();
        house.clock.advance(TimeDelta::days(400));
        house.trials.sweep().await.unwrap();
    }
    assert_eq!(house.count("SELECT count(*) FROM trials"), 0);
    let refused = house.trials.begin(ip("192.0.2.1")).await;
    assert!(matches!(refused, Err(Refusal::TrialsUsedUp)));
    assert!(house.trials.begin(ip("192.0.2.2")).await.is_ok());
}

#[tokio::test]
async fn a_job_pays_once_however_often_it_asks_and_no_trial_goes_below_nothing() {
    let house = with_credits(2);
    let (trial, _) = house.trials.begin(ip(HERE)).await.unwrap();
    for _ in 0..3 {
        assert_eq!(house.trials.debit(&trial.id, &job("a")).await.unwrap(), 1);
    }
    house.trials.affords(&trial.id).unwrap();
    assert_eq!(house.trials.debit(&trial.id, &job("b")).await.unwrap(), 0);
    let spent = house.trials.debit(&trial.id, &job("c")).await;
    assert!(matches!(spent, Err(Refusal::TrialSpent)));
    assert!(matches!(house.trials.affords(&trial.id), Err(Refusal::TrialSpent)));
    assert!(matches!(house.trials.affords("nobody"), Err(Refusal::TrialOver)));
    assert_eq!(house.trials.debit(&trial.id, &job("b")).await.unwrap(), 0, "it goes on");
    let other = house.trials.debit("nobody", &job("c")).await;
    assert!(matches!(other, Err(Refusal::TrialOver)));
}

#[tokio::test]
async fn a_failed_job_is_given_back_once_and_a_new_try_is_a_new_job() {
    let house = house();
    let (trial, cookie) = house.trials.begin(ip(HERE)).await.unwrap();
    let left = || house.trials.authenticate(cookie.as_str()).unwrap().unwrap().credits_left();
    house.trials.debit(&trial.id, &job("a")).await.unwrap();
    assert_eq!(left(), 0);
    assert!(!house.trials.refund(&trial.id, &job("never")).await.unwrap());
    assert!(house.trials.refund(&trial.id, &job("a")).await.unwrap());
    assert!(!house.trials.refund(&trial.id, &job("a")).await.unwrap());
    assert_eq!(left(), 1);
    let again = house.trials.debit(&trial.id, &job("a")).await;
    assert!(matches!(again, Err(Refusal::JobRefunded)));
    assert_eq!(house.trials.debit(&trial.id, &job("a-2")).await.unwrap(), 0);
}

#[test]
fn of_64_racing_jobs_on_one_credit_one_runs_and_64_refunds_give_one_back() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let house = house();
    let (trial, _) = runtime.block_on(house.trials.begin(ip(HERE))).unwrap();
    let race = |act: &(dyn Fn(usize) -> bool + Sync)| -> usize {
        std::thread::scope(|scope| {
            let racers: Vec<_> =
                (0..64).map(|n| scope.spawn(move || usize::from(act(n)))).collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).sum()
        })
    };
    let name = |n: usize| job(&format!("job-{n}"));
    let paid = race(&|n| runtime.block_on(house.trials.debit(&trial.id, &name(n))).is_ok());
    assert_eq!(paid, 1);
    let who = house.raw().query_row("SELECT job FROM trial_debits", [], |row| row.get(0));
    let who: String = who.unwrap();
    let back = race(&|_| runtime.block_on(house.trials.refund(&trial.id, &job(&who))).unwrap());
    assert_eq!(back, 1);
    assert_eq!(house.count("SELECT credits_used FROM trials"), 0);
}

#[tokio::test]
async fn a_job_under_way_at_sign_up_is_given_back_to_the_tenant_once() {
    let house = with_credits(3);
    let (trial, cookie) = house.trials.begin(ip(HERE)).await.unwrap();
    house.trials.debit(&trial.id, &job("a")).await.unwrap();
    let (letter, _) = house.asked("ann@example.org").await;
    let visit = Visit { trial_cookie: Some(cookie.as_str().to_owned()), ..Visit::default() };
    let ann = house.sign_in.use_link(&letter.token, ip(HERE), visit).await.unwrap();
    assert_eq!(house.trials.debit(&trial.id, &job("a")).await.unwrap(), 2, "it goes on");
    let new = house.trials.debit(&trial.id, &job("b")).await;
    assert!(matches!(new, Err(Refusal::TrialOver)));
    assert!(house.trials.refund(&trial.id, &job("a")).await.unwrap());
    assert!(!house.trials.refund(&trial.id, &job("a")).await.unwrap());
    let carried = [(trial.id.clone(), 2), (format!("{}/a", trial.id), 1)];
    assert_eq!(house.noted(&ann.tenant.id)[1..], carried);
}

#[tokio::test]
async fn a_spent_trial_brings_its_folder_and_no_credit() {
    let house = house();
    let (trial, cookie) = house.trials.begin(ip(HERE)).await.unwrap();
    house.trials.debit(&trial.id, &job("a")).await.unwrap();
    let (letter, _) = house.asked("ann@example.org").await;
    let visit = Visit { trial_cookie: Some(cookie.as_str().to_owned()), ..Visit::default() };
    let ann = house.sign_in.use_link(&letter.token, ip(HERE), visit).await.unwrap();
    assert_eq!(ann.adopted, Some(trial.scope()));
    assert_eq!(house.noted(&ann.tenant.id), [("seed".to_owned(), 5)]);
}

#[tokio::test]
async fn after_a_week_a_trial_and_its_folder_go_unless_it_became_somebody_s() {
    let house = house();
    let (gone, gone_cookie) = house.trials.begin(ip(HERE)).await.unwrap();
    let (kept, kept_cookie) = house.trials.begin(ip(HERE)).await.unwrap();
    let (letter, _) = house.asked("ann@example.org").await;
    let visit = Visit { trial_cookie: Some(kept_cookie.as_str().to_owned()), ..Visit::default() };
    house.sign_in.use_link(&letter.token, ip(HERE), visit).await.unwrap();
    let adoption = house.folders.pending().unwrap();
    house.folders.done(adoption[0].id).await.unwrap();
    house.clock.advance(TimeDelta::days(TRIAL_DAYS) - TimeDelta::milliseconds(1));
    assert_eq!(house.trials.sweep().await.unwrap(), 0);
    assert!(house.trials.authenticate(gone_cookie.as_str()).unwrap().is_some());
    house.clock.advance(TimeDelta::milliseconds(1));
    assert!(house.trials.authenticate(gone_cookie.as_str()).unwrap().is_none());
    assert!(matches!(house.trials.debit(&gone.id, &job("a")).await, Err(Refusal::TrialOver)));
    assert_eq!(house.trials.sweep().await.unwrap(), 2);
    let work = house.folders.pending().unwrap();
    assert_eq!(work.len(), 1, "{kept:?} is the tenant's");
    assert_eq!((&work[0].scope, &work[0].into), (&gone.scope(), &None));
}

#[test]
fn both_sides_of_each_bound_of_the_settings() {
    for (text, fits) in [
        ("{}", true),
        (r#"{"trial_credits_per_visitor": 0}"#, true),
        (r#"{"trial_credits_per_visitor": 1000}"#, true),
        (r#"{"trial_credits_per_visitor": 1001}"#, false),
        (r#"{"trial_credits_per_visitor": -1}"#, false),
        (r#"{"trials_per_ip_lifetime": 0}"#, false),
        (r#"{"trials_per_ip_lifetime": 1}"#, true),
        (r#"{"trials_per_ip_lifetime": 50}"#, true),
        (r#"{"trials_per_ip_lifetime": 51}"#, false),
        (r#"{"trials_per_ip_per_day": 5}"#, false),
    ] {
        assert_eq!(serde_json::from_str::<TrialSettings>(text).is_ok(), fits, "{text}");
    }
    let default: TrialSettings = serde_json::from_str("{}").unwrap();
    assert_eq!(default, TrialSettings::default());
}

#[tokio::test]
async fn trials_can_be_switched_off() {
    let house = with_credits(0);
    assert!(matches!(house.trials.begin(ip(HERE)).await, Err(Refusal::TrialsUsedUp)));
    assert_eq!(house.count("SELECT count(*) FROM trial_networks"), 0);
}
