//! The one binary. Wiring only: it reads settings, opens ports and starts services; every rule is
//! in the service it belongs to.

#![warn(clippy::print_stdout)]

#[macro_use]
mod say;

mod admin;
mod allocator;
mod backup;
mod banner;
mod cli;
mod data;
mod doctor;
mod health;
mod import;
mod keys;
mod listen;
mod microgateway;
mod neighbours;
mod ports;
mod signals;
mod single;
mod source;
mod tools;
mod up;

use std::process::ExitCode;

use clap::Parser;
use cli::{Cli, Command, Service};

fn main() -> ExitCode {
    let cli = Cli::parse();
    if matches!(
        cli.command,
        None | Some(Command::Up(_) | Command::Service(_))
    ) {
        allocator::give_back_soon();
    }
    // At a terminal a line per request would bury the banner; services that run alone log it.
    service::log::init(match cli.command {
        Some(Command::Service(Service::Gateway {
            tool: Some(cli::Gateway::Run(_)),
            ..
        })) => "info",
        Some(Command::Service(Service::Gateway { tool: Some(_), .. })) => "info,access=off",
        Some(Command::Service(_)) => "info",
        _ => "info,access=off,audit=off",
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("the operating system gives threads");
    let outcome = runtime.block_on(run(cli));
    // Work on blocking threads that nobody waits for any more must not delay the end.
    runtime.shutdown_timeout(std::time::Duration::from_millis(100));
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("wicketgate: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command.unwrap_or_else(|| Command::Up(Box::default())) {
        Command::Up(options) => up::run(*options).await?,
        Command::Service(Service::Gateway {
            tool: Some(tool), ..
        }) => {
            return microgateway::run(tool).await;
        }
        Command::Service(service) => single::run(service).await?,
        Command::Admin(command) => admin::run(command).await?,
        Command::Config(command) => return tools::config(command).await,
        Command::Health(options) => return health::run(*options).await,
        Command::Init { folder } => tools::init(&folder)?,
        Command::Keys(command) => tools::keys(command)?,
        Command::Mail(command) => tools::mail(command).await?,
        Command::Import(command) => import::run(*command).await?,
        Command::Data(command) => data::run(command).await?,
        Command::Listen(options) => listen::run(*options).await?,
        Command::Backup(options) => backup::backup(options).await?,
        Command::Restore(options) => backup::restore(options).await?,
        Command::Doctor(options) => return doctor::run(*options).await,
        Command::Completions { shell } => tools::completions(shell),
        Command::Man { out } => tools::man(out.as_deref())?,
    }
    Ok(ExitCode::SUCCESS)
}
