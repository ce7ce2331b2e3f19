//! The pages of a service: where strangers are led, what the links of mails open, the account.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use chrono::{DateTime, Utc};
use recap_mode::Fault;
use serde::Deserialize;
use url::Url;

use crate::cookies;
use crate::ledger::{Balance, EntryKind, JournalEntry};
use crate::magic_links::LINK_MINUTES;
use crate::multi::Multi;
use crate::sign_in::ASKED_COOKIE_NAME;
use crate::tiers::Tier;
use crate::trials::TRIAL_DAYS;

use super::who::{Person, local_path};

/// Where strangers are led.
pub(crate) const WELCOME: &str = "/welcome";
/// What the link of a mail opens: `crate::mail::LINK_PATH`.
pub(super) const LINK: &str = "/sign-in/link";
/// Where a code is typed.
pub(super) const CODE: &str = "/sign-in/code";
/// What the link of the log opens.
pub(super) const SET_UP: &str = "/set-up";
/// The account.
pub(crate) const ACCOUNT: &str = "/account";
/// Its script.
pub(super) const ACCOUNT_SCRIPT: &str = "/account/account.js";

/// What these pages look like beside the page's own style.
pub(super) const STYLE: &str = "/account/service.css";

/// Entries of the journal that the account page shows; the rest is at the route.
const ENTRIES_SHOWN: usize = 20;

/// The link that makes whoever opens it the admin.
pub(crate) fn set_up_link(public_url: &Url, token: &str) -> Url {
    let mut link = public_url.clone();
    link.set_path(SET_UP);
    link.query_pairs_mut().append_pair("token", token);
    link
}

fn page(template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => Fault::internal("writing a page", error).into_response(),
    }
}

#[derive(Template)]
#[template(path = "sorry.html")]
struct SorryPage {
    message: String,
    hint: Option<String>,
    welcome: &'static str,
}

/// What is wrong, as a page, under the status of the fault.
pub(super) fn sorry(fault: Fault) -> Response {
    let (message, hint) = (fault.message.clone(), fault.hint.clone());
    // The fault logs its cause when it becomes an answer.
    let status = fault.into_response().status();
    (status, page(&SorryPage { message, hint, welcome: WELCOME })).into_response()
}

#[derive(Deserialize)]
pub(super) struct WelcomeParams {
    #[serde(default)]
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "welcome.html")]
struct WelcomePage {
    tries: bool,
    trial_days: i64,
    next: String,
}

/// Where strangers are led; who is signed in goes on.
pub(super) async fn welcome(
    State(multi): State<Arc<Multi>>,
    Query(params): Query<WelcomeParams>,
    parts: axum::http::request::Parts,
) -> Response {
    let next = local_path(params.next.as_deref());
    match multi.session(&parts) {
        Ok(Some(_)) => (StatusCode::SEE_OTHER, [(LOCATION, next)]).into_response(),
        Ok(None) => page(&WelcomePage {
            tries: multi.settings.trials.trial_credits_per_visitor > 0,
            trial_days: TRIAL_DAYS,
            next,
        }),
        Err(fault) => sorry(fault),
    }
}

#[derive(Deserialize)]
pub(super) struct TokenParams {
    #[serde(default)]
    token: String,
}

#[derive(Template)]
#[template(path = "link.html")]
struct LinkPage {
    token: String,
    email: String,
    asked_here: bool,
}

/// A mail's link: a page with a button, since mail scanners open links and press none.
pub(super) async fn link(
    State(multi): State<Arc<Multi>>,
    Query(TokenParams { token }): Query<TokenParams>,
    headers: HeaderMap,
) -> Response {
    match multi.sign_in.look(&token, cookies::find(&headers, ASKED_COOKIE_NAME)) {
        Ok(seen) => page(&LinkPage {
            token,
            email: seen.email.as_str().to_owned(),
            asked_here: seen.asked_here,
        }),
        Err(refusal) => sorry(refusal.into()),
    }
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    minutes: i64,
    welcome: &'static str,
}

/// Where a code is typed.
pub(super) async fn code() -> Response {
    page(&CodePage { minutes: LINK_MINUTES, welcome: WELCOME })
}

#[derive(Template)]
#[template(path = "set_up.html")]
struct SetUpPage {
    token: String,
}

/// The log's link.
pub(super) async fn set_up(Query(TokenParams { token }): Query<TokenParams>) -> Response {
    page(&SetUpPage { token })
}

/// A line of the journal, for a person.
struct EntryLine {
    at: String,
    what: String,
    amount: String,
    left: i64,
}

impl EntryLine {
    fn of(entry: &JournalEntry) -> EntryLine {
        let what = match entry.kind {
            EntryKind::Seed => "Credits to begin with",
            EntryKind::Refill => "Refilled",
            EntryKind::Debit => "A recap",
            EntryKind::Refund => "A recap that failed: given back",
            EntryKind::Grant => "Given by the operator",
            EntryKind::Purchase => "Bought",
            EntryKind::TrialCarryOver => "Left over from your trial",
            EntryKind::Closing => "Account closed",
        };
        let what = match &entry.reason {
            Some(reason) => format!("{what}: {reason}"),
            None => what.to_owned(),
        };
        EntryLine {
            at: DateTime::from_timestamp_millis(entry.at).map(minute).unwrap_or_default(),
            what,
            amount: format!("{:+}", entry.amount),
            left: entry.purchased_after + entry.replenish_after,
        }
    }
}

struct SessionShown {
    id: String,
    label: String,
    since: String,
    seen: String,
    is_this: bool,
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    email: String,
    tier: &'static str,
    until: Option<String>,
    balance: Option<Balance>,
    refill: Option<String>,
    entries: Vec<EntryLine>,
    sessions: Vec<SessionShown>,
    has_password: bool,
}

fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}

/// The account.
pub(super) async fn account(
    State(multi): State<Arc<Multi>>,
    person: Result<Person, Fault>,
) -> Response {
    let Ok(Person(session)) = person else {
        return (StatusCode::SEE_OTHER, [(LOCATION, format!("{WELCOME}?next={ACCOUNT}"))])
            .into_response();
    };
    let shown = async {
        let tenant = multi.with_told_tier(session.tenant).await;
        let scope = tenant.scope();
        let balance = multi.balance(&scope).await?;
        let next = balance.as_ref().and_then(|balance| balance.next_replenish_at);
        let journal = multi.ledger.journal(&scope, None, ENTRIES_SHOWN)?;
        let tier = tenant.tier_at(multi.now());
        let sessions = multi.sessions.list(&tenant.id)?.into_iter().map(|line| SessionShown {
            is_this: line.id == session.id,
            id: line.id,
            label: line.label,
            since: minute(line.created_at),
            seen: minute(line.last_seen_at),
        });
        Ok::<_, Fault>(AccountPage {
            email: tenant.email.as_str().to_owned(),
            tier: match tier {
                _ if tenant.is_admin => "Operator",
                Tier::Core => "Core",
                Tier::Pro => "Pro",
                Tier::Max => "Max",
            },
            until: tenant.tier_expires_at.filter(|_| tier != Tier::Core).map(minute),
            refill: next.and_then(DateTime::from_timestamp_millis).map(minute),
            balance,
            entries: journal.entries.iter().map(EntryLine::of).collect(),
            sessions: sessions.collect(),
            has_password: tenant.has_password,
        })
    };
    match shown.await {
        Ok(shown) => page(&shown),
        Err(fault) => sorry(fault),
    }
}

/// The style of these pages.
pub(super) async fn style() -> Response {
    let style = include_str!("../../templates/service.css");
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], style).into_response()
}

/// The account page's script.
pub(super) async fn account_script() -> Response {
    let script = include_str!("../../templates/account.js");
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], script).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_up_link_leads_to_the_configured_address_alone() {
        let base = Url::parse("https://recap.example/").unwrap();
        assert_eq!(
            set_up_link(&base, "a-b_c").as_str(),
            "https://recap.example/set-up?token=a-b_c"
        );
    }
}
