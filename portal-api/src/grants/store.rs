//! Rows of `grants`, in and out. What has ended is not seen from outside.

use chrono::{DateTime, Utc};
use sea_orm::{
    DatabaseTransaction, DbErr, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    entity::prelude::*, sea_query::OnConflict,
};

use super::{row, rules};

/// All grants of a user, by application.
pub async fn of_user(
    db: &impl ConnectionTrait,
    user: &str,
    now: DateTime<Utc>,
) -> Result<Vec<row::Model>, DbErr> {
    let found = row::Entity::find()
        .filter(row::Column::UserId.eq(user))
        .order_by_asc(row::Column::ApplicationId)
        .order_by_asc(row::Column::ApiId)
        .all(db)
        .await?;
    let living = found.into_iter().filter_map(|row| living(row, now));
    Ok(living.collect())
}

/// Which user, application and API.
pub type Key<'a> = (&'a str, &'a str, &'a str);

pub async fn find(
    db: &impl ConnectionTrait,
    key: Key<'_>,
    now: DateTime<Utc>,
) -> Result<Option<row::Model>, DbErr> {
    let found = of(key).one(db).await?;
    Ok(found.and_then(|row| living(row, now)))
}

/// As [`find`], but nobody else changes it until the transaction ends. A row of which nothing counts
/// any more goes, so that it is in nobody's way.
pub async fn find_for_update(
    txn: &DatabaseTransaction,
    key: Key<'_>,
    now: DateTime<Utc>,
) -> Result<Option<row::Model>, DbErr> {
    let Some(found) = of(key).lock_exclusive().one(txn).await? else {
        return Ok(None);
    };
    let id = found.id.clone();
    let living = living(found, now);
    if living.is_none() {
        delete(txn, &id).await?;
    }
    Ok(living)
}

fn living(mut row: row::Model, now: DateTime<Utc>) -> Option<row::Model> {
    let was_empty = row.scopes.0.is_empty();
    row.scopes.0 = rules::living(row.scopes.0, now);
    (was_empty || !row.scopes.0.is_empty()).then_some(row)
}

fn of((user, application, api): Key<'_>) -> Select<row::Entity> {
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
