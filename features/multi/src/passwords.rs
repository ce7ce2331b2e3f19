//! The optional password of a tenant: argon2id, hashed and checked away from the async threads, a
//! few at a time. Who may try how often stands in `sign_in`.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use recap_mode::Entropy;
use tokio::sync::Semaphore;

use crate::refusal::Refusal;

/// Shortest password that is taken, in characters. NIST SP 800-63B asks for 8 where nothing else
/// guards.
pub const PASSWORD_CHARS_MIN: usize = 8;

/// Longest, in bytes: hashing more is work for an attacker to hand out.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// Hashes at a time: each takes 19 MiB and some 50 ms of a core.
const AT_ONCE_MAX: usize = 2;

/// What an unknown address is checked against: the same parameters, so the same work, and no
/// password has this hash.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$\
                      AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashing, bounded.
pub(crate) struct Hashing {
    entropy: Arc<dyn Entropy>,
    turns: Semaphore,
}

impl Hashing {
    pub(crate) fn new(entropy: Arc<dyn Entropy>) -> Hashing {
        Hashing { entropy, turns: Semaphore::new(AT_ONCE_MAX) }
    }

    /// A hash to store.
    ///
    /// # Errors
    /// [`Refusal::PasswordBounds`], [`Refusal::Hashing`].
    pub(crate) async fn hash(&self, password: &str) -> Result<String, Refusal> {
        if password.chars().count() < PASSWORD_CHARS_MIN || password.len() > PASSWORD_BYTES_MAX {
            return Err(Refusal::PasswordBounds);
        }
        let mut salt = [0; 16];
        self.entropy.fill(&mut salt);
        let password = password.to_owned();
        self.run(move || {
            let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
            hash.map(|hash| hash.to_string()).map_err(|error| Refusal::Hashing(error.to_string()))
        })
        .await?
    }

    /// Whether this is the password of the stored hash; without one the same work is done for
    /// nobody, so that no clock tells who has an account.
    ///
    /// # Errors
    /// [`Refusal::Hashing`] where the thread failed.
    pub(crate) async fn is(&self, stored: Option<&str>, password: &str) -> Result<bool, Refusal> {
        if password.len() > PASSWORD_BYTES_MAX {
            return Ok(false);
        }
        let known = stored.is_some();
        let (stored, password) = (stored.unwrap_or(NOBODY).to_owned(), password.to_owned());
        let right = self
            .run(move || {
                PasswordHash::new(&stored).is_ok_and(|hash| {
                    Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
                })
            })
            .await?;
        Ok(right && known)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let failed = |error: &dyn std::fmt::Display| Refusal::Hashing(error.to_string());
        let _turn = self.turns.acquire().await.map_err(|error| failed(&error))?;
        tokio::task::spawn_blocking(work).await.map_err(|error| failed(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::Params;
    use recap_mode::SeededEntropy;

    fn hashing() -> Hashing {
        Hashing::new(Arc::new(SeededEntropy::new(1)))
    }

    #[test]
    fn nobody_s_hash_costs_what_everybody_s_costs() {
        let nobody = PasswordHash::new(NOBODY).unwrap();
        let params = Params::try_from(&nobody).unwrap();
        let ours = Params::default();
        assert_eq!(nobody.algorithm.as_str(), "argon2id");
        assert_eq!(
            (params.m_cost(), params.t_cost(), params.p_cost()),
            (ours.m_cost(), ours.t_cost(), ours.p_cost())
        );
    }

    #[tokio::test]
    async fn a_password_is_known_again_by_its_hash_and_nobody_has_one() {
        let hashing = hashing();
        let hash = hashing.hash("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$") && !hash.contains("horse"));
        assert!(hashing.is(Some(&hash), "correct horse").await.unwrap());
        for (stored, given) in [
            (Some(hash.as_str()), "correct horsf"),
            (Some(hash.as_str()), ""),
            (Some("not a hash"), "correct horse"),
            (None, "correct horse"),
            (None, ""),
        ] {
            assert!(!hashing.is(stored, given).await.unwrap(), "{given:?}");
        }
    }

    #[tokio::test]
    async fn both_sides_of_each_bound_of_a_password() {
        let hashing = hashing();
        for (password, fits) in [
            ("1234567".to_owned(), false),
            ("12345678".to_owned(), true),
            ("ä".repeat(7), false),
            ("x".repeat(PASSWORD_BYTES_MAX), true),
            ("x".repeat(PASSWORD_BYTES_MAX + 1), false),
        ] {
            let hashed = hashing.hash(&password).await;
            assert_eq!(hashed.is_ok(), fits, "{} bytes", password.len());
        }
        assert!(!hashing.is(None, &"x".repeat(1 << 20)).await.unwrap());
    }
}
