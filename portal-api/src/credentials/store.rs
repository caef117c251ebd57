//! Rows of `credentials`, in and out.

use std::collections::HashMap;

use sea_orm::{
    DatabaseTransaction, DbErr, IntoActiveModel, QueryOrder, QuerySelect, QueryTrait,
    entity::prelude::*,
};

use super::{make::Made, row};
use crate::{ApiError, error::is_duplicate, subscriptions};

/// The credentials of a subscription, the oldest first.
pub async fn list(
    db: &impl ConnectionTrait,
    subscription_id: &str,
) -> Result<Vec<row::Model>, DbErr> {
    row::Entity::find()
        .filter(row::Column::SubscriptionId.eq(subscription_id))
        .order_by_asc(row::Column::CreatedAt)
        .order_by_asc(row::Column::Id)
        .all(db)
        .await
}

/// The same for several subscriptions with one statement, by subscription.
pub async fn list_many(
    db: &impl ConnectionTrait,
    subscription_ids: impl IntoIterator<Item = String>,
) -> Result<HashMap<String, Vec<row::Model>>, DbErr> {
    let of = row::Column::SubscriptionId.is_in(subscription_ids);
    by_subscription(db, of).await
}

/// The same for all subscriptions of several applications.
pub async fn of_applications(
    db: &impl ConnectionTrait,
    applications: Vec<String>,
) -> Result<HashMap<String, Vec<row::Model>>, DbErr> {
    let subscriptions = subscriptions::row::Entity::find()
        .select_only()
        .column(subscriptions::row::Column::Id)
        .filter(subscriptions::row::Column::ApplicationId.is_in(applications))
        .into_query();
    let of = row::Column::SubscriptionId.in_subquery(subscriptions);
    by_subscription(db, of).await
}

async fn by_subscription(
    db: &impl ConnectionTrait,
    condition: Expr,
) -> Result<HashMap<String, Vec<row::Model>>, DbErr> {
    let rows = row::Entity::find()
        .filter(condition)
        .order_by_asc(row::Column::CreatedAt)
        .order_by_asc(row::Column::Id)
        .all(db)
        .await?;
    let mut lists = HashMap::<_, Vec<_>>::new();
    for row in rows {
        lists
            .entry(row.subscription_id.clone())
            .or_default()
            .push(row);
    }
    Ok(lists)
}

/// The credential with this client id.
pub async fn find_by_client_id(
    db: &impl ConnectionTrait,
    client_id: &str,
) -> Result<Option<row::Model>, DbErr> {
    row::Entity::find()
        .filter(row::Column::ClientId.eq(client_id))
        .one(db)
        .await
}

/// A credential of this very subscription, locked until the end of the transaction.
pub async fn lock(
    txn: &DatabaseTransaction,
    subscription_id: &str,
    id: &str,
) -> Result<Option<row::Model>, DbErr> {
    row::Entity::find_by_id(id)
        .filter(row::Column::SubscriptionId.eq(subscription_id))
        .lock_exclusive()
        .one(txn)
        .await
}

/// Inserts a credential. Two subscriptions with one key could not be told apart, so a chosen key
/// that is in use is refused.
pub async fn insert(txn: &DatabaseTransaction, made: &Made) -> Result<(), ApiError> {
    let model = made.row.clone().into_active_model();
    match row::Entity::insert(model).exec_without_returning(txn).await {
        Err(error) if is_duplicate(&error) => {
            let message = "This key is in use already; choose another one, or let one be made.";
            Err(ApiError::conflict("key-in-use", message))
        }
        inserted => Ok(inserted.map(drop)?),
    }
}

/// Writes all members of `credential`.
pub async fn update(
    txn: &DatabaseTransaction,
    credential: row::Model,
) -> Result<row::Model, DbErr> {
    credential.into_active_model().reset_all().update(txn).await
}

/// Ends all credentials of a subscription that is given new ones. Their secrets are forgotten.
pub async fn revoke_all(
    txn: &DatabaseTransaction,
    subscription_id: &str,
    reason: &str,
    now: DateTimeUtc,
) -> Result<(), DbErr> {
    row::Entity::update_many()
        .col_expr(row::Column::RevokedAt, Expr::value(now))
        .col_expr(row::Column::RevokedReason, Expr::value(reason))
        .col_expr(row::Column::Sealed, Expr::value(None::<String>))
        .filter(row::Column::SubscriptionId.eq(subscription_id))
        .filter(row::Column::RevokedAt.is_null())
        .exec(txn)
        .await?;
    Ok(())
}
