//! Renewing access tokens before they end, once per session at a time.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use sdk::types::Secret;
use tokio::sync::OnceCell;

use crate::{login::oauth::TokenError, session::Tokens, state::App};

/// A session that was ended elsewhere is noticed at the next renewal, so within this time.
const OLD: TimeDelta = TimeDelta::minutes(5);
/// A token that ends sooner would not survive the request.
const NEAR_END: TimeDelta = TimeDelta::seconds(30);
/// Pages requested at the same moment carry the same old cookie; all of them get the same new
/// tokens. The auth server accepts the old refresh token as long (auth-server, Part 4).
const REMEMBERED: TimeDelta = TimeDelta::seconds(30);

/// What became of tokens.
#[derive(Clone)]
pub enum Renewal {
    NotDue,
    Renewed(Tokens),
    /// The session has ended at the auth server.
    Ended,
}

type Flight = Arc<OnceCell<Renewal>>;

/// By digest of the refresh token.
type Flights = HashMap<[u8; 32], (DateTime<Utc>, Flight)>;

static FLIGHTS: LazyLock<Mutex<Flights>> = LazyLock::new(Mutex::default);

/// Renews tokens that are old or about to end.
pub async fn renew(app: &App, tokens: &Tokens, now: DateTime<Utc>) -> Renewal {
    let ended = tokens.expires - now < NEAR_END;
    if !ended && now - tokens.issued < OLD {
        return Renewal::NotDue;
    }
    if tokens.refresh.is_none() && !ended {
        return Renewal::NotDue;
    }
    renew_now(app, tokens).await
}

/// Renews tokens whatever their age.
pub async fn renew_now(app: &App, tokens: &Tokens) -> Renewal {
    let Some(refresh) = &tokens.refresh else {
        return Renewal::Ended;
    };
    let flight = flight(refresh, service::clock::now());
    let result = flight
        .get_or_try_init(|| async {
            match app.oauth().refresh(refresh, &tokens.client).await {
                Ok(tokens) => Ok(Renewal::Renewed(keep_refresh_token(tokens, refresh))),
                Err(TokenError::Refused { status, code, .. }) => {
                    tracing::debug!("a session has ended: {code} ({status})");
                    Ok(Renewal::Ended)
                }
                Err(TokenError::Away(error)) => Err(error),
            }
        })
        .await;
    match result {
        Ok(renewal) => renewal.clone(),
        // The token at hand may still do; if not, portal-api says so.
        Err(error) => {
            tracing::warn!("going on with the present token: {error:#}");
            Renewal::NotDue
        }
    }
}

/// The server may keep the refresh token as it is by leaving it out (RFC 6749, 6).
fn keep_refresh_token(tokens: Tokens, old: &Secret) -> Tokens {
    Tokens {
        refresh: tokens.refresh.or_else(|| Some(old.clone())),
        ..tokens
    }
}

fn flight(refresh: &Secret, now: DateTime<Utc>) -> Flight {
    let key = service::crypto::sha256(refresh.expose().as_bytes());
    let mut flights = FLIGHTS.lock().unwrap_or_else(PoisonError::into_inner);
    flights.retain(|_, (begun, _)| now - *begun < REMEMBERED);
    flights
        .entry(key)
        .or_insert_with(|| (now, Flight::default()))
        .1
        .clone()
}
