//! Asking an auth server.

use std::time::Duration;

use url::Url;

use super::Feed;
use crate::{ServiceName, http, token::Identity};

/// Longer than the auth server waits for something to tell.
const TIMEOUT: Duration = Duration::from_secs(45);
/// A longer answer is none of ours.
const MAX_ANSWER: usize = 1 << 20;

/// The list of one auth server.
#[derive(Clone, Debug)]
pub struct Source {
    url: Url,
    identity: Identity,
}

/// Why nothing was learnt.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    #[error("the auth server does not answer")]
    Away(#[source] reqwest::Error),
    #[error("the auth server answers with status {0}")]
    Refused(reqwest::StatusCode),
    #[error("the answer of the auth server cannot be read: {0}")]
    Body(#[from] http::BodyError),
    #[error("the auth server answers with something else")]
    Unreadable(#[from] serde_json::Error),
    #[error(transparent)]
    MissingKey(#[from] crate::keys::MissingKey),
}

impl Source {
    /// `auth_server` is its base URL, ending in `/`.
    pub fn new(auth_server: &Url, identity: Identity) -> Self {
        let url = auth_server
            .join("oauth2/revocations")
            .expect("a relative path joins every base URL");
        Self { url, identity }
    }

    /// What was revoked after `seq`. Waits until there is something, for about half a minute.
    pub async fn after(&self, seq: i64) -> Result<Feed, Unavailable> {
        let token = self.identity.token_for(ServiceName::AuthServer)?;
        let away = |error: reqwest::Error| Unavailable::Away(error.without_url());
        let response = http::client()
            .get(self.url.clone())
            .query(&[("after", seq)])
            .bearer_auth(token)
            .timeout(TIMEOUT)
            .send()
            .await
            .map_err(away)?;
        if !response.status().is_success() {
            return Err(Unavailable::Refused(response.status()));
        }
        let body = http::read_at_most(response, MAX_ANSWER).await?;
        Ok(serde_json::from_slice(&body)?)
    }
}
