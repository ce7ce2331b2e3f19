//! One question to a server and its whole answer: any method, any body, the same guard as a fetch.
//! Redirects are not followed, since what is sent may hold a key; every status is an answer.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use reqwest::multipart::{Form, Part};
use tokio::time::Instant;
use url::Url;

use super::{Deadline, FetchError, Held, Net, RetryAfter, Shown, Trust, content_type};

/// One question.
#[derive(Clone)]
pub struct Exchange {
    /// `GET` or `POST`.
    pub method: Method,
    /// To where.
    pub url: Url,
    /// Sent as they are. A key belongs into a value that is marked as sensitive.
    pub headers: HeaderMap,
    /// What is sent.
    pub body: Body,
    /// Most bytes of the answer, unpacked.
    pub bytes_max: u64,
    /// Time for all of it, the answer's body included.
    pub deadline: Duration,
    /// How long the server may be silent once its answer has begun.
    pub silence: Duration,
    /// Which private addresses are fine.
    pub trust: Trust,
}

/// What is sent; cheap to clone, so that a question can be asked again.
#[derive(Clone, Default)]
pub enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// Bytes, whose type is said in the headers.
    Bytes(Bytes),
    /// A form of several parts.
    Form(Vec<Field>),
}

/// One part of a form.
#[derive(Clone)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Name and media type, where it is a file.
    pub file: Option<(&'static str, &'static str)>,
    /// What it holds.
    pub bytes: Bytes,
}

/// The whole answer.
pub struct Exchanged {
    /// Of any kind.
    pub status: StatusCode,
    /// Without parameters, in lower case; empty where it was not said.
    pub media_type: String,
    /// When the server wants to be asked again, where it said so.
    pub retry_after: Option<RetryAfter>,
    /// As they came.
    pub headers: HeaderMap,
    /// Unpacked.
    pub bytes: Vec<u8>,
}

impl Net {
    /// Asks. Dropping the future closes the connection.
    ///
    /// # Errors
    /// Each of [`FetchError`] but `Status` and `Redirects`: whatever a server answers is an answer.
    pub async fn exchange(&self, exchange: &Exchange) -> Result<Exchanged, FetchError> {
        let mut deadline = Deadline::of(&exchange.url, exchange.deadline);
        let asked = self
            .client_for(&exchange.url, &exchange.trust)?
            .request(exchange.method.clone(), exchange.url.clone())
            .headers(exchange.headers.clone());
        let asked = match &exchange.body {
            Body::Empty => asked,
            Body::Bytes(bytes) => asked.body(bytes.clone()),
            Body::Form(fields) => asked.multipart(form(fields, &exchange.url)?),
        };
        let response = deadline
            .hold(asked.send())
            .await?
            .map_err(|error| FetchError::of(&error, &exchange.url))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let Held { bytes, .. } = self
            .drain(response, exchange.bytes_max, exchange.silence, &mut deadline, &exchange.url)
            .await?;
        Ok(Exchanged {
            status,
            media_type: content_type(&headers).0,
            retry_after: RetryAfter::of(&headers),
            headers,
            bytes,
        })
    }
}

fn form(fields: &[Field], url: &Url) -> Result<Form, FetchError> {
    fields.iter().try_fold(Form::new(), |form, field| {
        let length = field.bytes.len() as u64;
        let part = Part::stream_with_length(field.bytes.clone(), length);
        let part = match field.file {
            None => part,
            Some((name, media_type)) => {
                let named = part.file_name(name).mime_str(media_type);
                named.map_err(|error| FetchError::of(&error, url))?
            }
        };
        Ok(form.part(field.name, part))
    })
}

impl Deadline {
    /// The end of a time that begins now.
    pub(super) fn of(url: &Url, time: Duration) -> Deadline {
        Deadline { at: Instant::now() + time, link: Shown::from(url), secs: time.as_secs() }
    }
}
