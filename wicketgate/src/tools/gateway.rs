//! `wicketgate gateway build`: what a configuration becomes on a gateway, for CI and review.

use std::process::ExitCode;

use anyhow::anyhow;
use config::{Configuration, Environment};
use service::settings;

use crate::cli::Gateway;

/// `wicketgate gateway build --print`
pub async fn gateway(command: Gateway) -> anyhow::Result<ExitCode> {
    let Gateway::Build { project, .. } = command;
    let environment = Environment::new(settings::all());
    let loading = tokio::task::spawn_blocking(move || Configuration::load(&project, &environment));
    let loaded = loading.await?.map_err(|problems| anyhow!("{problems}"))?;
    let snapshot = portal_api::gateway::of_configuration(&loaded.configuration);
    let printed = gateway_adapter::print(snapshot)?;
    println!("{:#}", printed.document);
    for problem in &printed.problems {
        eprintln!("{} `{}`: {}", problem.kind, problem.id, problem.message);
    }
    Ok(if printed.problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
