//! The key of one person's things, and the folder they lie in.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest id of a tenant or a trial, in bytes. The earlier system's limit for user ids.
pub const ID_BYTES_MAX: usize = 128;

/// Whose things are meant: `owner`, a tenant's id, or `anon/<trial id>`.
///
/// A scope that exists is valid: each part is made of ASCII letters, digits, `_` and `-`, begins
/// with a letter or digit and has at most [`ID_BYTES_MAX`] bytes, so it is safe in a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope(Arc<str>);

/// Why a text is no scope.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is no scope: use `owner`, a tenant's id, or `anon/` and a trial's id (letters, digits, `-` and `_`, \
     at most {ID_BYTES_MAX})"
)]
pub struct ScopeError(String);

impl Scope {
    /// The one scope of single mode, and the operator's in every other.
    pub fn owner() -> Scope {
        Scope(Arc::from("owner"))
    }

    /// Reads `owner`, a tenant's id or `anon/<trial id>`.
    ///
    /// # Errors
    /// Anything that could leave the history folder or hide in it.
    pub fn parse(text: &str) -> Result<Scope, ScopeError> {
        let id = text.strip_prefix("anon/").unwrap_or(text);
        let fits = !id.is_empty()
            && id.len() <= ID_BYTES_MAX
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
            && id.as_bytes()[0].is_ascii_alphanumeric()
            && text != "anon";
        if fits {
            Ok(Scope(Arc::from(text)))
        } else {
            Err(ScopeError(text.chars().take(60).collect()))
        }
    }

    /// As it is written in addresses, logs and file names.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder below `history/`.
    pub fn folder(&self) -> PathBuf {
        self.0.split('/').collect()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Scope {
    type Err = ScopeError;
    fn from_str(text: &str) -> Result<Scope, ScopeError> {
        Scope::parse(text)
    }
}

impl TryFrom<String> for Scope {
    type Error = ScopeError;
    fn try_from(text: String) -> Result<Scope, ScopeError> {
        Scope::parse(&text)
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> String {
        scope.0.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_that_exists_stays_inside_the_history_folder() {
        for good in ["owner", "anon/abc", "a", "7f-x_Y", &"x".repeat(ID_BYTES_MAX)] {
            assert_eq!(Scope::parse(good).map(String::from), Ok(good.to_owned()));
        }
        let long = "x".repeat(ID_BYTES_MAX + 1);
        for bad in [
            "", "anon", "anon/", "anon/a/b", "..", "../owner", "a/b", "a\\b", "a\0", ".lock", "-x",
            "a b", "ä", "%2e%2e", "/etc", &long,
        ] {
            assert!(Scope::parse(bad).is_err(), "{bad:?} was taken");
        }
    }
}
