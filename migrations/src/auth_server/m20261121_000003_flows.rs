//! Pending authorization requests.

use sea_orm_migration::{
    prelude::*,
    schema::{
        boolean, string, string_null, text, text_null, timestamp_with_time_zone,
        timestamp_with_time_zone_null,
    },
};

/// Creates `auth_flows`: what a browser is on its way to, one row per tab. A row belongs to the
/// browser that began it (hash of its cookie), not to a session, so that it survives the login.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("auth_flows")
                    .col(string("id_hash").primary_key())
                    .col(string("browser_hash"))
                    .col(string("method"))
                    .col(string_null("api"))
                    .col(string_null("client_id"))
                    .col(text_null("redirect_uri"))
                    .col(boolean("redirect_uri_given"))
                    .col(text_null("state"))
                    .col(text("scope"))
                    .col(string_null("namespace"))
                    .col(text_null("challenge"))
                    .col(string_null("prompt"))
                    .col(text_null("prefill_username"))
                    .col(text_null("target"))
                    .col(string_null("pending_user"))
                    .col(timestamp_with_time_zone_null("login_after"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("expires_at"))
                    .to_owned(),
            )
            .await?;
        for (name, column) in [
            ("auth_flows_browser", "browser_hash"),
            ("auth_flows_end", "expires_at"),
        ] {
            manager
                .create_index(
                    Index::create()
                        .name(name)
                        .table("auth_flows")
                        .col(column)
                        .to_owned(),
                )
                .await?;
        }
        Ok(())
    }
}
