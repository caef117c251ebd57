//! Administrators without an administrator: the first one of an installation, and the way back for
//! those who are locked out. Whoever reaches the database may use it; the audit log shows it.

use anyhow::bail;
use config::{Configuration, groups::Group};
use migrations::Database;
use sea_orm::{
    DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QuerySelect,
    prelude::*,
    sea_query::{Expr, ExprTrait, LikeExpr},
};
use service::{clock, random};

use super::one_at_a_time;
use crate::{
    ApiError, AppState,
    audit::{self, Actor, Entry},
    events,
    passwords::{self, Passwords},
    users::{self, UserError, email, row, rules, store},
};

/// By convention the id of the first administrator; the portal reminds him to make another account.
const FIRST_ID: &str = "1";

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error("there is no user with the mail address {0}")]
    NoSuchUser(String),
    #[error("the user with the mail address {0} logs in elsewhere and has no password here")]
    Federated(String),
    #[error("the configuration has no group with `adminGroup: true`")]
    NoAdminGroup,
    #[error("cannot compute the hash of a password")]
    Hashing(#[source] ApiError),
    #[error(transparent)]
    User(#[from] UserError),
    #[error("the database failed")]
    Database(#[from] DbErr),
}

/// No user has this id.
const NOBODY: &str = "";

/// Creates an administrator with this address if the installation has none, and gives back his
/// generated password: the only time it can be read.
pub(super) async fn ensure_first_admin(
    state: &AppState,
    email: &str,
) -> anyhow::Result<Option<String>> {
    let configuration = state.configuration();
    if has_administrator(state.db.read(), &configuration, NOBODY).await? {
        return Ok(None);
    }
    let address = email::fold(email);
    if !email::is_valid(&address) {
        bail!("`{email}`, who is to be the first administrator, is not a mail address");
    }
    let password = passwords::generate();
    let hash = state.passwords.hash(&password).await?;
    let group = admin_group(&configuration)?;
    let txn = state.db.write().await?;
    one_at_a_time(&txn).await?;
    if has_administrator(&txn, &configuration, NOBODY).await? {
        return Ok(None);
    }
    if store::find_by_email(&txn, &address).await?.is_some() {
        tracing::warn!(
            "there is no administrator, and the chosen address belongs to a user already; make him \
             one with `wicketgate admin grant`"
        );
        return Ok(None);
    }
    let id = match store::find(&txn, FIRST_ID).await? {
        None => FIRST_ID.to_owned(),
        Some(_) => random::hex_id(),
    };
    let now = clock::now();
    let mut user = row::Model {
        id,
        email: address,
        custom_id: None,
        password_hash: Some(hash),
        validated: true,
        must_change_password: false,
        groups: row::Groups(vec![group.id.clone()]),
        created_at: now,
        changed_at: now,
        changed_by: None,
        disabled_at: None,
        disabled_reason: None,
        sessions_ended_at: None,
    };
    rules::add_validated_group(
        &mut user,
        configuration.globals.validated_user_group.as_deref(),
    );
    let user = store::insert(&txn, user).await?;
    events::append(&txn, state, &Actor::system(), users::added(&user)).await?;
    state.commit(txn).await?;
    tracing::info!(user.id = %user.id, "first administrator created");
    Ok(Some(password.expose().to_owned()))
}

/// Gives the account with this address a generated password, and returns it.
pub async fn reset_password(db: &Database, email: &str) -> Result<String, AdminError> {
    let password = passwords::generate();
    let hash = Passwords::default()
        .hash(&password)
        .await
        .map_err(AdminError::Hashing)?;
    let txn = db.write().await?;
    let mut user = find_for_update(&txn, email).await?;
    if user.custom_id.is_some() && user.password_hash.is_none() {
        return Err(AdminError::Federated(user.email));
    }
    let now = clock::now();
    user.password_hash = Some(hash);
    user.must_change_password = false;
    rules::end_sessions(&mut user, now);
    user.changed_at = now;
    user.changed_by = None;
    let user = store::update(&txn, user).await?;
    record(&txn, "reset_password", &user.id).await?;
    txn.commit().await?;
    Ok(password.expose().to_owned())
}

/// Adds the account with this address to the administrators.
pub async fn grant_admin(
    db: &Database,
    configuration: &Configuration,
    email: &str,
) -> Result<(), AdminError> {
    let group = admin_group(configuration)?;
    let txn = db.write().await?;
    let mut user = find_for_update(&txn, email).await?;
    if rules::rights(configuration, &user.groups.0).0 {
        return Ok(());
    }
    let now = clock::now();
    user.groups.0.push(group.id.clone());
    user.changed_at = now;
    user.changed_by = None;
    let user = store::update(&txn, user).await?;
    record(&txn, "grant_admin", &user.id).await?;
    txn.commit().await?;
    Ok(())
}

async fn find_for_update(txn: &DatabaseTransaction, email: &str) -> Result<row::Model, AdminError> {
    let address = email::fold(email);
    let found = store::find_by_email(txn, &address).await?;
    found.ok_or(AdminError::NoSuchUser(address))
}

fn admin_groups(configuration: &Configuration) -> impl Iterator<Item = &Group> {
    configuration
        .groups
        .all
        .iter()
        .map(|group| &**group)
        .filter(|group| group.admin_group)
}

fn admin_group(configuration: &Configuration) -> Result<&Group, AdminError> {
    admin_groups(configuration)
        .next()
        .ok_or(AdminError::NoAdminGroup)
}

/// Whether somebody other than `except` is in one of the administrators' groups.
pub async fn has_administrator(
    db: &impl ConnectionTrait,
    configuration: &Configuration,
    except: &str,
) -> Result<bool, DbErr> {
    for group in admin_groups(configuration) {
        // Group ids stand in the column as JSON texts, so quotes mark where one begins and ends.
        let text = serde_json::to_string(&group.id).expect("texts are JSON");
        let escaped = text
            .replace('\\', r"\\")
            .replace('%', r"\%")
            .replace('_', r"\_");
        let pattern = LikeExpr::new(format!("%{escaped}%")).escape('\\');
        let found = row::Entity::find()
            .filter(Expr::col(row::Column::Groups).cast_as("text").like(pattern))
            .filter(row::Column::Id.ne(except))
            .limit(1)
            .one(db)
            .await?;
        if found.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The command line writes no events: it runs beside the server, which has the keys for them.
async fn record(txn: &DatabaseTransaction, action: &str, user_id: &str) -> Result<(), DbErr> {
    audit::append(
        txn,
        Entry::new(Actor::operator(), "user", action).about(user_id),
    )
    .await
}
