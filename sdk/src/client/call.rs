//! One call: building the request, sending it again where that is safe, reading the answer.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use reqwest::{RequestBuilder, Response};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use service::{
    backoff::Backoff,
    http::{CORRELATION_ID, innermost, read_at_most},
};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    time::Instant,
};
use url::Url;

use super::{ApiError, Auth, Client, Error};
use crate::types::Secret;

const USER: HeaderName = HeaderName::from_static("x-authenticated-userid");
const SCOPES: HeaderName = HeaderName::from_static("x-authenticated-scope");
const CONFIG_HASH: HeaderName = HeaderName::from_static("x-config-hash");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// No answer that is read into memory is longer, except the gateway snapshot.
const MAX_ANSWER: usize = 32 << 20;
const MAX_ERROR: usize = 64 << 10;

pub(super) struct Call<'a> {
    client: &'a Client,
    method: Method,
    url: Result<Url, Error>,
    headers: Vec<(HeaderName, String)>,
    body: Option<Bytes>,
    media: &'static str,
    repeatable: bool,
    timeout: Duration,
    max_answer: usize,
}

impl<'a> Call<'a> {
    pub(super) fn new(client: &'a Client, method: Method, segments: &[&str]) -> Self {
        let repeatable = matches!(method, Method::GET | Method::PUT | Method::DELETE);
        Self {
            client,
            url: address(&client.base, segments),
            method,
            headers: Vec::new(),
            body: None,
            media: "application/json",
            repeatable,
            timeout: Duration::from_secs(10),
            max_answer: MAX_ANSWER,
        }
    }

    pub(super) fn query<N: AsRef<str>, V: AsRef<str>>(
        mut self,
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        if let Ok(url) = &mut self.url {
            let mut pairs = pairs.into_iter().peekable();
            // Without this, an empty list would leave a bare `?` behind.
            if pairs.peek().is_some() {
                url.query_pairs_mut().extend_pairs(pairs);
            }
        }
        self
    }

    pub(super) fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn body(mut self, body: &impl Serialize) -> Self {
        let json = serde_json::to_vec(body).expect("wire types are always JSON");
        self.body = Some(json.into());
        self
    }

    /// A body whose members replace what there is, also by nothing (RFC 7396). As plain JSON, empty
    /// members mean "unchanged" to some resources.
    pub(super) fn merge(mut self, body: &impl Serialize) -> Self {
        self.media = "application/merge-patch+json";
        self.body(body)
    }

    /// A POST that must be carried out once: with a key, so that it may arrive twice.
    pub(super) fn once(self) -> Self {
        let key = service::random::hex_id();
        self.header(IDEMPOTENCY_KEY, key).repeatable()
    }

    /// A POST that does the same when it arrives twice.
    pub(super) fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// For answers that may be long: `timeout` per attempt and the size read into memory.
    pub(super) fn long(mut self, timeout: Duration, max_answer: usize) -> Self {
        self.timeout = timeout;
        self.max_answer = max_answer;
        self
    }

    pub(super) async fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        let (name, max) = (self.name(), self.max_answer);
        let response = self.send().await?;
        let body = read(response, max, &name).await?;
        parse(&body, &name)
    }

    /// JSON as it was sent, of which there is one copy at any time.
    pub(super) async fn raw(self) -> Result<Box<RawValue>, Error> {
        let name = self.name();
        let text = self.text().await?;
        RawValue::from_string(text).map_err(|error| malformed(&name, &error.to_string()))
    }

    pub(super) async fn text(self) -> Result<String, Error> {
        let (name, max) = (self.name(), self.max_answer);
        let response = self.send().await?;
        let body = read(response, max, &name).await?;
        String::from_utf8(body.into()).map_err(|_| malformed(&name, "it is not UTF-8 text"))
    }

    pub(super) async fn empty(self) -> Result<(), Error> {
        self.send().await.map(drop)
    }

    /// The successful answer (2xx, or 304 for a conditional request) with its body still to be read.
    pub(super) async fn send(self) -> Result<Response, Error> {
        let deadline = Instant::now() + self.client.patience;
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));
        let mut renewed = None;
        loop {
            let result = self.attempt(renewed.as_ref()).await;
            let Err((error, again)) = result else {
                return result.map_err(|(error, _)| error);
            };
            if error.status() == Some(StatusCode::UNAUTHORIZED)
                && renewed.is_none()
                && let Some(token) = self.other_token().await
            {
                renewed = Some(token);
                continue;
            }
            let pause = backoff.next_delay();
            if !again || Instant::now() + pause >= deadline {
                return Err(error);
            }
            tracing::debug!("{}: {error}; trying again", self.name());
            tokio::time::sleep(pause).await;
        }
    }

    /// One try. The flag says whether another one is safe and may help.
    async fn attempt(&self, renewed: Option<&Secret>) -> Result<Response, (Error, bool)> {
        let request = self.request(renewed).map_err(|error| (error, false))?;
        self.judge(request).await
    }

    /// Another token in place of the refused one, which the server has not acted upon.
    async fn other_token(&self) -> Option<Secret> {
        let Auth::Bearer(refused) = &self.client.auth else {
            return None;
        };
        self.client.renew.as_ref()?.renew(refused).await
    }

    /// As [`Call::send`] with a body that is read once: one try.
    pub(super) async fn send_stream(self, body: reqwest::Body) -> Result<Response, Error> {
        let request = self.request(None)?.body(body).header(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        );
        self.judge(request).await.map_err(|(error, _)| error)
    }

    async fn judge(&self, request: RequestBuilder) -> Result<Response, (Error, bool)> {
        let response = request.send().await.map_err(|error| {
            let again = self.repeatable || error.is_connect();
            (unreachable(&self.client.base, error), again)
        })?;
        let status = response.status();
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        let again = self.repeatable && status.is_server_error();
        let retry_after = retry_after(&response);
        let body = read(response, MAX_ERROR, "").await.unwrap_or_default();
        Err((ApiError::read(status, retry_after, &body).into(), again))
    }

    fn request(&self, renewed: Option<&Secret>) -> Result<RequestBuilder, Error> {
        let url = match &self.url {
            Ok(url) => url.clone(),
            Err(Error::Segment(segment)) => return Err(Error::Segment(segment.clone())),
            Err(other) => return Err(malformed(&self.name(), &other.to_string())),
        };
        let mut request = service::http::client()
            .request(self.method.clone(), url)
            .timeout(self.timeout)
            .header(header::ACCEPT, "application/json, text/*;q=0.9, */*;q=0.1");
        let token = match renewed {
            Some(token) => Some(token.expose().to_owned()),
            None => self.client.bearer()?,
        };
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(agent) = self.client.agent {
            request = request.header(header::USER_AGENT, agent);
        }
        if let Some(hash) = &self.client.config_hash {
            request = request.header(CONFIG_HASH, hash.as_ref());
        }
        if let Some(language) = self.client.language {
            request = request.header(header::ACCEPT_LANGUAGE, language);
        }
        if let Some(on_behalf) = &self.client.on_behalf {
            request = request
                .header(USER, format!("sub={}", on_behalf.user))
                .header(SCOPES, &on_behalf.scopes);
        }
        if let Some(id) = service::http::current_correlation_id() {
            request = request.header(CORRELATION_ID, id);
        }
        for (name, value) in &self.headers {
            let value = HeaderValue::from_str(value)
                .map_err(|_| malformed(&self.name(), &format!("header {name} is not valid")))?;
            request = request.header(name, value);
        }
        if let Some(body) = &self.body {
            request = request
                .header(header::CONTENT_TYPE, HeaderValue::from_static(self.media))
                .body(body.clone());
        }
        Ok(request)
    }

    /// Method and path, for messages; the query may hold addresses.
    fn name(&self) -> String {
        match &self.url {
            Ok(url) => format!("{} {}", self.method, url.path()),
            Err(_) => self.method.to_string(),
        }
    }
}

/// Appends the segments to the base, percent-encoded. What a server would read as another path is
/// refused: the id `..` must not reach another resource.
fn address(base: &Url, segments: &[&str]) -> Result<Url, Error> {
    let mut url = base.clone();
    if let Some(bad) = segments
        .iter()
        .find(|segment| matches!(**segment, "" | "." | ".."))
    {
        return Err(Error::Segment((*bad).to_owned()));
    }
    url.path_segments_mut()
        .map_err(|()| Error::Segment(base.to_string()))?
        .pop_if_empty()
        .extend(segments);
    Ok(url)
}

/// Reads a body up to `max` bytes.
pub(super) async fn read(response: Response, max: usize, name: &str) -> Result<Bytes, Error> {
    let body = read_at_most(response, max).await;
    body.map_err(|error| malformed(name, &error.to_string()))
}

/// Writes a body as it arrives. Answers with the number of bytes.
pub(super) async fn pass_on(
    mut response: Response,
    mut target: impl AsyncWrite + Unpin,
    name: &str,
) -> Result<u64, Error> {
    let mut written = 0;
    let broken = |error: reqwest::Error| malformed(name, &innermost(&error.without_url()));
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        target.write_all(&chunk).await?;
        written += chunk.len() as u64;
    }
    target.flush().await?;
    Ok(written)
}

pub(super) async fn read_json<T: DeserializeOwned>(
    response: Response,
    name: &str,
) -> Result<T, Error> {
    let body = read(response, MAX_ANSWER, name).await?;
    parse(&body, name)
}

pub(super) fn parse<T: DeserializeOwned>(body: &[u8], name: &str) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| malformed(name, &error.to_string()))
}

pub(super) fn malformed(call: &str, reason: &str) -> Error {
    Error::Malformed {
        call: call.to_owned(),
        reason: reason.to_owned(),
    }
}

fn unreachable(base: &Url, error: reqwest::Error) -> Error {
    let reason = if error.is_timeout() {
        "time is over".to_owned()
    } else {
        innermost(&error.without_url())
    };
    Error::Unreachable {
        address: base.origin().ascii_serialization(),
        reason,
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    seconds.parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_encoded_and_cannot_leave_their_place() {
        let base = Url::parse("http://localhost:3001/").unwrap();
        let url = address(&base, &["users", "a/b?c"]).unwrap();
        assert_eq!(url.as_str(), "http://localhost:3001/users/a%2Fb%3Fc");
        assert!(address(&base, &["users", ".."]).is_err());
        assert!(address(&base, &["users", ""]).is_err());
    }
}
