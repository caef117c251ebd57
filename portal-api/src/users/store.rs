//! Rows of `users`, in and out.

use config::Configuration;
use migrations::Prepared;
use sea_orm::{
    ActiveValue::{NotSet, Set},
    Condition, DatabaseTransaction, DbErr, FromQueryResult, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait},
};

use super::{UserError, row};
use crate::sql;

/// The user with this id.
pub async fn find(db: &impl ConnectionTrait, id: &str) -> Result<Option<row::Model>, DbErr> {
    static BY_ID: Prepared = Prepared::new();
    let by_id = BY_ID.with(
        db.get_database_backend(),
        || row::Entity::find_by_id("").limit(1),
        [id.into()],
    );
    row::Model::find_by_statement(by_id).one(db).await
}

/// The user with this id, kept from other writers until the transaction ends.
pub async fn find_for_update(
    txn: &DatabaseTransaction,
    id: &str,
) -> Result<Option<row::Model>, DbErr> {
    // SQLite has one writer anyway and leaves the lock out.
    row::Entity::find_by_id(id).lock_exclusive().one(txn).await
}

/// The user with this address, which has to be folded.
pub async fn find_by_email(
    db: &impl ConnectionTrait,
    email: &str,
) -> Result<Option<row::Model>, DbErr> {
    row::Entity::find()
        .filter(row::Column::Email.eq(email))
        .one(db)
        .await
}

pub async fn find_by_custom_id(
    db: &impl ConnectionTrait,
    custom_id: &str,
) -> Result<Option<row::Model>, DbErr> {
    row::Entity::find()
        .filter(row::Column::CustomId.eq(custom_id))
        .one(db)
        .await
}

/// Most approvers that are looked at.
const MAX_APPROVERS: u64 = 1000;

/// The members of all groups that may decide about requests.
pub async fn approvers(
    db: &impl ConnectionTrait,
    configuration: &Configuration,
) -> Result<Vec<row::Model>, DbErr> {
    let groups = configuration
        .groups
        .all
        .iter()
        .map(|group| group.id.as_str());
    let mut members = Condition::any();
    for group in groups.filter(|group| configuration.groups.is_approver(&[group])) {
        let groups = Expr::col(row::Column::Groups).cast_as("text");
        members = members.add(groups.like(format!("%\"{group}\"%")));
    }
    let users = row::Entity::find()
        .filter(members)
        .order_by_asc(row::Column::Id)
        .limit(MAX_APPROVERS)
        .all(db)
        .await?;
    // The pattern may find more: `_` in it stands for any character.
    Ok(users
        .into_iter()
        .filter(|user| configuration.groups.is_approver(&user.groups.0))
        .collect())
}

/// Stores a new user. Never overwrites one: a taken id, address or custom id is an error.
pub async fn insert(txn: &DatabaseTransaction, user: row::Model) -> Result<row::Model, UserError> {
    row::Entity::insert(user.clone().into_active_model().reset_all())
        .exec_without_returning(txn)
        .await
        .map_err(UserError::of_write)?;
    Ok(user)
}

/// Stores a changed user; its id says which.
pub async fn update(txn: &DatabaseTransaction, user: row::Model) -> Result<row::Model, UserError> {
    let mut changed = user.into_active_model().reset_all();
    changed.created_at = NotSet;
    changed.update(txn).await.map_err(UserError::of_write)
}

/// Takes the password away, and with it the sessions that it opened.
pub async fn remove_password(
    txn: &DatabaseTransaction,
    id: &str,
    now: DateTimeUtc,
) -> Result<(), DbErr> {
    let change = row::ActiveModel {
        password_hash: Set(None),
        sessions_ended_at: Set(Some(now)),
        ..Default::default()
    };
    row::Entity::update_many()
        .set(change)
        .filter(row::Column::Id.eq(id))
        .exec(txn)
        .await?;
    Ok(())
}

/// Replaces a hash by a better one of the same password, unless the password was changed meanwhile.
pub async fn replace_password_hash(
    txn: &DatabaseTransaction,
    id: &str,
    old: &str,
    new: String,
) -> Result<(), DbErr> {
    let change = row::ActiveModel {
        password_hash: Set(Some(new)),
        ..Default::default()
    };
    row::Entity::update_many()
        .set(change)
        .filter(row::Column::Id.eq(id))
        .filter(row::Column::PasswordHash.eq(old))
        .exec(txn)
        .await?;
    Ok(())
}

/// Deletes a user with his registrations, grants and verifications, which go by cascade.
pub async fn delete(txn: &DatabaseTransaction, id: &str) -> Result<(), UserError> {
    row::Entity::delete_by_id(id)
        .exec(txn)
        .await
        .map_err(UserError::of_write)?;
    Ok(())
}

#[derive(FromQueryResult)]
struct ApplicationId {
    application_id: String,
}

/// The applications in which the user has a role.
pub async fn applications(db: &impl ConnectionTrait, id: &str) -> Result<Vec<String>, DbErr> {
    let statement = sql::statement(
        db,
        "select distinct application_id from application_roles where user_id = $1 \
         order by application_id",
        [id.into()],
    );
    let rows = ApplicationId::find_by_statement(statement).all(db).await?;
    Ok(rows.into_iter().map(|row| row.application_id).collect())
}
