//! `<data>/secrets.json`, mode 0600: the operator's password, the key that signs sessions, and the keys of
//! model servers.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use aws_lc_rs::digest::{SHA256, digest};
use recap_mode::Entropy;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use subtle::ConstantTimeEq;

/// Shortest password that is taken, in characters. NIST SP 800-63B asks for 8 where nothing else guards.
pub const PASSWORD_CHARS_MIN: usize = 8;

/// Longest, in bytes: hashing more is work for an attacker to hand out.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// Why the secrets cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// Not JSON, or not of this form.
    #[error(
        "{path} cannot be read as secrets: {cause}. Mend it, or remove it and set the password again with `recap \
         set-password`."
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The file system.
    #[error("{path} cannot be read or written: {cause}.")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's own words.
        cause: io::Error,
    },
    /// Too short or too long.
    #[error(
        "A password has at least {PASSWORD_CHARS_MIN} characters and at most {PASSWORD_BYTES_MAX} bytes."
    )]
    Password,
    /// argon2 refused.
    #[error("The password could not be hashed: {0}.")]
    Hash(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
struct Content {
    #[serde(default)]
    operator_password_hash: Option<String>,
    #[serde(default)]
    session_key: Option<String>,
    /// Of the operator's model servers, by name.
    #[serde(default)]
    model_keys: BTreeMap<String, String>,
    /// Of scopes' own model servers, by scope and name.
    #[serde(default)]
    scope_model_keys: BTreeMap<String, BTreeMap<String, String>>,
}

/// The operator's password as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// A short text that changes with the password, by which older sessions end.
    pub fn fingerprint(&self) -> String {
        base16ct::lower::encode_string(&digest(&SHA256, self.0.as_bytes()).as_ref()[..8])
    }

    /// Whether this is the password. Takes some 50 ms by design where it is kept as a hash.
    pub fn is(&self, given: &str) -> bool {
        if given.len() > PASSWORD_BYTES_MAX {
            return false;
        }
        match PasswordHash::new(&self.0) {
            Ok(hash) => Argon2::default().verify_password(given.as_bytes(), &hash).is_ok(),
            // A variable may hold the password itself; hashing both hides its length from a clock.
            Err(_) => {
                let [own, given] = [&self.0, given].map(|text| digest(&SHA256, text.as_bytes()));
                own.as_ref().ct_eq(given.as_ref()).into()
            }
        }
    }
}

/// The file, read again when it changes.
pub struct Secrets {
    path: PathBuf,
    by_variable: Option<Password>,
    entropy: Arc<dyn Entropy>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    read: bool,
    modified: Option<SystemTime>,
    content: Content,
}

impl Secrets {
    /// The secrets of a data folder; a variable's password stands in for the file's.
    ///
    /// # Errors
    /// A file that is there and cannot be used: starting without its password would open the door.
    pub fn open(
        data: &Path,
        by_variable: Option<String>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Secrets, SecretsError> {
        let secrets = Secrets {
            path: data.join("secrets.json"),
            by_variable: by_variable.map(Password),
            entropy,
            known: Mutex::default(),
        };
        secrets.content()?;
        Ok(secrets)
    }

    fn content(&self) -> Result<Content, SecretsError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let modified = fs::metadata(&self.path).and_then(|meta| meta.modified()).ok();
        if known.read && known.modified == modified {
            return Ok(known.content.clone());
        }
        let content = match read_map(&self.path)? {
            Some(map) => serde_json::from_value(Value::Object(map)).map_err(|error| {
                SecretsError::Malformed { path: self.path.clone(), cause: error.to_string() }
            })?,
            None => Content::default(),
        };
        *known = Known { read: true, modified, content: content.clone() };
        Ok(content)
    }

    /// The last content that could be read: a file broken while the daemon runs opens no door.
    fn content_now(&self) -> Content {
        self.content().unwrap_or_else(|error| {
            tracing::error!(%error, "the secrets that were read before stay in force");
            self.known.lock().unwrap_or_else(PoisonError::into_inner).content.clone()
        })
    }

    /// The operator's password, where one is set.
    pub fn password(&self) -> Option<Password> {
        self.by_variable.clone().or_else(|| self.content_now().operator_password_hash.map(Password))
    }

    /// The key that signs sessions; made and kept on first need.
    ///
    /// # Errors
    /// Where a new one cannot be kept.
    pub fn session_key(&self) -> Result<Vec<u8>, SecretsError> {
        if let Some(key) = self.content_now().session_key
            && key.len() >= 64
        {
            return Ok(key.into_bytes());
        }
        let mut bytes = [0; 32];
        self.entropy.fill(&mut bytes);
        let key: String = base16ct::lower::encode_string(&bytes);
        self.write("session_key", Value::from(key.clone()))?;
        Ok(key.into_bytes())
    }

    /// Sets the operator's password, or takes it away with `None`. Sessions under the old one end.
    ///
    /// # Errors
    /// [`SecretsError::Password`]; the file.
    pub fn set_password(&self, password: Option<&str>) -> Result<(), SecretsError> {
        let value = match password {
            None => Value::Null,
            Some(password) => {
                if password.chars().count() < PASSWORD_CHARS_MIN
                    || password.len() > PASSWORD_BYTES_MAX
                {
                    return Err(SecretsError::Password);
                }
                let mut salt = [0; 16];
                self.entropy.fill(&mut salt);
                let hash = Argon2::default()
                    .hash_password_with_salt(password.as_bytes(), &salt)
                    .map_err(|error| SecretsError::Hash(error.to_string()))?;
                Value::from(hash.to_string())
            }
        };
        self.write("operator_password_hash", value)
    }

    /// The key of one of the operator's model servers, or of a scope's own.
    pub fn model_key(&self, scope: Option<&str>, server: &str) -> Option<String> {
        let content = self.content_now();
        match scope {
            None => content.model_keys.get(server).cloned(),
            Some(scope) => content.scope_model_keys.get(scope)?.get(server).cloned(),
        }
    }

    /// Forgets all keys of a scope's own model servers.
    ///
    /// # Errors
    /// The file.
    pub fn forget_scope(&self, scope: &str) -> Result<(), SecretsError> {
        let mut all = self.content()?.scope_model_keys;
        match all.remove(scope) {
            None => Ok(()),
            Some(_) if all.is_empty() => self.write("scope_model_keys", Value::Null),
            Some(_) => self.write("scope_model_keys", json!(all)),
        }
    }

    /// Keeps the key of a model server, or forgets it with `None`.
    ///
    /// # Errors
    /// The file.
    pub fn set_model_key(
        &self,
        scope: Option<&str>,
        server: &str,
        key: Option<&str>,
    ) -> Result<(), SecretsError> {
        let content = self.content()?;
        let mut own = match scope {
            None => content.model_keys,
            Some(scope) => content.scope_model_keys.get(scope).cloned().unwrap_or_default(),
        };
        match key {
            Some(key) => own.insert(server.to_owned(), key.to_owned()),
            None => own.remove(server),
        };
        match scope {
            None => self.write("model_keys", if own.is_empty() { Value::Null } else { json!(own) }),
            Some(scope) => {
                let mut all = content.scope_model_keys;
                if own.is_empty() {
                    all.remove(scope);
                } else {
                    all.insert(scope.to_owned(), own);
                }
                self.write(
                    "scope_model_keys",
                    if all.is_empty() { Value::Null } else { json!(all) },
                )
            }
        }
    }

    /// Changes one key and keeps the rest.
    fn write(&self, key: &str, value: Value) -> Result<(), SecretsError> {
        let io = |cause| SecretsError::Io { path: self.path.clone(), cause };
        let mut map = read_map(&self.path)?.unwrap_or_default();
        if value.is_null() {
            map.shift_remove(key);
        } else {
            map.insert(key.to_owned(), value);
        }
        let mut text = serde_json::to_string_pretty(&map).map_err(|error| io(error.into()))?;
        text.push('\n');
        let folder = self.path.parent().unwrap_or(&self.path);
        fs::create_dir_all(folder).map_err(io)?;
        let mut random = [0; 4];
        self.entropy.fill(&mut random);
        let beside = folder.join(format!(".secrets.{}.tmp", u32::from_le_bytes(random)));
        let written = (|| {
            let mut file =
                fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(&beside)?;
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, &self.path)?;
            fs::File::open(folder)?.sync_all()
        })();
        if written.is_err() {
            // The error below is the one that matters.
            let _ = fs::remove_file(&beside);
        }
        written.map_err(io)?;
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Known::default();
        Ok(())
    }
}

fn read_map(path: &Path) -> Result<Option<Map<String, Value>>, SecretsError> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            SecretsError::Malformed { path: path.to_owned(), cause: error.to_string() }
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(SecretsError::Io { path: path.to_owned(), cause }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use recap_mode::SystemEntropy;

    fn open(data: &Path, variable: Option<&str>) -> Result<Secrets, SecretsError> {
        Secrets::open(data, variable.map(str::to_owned), Arc::new(SystemEntropy))
    }

    #[test]
    fn a_password_is_kept_as_a_hash_that_only_its_owner_may_read() {
        let data = tempfile::tempdir().unwrap();
        let secrets = open(data.path(), None).unwrap();
        assert!(secrets.password().is_none());
        secrets.set_password(Some("correct horse")).unwrap();
        let path = data.path().join("secrets.json");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("$argon2id$") && !text.contains("horse"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let password = secrets.password().unwrap();
        assert!(password.is("correct horse") && !password.is("wrong horse") && !password.is(""));
    }

    #[test]
    fn another_process_s_change_is_seen_and_what_is_not_known_is_kept() {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join("secrets.json"), r#"{"other": 1}"#).unwrap();
        let (daemon, command) =
            (open(data.path(), None).unwrap(), open(data.path(), None).unwrap());
        let key = daemon.session_key().unwrap();
        command.set_password(Some("first password")).unwrap();
        let first = daemon.password().unwrap();
        command.set_password(Some("second password")).unwrap();
        assert_ne!(daemon.password().unwrap().fingerprint(), first.fingerprint());
        assert_eq!(daemon.session_key().unwrap(), key);
        assert!(
            fs::read_to_string(data.path().join("secrets.json")).unwrap().contains("\"other\": 1")
        );
        command.set_password(None).unwrap();
        assert!(daemon.password().is_none());
    }

    #[test]
    fn a_broken_file_opens_no_door() {
        let data = tempfile::tempdir().unwrap();
        let secrets = open(data.path(), None).unwrap();
        secrets.set_password(Some("correct horse")).unwrap();
        assert!(secrets.password().is_some());
        fs::write(data.path().join("secrets.json"), "{").unwrap();
        assert!(secrets.password().is_some(), "the one read before stays");
        assert!(matches!(open(data.path(), None), Err(SecretsError::Malformed { .. })));
        assert!(secrets.set_password(Some("another one")).is_err(), "it is not written over");
    }

    #[test]
    fn a_variable_holds_the_password_itself_or_its_hash() {
        let data = tempfile::tempdir().unwrap();
        assert!(
            open(data.path(), Some("plain words")).unwrap().password().unwrap().is("plain words")
        );
        assert!(!open(data.path(), Some("plain words")).unwrap().password().unwrap().is("plain"));
        let secrets = open(data.path(), None).unwrap();
        secrets.set_password(Some("correct horse")).unwrap();
        let hash = secrets.password().unwrap().0;
        assert!(open(data.path(), Some(&hash)).unwrap().password().unwrap().is("correct horse"));
    }

    #[test]
    fn a_model_server_s_key_is_its_owner_s_and_goes_with_them() {
        let data = tempfile::tempdir().unwrap();
        let secrets = open(data.path(), None).unwrap();
        secrets.set_model_key(None, "cloud", Some("operators")).unwrap();
        secrets.set_model_key(Some("ada"), "cloud", Some("adas")).unwrap();
        secrets.set_model_key(Some("ben"), "cloud", Some("bens")).unwrap();
        let key = |scope| secrets.model_key(scope, "cloud");
        assert_eq!(key(None).as_deref(), Some("operators"));
        assert_eq!(key(Some("ada")).as_deref(), Some("adas"));
        secrets.forget_scope("ada").unwrap();
        secrets.forget_scope("nobody").unwrap();
        secrets.set_model_key(None, "cloud", None).unwrap();
        assert_eq!((key(None), key(Some("ada"))), (None, None));
        assert_eq!(key(Some("ben")).as_deref(), Some("bens"));
    }

    #[test]
    fn both_sides_of_each_bound_of_a_password() {
        let data = tempfile::tempdir().unwrap();
        let secrets = open(data.path(), None).unwrap();
        for (password, fits) in [
            ("1234567".to_owned(), false),
            ("12345678".to_owned(), true),
            ("x".repeat(PASSWORD_BYTES_MAX), true),
            ("x".repeat(PASSWORD_BYTES_MAX + 1), false),
        ] {
            assert_eq!(
                secrets.set_password(Some(&password)).is_ok(),
                fits,
                "{} bytes",
                password.len()
            );
        }
    }
}
