//! Rows of `registrations`, in and out.

use sea_orm::{
    DatabaseTransaction, DbErr, IntoActiveModel, QueryFilter, QueryOrder, entity::prelude::*,
    sea_query::OnConflict,
};

use super::row;

pub fn of_pool(pool: &str, namespace: &str) -> Select<row::Entity> {
    row::Entity::find()
        .filter(row::Column::PoolId.eq(pool))
        .filter(row::Column::Namespace.eq(namespace))
}

/// All registrations of a user, or those in one pool.
pub async fn of_user(
    db: &impl ConnectionTrait,
    user: &str,
    pool: Option<&str>,
) -> Result<Vec<row::Model>, DbErr> {
    let mut select = row::Entity::find().filter(row::Column::UserId.eq(user));
    if let Some(pool) = pool {
        select = select.filter(row::Column::PoolId.eq(pool));
    }
    select
        .order_by_asc(row::Column::PoolId)
        .order_by_asc(row::Column::Namespace)
        .all(db)
        .await
}

/// The one registration of a user in a pool and namespace.
pub async fn find(
    db: &impl ConnectionTrait,
    user: &str,
    pool: &str,
    namespace: &str,
) -> Result<Option<row::Model>, DbErr> {
    of_pool(pool, namespace)
        .filter(row::Column::UserId.eq(user))
        .one(db)
        .await
}

/// Those of several users in one pool.
pub async fn of_users(
    db: &impl ConnectionTrait,
    users: &[String],
    pool: &str,
) -> Result<Vec<row::Model>, DbErr> {
    row::Entity::find()
        .filter(row::Column::UserId.is_in(users))
        .filter(row::Column::PoolId.eq(pool))
        .all(db)
        .await
}

/// Creates or replaces the one registration of a user in a pool and namespace.
pub async fn put(txn: &DatabaseTransaction, registration: row::Model) -> Result<(), DbErr> {
    use row::Column;
    let replace = OnConflict::columns([Column::UserId, Column::PoolId, Column::Namespace])
        .update_columns([
            Column::Name,
            Column::Email,
            Column::CustomId,
            Column::Properties,
            Column::ChangedAt,
            Column::ChangedBy,
        ])
        .to_owned();
    row::Entity::insert(registration.into_active_model())
        .on_conflict(replace)
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

/// Whether there was something to delete.
pub async fn delete(
    txn: &DatabaseTransaction,
    user: &str,
    pool: &str,
    namespace: &str,
) -> Result<bool, DbErr> {
    let deleted = row::Entity::delete_many()
        .filter(row::Column::UserId.eq(user))
        .filter(row::Column::PoolId.eq(pool))
        .filter(row::Column::Namespace.eq(namespace))
        .exec(txn)
        .await?;
    Ok(deleted.rows_affected > 0)
}

/// Whether somebody is registered in this namespace.
pub async fn is_used(
    txn: &DatabaseTransaction,
    pool: &str,
    namespace: &str,
) -> Result<bool, DbErr> {
    Ok(of_pool(pool, namespace).one(txn).await?.is_some())
}

/// Deletes all registrations of a namespace.
pub async fn delete_namespace(
    txn: &DatabaseTransaction,
    pool: &str,
    namespace: &str,
) -> Result<(), DbErr> {
    row::Entity::delete_many()
        .filter(row::Column::PoolId.eq(pool))
        .filter(row::Column::Namespace.eq(namespace))
        .exec(txn)
        .await?;
    Ok(())
}
