//! What happens at portal-api and ends tokens here: users who are deleted, locked or have another
//! password, and consent that is withdrawn elsewhere than on our page.
//!
//! Ended subscriptions and applications need nothing: portal-api and the gateway no longer know
//! their client, and every grant and every question about a token here asks for it first.

use std::time::Duration;

use chrono::TimeDelta;
use sdk::{
    listener::{Listener, Outcome, Receiver},
    types::Event,
};
use service::{ServiceName, clock, health::Readiness, keys::MissingKey};
use tokio_util::sync::CancellationToken;

use crate::{
    consent, factors,
    families::{self, RevokeReason},
    interaction::{self, InteractionError},
    links,
    state::AppState,
};

const EVENTS: [&str; 4] = [
    "user.delete",
    "user.update",
    "user.password",
    "grant.delete",
];
/// Where portal-api does not reach this server, its queue is read this often.
const POLL_EVERY: Duration = Duration::from_secs(5);
/// As in `User::accepts_session_of`: the clocks of two services may differ a little.
const LEEWAY: TimeDelta = TimeDelta::seconds(2);

/// The listener of all instances: whoever gets an event writes what follows into the database.
pub fn receiver(state: &AppState) -> Result<Receiver, MissingKey> {
    let client = state.portal_api.as_service().clone();
    let id = ServiceName::AuthServer.wire_name();
    let worker = state.clone();
    let listener = Listener::new(id, client, &state.settings.keys)?
        .at(state.settings.own_url.clone())
        .events(EVENTS)
        .poll_every(POLL_EVERY)
        .on(move |event| {
            let state = worker.clone();
            async move { handle(&state, &event).await }
        });
    Ok(listener)
}

/// Registers, and reads the queue when no deliveries come, until `shutdown`.
pub async fn hear(state: AppState, receiver: Receiver, shutdown: CancellationToken) {
    // Whoever asks for tokens is served meanwhile, so this server's own readiness stays as it is.
    let registering = Readiness::new();
    let listens = async {
        if receiver.register(&registering, &shutdown).await {
            tracing::debug!(
                issuer = state.configuration().issuer,
                "hears of ended users"
            );
            receiver.poll().await;
        }
    };
    shutdown.run_until_cancelled(listens).await;
}

async fn handle(state: &AppState, event: &Event) -> Outcome {
    let work = async {
        match event.kind().as_str() {
            "user.delete" => match event.text("deletedUserId") {
                Some(user) => deleted(state, user).await,
                None => Ok(()),
            },
            "user.update" | "user.password" => {
                match event.text("updatedUserId").or(event.text("userId")) {
                    Some(user) => look(state, user).await,
                    None => Ok(()),
                }
            }
            "grant.delete" => {
                let (user, application, api) = (
                    event.text("userId"),
                    event.text("applicationId"),
                    event.text("apiId"),
                );
                match (user, application, api) {
                    (Some(user), Some(application), Some(api)) => {
                        consent::end_tokens(state, user, application, api).await
                    }
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    };
    match work.await {
        Ok(()) => Outcome::Done,
        Err(error) => Outcome::Retry(error.to_string()),
    }
}

/// Nothing of a user who does not exist any more is of use.
async fn deleted(state: &AppState, user: &str) -> Result<(), InteractionError> {
    let txn = state.database.write().await?;
    factors::delete_of(&txn, user).await?;
    links::delete_of(&txn, user).await?;
    txn.commit().await?;
    gone(state, user).await
}

async fn gone(state: &AppState, user: &str) -> Result<(), InteractionError> {
    Ok(interaction::revoke_user(state, user, RevokeReason::UserGone).await?)
}

/// The event only says that something has changed; what counts is how the user is now.
async fn look(state: &AppState, user_id: &str) -> Result<(), InteractionError> {
    let user = state.portal_api.user(user_id).await?;
    let Some(user) = user.filter(|user| user.disabled != Some(true)) else {
        return gone(state, user_id).await;
    };
    let Some(ended) = user.sessions_ended_at else {
        return Ok(());
    };
    let now = clock::now();
    let txn = state.database.write().await?;
    families::revoke_before(&txn, user_id, ended.0, LEEWAY, now).await?;
    txn.commit().await?;
    Ok(())
}
