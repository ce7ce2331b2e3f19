//! Following on the files alone: what is found, what is known, and that nothing is written for nothing.

use chrono::TimeDelta;
use recap_mode::{Clock, ManualClock, SeededEntropy};

use super::*;
use crate::domain::auto_queue::ReasonCode;
use crate::domain::filters::Filters;

/// What was found in one feed.
type Brought = (Intake, Arc<Candidates>);

struct Bench {
    data: tempfile::TempDir,
    clock: Arc<ManualClock>,
    library: Arc<Library>,
}

fn bench() -> Bench {
    let data = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at("2026-11-20T10:00:00Z".parse().unwrap()));
    let library =
        Library::open(data.path(), clock.clone(), Arc::new(SeededEntropy::new(3))).unwrap();
    Bench { data, clock, library }
}

const DEFAULTS: Defaults = Defaults { newest_at_first: 2, auto_approve_per_day_max: 5 };

impl Bench {
    async fn follow(&self, one: Subscription) -> SubscriptionId {
        self.library.follow(&Scope::owner(), one, usize::MAX).await.unwrap()
    }

    fn intake(&self, id: &SubscriptionId, url: &str, episodes: &[u32], hash: &str) -> Brought {
        let intake = Intake {
            subscription: id.clone(),
            url: url.to_owned(),
            show_key: url.to_owned(),
            show: "The Shed".to_owned(),
            feed_url: Url::parse(url).unwrap(),
            moved_to: None,
            hash: hash.to_owned(),
        };
        (intake, Arc::new(candidates(episodes)))
    }

    async fn take(&self, brought: Vec<Brought>) -> Vec<String> {
        let (intakes, candidates): (Vec<_>, _) = brought.into_iter().unzip();
        let (owner, intakes) = (Scope::owner(), intakes.into());
        let taken = self.library.take_in(&owner, intakes, candidates, DEFAULTS, usize::MAX).await;
        let taken = taken.unwrap();
        taken.found.iter().map(ToString::to_string).collect()
    }

    async fn queue(&self) -> AutoQueue {
        self.library.auto_queue(&Scope::owner()).await.unwrap()
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.data.path().join("history/owner").join(name)).unwrap()
    }
}

const FEED: &str = "https://shed.example.org/feed";

fn one() -> Subscription {
    Subscription { url: FEED.to_owned(), title: "The Shed".to_owned(), ..Subscription::default() }
}

/// The last comes first.
fn candidates(episodes: &[u32]) -> Candidates {
    let first: DateTime<Utc> = "2026-11-01T08:00:00Z".parse().unwrap();
    let mut candidates = Candidates::default();
    for n in episodes.iter().rev() {
        candidates.push(&Candidate {
            id: &format!("pod:{n:04}"),
            title: &format!("Episode {n}"),
            media: None,
            published_at: Some(first + TimeDelta::days(i64::from(*n))),
            duration_ms: Some(1_800_000),
            url: None,
            key: n.to_string().as_str().into(),
        });
    }
    candidates
}

#[tokio::test]
async fn the_newest_few_are_found_at_first_and_everything_new_from_then_on() {
    let bench = bench();
    let id = bench.follow(one()).await;
    let first = bench.intake(&id, FEED, &[1, 2, 3, 4], "a");
    assert_eq!(bench.take(vec![first]).await, ["pod:0004", "pod:0003"]);
    let next = bench.intake(&id, FEED, &[1, 2, 3, 4, 5, 6, 7], "b");
    assert_eq!(bench.take(vec![next]).await, ["pod:0007", "pod:0006", "pod:0005"]);
    let seen = bench.library.seen_list(&Scope::owner()).await.unwrap();
    assert_eq!(seen.why("pod:0001"), Some(Why::Before));
    assert_eq!(seen.why("pod:0007"), Some(Why::Offered));
    let state = bench.library.feed_state(&Scope::owner()).await.unwrap();
    assert_eq!(state.find(&id, FEED).unwrap().consumed.as_deref(), Some("b"));
}

#[tokio::test]
async fn what_a_person_took_out_of_the_queue_or_skipped_or_deleted_is_not_found_again() {
    let bench = bench();
    let id = bench.follow(one()).await;
    bench.take(vec![bench.intake(&id, FEED, &[1, 2], "a")]).await;
    bench
        .library
        .change_queue(&Scope::owner(), |queue| {
            queue.items.retain(|item| item.title != "Episode 1");
            Ok(())
        })
        .await
        .unwrap();
    let two: EpisodeId = "pod:0002".parse().unwrap();
    bench.library.decide(&Scope::owner(), vec![two.clone()], Decision::Skip).await.unwrap();
    assert!(bench.take(vec![bench.intake(&id, FEED, &[1, 2], "b")]).await.is_empty());
    // The skip list alone is enough: the seen list may be deleted.
    std::fs::remove_file(bench.data.path().join("history/owner/seen-list.json")).unwrap();
    assert_eq!(bench.take(vec![bench.intake(&id, FEED, &[1, 2], "c")]).await, ["pod:0001"]);
    bench.library.decide(&Scope::owner(), vec![two.clone()], Decision::UndoSkip).await.unwrap();
    assert_eq!(bench.queue().await.find(&two).unwrap().state, State::Found);
}

#[tokio::test]
async fn who_died_between_the_queue_and_the_seen_list_is_made_good() {
    let bench = bench();
    let id = bench.follow(one()).await;
    bench.take(vec![bench.intake(&id, FEED, &[1, 2], "a")]).await;
    for name in ["seen-list.json", "feed-state.json"] {
        std::fs::remove_file(bench.data.path().join("history/owner").join(name)).unwrap();
    }
    assert!(bench.take(vec![bench.intake(&id, FEED, &[1, 2], "a")]).await.is_empty());
    assert_eq!(bench.text("seen-list.json").matches(" offered ").count(), 2);
    assert!(bench.take(vec![bench.intake(&id, FEED, &[1, 2], "b")]).await.is_empty());
    assert_eq!(bench.text("seen-list.json").matches(" offered ").count(), 2, "each once");
}

#[tokio::test]
async fn who_follows_again_gets_what_is_new_and_nothing_that_was_offered_or_older() {
    let bench = bench();
    let id = bench.follow(one()).await;
    bench.take(vec![bench.intake(&id, FEED, &[1, 2, 3, 4], "a")]).await;
    bench.library.unfollow(&Scope::owner(), &id).await.unwrap();
    let id = bench.follow(one()).await;
    assert!(bench.take(vec![bench.intake(&id, FEED, &[1, 2, 3, 4], "a")]).await.is_empty());
    bench.library.unfollow(&Scope::owner(), &id).await.unwrap();
    let id = bench.follow(one()).await;
    let later = bench.intake(&id, FEED, &[1, 2, 3, 4, 5], "b");
    assert_eq!(bench.take(vec![later]).await, ["pod:0005"]);
    // Who wants more of what was there at first says so, and gets it.
    bench.library.unfollow(&Scope::owner(), &id).await.unwrap();
    let id = bench.follow(Subscription { newest_at_first: Some(4), ..one() }).await;
    let deeper = bench.intake(&id, FEED, &[1, 2, 3, 4, 5], "b");
    assert_eq!(bench.take(vec![deeper]).await, ["pod:0002"]);
}

#[tokio::test]
async fn a_subscription_that_went_away_or_leads_elsewhere_meanwhile_takes_nothing_in() {
    let bench = bench();
    let id = bench.follow(one()).await;
    let stale = bench.intake(&id, FEED, &[1], "a");
    bench
        .library
        .change_subscriptions(&Scope::owner(), |list| {
            list.subscriptions[0].url = "https://other.example.org/".to_owned();
            Ok(())
        })
        .await
        .unwrap();
    assert!(bench.take(vec![stale.clone()]).await.is_empty());
    bench.library.unfollow(&Scope::owner(), &id).await.unwrap();
    assert!(bench.take(vec![stale]).await.is_empty());
    assert_eq!(bench.queue().await.items.len(), 0);
}

#[tokio::test]
async fn filters_that_cannot_be_used_find_nothing_and_lose_nothing() {
    let bench = bench();
    let id = bench.follow(one()).await;
    let owner = Scope::owner();
    let set = |pattern: Option<&'static str>| {
        bench.library.change_subscriptions(&owner, move |list| {
            list.subscriptions[0].filters =
                Filters { pattern: pattern.map(str::to_owned), ..Filters::default() };
            Ok(())
        })
    };
    set(Some("(")).await.unwrap();
    assert!(bench.take(vec![bench.intake(&id, FEED, &[1], "a")]).await.is_empty());
    set(None).await.unwrap();
    assert_eq!(bench.take(vec![bench.intake(&id, FEED, &[1], "a")]).await, ["pod:0001"]);
}

#[tokio::test]
async fn a_full_queue_takes_no_more_and_the_rest_comes_later() {
    let bench = bench();
    let id = bench.follow(one()).await;
    bench.take(vec![bench.intake(&id, FEED, &[], "a")]).await;
    bench
        .library
        .change_queue(&Scope::owner(), |queue| {
            let text = r#"{"id": "pod:x", "state": "found"}"#;
            let item: QueueItem = serde_json::from_str(text).unwrap();
            queue.items = (0..OPEN_ITEMS_MAX - 1)
                .map(|n| QueueItem { id: format!("pod:f{n}").parse().unwrap(), ..item.clone() })
                .collect();
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(bench.take(vec![bench.intake(&id, FEED, &[1, 2], "b")]).await, ["pod:0002"]);
    let state = bench.library.feed_state(&Scope::owner()).await.unwrap();
    assert_eq!(state.find(&id, FEED).unwrap().consumed, None, "it is looked at again");
    bench
        .library
        .change_queue(&Scope::owner(), |queue| {
            queue.items.truncate(10);
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(bench.take(vec![bench.intake(&id, FEED, &[1, 2], "b")]).await, ["pod:0001"]);
}

#[tokio::test]
async fn an_item_is_taken_up_once_ended_once_and_only_by_its_own_job() {
    let bench = bench();
    let id = bench.follow(one()).await;
    bench.take(vec![bench.intake(&id, FEED, &[1, 2], "a")]).await;
    bench.library.approve_all(&Scope::owner(), None).await.unwrap();
    let (job, other): (JobId, JobId) = ("job-1".parse().unwrap(), "job-2".parse().unwrap());
    let owner = Scope::owner();
    let take = |job: JobId| {
        let running: JobId = "job-1".parse().unwrap();
        let runs = move |job: &JobId| *job == running;
        bench.library.take_up(&owner, job, DEFAULTS, runs, |item| item.title == "Episode 1")
    };
    let taken = take(job.clone()).await.unwrap().unwrap();
    assert_eq!((taken.state, taken.attempt), (State::Processing, 1));
    assert!(take(other.clone()).await.unwrap().is_none(), "it is being made");
    let end = |job: JobId, outcome: ItemOutcome| {
        let id = taken.id.clone();
        let library = bench.library.clone();
        async move { library.end_item(&Scope::owner(), &id, &job, outcome).await.unwrap() }
    };
    let reason = Reason { code: ReasonCode::TryAgain, message: "x".to_owned() };
    assert_eq!(end(other.clone(), ItemOutcome::Interrupted).await, None, "not its job");
    let passes = ItemOutcome::MayPass { reason: reason.clone(), next_job: other.clone() };
    assert_eq!(end(job.clone(), passes.clone()).await, Some(State::Approved));
    assert_eq!(end(job, passes).await, None, "it ended already");
    let item = bench.queue().await.find(&taken.id).cloned().unwrap();
    assert!(item.is_waiting(bench.clock.now()) && item.job == Some(other.clone()));
    bench.clock.advance(TimeDelta::minutes(2));
    let again = take("job-3".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((again.job, again.attempt), (Some(other.clone()), 2));
    let until = bench.clock.now() + TimeDelta::hours(1);
    let waits = ItemOutcome::Waits { reason, until, job: other.clone() };
    assert_eq!(end(other, waits).await, Some(State::Approved));
    assert_eq!(bench.queue().await.find(&taken.id).unwrap().attempt, 1, "waiting is no try");
}

#[tokio::test]
async fn a_broken_queue_stops_no_other_scope_and_is_not_written_over() {
    let bench = bench();
    let ada = Scope::parse("ada").unwrap();
    for scope in [&Scope::owner(), &ada] {
        bench
            .library
            .change_queue(scope, |queue| {
                let text = r#"{"id": "pod:x", "state": "approved"}"#;
                queue.items.push(serde_json::from_str(text).unwrap());
                Ok(())
            })
            .await
            .unwrap();
    }
    assert_eq!(bench.library.ready_scopes_now().0.len(), 2);
    let path = bench.data.path().join("history/owner/auto-queue.json");
    let broken = &bench.text("auto-queue.json")[..40];
    std::fs::write(&path, broken).unwrap();
    assert_eq!(bench.library.ready_scopes_now().0, std::slice::from_ref(&ada));
    assert_eq!(bench.library.queue_scopes_now(), [ada]);
    let refused = bench.library.approve_all(&Scope::owner(), None).await.unwrap_err();
    assert!(refused.to_string().contains("owner/auto-queue.json, line"), "{refused}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), broken);
}

#[tokio::test]
async fn a_person_s_own_lines_keep_their_form_when_they_are_completed() {
    let bench = bench();
    let folder = bench.data.path().join("history/owner");
    std::fs::create_dir_all(&folder).unwrap();
    let text = "{\n\t\"mine\": 1.50,\n\t\"subscriptions\": [\n\t\t{\"note\": \"x\", \"url\": \"https://a.example/\"},\n\t\t\
                \"https://b.example/\"\n\t]\n}\n";
    std::fs::write(folder.join("subscriptions.json"), text).unwrap();
    let list = bench.library.complete_subscriptions(&Scope::owner()).await.unwrap();
    assert!(list.subscriptions.iter().all(|one| one.id.is_some() && one.added_at.is_some()));
    let now = bench.text("subscriptions.json");
    assert!(now.starts_with(
        "{\n\t\"mine\": 1.50,\n\t\"subscriptions\": [\n\t\t{\"note\": \"x\", \"url\""
    ));
    assert!(!now.contains("auto_approve_per_day_max\": null,\n\t\t\t\"note"), "{now}");
    bench.library.complete_subscriptions(&Scope::owner()).await.unwrap();
    assert_eq!(bench.text("subscriptions.json"), now, "once");
}

#[tokio::test]
async fn many_are_followed_in_one_step_and_each_feed_once() {
    let bench = bench();
    let link = |url: &str| Subscription { url: url.to_owned(), ..Subscription::default() };
    let lines = vec![
        link("https://a.example/feed"),
        link("http://a.example/feed/"),
        link("https://b.example/feed"),
    ];
    let owner = Scope::owner();
    assert_eq!(bench.library.follow_many(&owner, lines.clone(), usize::MAX).await.unwrap(), 2);
    assert_eq!(bench.library.follow_many(&owner, lines, usize::MAX).await.unwrap(), 0);
    let crowd: Vec<Subscription> =
        (0..=SUBSCRIPTIONS_MAX).map(|n| link(&format!("https://{n}.example/"))).collect();
    let refused = bench.library.follow_many(&owner, crowd, usize::MAX).await.unwrap_err();
    assert!(matches!(refused, FollowError::TooMany(_)));
    assert_eq!(bench.library.subscriptions(&owner).await.unwrap().subscriptions.len(), 2);
}
