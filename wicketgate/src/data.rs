//! `wicketgate data`: all data of a running portal-api in one encrypted file, and back; and the way from
//! SQLite to PostgreSQL.

use std::path::Path;

use anyhow::{Context, bail};
use migrations::Location;
use sdk::client::{Auth, Client};
use service::{ServiceName, settings, token::Identity};
use tokio::fs::{self, File, OpenOptions};

use crate::{
    backup::DATABASES,
    cli::{Data, Installation},
    keys, up,
};

pub async fn run(command: Data) -> anyhow::Result<()> {
    service::http::install_crypto();
    match command {
        Data::Export { file, installation } => export(&file, &installation).await,
        Data::Import {
            file,
            replace,
            installation,
        } => import(&file, replace, &installation).await,
        Data::Move { data } => to_postgres(&data).await,
    }
}

/// The master key is the proof: with it portal-api's own identity can be made.
pub fn client(installation: &Installation) -> anyhow::Result<Client> {
    if !installation.keys.data.is_dir() {
        bail!(
            "there is no data folder {}",
            installation.keys.data.display()
        );
    }
    let keys = keys::from_environment_or_file(&installation.keys.data)?;
    let identity = Identity::new(ServiceName::PortalApi, keys);
    let address = installation.portal_api.clone();
    Ok(Client::new(address, Auth::Service(identity)))
}

/// Under another name until it is whole.
async fn export(file: &Path, installation: &Installation) -> anyhow::Result<()> {
    let client = client(installation)?;
    let mut name = file.as_os_str().to_owned();
    name.push(".part");
    let part = Path::new(&name);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    options.mode(0o600);
    let open = options.open(part).await;
    let mut target = open.with_context(|| format!("cannot write {}", part.display()))?;
    let bytes = client.export_data(&mut target).await;
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(error) => {
            fs::remove_file(part).await.ok();
            return Err(error).context("the export did not come to its end");
        }
    };
    target.sync_all().await?;
    fs::rename(part, file).await?;
    say!("{} ({bytes} bytes)", file.display());
    say!("It can be read with the master key of this installation only; keep that as well.");
    Ok(())
}

async fn import(file: &Path, replace: bool, installation: &Installation) -> anyhow::Result<()> {
    let client = client(installation)?;
    let archive = File::open(file).await;
    let archive = archive.with_context(|| format!("cannot read {}", file.display()))?;
    let imported = client.import_data(archive, replace).await?;
    for (table, rows) in imported.rows.iter().filter(|(_, rows)| **rows > 0) {
        say!("{rows:>10} {table}");
    }
    say!("Done.");
    Ok(())
}

async fn to_postgres(data: &Path) -> anyhow::Result<()> {
    let url = settings::secret("DATABASE_URL")?;
    let Some(Location::Postgres(target)) = url.as_deref().map(Location::parse).transpose()? else {
        bail!("set DATABASE_URL (or DATABASE_URL_FILE) to the PostgreSQL database to move to");
    };
    let _running = up::lock(data)?;
    let [portal_api, auth_server] = DATABASES.map(|name| data.join(name));
    let moved = migrations::to_postgres(&portal_api, &auth_server, &target).await?;
    for (table, rows) in moved.iter().filter(|(_, rows)| **rows > 0) {
        say!("{rows:>10} {table}");
    }
    say!(
        "Done. Start every service with this DATABASE_URL and the same master key. The files in {} stay \
         as they are and are not used any more.",
        data.display()
    );
    Ok(())
}
