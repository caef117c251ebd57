//! `wicketgate data`: all data of a running portal-api in one encrypted file, and back.

use std::path::Path;

use anyhow::{Context, bail};
use sdk::client::{Auth, Client};
use service::{ServiceName, token::Identity};
use tokio::fs::{self, File, OpenOptions};

use crate::{
    cli::{Data, Installation},
    keys,
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
    }
}

/// The master key is the proof: with it portal-api's own identity can be made.
pub fn client(installation: &Installation) -> anyhow::Result<Client> {
    if !installation.data.is_dir() {
        bail!("there is no data folder {}", installation.data.display());
    }
    let keys = keys::from_environment_or_file(&installation.data)?;
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
    println!("{} ({bytes} bytes)", file.display());
    println!("It can be read with the master key of this installation only; keep that as well.");
    Ok(())
}

async fn import(file: &Path, replace: bool, installation: &Installation) -> anyhow::Result<()> {
    let client = client(installation)?;
    let archive = File::open(file).await;
    let archive = archive.with_context(|| format!("cannot read {}", file.display()))?;
    let imported = client.import_data(archive, replace).await?;
    for (table, rows) in imported.rows.iter().filter(|(_, rows)| **rows > 0) {
        println!("{rows:>10} {table}");
    }
    println!("Done.");
    Ok(())
}
