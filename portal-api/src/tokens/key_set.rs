//! The published keys of the auth server, fetched when first needed and when a token names a key
//! that is not known yet.

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
    time::{Duration, Instant},
};

use jsonwebtoken::{DecodingKey, jwk::JwkSet};
use service::http::read_at_most;
use url::Url;

use crate::ApiError;

/// Unknown key ids ask the auth server at most this often, so that forged tokens cannot make this
/// process a flood.
const REFRESH_AT_MOST: Duration = Duration::from_secs(5);
const MAX_KEY_SET: usize = 256 << 10;

pub struct KeySet {
    url: Url,
    keys: RwLock<HashMap<String, Arc<DecodingKey>>>,
    fetched: tokio::sync::Mutex<Option<Instant>>,
}

impl KeySet {
    pub fn new(auth_server: &Url) -> Self {
        let url = auth_server
            .join("oauth2/jwks")
            .expect("a relative path joins every base URL");
        Self {
            url,
            keys: RwLock::default(),
            fetched: tokio::sync::Mutex::new(None),
        }
    }

    /// The key with this id; nothing if the auth server does not publish it. An auth server that
    /// does not answer is 503, not 401: the token may well be good.
    pub async fn find(&self, kid: &str) -> Result<Option<Arc<DecodingKey>>, ApiError> {
        if let Some(key) = self.known(kid) {
            return Ok(Some(key));
        }
        // One request at a time fetches; the others wait and then find what it brought.
        let mut fetched = self.fetched.lock().await;
        if let Some(key) = self.known(kid) {
            return Ok(Some(key));
        }
        if fetched.is_none_or(|at| at.elapsed() > REFRESH_AT_MOST) {
            let keys = self.fetch().await.map_err(|error| {
                tracing::warn!("cannot fetch the key set of the auth server: {error}");
                ApiError::unavailable(
                    "Access tokens cannot be checked right now. Try again shortly.",
                )
            })?;
            *self.keys.write().expect("no holder of this lock panics") = keys;
            *fetched = Some(Instant::now());
        }
        Ok(self.known(kid))
    }

    fn known(&self, kid: &str) -> Option<Arc<DecodingKey>> {
        self.keys
            .read()
            .expect("no holder of this lock panics")
            .get(kid)
            .cloned()
    }

    async fn fetch(&self) -> anyhow::Result<HashMap<String, Arc<DecodingKey>>> {
        let answer = service::http::client().get(self.url.clone()).send().await?;
        let body = read_at_most(answer.error_for_status()?, MAX_KEY_SET).await?;
        let set: JwkSet = serde_json::from_slice(&body)?;
        let keys = set.keys.iter().filter_map(|jwk| {
            let kid = jwk.common.key_id.clone()?;
            Some((kid, Arc::new(DecodingKey::from_jwk(jwk).ok()?)))
        });
        Ok(keys.collect())
    }
}
