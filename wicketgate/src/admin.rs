//! `wicketgate admin`: for administrators who are locked out. Whoever reaches the database may do
//! this; the audit log shows that it was done.

use std::sync::Arc;

use config::{Configuration, Environment};
use migrations::{Database, portal_api::Migrator};
use service::settings;

use crate::{
    cli::{Admin, Place},
    keys, source, up,
};

pub async fn run(command: Admin) -> anyhow::Result<()> {
    match command {
        Admin::ResetPassword { email, place } => {
            let (db, _) = open(&place).await?;
            let password = portal_api::bootstrap::reset_password(&db, &email).await?;
            say!("New password of {email}: {password}");
            say!("It is shown this once.");
        }
        Admin::Grant { email, place } => {
            let (db, configuration) = open(&place).await?;
            portal_api::bootstrap::grant_admin(&db, &configuration, &email).await?;
            say!("{email} is an administrator now.");
        }
    }
    Ok(())
}

async fn open(place: &Place) -> anyhow::Result<(Database, Arc<Configuration>)> {
    keys::prepare_folder(&place.data)?;
    let origin = source::origin(place.config.as_deref(), &place.data)?;
    let environment = Environment::new(settings::all());
    let configuration = source::start(&origin, &environment).await?.configuration;
    let location = up::database(&place.data, "portal-api.db")?;
    let db = Database::open::<Migrator>(&location, 2).await?;
    Ok((db, configuration))
}
