//! `globals.initialUsers`: created once, never changed later (static-config 8.6).

use anyhow::Context;
use config::globals::InitialUser;
use sdk::types::Secret;
use service::clock;

use crate::{
    AppState,
    audit::Actor,
    events,
    users::{self, UserError, email, row, rules, store},
};

pub async fn create_missing(state: &AppState) -> anyhow::Result<()> {
    let configuration = state.configuration();
    for user in &configuration.globals.initial_users {
        if store::find(state.db.read(), &user.id).await?.is_none() {
            create(state, user)
                .await
                .with_context(|| format!("cannot create the initial user `{}`", user.id))?;
        }
    }
    Ok(())
}

async fn create(state: &AppState, wanted: &InitialUser) -> anyhow::Result<()> {
    let address = email::fold(&wanted.email);
    if !email::is_valid(&address) {
        tracing::warn!(user.id = %wanted.id, "the initial user has no valid `email` and is left out");
        return Ok(());
    }
    // Such passwords are chosen by whoever writes the configuration; no rule is applied.
    let password_hash = match &wanted.password {
        Some(password) => Some(
            state
                .passwords
                .hash(&Secret::new(password.as_str()))
                .await?,
        ),
        None => None,
    };
    let now = clock::now();
    let mut user = row::Model {
        id: wanted.id.clone(),
        email: address,
        custom_id: wanted.custom_id.clone(),
        password_hash,
        validated: true,
        must_change_password: false,
        groups: row::Groups(wanted.groups.clone()),
        created_at: now,
        changed_at: now,
        changed_by: None,
        disabled_at: None,
        disabled_reason: None,
        sessions_ended_at: None,
    };
    let configuration = state.configuration();
    rules::add_validated_group(
        &mut user,
        configuration.globals.validated_user_group.as_deref(),
    );
    let txn = state.db.write().await?;
    match store::insert(&txn, user).await {
        Ok(user) => {
            let event = users::added(&user);
            events::append(&txn, state, &Actor::system(), event).await?;
            state.commit(txn).await?;
            tracing::info!(user.id = %user.id, "initial user created");
        }
        // Another instance was faster.
        Err(UserError::IdTaken) => {}
        Err(error @ (UserError::EmailTaken | UserError::CustomIdTaken)) => {
            tracing::warn!(user.id = %wanted.id, "the initial user is left out: {error}");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
