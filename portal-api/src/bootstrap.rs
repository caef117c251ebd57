//! What exists before the first request: the users of the configuration, a first administrator,
//! and the portal's own application. Done at every start, by every instance, with the same result.

mod administrators;
mod initial_users;
mod portal_client;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr};

pub use administrators::{AdminError, grant_admin, has_administrator, reset_password};

use crate::{AppState, Settings};

/// Brings the database into the state that the configuration asks for, before anybody calls.
pub(crate) async fn run(state: &AppState, settings: &Settings) -> anyhow::Result<()> {
    follow(state).await?;
    if let Some(first) = &settings.first_admin {
        let password = administrators::ensure_first_admin(state, &first.email).await?;
        if let Some(password) = password
            && first.password.send(password).is_err()
        {
            tracing::warn!(
                "nobody reads the first administrator's password; set another one with \
                 `wicketgate admin reset-password`"
            );
        }
    }
    Ok(())
}

/// Does the same for a configuration that came later.
pub(crate) async fn follow(state: &AppState) -> anyhow::Result<()> {
    initial_users::create_missing(state).await?;
    portal_client::ensure(state).await
}

/// Lets one instance at a time pass until its transaction ends: several may start together.
/// `SQLite` has one owner and one writer anyway.
pub(crate) async fn one_at_a_time(txn: &DatabaseTransaction) -> Result<(), DbErr> {
    if txn.get_database_backend() == DbBackend::Postgres {
        txn.execute_unprepared("select pg_advisory_xact_lock(7776004)")
            .await?;
    }
    Ok(())
}
