//! `wicketgate doctor`: looks at all that an installation needs on this machine, changes nothing, and
//! says what to do.

mod certificates;
mod clocks;
mod databases;
mod finding;
mod folder;
mod neighbours;

use std::{process::ExitCode, sync::Arc};

use config::Configuration;
use service::keys::{Keys, MasterKey};

use crate::{cli::Up, keys, neighbours::Neighbours, source, up};
use clocks::Clocks;
use finding::{Finding, Level};

/// Prints what is found; the exit code is 1 if something is wrong.
pub async fn run(options: Up) -> anyhow::Result<ExitCode> {
    service::http::install_crypto();
    let version = format!(
        "wicketgate {} on {}",
        service::VERSION,
        std::env::consts::ARCH
    );
    let mut findings = vec![Finding::good("program", version)];
    let mut clocks = Clocks::default();
    findings.extend(folder::check(&options.data));
    let (configuration, found) = configuration(&options).await;
    findings.push(found);
    findings.extend(databases::check(&options.data, &mut clocks).await);
    findings.extend(neighbours::check(&options).await);
    if let Some(configuration) = configuration {
        let network = &configuration.globals.network;
        findings.extend(certificates::check(network, &mut clocks).await);
    }
    findings.push(clocks.check());
    for finding in &findings {
        say!("{finding}");
    }
    let count = |level| findings.iter().filter(|one| one.level == level).count();
    let (bad, odd) = (count(Level::Bad), count(Level::Odd));
    say!("\n{bad} wrong, {odd} to look at.");
    Ok(if bad == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The configuration that a start would take.
async fn configuration(options: &Up) -> (Option<Arc<Configuration>>, Finding) {
    const WHAT: &str = "configuration";
    let read = async {
        let origin = source::origin(options.config.as_deref(), &options.data)?;
        // Nothing is kept that depends on the key, so any will do where there is none.
        let found = keys::find(&options.data).ok().flatten();
        let keys = found.unwrap_or_else(|| Keys::from_master(MasterKey::generate()));
        let neighbours = Neighbours::local(&options.ports, options.listen);
        let environment = up::environment(options, &origin, &neighbours, &keys)?;
        source::start(&origin, &environment).await
    };
    let start = match read.await {
        Ok(start) => start,
        Err(error) => {
            let advice = "correct it; `wicketgate config check DIR` says the same about a folder";
            return (None, Finding::bad(WHAT, format!("{error:#}"), advice));
        }
    };
    let configuration = start.configuration;
    let notices = configuration.notices.len();
    let text = format!("{}: {notices} warnings", configuration.source);
    let finding = match start.trouble {
        Some(trouble) => Finding::bad(
            WHAT,
            format!("an earlier one would be served: {trouble}"),
            "correct the newest one, or make the repository reachable",
        ),
        None if notices > 0 => Finding::odd(
            WHAT,
            text,
            "`wicketgate config check DIR` and the log of portal-api list them",
        ),
        None => Finding::good(WHAT, text),
    };
    (Some(configuration), finding)
}
