//! Signed-up people: who they are, what they bought, who stands behind a scope. No limits, no mail,
//! no cookies; how one becomes a tenant stands in `sign_in`, how one stops in `admin`.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use recap_mode::{Clock, Scope};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use utoipa::ToSchema;

use crate::database::{Database, DatabaseError};
use crate::email::Email;
use crate::refusal::{Decided, Refusal};
use crate::rows::{millis, time, word};
use crate::tiers::{Standing, Tier};

/// A signed-up person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Tenant {
    /// The id of the row, of the scope and at the relay: made here, `[a-z0-9-]`, 36 characters.
    pub id: String,
    /// Where mail goes.
    #[schema(value_type = String)]
    pub email: Email,
    /// What was bought; whether it still holds says [`Tenant::tier_at`].
    pub tier: Tier,
    /// Until when; `None` is without an end.
    pub tier_expires_at: Option<DateTime<Utc>>,
    /// When the relay last told the tier; `None` where it was set here.
    pub tier_read_at: Option<DateTime<Utc>>,
    /// Whether this is the operator, whose scope is `owner`.
    pub is_admin: bool,
    /// Whether a password is set.
    pub has_password: bool,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// The last sign-in by a person; `None` before the first.
    pub last_signin_at: Option<DateTime<Utc>>,
}

impl Tenant {
    /// Whose folder: `owner` for the admin, else the id.
    pub fn scope(&self) -> Scope {
        if self.is_admin { Scope::owner() } else { scope_of(&self.id) }
    }

    /// The tier that holds at `now`.
    pub fn tier_at(&self, now: DateTime<Utc>) -> Tier {
        self.tier.effective(self.tier_expires_at, now)
    }

    /// For the table of what is allowed.
    pub fn standing(&self, now: DateTime<Utc>) -> Standing {
        if self.is_admin { Standing::Admin } else { Standing::Tenant(self.tier_at(now)) }
    }
}

/// The tenants, for those who ask about one.
pub struct Tenants {
    database: Database,
    clock: Arc<dyn Clock>,
}

impl Tenants {
    /// Over a database.
    pub fn new(database: Database, clock: Arc<dyn Clock>) -> Tenants {
        Tenants { database, clock }
    }

    /// The tenant of an id.
    ///
    /// # Errors
    /// [`Refusal::NoTenant`].
    pub fn by_id(&self, user_id: &str) -> Result<Tenant, Refusal> {
        let found = self.database.read(|db| Ok::<_, DatabaseError>(by_id(db, user_id)?))?;
        found.ok_or(Refusal::NoTenant)
    }

    /// The tenant of an address.
    ///
    /// # Errors
    /// [`Refusal::Email`], [`Refusal::NoTenant`].
    pub fn by_address(&self, address: &str) -> Result<Tenant, Refusal> {
        let email = Email::parse(address)?;
        let found = self.database.read(|db| Ok::<_, DatabaseError>(by_email(db, &email)?))?;
        found.ok_or(Refusal::NoTenant)
    }

    /// The person behind a scope, whose id the ledger and the relay know: for `owner` the admin,
    /// for a tenant's scope the tenant, for a trial's nobody.
    ///
    /// # Errors
    /// The database alone.
    pub fn behind(&self, scope: &Scope) -> Result<Option<Tenant>, Refusal> {
        Ok(self.database.read(|db| Ok::<_, DatabaseError>(of_scope(db, scope)?))?)
    }

    /// Keeps what the relay just told of a tenant's tier, where the relay owns the tiers.
    ///
    /// # Errors
    /// [`Refusal::NoTenant`].
    pub async fn note_relay_tier(
        &self,
        user_id: &str,
        tier: Tier,
        expires_at: Option<DateTime<Utc>>,
    ) -> Result<Tenant, Refusal> {
        let (user_id, read_at) = (user_id.to_owned(), Some(self.clock.now()));
        let set =
            move |tx: &crate::database::Tx<'_>| set_tier(tx, &user_id, tier, expires_at, read_at);
        self.database.write(set).await?
    }
}

/// Sets what was bought and until when. `read_at` is when the relay told it.
pub(crate) fn set_tier(
    tx: &Connection,
    user_id: &str,
    tier: Tier,
    expires_at: Option<DateTime<Utc>>,
    read_at: Option<DateTime<Utc>>,
) -> Decided<Tenant> {
    tx.prepare_cached(
        "UPDATE users SET tier = ?2, tier_expires_at = ?3, tier_read_at = ?4 WHERE id = ?1",
    )?
    .execute(params![
        user_id,
        tier.word(),
        expires_at.map(|at| millis(at).max(0)),
        read_at.map(millis)
    ])?;
    Ok(by_id(tx, user_id)?.ok_or(Refusal::NoTenant))
}

/// The scope of a tenant's id. Ids come from the daemon and from its own table, whose CHECK allows
/// no other; a row that was tampered with falls into a scope that nobody has.
pub(crate) fn scope_of(user_id: &str) -> Scope {
    match Scope::parse(user_id) {
        Ok(scope) if scope != Scope::owner() && !user_id.contains('/') => scope,
        _ => Scope::parse("anon/unknown").expect("the grammar of scopes allows this constant"),
    }
}

/// The columns of `users` that [`tenant`] reads, in its order.
pub(crate) const COLUMNS: &str = "id, email, tier, tier_expires_at, tier_read_at, is_admin, \
     password_hash IS NOT NULL, created_at, last_signin_at";

/// Reads a row of [`COLUMNS`].
pub(crate) fn tenant(row: &Row<'_>) -> rusqlite::Result<Tenant> {
    let email: String = row.get(1)?;
    Ok(Tenant {
        id: row.get(0)?,
        email: Email::of_stored(email),
        tier: word(row.get_ref(2)?)?,
        tier_expires_at: row.get::<_, Option<i64>>(3)?.map(time),
        tier_read_at: row.get::<_, Option<i64>>(4)?.map(time),
        is_admin: row.get(5)?,
        has_password: row.get(6)?,
        created_at: time(row.get(7)?),
        last_signin_at: row.get::<_, Option<i64>>(8)?.map(time),
    })
}

pub(crate) fn by_id(db: &Connection, id: &str) -> rusqlite::Result<Option<Tenant>> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM users WHERE id = ?1"))?
        .query_row([id], tenant)
        .optional()
}

pub(crate) fn by_email(db: &Connection, email: &Email) -> rusqlite::Result<Option<Tenant>> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM users WHERE email = ?1"))?
        .query_row([email.as_str()], tenant)
        .optional()
}

/// The operator: the admin who has been there longest.
pub(crate) fn admin(db: &Connection) -> rusqlite::Result<Option<Tenant>> {
    db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM users WHERE is_admin = 1 ORDER BY created_at, id LIMIT 1"
    ))?
    .query_row([], tenant)
    .optional()
}

/// The person behind a scope: `owner` is the admin, `anon/…` nobody.
pub(crate) fn of_scope(db: &Connection, scope: &Scope) -> rusqlite::Result<Option<Tenant>> {
    if *scope == Scope::owner() {
        return admin(db);
    }
    // An admin's things are in `owner`; the folder of their id is nobody's to act in.
    Ok(by_id(db, scope.as_str())?.filter(|tenant| !tenant.is_admin))
}

/// A new row of tier core, signed in never.
pub(crate) fn insert(
    tx: &Connection,
    id: &str,
    email: &Email,
    now: DateTime<Utc>,
) -> rusqlite::Result<()> {
    tx.prepare_cached("INSERT INTO users (id, email, created_at) VALUES (?1, ?2, ?3)")?
        .execute(params![id, email.as_str(), millis(now)])?;
    Ok(())
}

/// Whether an account of this address was deleted once: it has had its seed of credits.
pub(crate) fn has_left_before(tx: &Connection, email: &Email) -> rusqlite::Result<bool> {
    tx.prepare_cached("SELECT 1 FROM former_addresses WHERE address_hash = ?1")?
        .exists([email.hash().as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tampered_id_leads_into_nobody_s_folder() {
        for bad in ["owner", "anon/x", "../owner", "", "a/b", "..", "anon"] {
            let scope = scope_of(bad);
            assert_eq!(scope.as_str(), "anon/unknown", "{bad:?}");
        }
        assert_eq!(scope_of("0193-ab").as_str(), "0193-ab");
    }
}
