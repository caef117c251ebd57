//! Telling of a new configuration, exactly once however many instances take it over: the row
//! `configuration` of `meta` says which one was told of last (portal-api 27.2 keeps the same).

use config::{Changes, LifecycleChange, Parts};
use sea_orm::{ConnectionTrait, DbErr};
use serde::{Deserialize, Serialize};
use service::keys::Purpose;

use crate::{
    ApiError, AppState,
    audit::Actor,
    bootstrap,
    events::{self, Event},
    meta, sql,
};

const NAME: &str = "configuration";

/// The configuration that was told of last.
#[derive(Deserialize, Serialize)]
struct Announced {
    hash: String,
    previous_hash: Option<String>,
    /// Version of the program.
    version: String,
    parts: Parts,
}

/// Tells of the configuration in force unless that was done already.
pub async fn announce(state: &AppState) -> Result<(), ApiError> {
    let configuration = state.configuration();
    let known = stored(state.db.read()).await?;
    if let Some(known) = &known {
        // What was told of before this process started.
        let accepted = [Some(&known.hash), known.previous_hash.as_ref()];
        for hash in accepted.into_iter().flatten() {
            if *hash != configuration.hash {
                state.in_force.accept(hash.clone());
            }
        }
        if known.hash == configuration.hash {
            return Ok(());
        }
    }
    // An old one that stands in for an unknown newer one is no news.
    if state.in_force.newest().unreachable.is_some() {
        return Ok(());
    }
    let key = state.keys.derive(&Purpose::EventData)?;
    let parts = Parts::of(&configuration, |bytes| hex::encode(key.hmac_sha256(bytes)));
    let txn = state.db.write().await?;
    bootstrap::one_at_a_time(&txn).await?;
    let known = stored(&txn).await?;
    if known
        .as_ref()
        .is_some_and(|known| known.hash == configuration.hash)
    {
        txn.rollback().await?;
        return Ok(());
    }
    let announced = Announced {
        hash: configuration.hash.clone(),
        previous_hash: known.as_ref().map(|known| known.hash.clone()),
        version: service::VERSION.to_owned(),
        parts,
    };
    store(&txn, &announced).await?;
    if let Some(known) = &known {
        let commit = configuration.commit();
        let changes = known.parts.changes(&announced.parts);
        let event = updated(
            &announced,
            commit.as_ref().map(|commit| commit.id.as_str()),
            &changes,
        );
        events::append(&txn, state, &Actor::system(), event).await?;
        for change in known.parts.lifecycle_changes(&announced.parts) {
            let event = lifecycle(&change);
            events::append(&txn, state, &Actor::system(), event).await?;
        }
    }
    notify(&txn, &announced.hash).await?;
    state.commit(txn).await
}

/// Looks whether another instance has told of another configuration; then this one looks, too.
pub async fn compare(state: &AppState) {
    match stored(state.db.read()).await {
        Ok(Some(known)) => state.in_force.heard_of(&known.hash),
        Ok(None) => {}
        Err(error) => tracing::debug!(%error, "cannot compare configurations"),
    }
}

fn updated(announced: &Announced, commit: Option<&str>, changes: &Changes) -> Event {
    let parts = serde_json::to_value(changes).expect("it has text keys only");
    Event::config_updated(
        &announced.hash,
        announced.previous_hash.as_deref(),
        commit,
        &parts,
    )
}

fn lifecycle(change: &LifecycleChange<'_>) -> Event {
    let to = serde_json::to_value(change.to).expect("it has text keys only");
    Event::api_lifecycle(change.api, change.from.state.as_str(), &to)
}

/// Nothing before the first start, and where the row was written by a release that kept less.
async fn stored(db: &impl ConnectionTrait) -> Result<Option<Announced>, DbErr> {
    let value = meta::get(db, NAME).await?;
    Ok(value.and_then(|value| serde_json::from_str(&value).ok()))
}

async fn store(db: &impl ConnectionTrait, announced: &Announced) -> Result<(), DbErr> {
    let value = serde_json::to_string(announced).expect("it has text keys only");
    meta::set(db, NAME, &value).await
}

/// Heard by the other instances at commit.
async fn notify(db: &impl ConnectionTrait, hash: &str) -> Result<(), DbErr> {
    if db.get_database_backend() == sea_orm::DbBackend::Postgres {
        let notify = sql::statement(
            db,
            "select pg_notify('wicketgate_configuration', $1)",
            [hash.into()],
        );
        db.execute_raw(notify).await?;
    }
    Ok(())
}
