//! Recap as a service. For now the plug alone: the database opens and is checked, and the mode
//! refuses to start with a sentence, since tenants, credits and payments are not built yet.

mod account_credits;
pub mod admin;
pub mod database;
pub mod email;
pub mod folder_work;
pub mod ledger;
pub mod magic_links;
pub mod mail;
pub mod network;
pub mod outbox;
pub mod passwords;
pub mod posting;
pub mod rate_limits;
pub mod refusal;
mod rows;
pub mod sessions;
pub mod sign_in;
pub mod tenants;
pub mod tiers;
pub mod tokens;
pub mod trials;

use std::path::Path;
use std::sync::Arc;

use recap_mode::Mode;

pub use database::{Database, DatabaseError, DatabaseLimits, Tx};

/// Why multi mode does not start.
#[derive(Debug, thiserror::Error)]
pub enum MultiError {
    /// The database in the data folder cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The tenants are still to come.
    #[error(
        "RECAP_MODE=multi was asked for, but this version cannot serve tenants yet: accounts, credits and payments are \
         not built. Start without RECAP_MODE, or with RECAP_MODE=single; all data is kept."
    )]
    NotBuilt,
}

/// Opens multi mode over `<data>/recap.db`.
///
/// # Errors
/// [`MultiError::Database`] where an existing database is damaged or from a newer version,
/// [`MultiError::NotBuilt`] in every other case.
pub fn open(data: &Path) -> Result<Arc<dyn Mode>, MultiError> {
    let path = data.join("recap.db");
    if path.exists() {
        Database::open(&path)?;
    }
    Err(MultiError::NotBuilt)
}
