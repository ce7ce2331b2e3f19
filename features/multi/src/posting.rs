//! The step that sends one letter of the outbox: takes it, decides whether its recipient gets it,
//! makes its secrets, sends it, and notes how that went.
//!
//! A browser that asked was answered long before: whether an address has an account, and whether
//! the mail server works, shows in nothing that it can see.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use recap_mode::{Clock, Entropy, Stop};
use tokio::sync::Notify;

use crate::database::{Database, DatabaseError, Tx};
use crate::email::Email;
use crate::magic_links::{self, LinkSecrets};
use crate::mail::{Mail, MailError, SignInLetter};
use crate::outbox::{self, Claimed, Letter};
use crate::rate_limits::{self, Taken};
use crate::refusal::Refusal;
use crate::sign_in::{SignInSettings, may_sign_up};
use crate::tenants;
use crate::tokens::{Code, Token, TokenHash};

/// Seconds before a letter is tried again for the first time; each further wait is three times as
/// long. A link that lives ten minutes is tried five times.
const FIRST_WAIT_SECONDS: i64 = 5;

/// Longest wait between two tries.
const WAIT_SECONDS_MAX: i64 = 3600;

/// A link with less life than this is not sent any more: it would be over when it is read.
const LIFE_SECONDS_MIN: i64 = 60;

/// How long the loop sleeps at most, and how long after the database failed.
const SLEEP_MAX: std::time::Duration = std::time::Duration::from_secs(30);

/// What became of one letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// No letter's turn has come; the next one's comes then, if there is one.
    Nothing(Option<DateTime<Utc>>),
    /// The mail server took it.
    Sent,
    /// It failed and is tried again then.
    Later(DateTime<Utc>),
    /// It is gone, unsent.
    Dropped(Dropped),
}

/// Why a letter is gone, unsent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// The address was sent as many as it may get for now.
    TooMany,
    /// Nobody has this address, and nobody may sign up.
    Closed,
    /// What it says would be over.
    Over,
    /// The mail server refused it for good.
    Refused,
}

/// The letters' way out.
pub struct Posting {
    database: Database,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    settings: SignInSettings,
    mail: Mail,
    wake: Arc<Notify>,
}

/// What a taken letter needs.
enum Step {
    Nothing(Option<DateTime<Utc>>),
    Drop(Dropped),
    Send(Claimed),
}

impl Posting {
    /// Over a database; `wake` is the one of [`crate::sign_in::SignIn`], told of each new letter.
    pub fn new(
        database: Database,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        settings: SignInSettings,
        mail: Mail,
        wake: Arc<Notify>,
    ) -> Posting {
        Posting { database, clock, entropy, settings, mail, wake }
    }

    /// Sends one letter whose turn has come.
    ///
    /// # Errors
    /// The database alone; a mail server that fails is an outcome.
    pub async fn post_one(&self) -> Result<Posted, Refusal> {
        let now = self.clock.now();
        let secrets = LinkSecrets {
            token: Token::random(&*self.entropy),
            code: Code::random(&*self.entropy),
        };
        let (settings, of_letter) = (self.settings.clone(), secrets.clone());
        let step = self.database.write(move |tx| take(tx, &settings, &of_letter, now));
        let claimed = match step.await? {
            Step::Nothing(next) => return Ok(Posted::Nothing(next)),
            Step::Drop(why) => {
                if why == Dropped::TooMany {
                    tracing::warn!("an address asked for more sign-in mails than it may get");
                }
                return Ok(Posted::Dropped(why));
            }
            Step::Send(claimed) => claimed,
        };
        let letter = SignInLetter {
            to: &claimed.recipient,
            token: &secrets.token,
            code: &secrets.code,
            expires_at: claimed.expires_at,
            id: &claimed.id,
        };
        let sent = self.mail.send_sign_in(&letter, now).await;
        let (id, failed_at) = (claimed.id, self.clock.now());
        match sent {
            Ok(()) => {
                let gone = self.database.write(move |tx| {
                    outbox::remove(tx, &id)?;
                    Ok::<_, DatabaseError>(())
                });
                gone.await?;
                Ok(Posted::Sent)
            }
            Err(MailError::Refused(cause)) => {
                tracing::error!(code = cause, "the mail server refused a sign-in mail for good");
                let gone = self.database.write(move |tx| {
                    outbox::remove(tx, &id)?;
                    Ok::<_, DatabaseError>(())
                });
                gone.await?;
                Ok(Posted::Dropped(Dropped::Refused))
            }
            Err(error) => {
                let at = failed_at + wait_after(claimed.tries);
                let tries = claimed.tries + 1;
                tracing::warn!(%error, tries, "a sign-in mail could not be sent");
                // Its last minute is too late, as at the first try.
                let too_late = at + TimeDelta::seconds(LIFE_SECONDS_MIN) > claimed.expires_at;
                let kept = self.database.write(move |tx| {
                    if too_late {
                        outbox::remove(tx, &id)?;
                        return Ok(false);
                    }
                    Ok::<_, DatabaseError>(outbox::put_back(tx, &id, at)?)
                });
                if kept.await? {
                    Ok(Posted::Later(at))
                } else {
                    tracing::error!("a sign-in mail was given up: its link would be over");
                    Ok(Posted::Dropped(Dropped::Over))
                }
            }
        }
    }

    /// Sends letters until told to stop. Several may run side by side: each letter is one's alone.
    pub async fn run(self: Arc<Self>, stop: Stop) {
        loop {
            let pause = match self.post_one().await {
                Ok(Posted::Nothing(next)) => {
                    let until = next.map(|at| at - self.clock.now());
                    until.and_then(|wait| wait.to_std().ok()).unwrap_or(SLEEP_MAX).min(SLEEP_MAX)
                }
                Ok(_) => std::time::Duration::ZERO,
                Err(error) => {
                    tracing::error!(%error, "the outbox could not be read");
                    SLEEP_MAX
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

/// The wait after a failed try, of which there were `tries` before.
fn wait_after(tries: i64) -> TimeDelta {
    let steps = u32::try_from(tries.clamp(0, 10)).unwrap_or(0);
    TimeDelta::seconds((FIRST_WAIT_SECONDS * 3_i64.pow(steps)).min(WAIT_SECONDS_MAX))
}

fn take(
    tx: &Tx<'_>,
    settings: &SignInSettings,
    secrets: &LinkSecrets,
    now: DateTime<Utc>,
) -> Result<Step, DatabaseError> {
    let Some(claimed) = outbox::claim(tx, now)? else {
        return Ok(Step::Nothing(outbox::next_turn(tx)?));
    };
    let Letter::SignIn { browser, network } = &claimed.letter;
    let refused = match TokenHash::of_hex(browser) {
        None => Some(Dropped::Over),
        Some(_) if claimed.expires_at - now < TimeDelta::seconds(LIFE_SECONDS_MIN) => {
            Some(Dropped::Over)
        }
        Some(_) if claimed.tries == 0 => why_not(tx, settings, &claimed.recipient, network, now)?,
        Some(_) => None,
    };
    if let Some(why) = refused {
        outbox::remove(tx, &claimed.id)?;
        return Ok(Step::Drop(why));
    }
    if let Some(browser) = TokenHash::of_hex(browser) {
        magic_links::insert(tx, secrets, &browser, &claimed.recipient, now, claimed.expires_at)?;
    }
    Ok(Step::Send(claimed))
}

/// Why an address gets no sign-in mail.
fn why_not(
    tx: &Tx<'_>,
    settings: &SignInSettings,
    email: &Email,
    network: &str,
    now: DateTime<Utc>,
) -> Result<Option<Dropped>, DatabaseError> {
    // By network first: what is too much from there takes nothing of what all have.
    let key = email.hash().to_hex();
    for (kind, key, limit) in [
        ("mail_to_from", format!("{key} {network}"), settings.mails_per_address),
        ("mail_to", key.clone(), settings.mails_per_address_in_all),
    ] {
        if let Taken::Full(_) = rate_limits::take(tx, kind, &key, limit, now)? {
            return Ok(Some(Dropped::TooMany));
        }
    }
    let is_known = tenants::by_email(tx, email)?.is_some();
    Ok((!is_known && !may_sign_up(settings, email)).then_some(Dropped::Closed))
}
