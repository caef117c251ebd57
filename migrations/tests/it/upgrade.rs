//! The release before opens what this one has left behind, and both at once where they may.

use async_trait::async_trait;
use migrations::{Database, Location, portal_api};
use sea_orm::{ConnectionTrait, DbErr, DynIden};
use sea_orm_migration::{MigrationTrait, MigratorTrait, SchemaManager};

/// A release that adds a table.
struct Newer;

impl MigratorTrait for Newer {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations = portal_api::Migrator::migrations();
        migrations.push(Box::new(Addition));
        migrations
    }

    fn migration_table_name() -> DynIden {
        portal_api::Migrator::migration_table_name()
    }
}

struct Addition;

impl sea_orm_migration::MigrationName for Addition {
    fn name(&self) -> &'static str {
        "m99999999_999999_addition"
    }
}

#[async_trait]
impl MigrationTrait for Addition {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared("create table additions (id text primary key)")
            .await?;
        Ok(())
    }
}

async fn opens_after_each_other(location: &Location) {
    drop(
        Database::open::<portal_api::Migrator>(location, 2)
            .await
            .unwrap(),
    );
    let newer = Database::open::<Newer>(location, 2).await.unwrap();
    if !newer.is_shared() {
        drop(newer);
        Database::open::<portal_api::Migrator>(location, 2)
            .await
            .unwrap();
        return;
    }
    let older = Database::open::<portal_api::Migrator>(location, 2)
        .await
        .unwrap();
    let sql = "select count(*) from additions";
    older.read().execute_unprepared(sql).await.unwrap();
    Database::open::<Newer>(location, 2).await.unwrap();
}

#[tokio::test]
async fn the_release_before_starts_on_a_newer_database() {
    let folder = tempfile::tempdir().unwrap();
    opens_after_each_other(&Location::Sqlite(folder.path().join("a.db"))).await;
    if let Some(url) = crate::transfer::fresh().await {
        opens_after_each_other(&Location::Postgres(url)).await;
    }
}
