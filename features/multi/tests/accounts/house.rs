//! A whole set of accounts over a database of its own, with a clock and chance that tests steer.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use recap_mode::{Clock, ManualClock, Scope, SeededEntropy};
use recap_multi::Database;
use recap_multi::admin::Admin;
use recap_multi::email::Email;
use recap_multi::folder_work::FolderWorks;
use recap_multi::ledger::{CreditRules, EntryKind, Ledger};
use recap_multi::mail::{Mail, MailSettings, MailWay};
use recap_multi::posting::{Posted, Posting};
use recap_multi::sessions::Sessions;
use recap_multi::sign_in::{SignIn, SignInSettings, SignedIn, Visit};
use recap_multi::tenants::Tenants;
use recap_multi::trials::{TrialSettings, Trials};
use rusqlite::Connection;
use tokio::sync::Notify;

pub struct House {
    pub data: tempfile::TempDir,
    pub database: Database,
    pub clock: Arc<ManualClock>,
    pub sessions: Sessions,
    pub sign_in: SignIn,
    pub trials: Trials,
    pub admin: Admin,
    pub ledger: Ledger,
    pub tenants: Tenants,
    pub folders: FolderWorks,
    pub posting: Arc<Posting>,
}

/// What a mail of the folder says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub to: String,
    pub token: String,
    pub code: String,
    pub whole: String,
}

pub const HERE: &str = "192.0.2.1";

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub fn visit() -> Visit {
    Visit { label: "A browser".to_owned(), ..Visit::default() }
}

pub fn house() -> House {
    house_with(SignInSettings::default(), TrialSettings::default())
}

pub fn house_with(settings: SignInSettings, trials: TrialSettings) -> House {
    let data = tempfile::tempdir().unwrap();
    house_in(data, settings, trials, 1)
}

pub fn house_in(
    data: tempfile::TempDir,
    settings: SignInSettings,
    trials: TrialSettings,
    seed: u64,
) -> House {
    let mail = Mail::new(
        &MailSettings {
            from: "Recap <recap@recap.example>".to_owned(),
            way: MailWay::Folder(data.path().join("mail")),
        },
        &"https://recap.example/base".parse().unwrap(),
    )
    .unwrap();
    house_with_mail(data, settings, trials, seed, mail)
}

pub fn house_with_mail(
    data: tempfile::TempDir,
    settings: SignInSettings,
    trials: TrialSettings,
    seed: u64,
    mail: Mail,
) -> House {
    let database = Database::open(&data.path().join("recap.db")).unwrap();
    let clock = Arc::new(ManualClock::at("2026-11-20T10:00:00Z".parse().unwrap()));
    let entropy = Arc::new(SeededEntropy::new(seed));
    let ledger = Ledger::new(database.clone(), clock.clone(), CreditRules::default());
    let wake = Arc::new(Notify::new());
    let (db, at, chance) = (|| database.clone(), || clock.clone(), || entropy.clone());
    let posting = Posting::new(db(), at(), chance(), settings.clone(), mail, wake.clone());
    House {
        sessions: Sessions::new(db(), at(), chance()),
        sign_in: SignIn::new(db(), at(), chance(), settings, ledger.clone(), wake),
        trials: Trials::new(db(), at(), chance(), trials, ledger.clone()),
        admin: Admin::new(db(), at(), chance(), ledger.clone()),
        ledger,
        tenants: Tenants::new(db(), at()),
        folders: FolderWorks::new(db()),
        posting: Arc::new(posting),
        database: database.clone(),
        clock: clock.clone(),
        data,
    }
}

impl House {
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub fn minutes(&self, minutes: i64) {
        self.clock.advance(TimeDelta::minutes(minutes));
    }

    /// Closes everything but the folder.
    pub fn closed(self) -> tempfile::TempDir {
        self.data
    }

    /// Signing in as a second process over the same file does it.
    pub fn twin(&self) -> SignIn {
        let database = Database::open(&self.data.path().join("recap.db")).unwrap();
        let ledger = Ledger::new(database.clone(), self.clock.clone(), CreditRules::default());
        SignIn::new(
            database,
            self.clock.clone(),
            Arc::new(SeededEntropy::new(99)),
            SignInSettings::default(),
            ledger,
            Arc::new(Notify::new()),
        )
    }

    /// A second process's view of the file.
    pub fn raw(&self) -> Connection {
        Connection::open(self.data.path().join("recap.db")).unwrap()
    }

    pub fn count(&self, sql: &str) -> i64 {
        self.raw().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// What came into a tenant's account, the oldest first: the trial's key, or `seed`, and how
    /// many.
    pub fn noted(&self, user_id: &str) -> Vec<(String, i64)> {
        assert_eq!(self.ledger.verify().unwrap(), []);
        let scope = Scope::parse(user_id).unwrap();
        let mut entries = self.ledger.journal(&scope, None, 100).unwrap().entries;
        entries.reverse();
        let word = |kind| if kind == EntryKind::Seed { "seed" } else { "other" };
        entries
            .into_iter()
            .map(|entry| (entry.key.unwrap_or(word(entry.kind).to_owned()), entry.amount))
            .collect()
    }

    /// Sends everything that waits.
    pub async fn post(&self) -> Vec<Posted> {
        let mut posted = Vec::new();
        loop {
            match self.posting.post_one().await.unwrap() {
                Posted::Nothing(_) => return posted,
                other => posted.push(other),
            }
        }
    }

    pub fn letters(&self) -> Vec<Letter> {
        letters_in(&self.data.path().join("mail"))
    }

    /// Asks for a link, and reads the mail. Returns the letter and the asking browser's cookie.
    pub async fn asked(&self, address: &str) -> (Letter, String) {
        let before = self.letters();
        let asked = self.sign_in.ask(address, ip(HERE)).await.unwrap();
        self.post().await;
        let mut new: Vec<Letter> =
            self.letters().into_iter().filter(|letter| !before.contains(letter)).collect();
        assert_eq!(new.len(), 1);
        let letter = new.remove(0);
        (letter, asked.browser.as_str().to_owned())
    }

    /// Signs an address in by its link.
    pub async fn signed_in(&self, address: &str) -> SignedIn {
        let (letter, _) = self.asked(address).await;
        // Another mail within the same millisecond would not be told from it by its name.
        self.clock.advance(TimeDelta::milliseconds(1));
        self.sign_in.use_link(&letter.token, ip(HERE), visit()).await.unwrap()
    }
}

pub fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

fn letters_in(folder: &Path) -> Vec<Letter> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    // A letter that is just being written has another ending.
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "eml"));
    paths.sort();
    paths.iter().map(|path| letter(&fs::read_to_string(path).unwrap())).collect()
}

/// Reads a mail as far as tests need it: quoted-printable away, then the link and the code.
pub fn letter(text: &str) -> Letter {
    let whole = text.replace("=\r\n", "").replace("=3D", "=").replace("\r\n", "\n");
    let between = |from: &str, chars: usize| -> String {
        let at = whole.find(from).unwrap_or_else(|| panic!("{from:?} is not in {whole}"));
        whole[at + from.len()..].chars().take(chars).collect()
    };
    Letter {
        to: between("\nTo: ", 200).lines().next().unwrap().to_owned(),
        token: between("?token=", 43),
        code: between("you asked:\n\n", 9),
        whole: whole.clone(),
    }
}
