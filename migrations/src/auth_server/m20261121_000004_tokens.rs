//! Codes, token families, refresh tokens, issued access tokens, revocations.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_pk_auto, boolean, string, string_null, text, text_null,
        timestamp_with_time_zone, timestamp_with_time_zone_null,
    },
};

/// Creates the tables around tokens. A family is everything that came out of one authorization:
/// its code, its refresh tokens, its access tokens. It is revoked as a whole.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(families()).await?;
        manager.create_table(codes()).await?;
        manager.create_table(refresh_tokens()).await?;
        manager.create_table(access_tokens()).await?;
        manager.create_table(revocations()).await?;
        for (name, table, column) in [
            ("auth_families_end", "auth_families", "expires_at"),
            ("auth_families_user", "auth_families", "user_id"),
            ("auth_families_client", "auth_families", "client_id"),
            ("auth_families_sid", "auth_families", "sid"),
            ("auth_codes_end", "auth_codes", "expires_at"),
            ("auth_codes_family", "auth_codes", "family"),
            ("auth_refresh_tokens_family", "auth_refresh_tokens", "family"),
            ("auth_access_tokens_family", "auth_access_tokens", "family"),
            ("auth_access_tokens_end", "auth_access_tokens", "expires_at"),
            ("auth_revocations_jti", "auth_revocations", "jti"),
            ("auth_revocations_end", "auth_revocations", "expires_at"),
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

fn families() -> TableCreateStatement {
    Table::create()
        .table("auth_families")
        .col(string("id").primary_key())
        .col(string("client_id"))
        .col(string("api"))
        .col(string("method"))
        .col(string("user_id"))
        .col(string_null("namespace"))
        .col(text("scope"))
        .col(string_null("sid"))
        .col(timestamp_with_time_zone_null("auth_time"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("revoked_at"))
        .col(string_null("revoked_reason"))
        .to_owned()
}

fn codes() -> TableCreateStatement {
    Table::create()
        .table("auth_codes")
        .col(string("code_hash").primary_key())
        .col(string("family"))
        .col(text("redirect_uri"))
        .col(boolean("redirect_uri_given"))
        .col(text_null("challenge"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("used_at"))
        .foreign_key(&mut of_family("auth_codes"))
        .to_owned()
}

fn refresh_tokens() -> TableCreateStatement {
    Table::create()
        .table("auth_refresh_tokens")
        .col(string("token_hash").primary_key())
        .col(string("family"))
        .col(big_integer("generation"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("replaced_at"))
        .col(timestamp_with_time_zone_null("repeated_at"))
        .foreign_key(&mut of_family("auth_refresh_tokens"))
        .to_owned()
}

fn access_tokens() -> TableCreateStatement {
    Table::create()
        .table("auth_access_tokens")
        .col(string("jti").primary_key())
        .col(string("family"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .foreign_key(&mut of_family("auth_access_tokens"))
        .to_owned()
}

fn revocations() -> TableCreateStatement {
    Table::create()
        .table("auth_revocations")
        .col(big_pk_auto("seq"))
        .col(string_null("jti").unique_key())
        .col(string_null("sid"))
        .col(string_null("sub"))
        .col(timestamp_with_time_zone_null("not_before"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .to_owned()
}

/// What belongs to a family goes with it.
fn of_family(table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from(table, "family")
        .to("auth_families", "id")
        .on_delete(ForeignKeyAction::Cascade)
        .to_owned()
}
