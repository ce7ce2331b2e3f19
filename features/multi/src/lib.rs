//! Recap as a service: tenants who never see each other, their sign-ins, trials and credits, over one
//! SQLite file. [`open`] gives the mode; the rest is what it is made of.

mod account_credits;
pub mod admin;
mod command;
mod cookies;
pub mod database;
pub mod email;
pub mod folder_work;
pub mod ledger;
pub mod magic_links;
pub mod mail;
mod multi;
pub mod network;
pub mod outbox;
pub mod passwords;
pub mod posting;
pub mod rate_limits;
pub mod refusal;
pub mod relay;
mod routes;
mod rows;
pub mod sessions;
mod settings;
pub mod sign_in;
pub mod tenants;
pub mod tiers;
pub mod tokens;
pub mod trials;

use std::path::Path;
use std::sync::Arc;

use recap_mode::{Clock, Entropy, Mode};

pub use database::{Database, DatabaseError, DatabaseLimits, Tx};
pub use settings::Given;

/// Why multi mode does not start.
#[derive(Debug, thiserror::Error)]
pub enum MultiError {
    /// The database in the data folder cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A setting that is not taken.
    #[error("The setting {key} is not taken: {why}.")]
    Setting {
        /// Which.
        key: &'static str,
        /// Why.
        why: String,
    },
    /// Mail cannot go out as it is set up.
    #[error(transparent)]
    Mail(#[from] mail::MailSettingsError),
}

/// Opens multi mode over `<data>/recap.db`, which is made where it is missing.
///
/// # Errors
/// Each of [`MultiError`].
pub fn open(
    data: &Path,
    given: Given,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<Arc<dyn Mode>, MultiError> {
    let settings = settings::Settings::of(given)?;
    let database = Database::open(&data.join("recap.db"))?;
    Ok(Arc::new(multi::Multi::new(&database, settings, clock, entropy)?))
}
