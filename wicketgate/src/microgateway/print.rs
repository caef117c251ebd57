//! What a configuration becomes on a gateway, for CI and review.

use std::process::ExitCode;

use crate::cli::Build;

use super::project;

/// `wicketgate gateway build --print`
pub async fn print(options: Build) -> anyhow::Result<ExitCode> {
    let Build {
        project,
        environment,
        ..
    } = options;
    let loading =
        tokio::task::spawn_blocking(move || project::configuration(&project, environment));
    let configuration = loading.await??;
    let snapshot = portal_api::gateway::of_configuration(&configuration);
    let printed = gateway_adapter::print(snapshot)?;
    say!("{:#}", printed.document);
    for problem in &printed.problems {
        eprintln!("{} `{}`: {}", problem.kind, problem.id, problem.message);
    }
    Ok(if printed.problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
