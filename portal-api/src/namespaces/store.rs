//! Rows of `namespaces`, in and out.

use sea_orm::{
    DatabaseTransaction, DbErr, IntoActiveModel, QueryFilter, QuerySelect, entity::prelude::*,
    sea_query::OnConflict,
};

use super::row;

pub fn of_pool(pool: &str) -> Select<row::Entity> {
    row::Entity::find().filter(row::Column::PoolId.eq(pool))
}

pub async fn find(
    db: &impl ConnectionTrait,
    pool: &str,
    namespace: &str,
) -> Result<Option<row::Model>, DbErr> {
    of_pool(pool)
        .filter(row::Column::Namespace.eq(namespace))
        .one(db)
        .await
}

/// As [`find`], but nobody else changes it until the transaction ends.
pub async fn find_for_update(
    txn: &DatabaseTransaction,
    pool: &str,
    namespace: &str,
) -> Result<Option<row::Model>, DbErr> {
    of_pool(pool)
        .filter(row::Column::Namespace.eq(namespace))
        .lock_exclusive()
        .one(txn)
        .await
}

/// Creates or replaces a namespace.
pub async fn put(txn: &DatabaseTransaction, namespace: row::Model) -> Result<(), DbErr> {
    use row::Column;
    let replace = OnConflict::columns([Column::PoolId, Column::Namespace])
        .update_columns([
            Column::Description,
            Column::Extra,
            Column::ChangedAt,
            Column::ChangedBy,
        ])
        .to_owned();
    row::Entity::insert(namespace.into_active_model())
        .on_conflict(replace)
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

/// Creates a namespace; says whether there was none.
pub async fn create(txn: &DatabaseTransaction, namespace: row::Model) -> Result<bool, DbErr> {
    use row::Column;
    let keep = OnConflict::columns([Column::PoolId, Column::Namespace])
        .do_nothing()
        .to_owned();
    let stored = row::Entity::insert(namespace.into_active_model())
        .on_conflict(keep)
        .exec_without_returning(txn)
        .await?;
    Ok(stored > 0)
}

pub async fn delete(txn: &DatabaseTransaction, id: &str) -> Result<(), DbErr> {
    row::Entity::delete_by_id(id).exec(txn).await?;
    Ok(())
}
