//! Rows of `subscriptions`, in and out.

use std::collections::HashMap;

use sea_orm::{
    DatabaseTransaction, DbErr, IntoActiveModel, QueryOrder, QuerySelect, entity::prelude::*,
};

use super::row;
use crate::{
    ApiError,
    applications::access,
    error::{is_dangling, is_duplicate},
};

/// The subscription of an application to an API.
pub async fn find(
    db: &impl ConnectionTrait,
    application: &str,
    api: &str,
) -> Result<Option<row::Model>, DbErr> {
    of(application, api).one(db).await
}

/// As [`find`], but until the end of the transaction nobody else changes the subscription.
pub async fn lock(
    txn: &DatabaseTransaction,
    application: &str,
    api: &str,
) -> Result<Option<row::Model>, DbErr> {
    of(application, api).lock_exclusive().one(txn).await
}

fn of(application: &str, api: &str) -> Select<row::Entity> {
    row::Entity::find()
        .filter(row::Column::ApplicationId.eq(application))
        .filter(row::Column::ApiId.eq(api))
}

pub async fn find_by_id(db: &impl ConnectionTrait, id: &str) -> Result<Option<row::Model>, DbErr> {
    row::Entity::find_by_id(id).one(db).await
}

/// The subscriptions of an application, by API.
pub async fn list(db: &impl ConnectionTrait, application: &str) -> Result<Vec<row::Model>, DbErr> {
    row::Entity::find()
        .filter(row::Column::ApplicationId.eq(application))
        .order_by_asc(row::Column::ApiId)
        .all(db)
        .await
}

/// The same for several applications with one statement, by application.
pub async fn list_many(
    db: &impl ConnectionTrait,
    applications: Vec<String>,
) -> Result<HashMap<String, Vec<row::Model>>, DbErr> {
    let rows = row::Entity::find()
        .filter(row::Column::ApplicationId.is_in(applications))
        .order_by_asc(row::Column::ApiId)
        .all(db)
        .await?;
    let mut lists = HashMap::<_, Vec<_>>::new();
    for row in rows {
        lists
            .entry(row.application_id.clone())
            .or_default()
            .push(row);
    }
    Ok(lists)
}

/// Inserts a subscription. Whether the application has one already is decided here and not asked
/// before: of two requests at the same time one gets the 409.
pub async fn insert(txn: &DatabaseTransaction, new: &row::Model) -> Result<(), ApiError> {
    let model = new.clone().into_active_model();
    match row::Entity::insert(model).exec_without_returning(txn).await {
        Err(error) if is_duplicate(&error) => Err(ApiError::conflict(
            "already-subscribed",
            format!(
                "The application has a subscription to `{}` already.",
                new.api_id
            ),
        )),
        // The application was deleted since it was read.
        Err(error) if is_dangling(&error) => Err(access::not_found(&new.application_id)),
        inserted => Ok(inserted.map(drop)?),
    }
}

/// Writes all members of `subscription`.
pub async fn update(txn: &DatabaseTransaction, subscription: &row::Model) -> Result<(), DbErr> {
    subscription
        .clone()
        .into_active_model()
        .reset_all()
        .update(txn)
        .await?;
    Ok(())
}

/// Deletes a subscription with its credentials.
pub async fn delete(txn: &DatabaseTransaction, id: &str) -> Result<(), DbErr> {
    row::Entity::delete_by_id(id).exec(txn).await?;
    Ok(())
}
