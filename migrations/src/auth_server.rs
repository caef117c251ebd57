//! Schema of the auth server: tables `auth_*`.
//!
//! Whatever a client or browser holds (codes, refresh tokens, session ids) is stored as SHA-256
//! only. Every row ends by itself; each table has an index on its end.

mod m20261121_000001_keys;
mod m20261121_000002_sessions;
mod m20261121_000003_flows;
mod m20261121_000004_tokens;
mod m20261121_000005_brakes;
mod m20261121_000006_replaced_tokens;
mod m20261121_000007_kong_tokens;
mod m20261121_000008_response_types;
mod m20261121_000009_records;
mod m20261121_000020_upstreams;
mod m20261121_000021_identities;
mod m20261121_000030_revocations;
mod m20261121_000031_opaque_tokens;
mod m20261121_000032_account;
mod m20261121_000040_openid;
mod m20261121_000041_devices;
mod m20261121_000042_logout_notices;
mod m20261121_000043_assertions;
mod m20261122_000050_factors;
mod m20261122_000060_answers;
mod m20261122_000900_pushed_requests;

use sea_orm_migration::{MigrationTrait, MigratorTrait, prelude::*};

/// The migrations of the auth server, with a table of their own beside those of portal-api.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_keys::Migration),
            Box::new(m20261121_000002_sessions::Migration),
            Box::new(m20261121_000003_flows::Migration),
            Box::new(m20261121_000004_tokens::Migration),
            Box::new(m20261121_000005_brakes::Migration),
            Box::new(m20261121_000006_replaced_tokens::Migration),
            Box::new(m20261121_000007_kong_tokens::Migration),
            Box::new(m20261121_000008_response_types::Migration),
            Box::new(m20261121_000009_records::Migration),
            Box::new(m20261121_000020_upstreams::Migration),
            Box::new(m20261121_000021_identities::Migration),
            Box::new(m20261121_000030_revocations::Migration),
            Box::new(m20261121_000031_opaque_tokens::Migration),
            Box::new(m20261121_000032_account::Migration),
            Box::new(m20261121_000040_openid::Migration),
            Box::new(m20261121_000041_devices::Migration),
            Box::new(m20261121_000042_logout_notices::Migration),
            Box::new(m20261121_000043_assertions::Migration),
            Box::new(m20261122_000050_factors::Migration),
            Box::new(m20261122_000060_answers::Migration),
            Box::new(m20261122_000900_pushed_requests::Migration),
        ]
    }

    fn migration_table_name() -> DynIden {
        "auth_migrations".into_iden()
    }
}
