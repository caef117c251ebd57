//! Rows of flows. Every look-up names the browser: a flow of another one does not exist.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder, sea_query::Expr,
};

use crate::{
    factors::Proof,
    federated::{Identity, Link},
    secret,
};

use super::{Flow, row};

pub async fn insert(
    txn: &DatabaseTransaction,
    flow: &Flow,
    browser: &str,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    row::Entity::insert(row::Model::new(flow, browser, now).into_active_model())
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

pub async fn find(
    db: &impl ConnectionTrait,
    id: &str,
    browser: &str,
    now: DateTime<Utc>,
) -> Result<Option<Flow>, DbErr> {
    let row = row::Entity::find_by_id(id)
        .filter(row::Column::BrowserHash.eq(secret::digest(browser)))
        .filter(row::Column::ExpiresAt.gt(now))
        .one(db)
        .await?;
    Ok(row.and_then(row::Model::into_flow))
}

/// The request that the browser began last with `method`: for forms that name no flow.
pub async fn find_latest(
    db: &impl ConnectionTrait,
    method: &str,
    browser: &str,
    now: DateTime<Utc>,
) -> Result<Option<Flow>, DbErr> {
    let row = row::Entity::find()
        .filter(row::Column::BrowserHash.eq(secret::digest(browser)))
        .filter(row::Column::Method.eq(method))
        .filter(row::Column::ExpiresAt.gt(now))
        .order_by_desc(row::Column::CreatedAt)
        .one(db)
        .await?;
    Ok(row.and_then(row::Model::into_flow))
}

/// Remembers the tenant that the user chose.
pub async fn set_namespace(
    txn: &DatabaseTransaction,
    id: &str,
    namespace: &str,
) -> Result<(), DbErr> {
    update(txn, id, row::Column::Namespace, Some(namespace)).await
}

/// Remembers who has to choose a new password before being logged in, and how he has shown who he is.
pub async fn set_pending_user(
    txn: &DatabaseTransaction,
    id: &str,
    user_id: Option<&str>,
    proof: Proof,
) -> Result<(), DbErr> {
    update(txn, id, row::Column::PendingUser, user_id).await?;
    update(txn, id, row::Column::Proof, Some(proof.as_str())).await
}

/// Remembers who has to show something beside his password.
pub async fn set_factor_user(
    txn: &DatabaseTransaction,
    id: &str,
    user_id: Option<&str>,
) -> Result<(), DbErr> {
    update(txn, id, row::Column::FactorUser, user_id).await
}

/// Lets the request go on with another method, whose log-in the link waits for; or forgets the link.
pub async fn set_link(txn: &DatabaseTransaction, flow: &Flow) -> Result<(), DbErr> {
    row::Entity::update_many()
        .col_expr(row::Column::Method, Expr::value(flow.method.clone()))
        .col_expr(
            row::Column::Link,
            Expr::value(flow.link.as_ref().map(Link::to_text)),
        )
        .col_expr(
            row::Column::Identity,
            Expr::value(flow.identity.as_ref().map(Identity::to_text)),
        )
        .col_expr(row::Column::LoginAfter, Expr::value(flow.login_after))
        .filter(row::Column::Id.eq(&flow.id))
        .exec(txn)
        .await?;
    Ok(())
}

/// Remembers who came back from a provider, until the mail address is known.
pub async fn set_identity(
    txn: &DatabaseTransaction,
    id: &str,
    identity: Option<&Identity>,
) -> Result<(), DbErr> {
    let text = identity.map(Identity::to_text);
    update(txn, id, row::Column::Identity, text.as_deref()).await
}

async fn update(
    txn: &DatabaseTransaction,
    id: &str,
    column: row::Column,
    value: Option<&str>,
) -> Result<(), DbErr> {
    row::Entity::update_many()
        .col_expr(column, Expr::value(value.map(str::to_owned)))
        .filter(row::Column::Id.eq(id))
        .exec(txn)
        .await?;
    Ok(())
}

pub async fn delete(txn: &DatabaseTransaction, id: &str) -> Result<(), DbErr> {
    row::Entity::delete_by_id(id).exec(txn).await?;
    Ok(())
}
