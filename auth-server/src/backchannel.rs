//! Tells clients that a session has ended (OpenID Connect Back-Channel Logout 1.0).
//!
//! What has to be told is written together with the end itself and sent afterwards, a few times if need
//! be. The addresses are the developers', so they are called like webhooks: guarded, without redirects.

mod row;
mod store;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use service::{clock, http::check_foreign_url, random};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{portal_api::PortalApiError, state::AppState};

pub use store::{OLDEST, announce};

/// How often it is looked what is due.
const ROUND: Duration = Duration::from_secs(1);
/// Calls at the same time.
const BATCH: u64 = 20;
/// Pauses after failures; after the last one it is given up.
const PAUSES: [TimeDelta; 4] = [
    TimeDelta::seconds(5),
    TimeDelta::seconds(30),
    TimeDelta::minutes(2),
    TimeDelta::minutes(10),
];
/// While one instance calls, no other one does; longer than a call takes.
const CLAIM: TimeDelta = TimeDelta::minutes(1);
/// How long a logout token is good for (2.4 of the standard).
const LIFETIME: Duration = Duration::from_mins(2);
const TYPE: &str = "logout+jwt";
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Something that a client has to be told.
#[derive(Clone, Debug)]
pub struct Notice {
    id: String,
    client_id: String,
    user_id: String,
    sid: Option<String>,
    attempts: i64,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
    events: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
}

/// Sends what is due, until `shutdown`.
pub async fn run(state: AppState, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(ROUND) => {}
            () = shutdown.cancelled() => return,
        }
        if let Err(error) = deliver(&state).await {
            tracing::warn!(%error, "clients could not be told about log-outs, trying again");
        }
    }
}

async fn deliver(state: &AppState) -> Result<(), sea_orm::DbErr> {
    let mut calls = JoinSet::new();
    for notice in store::take(&state.database, BATCH, clock::now()).await? {
        let state = state.clone();
        calls.spawn(async move {
            let outcome = tell(&state, &notice).await;
            if let Err(error) = settle(&state, &notice, outcome).await {
                tracing::warn!(%error, "a log-out notice could not be marked");
            }
        });
    }
    calls.join_all().await;
    Ok(())
}

/// What came of a call.
enum Outcome {
    Done,
    /// It is no use to try again.
    Refused(String),
    Failed(String),
}

async fn tell(state: &AppState, notice: &Notice) -> Outcome {
    let uri = match receiver(state, notice).await {
        Ok(Some(uri)) => uri,
        // The client never wanted to know, or is gone.
        Ok(None) => return Outcome::Done,
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    let url = match check_foreign_url(&uri, &state.settings.receiver_networks) {
        Ok(url) => url,
        Err(refused) => return Outcome::Refused(refused.to_string()),
    };
    let token = logout_token(state, notice, clock::now());
    let call = state.receivers.post(url).form(&[("logout_token", token)]);
    match call.send().await {
        Ok(answer) if answer.status().is_success() => Outcome::Done,
        // It has understood, and says no (2.8).
        Ok(answer) if answer.status() == http::StatusCode::BAD_REQUEST => {
            Outcome::Refused("it answers 400".to_owned())
        }
        Ok(answer) => Outcome::Failed(format!("it answers {}", answer.status())),
        Err(error) => Outcome::Failed(error.without_url().to_string()),
    }
}

async fn receiver(state: &AppState, notice: &Notice) -> Result<Option<String>, PortalApiError> {
    let client = state.portal_api.client(&notice.client_id).await?;
    Ok(client.and_then(|client| client.oauth.backchannel_logout_uri.clone()))
}

fn logout_token(state: &AppState, notice: &Notice, now: DateTime<Utc>) -> String {
    let iat = now.timestamp();
    let claims = Claims {
        iss: &state.configuration().issuer,
        sub: &notice.user_id,
        aud: &notice.client_id,
        iat,
        exp: iat + LIFETIME.as_secs().cast_signed(),
        jti: random::token(16),
        events: json!({ EVENT: {} }),
        sid: notice.sid.as_deref(),
    };
    state.keys.signing(now).sign(TYPE, &claims)
}

async fn settle(state: &AppState, notice: &Notice, outcome: Outcome) -> Result<(), sea_orm::DbErr> {
    let client = &notice.client_id;
    let tries = usize::try_from(notice.attempts).unwrap_or(usize::MAX);
    let again = match outcome {
        Outcome::Done => None,
        Outcome::Refused(why) => {
            tracing::warn!(client.id = client, "not told about a log-out: {why}");
            None
        }
        Outcome::Failed(why) => {
            let pause = PAUSES.get(tries.saturating_sub(1));
            tracing::warn!(
                client.id = client,
                attempt = tries,
                "not told about a log-out: {why}"
            );
            pause.map(|pause| clock::now() + *pause)
        }
    };
    let txn = state.database.write().await?;
    match again {
        Some(at) => store::postpone(&txn, &notice.id, at).await?,
        None => store::delete(&txn, &notice.id).await?,
    }
    txn.commit().await
}
