//! Schema of the auth server.

use sea_orm_migration::{MigrationTrait, MigratorTrait, prelude::*};

/// The migrations of the auth server, with a table of their own beside those of portal-api.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        Vec::new()
    }

    fn migration_table_name() -> DynIden {
        "auth_migrations".into_iden()
    }
}
