//! Rows of pushed requests.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    QueryFilter, sea_query::Expr,
};

use crate::{
    authorize::AuthorizeParameters,
    secret::{self, Secret},
};

use super::{CHOOSING, LIFETIME, PREFIX, row};

/// Stores a request; answers its name.
pub async fn insert(
    txn: &DatabaseTransaction,
    client_id: &str,
    parameters: String,
    now: DateTime<Utc>,
) -> Result<String, DbErr> {
    let request_uri = format!("{PREFIX}{}", Secret::generate().expose());
    let row = row::Model {
        uri_hash: secret::digest(&request_uri),
        client_id: client_id.to_owned(),
        parameters,
        created_at: now,
        expires_at: now + LIFETIME,
    };
    row::Entity::insert(row.into_active_model())
        .exec_without_returning(txn)
        .await?;
    Ok(request_uri)
}

/// What `client_id` asked for under this name, if nobody has come with it yet.
pub async fn find(
    db: &impl ConnectionTrait,
    request_uri: &str,
    client_id: &str,
    now: DateTime<Utc>,
) -> Result<Option<AuthorizeParameters>, DbErr> {
    let row = row::Entity::find_by_id(secret::digest(request_uri))
        .filter(row::Column::ClientId.eq(client_id))
        .filter(row::Column::ExpiresAt.gt(now))
        .one(db)
        .await?;
    Ok(row.and_then(|row| serde_json::from_str(&row.parameters).ok()))
}

/// Keeps a request while the person chooses how to log in.
pub async fn keep(
    txn: &DatabaseTransaction,
    request_uri: &str,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    row::Entity::update_many()
        .col_expr(row::Column::ExpiresAt, Expr::value(now + CHOOSING))
        .filter(row::Column::UriHash.eq(secret::digest(request_uri)))
        .exec(txn)
        .await?;
    Ok(())
}

/// Uses a request up. False: another browser was faster.
pub async fn consume(txn: &DatabaseTransaction, request_uri: &str) -> Result<bool, DbErr> {
    let deleted = row::Entity::delete_by_id(secret::digest(request_uri))
        .exec(txn)
        .await?;
    Ok(deleted.rows_affected == 1)
}
