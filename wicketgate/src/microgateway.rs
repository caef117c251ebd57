//! `wicketgate gateway setup | subscribe | build | run | upload`: some APIs for a gateway that works
//! without anybody else (gateway 12.4).
//!
//! A project is a small configuration folder that people edit; an artefact is what it becomes: one
//! file that cannot be changed any more. The same project always gives the same artefact.

mod artefact;
mod build;
mod print;
mod project;
mod run;
mod setup;
mod signature;
mod subscribe;
mod upload;

use std::process::ExitCode;

use crate::cli::Gateway;

/// Whatever stands behind `wicketgate gateway`.
pub async fn run(command: Gateway) -> anyhow::Result<ExitCode> {
    match command {
        Gateway::Setup(options) => setup::setup(*options).await?,
        Gateway::Subscribe(options) => subscribe::subscribe(&options)?,
        Gateway::Build(options) if options.print => return print::print(*options).await,
        Gateway::Build(options) => return build::build(*options).await,
        Gateway::Run(options) => run::run(&options).await?,
        Gateway::Upload(options) => return upload::upload(options).await,
    }
    Ok(ExitCode::SUCCESS)
}
