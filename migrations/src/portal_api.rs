//! Schema of portal-api.

mod m20261121_000001_users;
mod m20261121_000002_applications;
mod m20261121_000003_subscriptions;
mod m20261121_000004_events;
mod m20261121_000005_audit;
mod m20261121_000006_usage;
mod m20261121_000007_meta;
mod m20261121_000008_login_attempts;
mod m20261121_000009_namespaces;
mod m20261121_000020_config_drafts;
mod m20261121_000030_idempotency_keys;
mod m20261121_000040_audit_chain;
mod m20261121_000041_approval_comments;
mod m20261121_000042_locked_users;
mod m20261121_000043_collaboration;
mod m20261121_000050_teams;
mod m20261121_000070_event_bus;
mod m20261121_000071_usage_windows;
mod m20261121_000090_mail_language;
mod m20261121_000140_oauth_settings;
mod m20261122_000150_pool_invitations;

use sea_orm_migration::{MigrationTrait, MigratorTrait, prelude::*};

/// The migrations of portal-api.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_users::Migration),
            Box::new(m20261121_000002_applications::Migration),
            Box::new(m20261121_000003_subscriptions::Migration),
            Box::new(m20261121_000004_events::Migration),
            Box::new(m20261121_000005_audit::Migration),
            Box::new(m20261121_000006_usage::Migration),
            Box::new(m20261121_000007_meta::Migration),
            Box::new(m20261121_000008_login_attempts::Migration),
            Box::new(m20261121_000009_namespaces::Migration),
            Box::new(m20261121_000020_config_drafts::Migration),
            Box::new(m20261121_000030_idempotency_keys::Migration),
            Box::new(m20261121_000040_audit_chain::Migration),
            Box::new(m20261121_000041_approval_comments::Migration),
            Box::new(m20261121_000042_locked_users::Migration),
            Box::new(m20261121_000043_collaboration::Migration),
            Box::new(m20261121_000050_teams::Migration),
            Box::new(m20261121_000070_event_bus::Migration),
            Box::new(m20261121_000071_usage_windows::Migration),
            Box::new(m20261121_000090_mail_language::Migration),
            Box::new(m20261121_000140_oauth_settings::Migration),
            Box::new(m20261122_000150_pool_invitations::Migration),
        ]
    }

    fn migration_table_name() -> DynIden {
        "portal_api_migrations".into_iden()
    }
}
