//! `wicketgate import`: takes over the data of a wicked installation.

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::{Context, bail};
use config::Environment;
use portal_api::import::{self, Options, Prefixes};
use service::settings;

use crate::{cli::Import, keys, say, source, up};

pub async fn run(command: Import) -> anyhow::Result<()> {
    let wicked = import::Source::parse(&command.from).context("--from")?;
    let options = Options {
        dry_run: command.dry_run,
        skip_unreadable: command.skip_unreadable,
        prefixes: Prefixes {
            known: prefixes(&command.auth_method)?,
            default: command.default_auth_method,
        },
    };
    let place = command.place;
    keys::prepare_folder(&place.data)?;
    let keys = keys::from_environment_or_file(&place.data)?;
    let origin = source::origin(place.config.as_deref(), &place.data)?;
    let environment = Environment::new(settings::all());
    let configuration = source::start(&origin, &environment).await?.configuration;
    let target = up::database(&place.data, "portal-api.db")?;
    say!("Importing into {target}");
    let report = import::run(&wicked, &options, target, keys, configuration).await?;
    say::text(&report);
    if let Some(file) = command.report {
        write(&file, &report)?;
    }
    say!(
        "{}",
        if command.dry_run {
            "This was a dry run: nothing was stored."
        } else {
            "Done."
        }
    );
    Ok(())
}

fn write(file: &PathBuf, report: &import::Report) -> anyhow::Result<()> {
    fs::write(file, report.to_json()).with_context(|| format!("cannot write {}", file.display()))
}

fn prefixes(texts: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
    let pair = |text: &String| match text.split_once('=') {
        Some((old, new)) if !old.is_empty() && !new.is_empty() => {
            Ok((old.to_owned(), new.to_owned()))
        }
        _ => bail!("--auth-method {text}: write OLD=NEW"),
    };
    texts.iter().map(pair).collect()
}
