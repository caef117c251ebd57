//! Rows of `users`, in and out.

use sea_orm::{DbErr, entity::prelude::*};

use super::row;

/// The user with this id.
pub async fn find(db: &impl ConnectionTrait, id: &str) -> Result<Option<row::Model>, DbErr> {
    row::Entity::find_by_id(id).one(db).await
}
