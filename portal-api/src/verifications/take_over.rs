//! Verifications of another installation whose links are on the way.

use chrono::{DateTime, Utc};
use sea_orm::{DatabaseTransaction, EntityTrait};
use service::keys::Keys;

use super::{row, rules, secret, store};
use crate::ApiError;

/// A verification in clear.
pub struct Open<'a> {
    pub id: &'a str,
    pub kind: &'a str,
    pub email: &'a str,
    pub user_id: &'a str,
    pub link: &'a str,
    pub began: DateTime<Utc>,
}

/// Stores it with the end it has; false if it is here already.
pub async fn take_over(
    txn: &DatabaseTransaction,
    keys: &Keys,
    open: Open<'_>,
) -> Result<bool, ApiError> {
    let digest = secret::digest(open.id);
    if row::Entity::find_by_id(&digest).one(txn).await?.is_some() {
        return Ok(false);
    }
    let kind = rules::kind(open.kind).unwrap_or(sdk::types::verifications::Kind::Email);
    let new = row::Model {
        sealed_id: Some(secret::seal(&secret::key(keys)?, open.id, &digest)),
        digest,
        kind: kind.as_str().to_owned(),
        email: crate::users::email::fold(open.email),
        user_id: open.user_id.to_owned(),
        link: open.link.chars().take(2048).collect(),
        created_at: open.began,
        expires_at: open.began + rules::LIFETIME,
    };
    store::insert(txn, new).await?;
    Ok(true)
}
