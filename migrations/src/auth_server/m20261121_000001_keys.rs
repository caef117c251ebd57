//! Keys that sign access tokens.

use sea_orm_migration::{
    prelude::*,
    schema::{string, text, timestamp_with_time_zone},
};

/// Creates `auth_keys`. The private key is sealed with the master key; the four times are the
/// life of a key: published, used for signing, no longer used, no longer published.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("auth_keys")
                    .col(string("kid").primary_key())
                    .col(string("algorithm"))
                    .col(text("private_key"))
                    .col(text("public_key"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("active_from"))
                    .col(timestamp_with_time_zone("active_until"))
                    .col(timestamp_with_time_zone("expires_at"))
                    .to_owned(),
            )
            .await
    }
}
