//! Personal access tokens: what a person's own programs show in place of a session (portal-ui 3, 26.1).

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use service::crypto::sha256;

use super::{oauth::TokenError, routes::person};
use crate::{failure::Failure, session::SessionUser, state::App};

/// What they begin with.
const PREFIX: &str = "wgp_";
/// A token that was deleted is noticed within this time, or by portal-api's refusal.
const KEPT: TimeDelta = TimeDelta::seconds(30);
const MAX_KEPT: usize = 1000;

/// Since when a person is known.
type Known = (DateTime<Utc>, SessionUser);

/// Persons by the digest of the token that they showed.
#[derive(Default)]
pub struct PersonalTokens(Mutex<HashMap<[u8; 32], Known>>);

impl PersonalTokens {
    /// Whose token it is. Every other text is refused, without asking anybody.
    pub async fn person(&self, app: &App, token: &str) -> Result<SessionUser, Failure> {
        if !token.starts_with(PREFIX) || token.len() > 200 {
            return Err(Failure::TokenRefused);
        }
        let now = service::clock::now();
        let digest = sha256(token.as_bytes());
        if let Some(known) = self.known(&digest, now) {
            return Ok(known);
        }
        let tokens = match app.oauth().exchange_personal(token).await {
            Ok(tokens) => tokens,
            Err(TokenError::Refused { .. }) => return Err(Failure::TokenRefused),
            Err(away @ TokenError::Away(_)) => return Err(away.into()),
        };
        let profile = app.oauth().profile(&tokens.access).await?;
        let user = person(app, profile, tokens, "").await?;
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, (since, _)| now - *since < KEPT);
        if kept.len() < MAX_KEPT {
            kept.insert(digest, (now, user.clone()));
        }
        Ok(user)
    }

    fn known(&self, digest: &[u8; 32], now: DateTime<Utc>) -> Option<SessionUser> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, user) = kept.get(digest)?;
        let is_good = now - *since < KEPT && user.tokens.expires - now > TimeDelta::seconds(5);
        is_good.then(|| user.clone())
    }
}
