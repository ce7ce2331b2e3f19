//! The story that every mode must tell the same way, told by single mode and by two tenants in memory.

use std::sync::Arc;

use recap::config::Environment;
use recap::daemon::ModeRequest;
use recap_mode::{Scope, SystemClock, SystemEntropy};
use serde_json::{Map, json};

use crate::support::story::{costs, story};
use crate::support::twins::{self, CREDITS, Twins};
use crate::support::{House, single};

#[tokio::test]
async fn single_mode_tells_the_story_without_a_password_and_with_one() {
    for variable in [&[][..], &[("RECAP_OPERATOR_PASSWORD", "correct horse")]] {
        let data = tempfile::tempdir().unwrap();
        let environment = Environment::of(variable);
        let config = recap::config::load(data.path(), &environment, &Map::new()).unwrap();
        let request = ModeRequest {
            config: &config,
            data: data.path(),
            environment: &environment,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        };
        story(single(&request).unwrap(), &Scope::owner()).await;
    }
}

#[tokio::test]
async fn a_mode_with_two_tenants_tells_it_for_each() {
    let twins = Twins::make();
    for name in ["ada", "ben"] {
        story(twins.clone(), &Scope::parse(name).unwrap()).await;
        assert_eq!(twins.credits(name), CREDITS, "what was given back is there, once");
        assert_eq!(twins.open_passes(), 0, "a dropped pass is over");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recap_costs_one_credit_a_failed_one_none_and_without_credits_nothing_is_made() {
    let house = House::over(tempfile::tempdir().unwrap(), json!({}), twins::choose).await;
    costs(&house, "twin=ada", CREDITS as usize).await;
}
