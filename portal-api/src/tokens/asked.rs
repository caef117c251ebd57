//! Opaque access tokens: the auth server says what they stand for (RFC 7662). Its answers are
//! remembered for a moment; what it ends meanwhile is on its list ([`super::ended`]).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use quick_cache::sync::Cache;
use serde_json::Value;
use service::{ServiceName, clock, keys::Keys, token::Identity};
use url::Url;

use super::{AUDIENCE, Claims, verified::digest};
use crate::ApiError;

/// What they begin with (auth-server, Part 4).
const PREFIX: &str = "wgt_";
/// Longer texts are none.
const MAX_TOKEN: usize = 256;
const MAX_ANSWER: usize = 64 * 1024;
const REMEMBERED_FOR: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(5);
/// At some 400 bytes each.
const CAPACITY: usize = 10_000;

pub struct Asked {
    url: Url,
    identity: Identity,
    answers: Cache<[u8; 32], Answer>,
}

#[derive(Clone)]
struct Answer {
    until: Instant,
    claims: Option<Arc<Claims>>,
}

pub fn is_opaque(token: &str) -> bool {
    token.starts_with(PREFIX)
}

/// Kong's are 32 letters and digits; an older one, or another plugin, may have made others.
pub fn is_of_kong(token: &str) -> bool {
    (16..=MAX_TOKEN).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_alphanumeric())
}

impl Asked {
    pub fn new(auth_server: &Url, keys: &Keys) -> Self {
        let url = auth_server
            .join("oauth2/introspect")
            .expect("a relative path joins every base URL");
        Self {
            url,
            identity: Identity::new(ServiceName::PortalApi, keys.clone()),
            answers: Cache::new(CAPACITY),
        }
    }

    /// What the token stands for, if it is for this API and has not ended. An auth server that does
    /// not answer is 503, not 401: the token may well be good.
    pub async fn claims(&self, token: &str) -> Result<Option<Arc<Claims>>, ApiError> {
        if token.len() > MAX_TOKEN {
            return Ok(None);
        }
        let digest = digest(token);
        let known = self.answers.get(&digest);
        let claims = if let Some(answer) = known.filter(|one| one.until > Instant::now()) {
            answer.claims
        } else {
            let claims = self.ask(token).await.map_err(|reason| {
                tracing::warn!("the auth server was asked in vain about a token: {reason}");
                ApiError::unavailable(
                    "Access tokens cannot be checked right now. Try again shortly.",
                )
            })?;
            let answer = Answer {
                until: Instant::now() + REMEMBERED_FOR,
                claims: claims.map(Arc::new),
            };
            self.answers.insert(digest, answer.clone());
            answer.claims
        };
        Ok(claims.filter(|claims| claims.exp > clock::now().timestamp()))
    }

    async fn ask(&self, token: &str) -> Result<Option<Claims>, String> {
        let text = |error: reqwest::Error| error.without_url().to_string();
        let own = self.identity.token_for(ServiceName::AuthServer);
        let response = service::http::client()
            .post(self.url.clone())
            .bearer_auth(own.map_err(|error| error.to_string())?)
            .form(&[("token", token)])
            .timeout(PATIENCE)
            .send()
            .await
            .map_err(text)?;
        if !response.status().is_success() {
            return Err(format!("status {}", response.status()));
        }
        let body = service::http::read_at_most(response, MAX_ANSWER)
            .await
            .map_err(|error| error.to_string())?;
        let members: Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        if members["active"] != true || !is_for_us(&members["aud"]) {
            return Ok(None);
        }
        serde_json::from_value(members)
            .map(Some)
            .map_err(|error| error.to_string())
    }
}

fn is_for_us(audience: &Value) -> bool {
    match audience {
        Value::String(one) => one == AUDIENCE,
        Value::Array(many) => many.iter().any(|one| one == AUDIENCE),
        _ => false,
    }
}
