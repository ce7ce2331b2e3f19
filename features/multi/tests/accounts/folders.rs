//! Folders that follow a commit.

use std::path::PathBuf;
use std::sync::Mutex;

use async_trait::async_trait;
use recap_mode::{Fault, FaultKind, Host, Scope, http};
use recap_multi::sign_in::Visit;

use crate::house::{HERE, House, house, ip};

/// Notes what it is asked, and fails at one scope.
#[derive(Default)]
struct Hands {
    fails_at: Option<Scope>,
    done: Mutex<Vec<String>>,
}

impl Hands {
    fn act(&self, scope: &Scope, what: String) -> Result<(), Fault> {
        if self.fails_at.as_ref() == Some(scope) {
            return Err(Fault::new(FaultKind::Internal, "The folder could not be moved."));
        }
        self.done.lock().unwrap().push(what);
        Ok(())
    }
}

#[async_trait]
impl Host for Hands {
    async fn adopt(&self, from: &Scope, to: &Scope) -> Result<(), Fault> {
        self.act(from, format!("adopt {from} {to}"))
    }

    async fn erase(&self, scope: &Scope) -> Result<(), Fault> {
        self.act(scope, format!("erase {scope}"))
    }

    async fn archive(&self, _: &Scope, _: Vec<(String, Vec<u8>)>) -> Result<PathBuf, Fault> {
        Err(Fault::new(FaultKind::Internal, "Nothing is packed here."))
    }

    async fn call(&self, _: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, Fault> {
        Err(Fault::new(FaultKind::Upstream, "Nobody answers here."))
    }

    fn publish(&self, _: &Scope, _: &str, _: serde_json::Value) {}
}

/// A tenant with a trial that they brought along, deleted again, and one who only is deleted.
async fn with_work(house: &House) -> [Scope; 3] {
    let (trial, cookie) = house.trials.begin(ip(HERE)).await.unwrap();
    let (letter, _) = house.asked("ann@example.org").await;
    let visit = Visit { trial_cookie: Some(cookie.as_str().to_owned()), ..Visit::default() };
    let ann = house.sign_in.use_link(&letter.token, ip(HERE), visit).await.unwrap();
    let bob = house.signed_in("bob@example.org").await;
    house.admin.delete(&ann.tenant.id).await.unwrap();
    house.admin.delete(&bob.tenant.id).await.unwrap();
    [trial.scope(), ann.tenant.scope(), bob.tenant.scope()]
}

#[tokio::test]
async fn folders_follow_in_the_order_of_the_commits_and_once() {
    let house = house();
    let [trial, ann, bob] = with_work(&house).await;
    let hands = Hands::default();
    assert_eq!(house.folders.work_off(&hands).await.unwrap(), 3);
    let want = [format!("adopt {trial} {ann}"), format!("erase {ann}"), format!("erase {bob}")];
    assert_eq!(*hands.done.lock().unwrap(), want);
    assert_eq!(house.folders.work_off(&hands).await.unwrap(), 0);
}

#[tokio::test]
async fn a_folder_that_fails_holds_up_only_what_touches_it_and_is_tried_again() {
    let house = house();
    let [trial, ann, bob] = with_work(&house).await;
    let mut hands = Hands { fails_at: Some(trial.clone()), ..Hands::default() };
    assert!(house.folders.work_off(&hands).await.is_err());
    assert_eq!(*hands.done.lock().unwrap(), [format!("erase {bob}")]);
    hands.fails_at = None;
    assert_eq!(house.folders.work_off(&hands).await.unwrap(), 2);
    let want = [format!("erase {bob}"), format!("adopt {trial} {ann}"), format!("erase {ann}")];
    assert_eq!(*hands.done.lock().unwrap(), want);
}
