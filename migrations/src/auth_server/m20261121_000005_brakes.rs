//! Failed attempts per account and per address.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, string, timestamp_with_time_zone},
};

/// Creates `auth_brakes`. The key is a digest: the table names no account and no address.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("auth_brakes")
                    .col(string("key_hash").primary_key())
                    .col(big_integer("failures"))
                    .col(timestamp_with_time_zone("expires_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("auth_brakes_end")
                    .table("auth_brakes")
                    .col("expires_at")
                    .to_owned(),
            )
            .await
    }
}
