//! Letters in words, and the two ways they leave: by SMTP, or into a folder while developing.
//!
//! The address in a link comes from the configured public URL alone; no header of any request gets
//! here. Errors and logs name neither addresses nor secrets.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use askama::Template;
use chrono::{DateTime, Utc};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use serde::Deserialize;
use url::{Host, Url};

use crate::email::Email;
use crate::tokens::{Code, Token};

/// Where a link leads, below the public URL; the token is its query `token`.
pub const LINK_PATH: [&str; 2] = ["sign-in", "link"];

/// How long one step of SMTP may take.
const STEP_TIME: Duration = Duration::from_secs(20);

/// How long sending may take in all; the outbox lends a letter for longer than this.
const SEND_TIME: Duration = Duration::from_secs(45);

/// How mail is sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// The sender: `Recap <recap@example.org>`.
    pub from: String,
    /// By which way.
    pub way: MailWay,
}

/// By which way mail leaves.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum MailWay {
    /// To a mail server.
    Smtp(SmtpSettings),
    /// As `.eml` files into a folder, for development: whoever can read it can sign in as anybody.
    Folder(PathBuf),
}

/// A mail server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpSettings {
    /// Its name, which its certificate must carry.
    pub host: String,
    /// Its port; else 587 for STARTTLS, 465 for TLS, 25 for plain.
    #[serde(default)]
    pub port: Option<u16>,
    /// How the connection is kept secret.
    #[serde(default)]
    pub security: SmtpSecurity,
    /// With which name to sign in there; without one it takes mail as it is.
    #[serde(default)]
    pub user: Option<String>,
    /// The password of `user`.
    #[serde(default)]
    pub password: Option<SmtpPassword>,
    /// A PEM file of the authorities to trust instead of the system's, for a server of one's own.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

/// How a connection to a mail server is kept secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmtpSecurity {
    /// Begins plain and must turn to TLS before anything is said.
    #[default]
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// None; only to this very machine.
    Plain,
}

/// A password whose `Debug` hides it.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct SmtpPassword(pub String);

impl fmt::Debug for SmtpPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmtpPassword(hidden)")
    }
}

/// Why mail settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MailSettingsError {
    /// No sender.
    #[error(
        "The sender `{0}` of the mail settings is not of the form `Recap <recap@example.org>`."
    )]
    From(String),
    /// No address that a link could begin with.
    #[error(
        "The public URL `{0}` cannot stand in a mail: set one that begins with https:// (or \
         http://) and a host."
    )]
    PublicUrl(String),
    /// Secrets would cross a network in the open.
    #[error(
        "Mail to `{0}` would cross the network unencrypted: take `starttls` or `tls`, or a server \
         on this machine."
    )]
    PlainAbroad(String),
    /// A name without a password, or the other way round.
    #[error("The mail settings need both `user` and `password`, or neither.")]
    HalfCredentials,
    /// The certificates cannot be used.
    #[error("The certificates {path} cannot be used: {cause}.")]
    Certificates {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// TLS cannot be set up.
    #[error("TLS to the mail server cannot be set up: {0}.")]
    Tls(String),
}

/// Why a letter was not sent. Without the server's words, which repeat the recipient's address.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// For good: trying again is no use.
    #[error("the mail server refused it for good (code {0})")]
    Refused(u16),
    /// For now.
    #[error("the mail server did not take it now (code {0})")]
    NotNow(u16),
    /// Nobody answered, not in time, or not as TLS demands.
    #[error("the mail server could not be reached: {0}")]
    Unreachable(String),
    /// It could not even be written.
    #[error("the letter could not be written: {0}")]
    Unwritten(String),
}

/// A mail that signs somebody in.
pub(crate) struct SignInLetter<'a> {
    pub to: &'a Email,
    pub token: &'a Token,
    pub code: &'a Code,
    pub expires_at: DateTime<Utc>,
    /// Of the outbox: tries of one ask are one conversation.
    pub id: &'a str,
}

#[derive(Template)]
#[template(path = "sign_in_mail.txt")]
struct SignInText<'a> {
    place: &'a str,
    link: &'a str,
    code: &'a str,
    until: &'a str,
}

#[derive(Template)]
#[template(path = "sign_in_mail.html")]
struct SignInHtml<'a> {
    place: &'a str,
    link: &'a str,
    code: &'a str,
    until: &'a str,
}

/// A way out for letters.
pub struct Mail {
    from: Mailbox,
    public_url: Url,
    way: Way,
}

enum Way {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Folder(PathBuf),
}

impl Mail {
    /// By the settings; links begin with `public_url`.
    ///
    /// # Errors
    /// Each of [`MailSettingsError`].
    pub fn new(settings: &MailSettings, public_url: &Url) -> Result<Mail, MailSettingsError> {
        let from: Mailbox =
            settings.from.parse().map_err(|_| MailSettingsError::From(settings.from.clone()))?;
        if !matches!(public_url.scheme(), "http" | "https") || public_url.host().is_none() {
            return Err(MailSettingsError::PublicUrl(public_url.to_string()));
        }
        let mut public_url = public_url.clone();
        public_url.set_query(None);
        public_url.set_fragment(None);
        let way = match &settings.way {
            MailWay::Smtp(smtp) => Way::Smtp(transport(smtp, &public_url)?),
            MailWay::Folder(folder) => Way::Folder(folder.clone()),
        };
        Ok(Mail { from, public_url, way })
    }

    /// Whether mail could leave now: greets the mail server and signs in there, or finds the folder
    /// writable. Sends nothing.
    ///
    /// # Errors
    /// Each of [`MailError`].
    pub async fn check(&self) -> Result<(), MailError> {
        match &self.way {
            Way::Smtp(transport) => {
                let asking = tokio::time::timeout(SEND_TIME, transport.test_connection());
                match asking.await {
                    Ok(Ok(true)) => Ok(()),
                    Ok(Ok(false)) => {
                        Err(MailError::Unreachable("it hung up after the greeting".to_owned()))
                    }
                    Ok(Err(error)) => Err(mail_error(&error)),
                    Err(_) => Err(MailError::Unreachable("it took too long".to_owned())),
                }
            }
            Way::Folder(folder) => {
                let writable = std::fs::create_dir_all(folder)
                    .and_then(|()| std::fs::metadata(folder))
                    .map(|found| !found.permissions().readonly());
                match writable {
                    Ok(true) => Ok(()),
                    Ok(false) => Err(MailError::Unwritten("the folder is read-only".to_owned())),
                    Err(error) => Err(MailError::Unwritten(error.to_string())),
                }
            }
        }
    }

    /// Sends a link and its code.
    ///
    /// # Errors
    /// Each of [`MailError`].
    pub(crate) async fn send_sign_in(
        &self,
        letter: &SignInLetter<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), MailError> {
        let message = self.sign_in_message(letter, now)?;
        match &self.way {
            Way::Smtp(transport) => {
                let sending = tokio::time::timeout(SEND_TIME, transport.send(message));
                match sending.await {
                    Ok(Ok(_)) => Ok(()),
                    Ok(Err(error)) => Err(mail_error(&error)),
                    Err(_) => Err(MailError::Unreachable("it took too long".to_owned())),
                }
            }
            Way::Folder(folder) => {
                let name = format!("{}-{}", now.format("%Y%m%dT%H%M%S%3f"), letter.id);
                let (folder, bytes) = (folder.clone(), message.formatted());
                let written =
                    tokio::task::spawn_blocking(move || write_into(&folder, &name, &bytes)).await;
                match written {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(error)) => Err(MailError::Unwritten(error.to_string())),
                    Err(error) => Err(MailError::Unwritten(error.to_string())),
                }
            }
        }
    }

    fn sign_in_message(
        &self,
        letter: &SignInLetter<'_>,
        now: DateTime<Utc>,
    ) -> Result<Message, MailError> {
        let unwritten = |error: &dyn fmt::Display| MailError::Unwritten(error.to_string());
        let place = match self.public_url.port() {
            Some(port) => format!("{}:{port}", self.public_url.host_str().unwrap_or_default()),
            None => self.public_url.host_str().unwrap_or_default().to_owned(),
        };
        let (link, code) = (self.link(letter.token), letter.code.shown());
        let until = letter.expires_at.format("%H:%M UTC").to_string();
        let (place, link, code, until) = (&*place, &*link, &*code, &*until);
        let text =
            SignInText { place, link, code, until }.render().map_err(|error| unwritten(&error))?;
        let html =
            SignInHtml { place, link, code, until }.render().map_err(|error| unwritten(&error))?;
        let to: lettre::Address = letter
            .to
            .as_str()
            .parse()
            .map_err(|error: lettre::address::AddressError| unwritten(&error))?;
        let domain = self.from.email.domain();
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .date(SystemTime::from(now))
            .message_id(Some(format!("<{}.{}@{domain}>", letter.id, now.timestamp_millis())))
            // RFC 3834: no out-of-office answer, please.
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .subject("Sign in to Recap")
            .multipart(
                MultiPart::alternative()
                    .singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(text))
                    .singlepart(SinglePart::builder().header(ContentType::TEXT_HTML).body(html)),
            )
            .map_err(|error| unwritten(&error))
    }

    fn link(&self, token: &Token) -> String {
        let mut url = self.public_url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(LINK_PATH);
        }
        url.query_pairs_mut().append_pair("token", token.as_str());
        url.into()
    }
}

fn transport(
    smtp: &SmtpSettings,
    public_url: &Url,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailSettingsError> {
    let tls = match smtp.security {
        SmtpSecurity::Plain if !is_this_machine(&smtp.host) => {
            return Err(MailSettingsError::PlainAbroad(smtp.host.clone()));
        }
        SmtpSecurity::Plain => Tls::None,
        SmtpSecurity::Starttls => Tls::Required(tls_parameters(smtp)?),
        SmtpSecurity::Tls => Tls::Wrapper(tls_parameters(smtp)?),
    };
    let port = smtp.port.unwrap_or(match smtp.security {
        SmtpSecurity::Starttls => 587,
        SmtpSecurity::Tls => 465,
        SmtpSecurity::Plain => 25,
    });
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host)
        .port(port)
        .tls(tls)
        .timeout(Some(STEP_TIME));
    if let Some(Host::Domain(name)) = public_url.host() {
        builder = builder.hello_name(ClientId::Domain(name.to_owned()));
    }
    match (&smtp.user, &smtp.password) {
        (None, None) => {}
        (Some(user), Some(password)) => {
            builder = builder.credentials(Credentials::new(user.clone(), password.0.clone()));
        }
        _ => return Err(MailSettingsError::HalfCredentials),
    }
    Ok(builder.build())
}

fn tls_parameters(smtp: &SmtpSettings) -> Result<TlsParameters, MailSettingsError> {
    let mut builder = TlsParameters::builder(smtp.host.clone());
    if let Some(path) = &smtp.ca_file {
        let unusable =
            |cause: String| MailSettingsError::Certificates { path: path.clone(), cause };
        let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
        let authority = Certificate::from_pem(&pem).map_err(|error| unusable(error.to_string()))?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(authority);
    }
    builder.build().map_err(|error| MailSettingsError::Tls(error.to_string()))
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn mail_error(error: &lettre::transport::smtp::Error) -> MailError {
    match error.status() {
        Some(code) => {
            let code = u16::from(code);
            // 53x: our own sign-in there is wrong, which the operator can mend in time.
            if error.is_permanent() && !(530..540).contains(&code) {
                MailError::Refused(code)
            } else {
                MailError::NotNow(code)
            }
        }
        None => {
            let cause = std::error::Error::source(error);
            MailError::Unreachable(
                cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}")),
            )
        }
    }
}

fn write_into(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::create_dir_all(folder)?;
    let draft = folder.join(format!(".{name}.tmp"));
    // The letter signs in: only its owner may read it.
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(bytes)?;
    std::fs::rename(&draft, folder.join(format!("{name}.eml")))
}
