//! One question to a server and its whole answer: any method, any body, the same guard as a fetch.
//! Redirects are not followed, since what is sent may hold a key; every status is an answer.

use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::Frame;
use tokio::time::Instant;
use url::Url;

use super::client::Sent;
use super::{Deadline, FetchError, Net, RetryAfter, Trust, content_type};

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
        let client = self.client_for(&exchange.url, &exchange.trust)?;
        let (method, mut headers) = (exchange.method.clone(), exchange.headers.clone());
        let body = match &exchange.body {
            Body::Empty => Empty::new().boxed_unsync(),
            Body::Bytes(bytes) => Full::new(bytes.clone()).boxed_unsync(),
            Body::Form(fields) => form(fields, &mut headers),
        };
        let response = deadline
            .hold(client.send(method, &exchange.url, headers, body))
            .await?
            .map_err(|error| FetchError::of(&*error, &exchange.url))?;
        let (status, headers) = (response.status, response.headers.clone());
        let held = self
            .drain(response, exchange.bytes_max, exchange.silence, &mut deadline, &exchange.url)
            .await?;
        Ok(Exchanged {
            status,
            media_type: content_type(&headers).0,
            retry_after: RetryAfter::of(&headers),
            headers,
            bytes: held.into_bytes(),
        })
    }
}

/// A form as it is sent (RFC 7578), with its headers; what the fields hold is not copied.
fn form(fields: &[Field], headers: &mut HeaderMap) -> Sent {
    // A hash of what it parts, which therefore does not stand in it.
    let mut hash = Context::new(&SHA256);
    fields.iter().for_each(|field| hash.update(&field.bytes));
    let boundary = base16ct::lower::encode_string(hash.finish().as_ref());
    let mut parts: Vec<Bytes> = Vec::new();
    for Field { name, file, bytes } in fields {
        let mut head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"");
        if let Some((name, media_type)) = file {
            head += &format!("; filename=\"{name}\"\r\nContent-Type: {media_type}");
        }
        parts.extend([(head + "\r\n\r\n").into(), bytes.clone(), Bytes::from_static(b"\r\n")]);
    }
    parts.push(format!("--{boundary}--\r\n").into());
    let length: usize = parts.iter().map(Bytes::len).sum();
    headers.insert(CONTENT_LENGTH, length.into());
    if let Ok(value) = HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}")) {
        headers.insert(CONTENT_TYPE, value);
    }
    let frames = parts.into_iter().map(|part| Ok(Frame::data(part)));
    StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync()
}

impl Deadline {
    /// The end of a time that begins now.
    pub(super) fn of(url: &Url, time: Duration) -> Deadline {
        Deadline { at: Instant::now() + time, url: url.clone(), secs: time.as_secs() }
    }
}
