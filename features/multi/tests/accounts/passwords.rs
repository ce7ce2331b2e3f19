//! The optional password.

use recap_multi::rate_limits::RateLimit;
use recap_multi::refusal::Refusal;
use recap_multi::sign_in::SignInSettings;
use recap_multi::trials::TrialSettings;

use crate::house::{HERE, house, house_with, ip, visit};

#[tokio::test]
async fn a_password_signs_in_beside_the_link_and_setting_it_ends_other_sessions() {
    let house = house();
    let other = house.signed_in("ann@example.org").await;
    let ann = house.signed_in("ann@example.org").await;
    let set = |password: Option<&'static str>| {
        house.sign_in.set_password(&ann.tenant.id, password, Some(ann.token.as_str()))
    };
    assert!(matches!(set(Some("short")).await, Err(Refusal::PasswordBounds)));
    set(Some("correct horse")).await.unwrap();
    assert!(house.sessions.authenticate(other.token.as_str()).unwrap().is_none());
    let session = house.sessions.authenticate(ann.token.as_str()).unwrap().unwrap();
    assert!(session.tenant.has_password);
    let by_password = house
        .sign_in
        .use_password("ANN@example.org", "correct horse", ip(HERE), visit())
        .await
        .unwrap();
    assert_eq!(by_password.tenant.id, ann.tenant.id);
    assert!(!by_password.is_new);
    set(None).await.unwrap();
    let gone =
        house.sign_in.use_password("ann@example.org", "correct horse", ip(HERE), visit()).await;
    assert!(matches!(gone, Err(Refusal::WrongPassword)));
    let nobody = house.sign_in.set_password("nobody", Some("correct horse"), None).await;
    assert!(matches!(nobody, Err(Refusal::NoTenant)));
}

#[tokio::test]
async fn wrong_passwords_and_unknown_addresses_get_one_answer_and_one_limit_and_no_account() {
    let house = house_with(
        SignInSettings {
            wrong_passwords_per_address: RateLimit::new(2, 15),
            ..SignInSettings::default()
        },
        TrialSettings::default(),
    );
    let ann = house.signed_in("ann@example.org").await;
    house.sign_in.set_password(&ann.tenant.id, Some("correct horse"), None).await.unwrap();
    for address in ["ann@example.org", "new@example.org"] {
        for n in 0..2 {
            let from = ip(&format!("198.51.100.{n}"));
            let wrong = house.sign_in.use_password(address, "wrong horse", from, visit()).await;
            assert!(matches!(wrong, Err(Refusal::WrongPassword)), "{address}");
        }
        let from = ip("198.51.100.9");
        let held = house.sign_in.use_password(address, "correct horse", from, visit()).await;
        assert!(matches!(held, Err(Refusal::TooMany(_))), "{address}");
    }
    assert_eq!(house.count("SELECT count(*) FROM users"), 1);
    // The link by mail is not held up.
    house.signed_in("ann@example.org").await;
    house.minutes(15);
    let right = house.sign_in.use_password("ann@example.org", "correct horse", ip(HERE), visit());
    assert!(right.await.is_ok());
}
