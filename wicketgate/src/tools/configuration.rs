//! `wicketgate config` and `wicketgate init`: work on configuration folders.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use config::{Configuration, Environment, crypto::ConfigKey, sample, schema};
use service::settings;
use ui::{Base, texts::own};

use crate::{
    cli::{Config, Value},
    say,
};

/// `wicketgate config`
pub async fn config(command: Config) -> anyhow::Result<ExitCode> {
    match command {
        Config::Check { folder } => return check(folder).await,
        Config::Schema { name, out } => match (name, out) {
            (Some(name), _) => print_schema(&name)?,
            (None, Some(folder)) => write_schemas(&folder)?,
            (None, None) => print_schemas(),
        },
        Config::Texts { language } => {
            let base = if language == "de" { Base::De } else { Base::En };
            say!("{:#}", own::written(base));
        }
        Config::Encrypt(given) => say!("{}", key(&given)?.encrypt(&value(&given)?)),
        Config::Decrypt(given) => say!("{}", key(&given)?.decrypt(&value(&given)?)?),
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints everything that is wrong with a folder.
async fn check(folder: PathBuf) -> anyhow::Result<ExitCode> {
    let environment = Environment::new(settings::all());
    let name = folder.display().to_string();
    let checking = tokio::task::spawn_blocking(move || Configuration::check(&folder, &environment));
    let problems = checking.await?;
    if problems.is_empty() {
        say!("{name}: no problems.");
    } else {
        say!("{problems}");
    }
    Ok(if problems.refuse() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn print_schema(name: &str) -> anyhow::Result<()> {
    let Some(schema) = schema::ALL.iter().find(|schema| schema.name == name) else {
        let names: Vec<_> = schema::ALL.iter().map(|schema| schema.name).collect();
        bail!(
            "there is no schema `{name}`; possible are {}",
            names.join(", ")
        );
    };
    say::text(schema.text);
    Ok(())
}

/// One object, schema by name.
fn print_schemas() {
    let entries: Vec<_> = schema::ALL
        .iter()
        .map(|schema| format!("\"{}\": {}", schema.name, schema.text.trim_end()))
        .collect();
    say!("{{{}}}", entries.join(",\n"));
}

fn write_schemas(folder: &Path) -> anyhow::Result<()> {
    let failed = || format!("cannot write into {} (--out)", folder.display());
    fs::create_dir_all(folder).with_context(failed)?;
    for schema in schema::ALL {
        let file = folder.join(format!("{}.schema.json", schema.name));
        fs::write(file, schema.text).with_context(failed)?;
    }
    Ok(())
}

/// `PORTAL_CONFIG_KEY`, else the key file of the folder.
fn key(given: &Value) -> anyhow::Result<ConfigKey> {
    if let Some(key) = settings::secret("PORTAL_CONFIG_KEY")?.and_then(ConfigKey::new) {
        return Ok(key);
    }
    let Some(folder) = &given.config else {
        bail!("no key: set PORTAL_CONFIG_KEY, or name a configuration folder with --config");
    };
    let found = ConfigKey::in_folder(folder)
        .with_context(|| format!("cannot read {} (--config)", folder.display()))?;
    found.with_context(|| format!("{} has no key file (*envkey)", folder.display()))
}

/// The argument, else standard input without its last line end.
fn value(given: &Value) -> anyhow::Result<String> {
    if let Some(value) = &given.value {
        return Ok(value.clone());
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .context("standard input is no text")?;
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}

/// `wicketgate init`
pub fn init(folder: &Path) -> anyhow::Result<()> {
    sample::init(folder).with_context(|| format!("cannot write into {}", folder.display()))?;
    say!(
        "Wrote the sample configuration to {0}/static. Try it: wicketgate up --config {0}\n\
         Keep {0}/static/deploy.envkey, the key of its encrypted values, apart from git.",
        folder.display()
    );
    Ok(())
}
