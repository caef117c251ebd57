use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, bail};
use kong::usage::Batch;
use reqwest::StatusCode;
use service::{backoff::Backoff, keys::Purpose, settings};
use url::Url;

use crate::{cli::Upload, keys};

/// How often a batch is sent before we give up.
const ATTEMPTS: usize = 5;
const TIMEOUT: Duration = Duration::from_secs(30);

/// `wicketgate gateway upload`: each batch of the files, once and for all: the adapter counts a
/// batch that it knows already only once.
pub async fn upload(options: Upload) -> anyhow::Result<ExitCode> {
    service::http::install_crypto();
    let token = token(&options)?;
    let url = intake(options.to);
    let files = files(&options.files)?;
    if files.is_empty() {
        bail!("there is no file of usage records (`*.jsonl`)");
    }
    let (mut batches, mut records) = (0_usize, 0_usize);
    for path in &files {
        let (path_of_reading, reading) = (path.clone(), path.display());
        let read = tokio::task::spawn_blocking(move || read(&path_of_reading));
        let (found, is_whole) = read.await?.with_context(|| format!("`{reading}`"))?;
        for batch in &found {
            send(&url, &token, batch).await.with_context(|| {
                format!("`{reading}`; {batches} batches were taken, and can be sent again")
            })?;
            batches += 1;
            records += batch.records.len();
        }
        if !is_whole {
            eprintln!("`{reading}`: its last line is not whole; upload it again later");
        } else if options.remove {
            fs::remove_file(path).with_context(|| format!("cannot remove `{reading}`"))?;
        }
    }
    say!(
        "{records} calls in {batches} batches of {} files",
        files.len()
    );
    Ok(ExitCode::SUCCESS)
}

fn token(options: &Upload) -> anyhow::Result<String> {
    if let Some(token) = settings::secret("WICKETGATE_USAGE_TOKEN")? {
        return Ok(token);
    }
    let keys = keys::find(&options.keys.data)?.context(
        "the adapter asks for proof: set WICKETGATE_USAGE_TOKEN, or WICKETGATE_DERIVED_KEYS to \
         what `wicketgate keys derive --for gateway-adapter` prints",
    )?;
    Ok(keys.derive(&Purpose::UsageIntake)?.base64url())
}

/// `URL` may be the adapter's address or that of its intake.
fn intake(mut url: Url) -> Url {
    if !url.path().ends_with("/usage") {
        let path = format!("{}/usage", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    url
}

/// The files, and those of the folders, oldest first.
fn files(named: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in named {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        let entries = fs::read_dir(path).with_context(|| format!("`{}`", path.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "jsonl")
            {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The batches of a file, and whether that is all. The last line of a file that is being written
/// may be half of one.
fn read(path: &Path) -> anyhow::Result<(Vec<Batch>, bool)> {
    let mut reader = BufReader::new(File::open(path)?);
    let (mut batches, mut line) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok((batches, true));
        }
        if line.last() != Some(&b'\n') {
            return Ok((batches, false));
        }
        let number = batches.len() + 1;
        let batch = serde_json::from_slice(&line).with_context(|| format!("line {number}"))?;
        batches.push(batch);
    }
}

async fn send(url: &Url, token: &str, batch: &Batch) -> anyhow::Result<()> {
    let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));
    for attempt in 1.. {
        let request = service::http::client().post(url.clone()).timeout(TIMEOUT);
        let sent = request.bearer_auth(token).json(batch).send().await;
        let reason = match sent {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) if answer.status() == StatusCode::UNAUTHORIZED => {
                bail!("the adapter does not know the token");
            }
            Ok(answer)
                if answer.status().is_client_error()
                    && answer.status() != StatusCode::TOO_MANY_REQUESTS =>
            {
                bail!("the adapter refuses it: {}", answer.status());
            }
            Ok(answer) => answer.status().to_string(),
            Err(error) => error.without_url().to_string(),
        };
        if attempt == ATTEMPTS {
            bail!("the adapter does not take it: {reason}");
        }
        backoff.wait().await;
    }
    Ok(())
}
