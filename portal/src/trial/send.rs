//! Sending a call to the gateway: once, to the gateway's own address, without following anything,
//! and with an end to time and length.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use service::http::{BodyError, CORRELATION_ID, current_correlation_id, read_at_most};
use url::Url;

use super::{call::Call, credential::Carried};
use crate::host::authority;

/// portal-ui 19.3
pub const MAX_ANSWER: usize = 5 << 20;
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub duration: Duration,
}

/// Why nothing came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    Away,
    Late,
    TooLong,
}

impl Silence {
    pub fn status(self) -> StatusCode {
        match self {
            Self::Late => StatusCode::GATEWAY_TIMEOUT,
            Self::Away | Self::TooLong => StatusCode::BAD_GATEWAY,
        }
    }
}

/// `proxy` is the gateway as this process reaches it. The name of the call's address is never
/// looked up: it only tells the gateway which API is meant.
pub async fn send(
    proxy: &Url,
    call: &Call,
    credential: Option<&Carried>,
) -> Result<Answer, Silence> {
    let mut url = proxy.clone();
    url.set_path(call.url.path());
    url.set_query(call.url.query());
    let mut headers: HeaderMap = call.headers.iter().cloned().collect();
    let mut set = |name: http::HeaderName, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    };
    set(header::HOST, authority(&call.url));
    set(
        http::HeaderName::from_static("x-forwarded-proto"),
        call.url.scheme().to_owned(),
    );
    if let Some(id) = current_correlation_id() {
        set(CORRELATION_ID, id);
    }
    if let Some(credential) = credential {
        headers.insert(credential.name.clone(), credential.value.clone());
    }
    let started = Instant::now();
    let request = service::http::client()
        .request(call.method.clone(), url)
        .timeout(TIMEOUT)
        .headers(headers)
        .body(call.body.clone());
    let response = request.send().await.map_err(|error| silence(&error))?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = read_at_most(response, MAX_ANSWER).await;
    let body = body.map_err(|error| match error {
        BodyError::TooLong(_) => Silence::TooLong,
        BodyError::Broken(error) => silence(&error),
    })?;
    Ok(Answer {
        status,
        headers,
        body,
        duration: started.elapsed(),
    })
}

fn silence(error: &reqwest::Error) -> Silence {
    if error.is_timeout() && !error.is_connect() {
        Silence::Late
    } else {
        Silence::Away
    }
}
