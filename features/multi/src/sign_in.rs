//! Signing in: asking for a link, what the link or its code does when it is used, the optional
//! password, and what a sign-up brings along. Each ends in the same transaction: tenant, seed of
//! credits, adopted trial and new session stand or fall together.
//!
//! Nothing here knows a header or a cookie's attributes; the routes bring what the browser showed.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use recap_mode::{Clock, Entropy, Scope};
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::account_credits;
use crate::database::{Database, DatabaseError, Tx};
use crate::email::Email;
use crate::folder_work;
use crate::ledger::Ledger;
use crate::magic_links::{self, LINK_MINUTES};
use crate::network::Network;
use crate::outbox::{self, Letter};
use crate::passwords::Hashing;
use crate::rate_limits::{self, RateLimit, Taken};
use crate::refusal::{Decided, Refusal};
use crate::rows::{millis, new_id};
use crate::sessions;
use crate::tenants::{self, Tenant};
use crate::tokens::{Code, Token, TokenHash};
use crate::trials;

/// The cookie of a browser that asked for a link; without it the mail's code does nothing.
pub const ASKED_COOKIE_NAME: &str = "recap_asked";

/// The counter that everything shares which checks a secret: links, codes, passwords, set-up links.
const SECRETS: &str = "secret";

/// Who may sign in, and how often may be tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignInSettings {
    /// Whoever signs in with this address is the admin; without one there is the set-up link.
    pub admin_email: Option<Email>,
    /// Whether somebody without an account gets one by signing in. The admin always does.
    pub sign_ups_open: bool,
    /// Links that may be asked for from one network.
    pub asks_per_network: RateLimit,
    /// Mails that one address gets for the asks of one network; further asks are answered as ever,
    /// unmailed, and keep nobody elsewhere from theirs.
    pub mails_per_address: RateLimit,
    /// Mails that one address gets, whoever asks.
    pub mails_per_address_in_all: RateLimit,
    /// Wrong links, codes and passwords from one network.
    pub wrong_secrets_per_network: RateLimit,
    /// Wrong passwords for one address, from wherever; a link by mail is not held up by it.
    pub wrong_passwords_per_address: RateLimit,
}

impl Default for SignInSettings {
    /// A person asks once or twice. An office behind one address is some dozens of people.
    fn default() -> SignInSettings {
        SignInSettings {
            admin_email: None,
            sign_ups_open: true,
            asks_per_network: RateLimit::new(20, 60),
            mails_per_address: RateLimit::new(6, 60),
            mails_per_address_in_all: RateLimit::new(30, 60),
            wrong_secrets_per_network: RateLimit::new(30, 15),
            wrong_passwords_per_address: RateLimit::new(10, 15),
        }
    }
}

/// Whether an address without an account may get one.
pub(crate) fn may_sign_up(settings: &SignInSettings, email: &Email) -> bool {
    settings.sign_ups_open || settings.admin_email.as_ref() == Some(email)
}

/// What the browser showed that signs in. Its `Debug` hides the cookies.
#[derive(Clone, Default)]
pub struct Visit {
    /// Its name, for the list of sign-ins (`User-Agent`, shortened): untrusted text.
    pub label: String,
    /// Its session's cookie, which ends: a sign-in always begins a new one.
    pub session_cookie: Option<String>,
    /// Its trial's cookie ([`trials::TRIAL_COOKIE_NAME`]): a trial begun before the account becomes
    /// the tenant's, one for each account.
    pub trial_cookie: Option<String>,
}

impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (session, trial) = (self.session_cookie.is_some(), self.trial_cookie.is_some());
        write!(f, "Visit {{ label: {:?}, session: {session}, trial: {trial} }}", self.label)
    }
}

/// A link was asked for; the answer is the same for every address.
#[derive(Debug)]
pub struct Asked {
    /// For the cookie [`ASKED_COOKIE_NAME`], HttpOnly, for [`LINK_MINUTES`].
    pub browser: Token,
}

/// What stands behind a link, for the page with the button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkSeen {
    /// As whom the button signs in: the page names it, so that nobody is led into another's
    /// account.
    pub email: Email,
    /// Whether this browser asked for it.
    pub asked_here: bool,
}

/// A person is signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// For the session's cookie ([`sessions::COOKIE_NAME`], [`sessions::SESSION_DAYS`]).
    pub token: Token,
    /// Who.
    pub tenant: Tenant,
    /// Whether the account was made just now.
    pub is_new: bool,
    /// The trial's scope whose folder is to become the tenant's: `folder_work` has it waiting, and
    /// the trial's cookie can go.
    pub adopted: Option<Scope>,
}

/// Signing in and up.
pub struct SignIn {
    database: Database,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    settings: SignInSettings,
    ledger: Ledger,
    wake: Arc<Notify>,
    hashing: Hashing,
}

/// What one sign-in needs in its transaction, made before it begins.
#[derive(Clone)]
struct Arrival {
    token: Token,
    user_id: String,
    session_id: String,
    label: String,
    old_session: Option<TokenHash>,
    trial: Option<TokenHash>,
    network: Network,
    settings: SignInSettings,
    ledger: Ledger,
    now: DateTime<Utc>,
}

impl SignIn {
    /// Over a database; `wake` is told of each letter that waits.
    pub fn new(
        database: Database,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        settings: SignInSettings,
        ledger: Ledger,
        wake: Arc<Notify>,
    ) -> SignIn {
        let hashing = Hashing::new(Arc::clone(&entropy));
        SignIn { database, clock, entropy, settings, ledger, wake, hashing }
    }

    /// Asks for a link and a code by mail. Whether the address has an account is not even looked
    /// up here: that happens when the mail is made.
    ///
    /// # Errors
    /// [`Refusal::Email`]; [`Refusal::TooMany`] for the network, [`Refusal::OutboxFull`].
    pub async fn ask(&self, address: &str, from: IpAddr) -> Result<Asked, Refusal> {
        let email = Email::parse(address)?;
        let (network, now) = (Network::of(from), self.clock.now());
        let browser = Token::random(&*self.entropy);
        let letter = Letter::SignIn {
            browser: browser.hash().to_hex(),
            network: network.as_str().to_owned(),
        };
        let (id, limit) = (new_id(now, &*self.entropy), self.settings.asks_per_network);
        let asked = self.database.write(move |tx| -> Decided<()> {
            if let Taken::Full(wait) = rate_limits::take(tx, "ask", network.as_str(), limit, now)? {
                return Ok(Err(Refusal::TooMany(wait)));
            }
            let life = TimeDelta::minutes(LINK_MINUTES);
            let put = outbox::put(tx, &id, &letter, &email, now, life)?;
            Ok(if put { Ok(()) } else { Err(Refusal::OutboxFull) })
        });
        asked.await??;
        self.wake.notify_one();
        Ok(Asked { browser })
    }

    /// Looks at a link without using it: mail scanners open links, and only a click signs in.
    ///
    /// # Errors
    /// [`Refusal::LinkOver`].
    pub fn look(&self, link: &str, asked_cookie: Option<&str>) -> Result<LinkSeen, Refusal> {
        let token = TokenHash::of_presented(link).ok_or(Refusal::LinkOver)?;
        let now = self.clock.now();
        let seen =
            self.database.read(|db| Ok::<_, DatabaseError>(magic_links::look(db, &token, now)?))?;
        let (email, browser) = seen.ok_or(Refusal::LinkOver)?;
        let asked_here = asked_cookie.and_then(TokenHash::of_presented) == Some(browser);
        Ok(LinkSeen { email, asked_here })
    }

    /// Uses a link, once, in whichever browser it was clicked.
    ///
    /// # Errors
    /// [`Refusal::LinkOver`], [`Refusal::TooMany`].
    pub async fn use_link(
        &self,
        link: &str,
        from: IpAddr,
        visit: Visit,
    ) -> Result<SignedIn, Refusal> {
        let (token, arrival) = (TokenHash::of_presented(link), self.arrival(from, visit));
        let signed_in = self.database.write(move |tx| {
            let now = arrival.now;
            arrival.try_secret(tx, Refusal::LinkOver, |tx| match &token {
                Some(token) => magic_links::use_token(tx, token, now),
                None => Ok(None),
            })
        });
        signed_in.await?
    }

    /// Uses the code of a mail in the browser that asked for it, which shows its cookie
    /// ([`ASKED_COOKIE_NAME`]).
    ///
    /// # Errors
    /// [`Refusal::WrongCode`], [`Refusal::TooMany`].
    pub async fn use_code(
        &self,
        asked_cookie: &str,
        code: &str,
        from: IpAddr,
        visit: Visit,
    ) -> Result<SignedIn, Refusal> {
        let browser = TokenHash::of_presented(asked_cookie);
        let (code, arrival) = (Code::parse(code), self.arrival(from, visit));
        let signed_in = self.database.write(move |tx| {
            let now = arrival.now;
            arrival.try_secret(tx, Refusal::WrongCode, |tx| match &browser {
                Some(browser) => magic_links::use_code(tx, browser, code.as_ref(), now),
                None => Ok(None),
            })
        });
        signed_in.await?
    }

    /// Signs in by the password that a tenant may have set. Unknown addresses and wrong passwords
    /// take the same work and get the same answer.
    ///
    /// # Errors
    /// [`Refusal::Email`], [`Refusal::WrongPassword`], [`Refusal::TooMany`].
    pub async fn use_password(
        &self,
        address: &str,
        password: &str,
        from: IpAddr,
        visit: Visit,
    ) -> Result<SignedIn, Refusal> {
        let email = Email::parse(address)?;
        let (network, now) = (Network::of(from), self.clock.now());
        let (settings, of) = (self.settings.clone(), email.clone());
        // Counted before it is checked: of many at once, no more than the limit are hashed.
        let stored = self.database.write(move |tx| -> Decided<Option<String>> {
            let limit = settings.wrong_secrets_per_network;
            if let Taken::Full(wait) = rate_limits::take(tx, SECRETS, network.as_str(), limit, now)?
            {
                return Ok(Err(Refusal::TooMany(wait)));
            }
            let (key, limit) = (of.hash().to_hex(), settings.wrong_passwords_per_address);
            if let Taken::Full(wait) = rate_limits::take(tx, "password_of", &key, limit, now)? {
                return Ok(Err(Refusal::TooMany(wait)));
            }
            Ok(Ok(password_hash(tx, &of)?))
        });
        let stored = stored.await??;
        if !self.hashing.is(stored.as_deref(), password).await? {
            return Err(Refusal::WrongPassword);
        }
        let arrival = self.arrival(from, visit);
        let signed_in = self.database.write(move |tx| {
            // It may have been changed while it was checked.
            if password_hash(tx, &email)? != stored {
                return Ok(Err(Refusal::WrongPassword));
            }
            let settings = &arrival.settings;
            let network = arrival.network.as_str();
            rate_limits::give_back(tx, SECRETS, network, settings.wrong_secrets_per_network)?;
            let (key, limit) = (email.hash().to_hex(), settings.wrong_passwords_per_address);
            rate_limits::give_back(tx, "password_of", &key, limit)?;
            arrival.come_in(tx, &email)
        });
        signed_in.await?
    }

    /// Sets a tenant's password, or takes it away with `None`. Every other sign-in of theirs ends;
    /// the one whose cookie is shown goes on.
    ///
    /// # Errors
    /// [`Refusal::PasswordBounds`], [`Refusal::NoTenant`].
    pub async fn set_password(
        &self,
        user_id: &str,
        password: Option<&str>,
        session_cookie: Option<&str>,
    ) -> Result<(), Refusal> {
        let hash = match password {
            Some(password) => Some(self.hashing.hash(password).await?),
            None => None,
        };
        let user_id = user_id.to_owned();
        let stays = session_cookie.and_then(TokenHash::of_presented);
        let set = self.database.write(move |tx| -> Decided<()> {
            let changed = tx
                .prepare_cached("UPDATE users SET password_hash = ?2 WHERE id = ?1")?
                .execute(params![user_id, hash])?;
            if changed == 0 {
                return Ok(Err(Refusal::NoTenant));
            }
            tx.prepare_cached("DELETE FROM sessions WHERE user_id = ?1 AND token_hash IS NOT ?2")?
                .execute(params![user_id, stays.as_ref().map(TokenHash::as_bytes)])?;
            Ok(Ok(()))
        });
        set.await?
    }

    /// Makes the holder of the set-up link the admin, under the address they give, and signs them
    /// in. It needs no mail: whoever reads the daemon's log runs the machine. What the address had
    /// before, sign-ins and password, ends.
    ///
    /// # Errors
    /// [`Refusal::Email`], [`Refusal::SetUpOver`], [`Refusal::TooMany`].
    pub async fn use_set_up_link(
        &self,
        link: &str,
        address: &str,
        from: IpAddr,
        visit: Visit,
    ) -> Result<SignedIn, Refusal> {
        let email = Email::parse(address)?;
        let token = TokenHash::of_presented(link);
        let mut arrival = self.arrival(from, visit);
        // As the admin they may come in, whatever holds for others.
        arrival.settings.admin_email = Some(email.clone());
        let signed_in = self.database.write(move |tx| {
            let now = arrival.now;
            arrival.try_secret(tx, Refusal::SetUpOver, |tx| {
                let Some(token) = &token else { return Ok(None) };
                if !use_set_up_token(tx, token, now)? {
                    return Ok(None);
                }
                if let Some(before) = tenants::by_email(tx, &email)? {
                    sessions::end_all(tx, &before.id)?;
                    tx.execute(
                        "UPDATE users SET password_hash = NULL WHERE id = ?1",
                        [&before.id],
                    )?;
                }
                magic_links::void_all(tx, &email, now)?;
                Ok(Some(email.clone()))
            })
        });
        signed_in.await?
    }

    fn arrival(&self, from: IpAddr, visit: Visit) -> Arrival {
        let now = self.clock.now();
        Arrival {
            token: Token::random(&*self.entropy),
            user_id: new_id(now, &*self.entropy),
            session_id: new_id(now, &*self.entropy),
            label: visit.label,
            old_session: visit.session_cookie.as_deref().and_then(TokenHash::of_presented),
            trial: visit.trial_cookie.as_deref().and_then(TokenHash::of_presented),
            network: Network::of(from),
            settings: self.settings.clone(),
            ledger: self.ledger.clone(),
            now,
        }
    }
}

impl Arrival {
    /// Checks a secret by `find`, and comes in as whom it belongs to. A wrong one counts for the
    /// network, whichever kind of secret it was.
    fn try_secret(
        &self,
        tx: &Tx<'_>,
        wrong: Refusal,
        find: impl FnOnce(&Tx<'_>) -> rusqlite::Result<Option<Email>>,
    ) -> Decided<SignedIn> {
        let (network, limit) = (self.network.as_str(), self.settings.wrong_secrets_per_network);
        if let Taken::Full(wait) = rate_limits::take(tx, SECRETS, network, limit, self.now)? {
            return Ok(Err(Refusal::TooMany(wait)));
        }
        let Some(email) = find(tx)? else { return Ok(Err(wrong)) };
        rate_limits::give_back(tx, SECRETS, network, limit)?;
        self.come_in(tx, &email)
    }

    /// The one way in: finds or makes the tenant, ends the browser's old session, begins a new one.
    fn come_in(&self, tx: &Tx<'_>, email: &Email) -> Decided<SignedIn> {
        let before = tenants::by_email(tx, email)?;
        let is_new = before.is_none();
        let is_admin_address = self.settings.admin_email.as_ref() == Some(email);
        let user_id = match &before {
            Some(tenant) => tenant.id.clone(),
            None if !may_sign_up(&self.settings, email) => return Ok(Err(Refusal::LinkOver)),
            None => {
                tenants::insert(tx, &self.user_id, email, self.now)?;
                let was_here = tenants::has_left_before(tx, email)?;
                account_credits::seed(tx, &self.ledger, &self.user_id, was_here, self.now)?;
                self.user_id.clone()
            }
        };
        if is_admin_address && !before.as_ref().is_some_and(|tenant| tenant.is_admin) {
            tx.execute("UPDATE users SET is_admin = 1 WHERE id = ?1", [&user_id])?;
            // What they made as a tenant comes along.
            if let Some(tenant) = &before {
                folder_work::adopt(tx, &tenant.scope(), &Scope::owner(), self.now)?;
            }
        }
        tx.prepare_cached("UPDATE users SET last_signin_at = ?2 WHERE id = ?1")?
            .execute(params![user_id, millis(self.now)])?;
        if let Some(old) = &self.old_session {
            sessions::end_by_hash(tx, old)?;
        }
        let session_id = self.session_id.clone();
        sessions::begin(tx, self.token.hash(), session_id, &user_id, &self.label, self.now)?;
        let Some(tenant) = tenants::by_id(tx, &user_id)? else {
            return Ok(Err(Refusal::NoTenant));
        };
        let adopted = match &self.trial {
            Some(cookie) => trials::adopt(tx, cookie, &tenant, &self.ledger, self.now)?,
            None => None,
        };
        Ok(Ok(SignedIn { token: self.token.clone(), tenant, is_new, adopted }))
    }
}

fn password_hash(tx: &Tx<'_>, email: &Email) -> rusqlite::Result<Option<String>> {
    let found = tx
        .prepare_cached("SELECT password_hash FROM users WHERE email = ?1")?
        .query_row([email.as_str()], |row| row.get::<_, Option<String>>(0))
        .optional()?;
    Ok(found.flatten())
}

fn use_set_up_token(tx: &Tx<'_>, token: &TokenHash, now: DateTime<Utc>) -> rusqlite::Result<bool> {
    if tenants::admin(tx)?.is_some() {
        return Ok(false);
    }
    let used = tx
        .prepare_cached(
            "UPDATE set_up SET used_at = ?2
             WHERE token_hash = ?1 AND used_at IS NULL AND expires_at > ?2",
        )?
        .execute(params![token.as_bytes(), millis(now)])?;
    Ok(used > 0)
}
