//! Calls of services that the operator has named: who checks names and passwords, who decides about
//! scopes. They are sent personal data and believed, so each call is signed: whoever serves them can
//! tell by our published keys that it is us (F34).

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::StatusCode;
use jsonwebtoken::{Algorithm, Header};
use serde::Serialize;
use serde_json::Value;
use service::{
    clock,
    http::{innermost, read_at_most},
    random,
};
use url::Url;

use crate::{keys::SigningKeys, state::AppState};

/// How long a service may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Longest answer that is read.
const MAX_ANSWER: usize = 64 * 1024;
/// Type of the signature; no resource server takes it for an access token.
const TYPE: &str = "wg-call+jwt";
const LIFETIME: i64 = 60;

/// Sends JSON and reads JSON, whatever the status; an answer that is none is nothing. The error holds
/// nothing personal.
pub async fn post(
    state: &AppState,
    url: &Url,
    body: &Value,
) -> Result<(StatusCode, Option<Value>), String> {
    let (host, allowed) = (
        url.host_str().unwrap_or_default(),
        &state.settings.service_hosts,
    );
    if !allowed.is_empty() && !allowed.iter().any(|one| one.eq_ignore_ascii_case(host)) {
        return Err(format!("`{host}` is not among AUTH_SERVER_SERVICE_HOSTS"));
    }
    let issuer = &state.configuration().issuer;
    let request = service::http::client()
        .post(url.clone())
        .timeout(TIMEOUT)
        .bearer_auth(sign(&state.keys, issuer, url, clock::now()))
        .json(body);
    let response = request
        .send()
        .await
        .map_err(|error| innermost(&error.without_url()))?;
    let status = response.status();
    let body = read_at_most(response, MAX_ANSWER).await;
    let body = body.map_err(|error| format!("the answer cannot be read: {error}"))?;
    Ok((status, serde_json::from_slice(&body).ok()))
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
}

fn sign(keys: &SigningKeys, issuer: &str, url: &Url, now: DateTime<Utc>) -> String {
    let key = keys.signing(now);
    let header = Header {
        typ: Some(TYPE.to_owned()),
        kid: Some(key.kid.clone()),
        ..Header::new(Algorithm::ES256)
    };
    let claims = Claims {
        iss: issuer,
        aud: url.as_str(),
        iat: now.timestamp(),
        exp: now.timestamp() + LIFETIME,
        jti: random::token(16),
    };
    jsonwebtoken::encode(&header, &claims, &key.encoding)
        .expect("the key was checked when it was loaded, and claims are plain JSON")
}
