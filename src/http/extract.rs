//! Parsing is refusing: what comes with a request as types that prove it valid, or as a sentence.

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::HeaderMap;
use axum::http::header::IF_MATCH;
use axum::http::request::Parts;
use recap_mode::{Caller, Fault, FaultKind};
use serde::de::DeserializeOwned;

use crate::domain::recap::RecapId;

/// Largest JSON body: a recap with the longest transcript that is taken.
const JSON_BYTES_MAX: usize = 96 * 1024 * 1024;

/// Who is asking, as the mode said.
pub(super) struct Who(pub(super) Caller);

impl<S: Send + Sync> FromRequestParts<S> for Who {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Who, Fault> {
        parts
            .extensions
            .get::<Caller>()
            .cloned()
            .map(Who)
            .ok_or_else(|| Fault::internal("finding out who asks", "a route without its gate"))
    }
}

/// A recap's id from the address.
pub(super) struct Id(pub(super) RecapId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Id, Fault> {
        let none = || Fault::not_found("There is no such recap in this library.");
        let Path(text) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|_| none())?;
        text.parse().map(Id).map_err(|_| none())
    }
}

/// The query of an address.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Params<T>, Fault> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(params)) => Ok(Params(params)),
            Err(rejection) => {
                let said = rejection.body_text();
                let said = said
                    .strip_prefix("Failed to deserialize query string: ")
                    .unwrap_or(&said)
                    .to_owned();
                Err(Fault::invalid(format!("The address cannot be read: {said}.")))
            }
        }
    }
}

/// A JSON body.
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Fault;
    async fn from_request(request: Request, _: &S) -> Result<JsonBody<T>, Fault> {
        let bytes = read_body(request.into_body(), JSON_BYTES_MAX).await?;
        parse_json(&bytes).map(JsonBody)
    }
}

/// Reads JSON, or says what is wrong where.
pub(super) fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let place = if [".", "?", ".."].contains(&path.as_str()) {
            String::new()
        } else {
            format!(" at {path}")
        };
        Fault::invalid(format!(
            "The body is not the JSON that is asked for here: {}{place}.",
            error.inner()
        ))
    })?;
    reader
        .end()
        .map_err(|_| Fault::invalid("Something stands after the end of the JSON in the body."))?;
    Ok(value)
}

/// Reads a whole body.
pub(super) async fn read_body(body: Body, bytes_max: usize) -> Result<axum::body::Bytes, Fault> {
    to_bytes(body, bytes_max).await.map_err(|error| {
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = cause {
            if error.to_string().contains("length limit exceeded") {
                return too_large(bytes_max);
            }
            cause = error.source();
        }
        Fault::invalid("The body did not come in whole.").hint("Send it again.")
    })
}

/// 413 with the bound.
pub(super) fn too_large(bytes_max: usize) -> Fault {
    Fault::new(
        FaultKind::TooLarge,
        format!("What you sent is larger than {} MiB.", bytes_max / (1024 * 1024)),
    )
}

/// The states of an `If-Match` header; `None` where there is none.
pub(super) fn if_match(headers: &HeaderMap) -> Option<Vec<String>> {
    let mut states = headers.get_all(IF_MATCH).iter().peekable();
    states.peek()?;
    Some(
        states
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|state| state.trim().to_owned())
            .collect(),
    )
}
