//! Browser sessions and the logins in them.

use sea_orm_migration::{
    prelude::*,
    schema::{string, timestamp_with_time_zone},
};

/// Creates `auth_sessions` and `auth_logins`. A session says only who logged in, when and by
/// which method; everything else is read anew for each request.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("auth_sessions")
                    .col(string("id_hash").primary_key())
                    .col(string("sid").unique_key())
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("seen_at"))
                    .col(timestamp_with_time_zone("expires_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("auth_logins")
                    .col(string("session"))
                    .col(string("method"))
                    .col(string("user_id"))
                    .col(timestamp_with_time_zone("auth_time"))
                    .primary_key(Index::create().col("session").col("method"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("auth_logins", "session")
                            .to("auth_sessions", "id_hash")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        for (name, table, column) in [
            ("auth_sessions_end", "auth_sessions", "expires_at"),
            ("auth_logins_user", "auth_logins", "user_id"),
        ] {
            manager
                .create_index(
                    Index::create()
                        .name(name)
                        .table(table)
                        .col(column)
                        .to_owned(),
                )
                .await?;
        }
        Ok(())
    }
}
