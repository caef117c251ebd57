//! Commands that work on files and then end.

use std::{fs, path::Path, process::ExitCode};

use anyhow::{Context, bail};
use config::{Configuration, Environment};
use service::{
    ServiceName,
    keys::{MasterKey, Purpose},
    settings,
};

use crate::{
    cli::{Config, Keys},
    keys,
};

/// `wicketgate config`
pub async fn config(command: Config) -> anyhow::Result<ExitCode> {
    match command {
        Config::Check { folder } => {
            let environment = Environment::new(settings::all());
            let name = folder.display().to_string();
            let problems =
                tokio::task::spawn_blocking(move || Configuration::check(&folder, &environment))
                    .await?;
            if problems.is_empty() {
                println!("{name}: no problems.");
            } else {
                println!("{problems}");
            }
            Ok(if problems.refuse() {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            })
        }
    }
}

/// `wicketgate init`
pub fn init(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() && fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        bail!("{} is not empty; choose a new folder", folder.display());
    }
    config::sample::write_to(folder)
        .with_context(|| format!("cannot write into {}", folder.display()))?;
    println!(
        "Wrote the sample configuration to {0}. Try it: wicketgate up --config {0}",
        folder.display()
    );
    Ok(())
}

/// `wicketgate keys`
pub fn keys(command: Keys) -> anyhow::Result<()> {
    match command {
        Keys::Generate => println!("{}", MasterKey::generate().to_text()),
        Keys::Derive { service, data } => {
            let keys = keys::from_environment_or_file(&data)?;
            for purpose in purposes(service) {
                println!("{purpose}={}", keys.derive(&purpose)?.base64url());
            }
        }
    }
    Ok(())
}

/// What a service needs to work without the master key.
fn purposes(service: ServiceName) -> Vec<Purpose> {
    let own = Purpose::ServiceToken(service);
    match service {
        ServiceName::Portal => vec![own, Purpose::Cookie, Purpose::PortalClient],
        ServiceName::GatewayAdapter => vec![
            own,
            Purpose::Listener(service.wire_name().to_owned()),
            Purpose::CredentialLookup,
            Purpose::UsageIntake,
            Purpose::Introspection,
        ],
        ServiceName::Mailer | ServiceName::Chatbot => {
            vec![own, Purpose::Listener(service.wire_name().to_owned())]
        }
        // These two check the tokens of all others and keep secrets: only the master key will do.
        ServiceName::PortalApi | ServiceName::AuthServer | ServiceName::Gateway => Vec::new(),
    }
}
