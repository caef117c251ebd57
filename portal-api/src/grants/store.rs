//! Rows of `grants`, in and out.

use sea_orm::{
    DatabaseTransaction, DbErr, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    entity::prelude::*, sea_query::OnConflict,
};

use super::row;

/// All grants of a user, by application.
pub async fn of_user(db: &impl ConnectionTrait, user: &str) -> Result<Vec<row::Model>, DbErr> {
    row::Entity::find()
        .filter(row::Column::UserId.eq(user))
        .order_by_asc(row::Column::ApplicationId)
        .order_by_asc(row::Column::ApiId)
        .all(db)
        .await
}

pub async fn find(
    db: &impl ConnectionTrait,
    user: &str,
    application: &str,
    api: &str,
) -> Result<Option<row::Model>, DbErr> {
    of(user, application, api).one(db).await
}

/// As [`find`], but nobody else changes it until the transaction ends.
pub async fn find_for_update(
    txn: &DatabaseTransaction,
    user: &str,
    application: &str,
    api: &str,
) -> Result<Option<row::Model>, DbErr> {
    of(user, application, api).lock_exclusive().one(txn).await
}

fn of(user: &str, application: &str, api: &str) -> Select<row::Entity> {
    row::Entity::find()
        .filter(row::Column::UserId.eq(user))
        .filter(row::Column::ApplicationId.eq(application))
        .filter(row::Column::ApiId.eq(api))
}

/// Creates or replaces a grant.
pub async fn put(txn: &DatabaseTransaction, grant: row::Model) -> Result<(), DbErr> {
    use row::Column;
    let replace = OnConflict::columns([Column::UserId, Column::ApplicationId, Column::ApiId])
        .update_columns([Column::Scopes, Column::ChangedAt, Column::ChangedBy])
        .to_owned();
    row::Entity::insert(grant.into_active_model())
        .on_conflict(replace)
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

/// Creates a grant; says whether there was none.
pub async fn create(txn: &DatabaseTransaction, grant: row::Model) -> Result<bool, DbErr> {
    use row::Column;
    let keep = OnConflict::columns([Column::UserId, Column::ApplicationId, Column::ApiId])
        .do_nothing()
        .to_owned();
    let stored = row::Entity::insert(grant.into_active_model())
        .on_conflict(keep)
        .exec_without_returning(txn)
        .await?;
    Ok(stored > 0)
}

pub async fn delete(txn: &DatabaseTransaction, id: &str) -> Result<(), DbErr> {
    row::Entity::delete_by_id(id).exec(txn).await?;
    Ok(())
}
