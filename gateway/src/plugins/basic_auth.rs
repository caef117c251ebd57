pub mod rehash;

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, StatusCode, header::AUTHORIZATION};
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::{
    Verdict,
    authentication::{self, Credential},
    password,
};
use crate::{
    live::BasicEntry,
    proxy::{Answer, Exchange},
    worker::Worker,
};

#[derive(Deserialize)]
pub struct Config {
    hide_credentials: bool,
    anonymous: Option<String>,
    realm: String,
}

/// A client shows a name and a password.
pub struct BasicAuth {
    hide_credentials: bool,
    anonymous: Option<String>,
    challenge: HeaderValue,
}

/// Passwords that are checked at a time, all workers together. Checking is slow on purpose, so
/// whoever guesses must not get all cores.
static CHECKS: Semaphore = Semaphore::const_new(4);
/// Requests that wait for a check.
const MAX_WAITING: usize = 256;
static WAITING: Semaphore = Semaphore::const_new(MAX_WAITING);

impl BasicAuth {
    pub fn new(config: Config) -> Result<Self, String> {
        Ok(Self {
            challenge: authentication::challenge("Basic", Some(&config.realm))?,
            hide_credentials: config.hide_credentials,
            anonymous: config.anonymous,
        })
    }

    pub async fn access(&self, exchange: &mut Exchange<'_>, worker: &Worker) -> Verdict {
        let anonymous = self.anonymous.as_deref();
        if authentication::is_satisfied(exchange, anonymous) {
            return Verdict::Continue;
        }
        let shown = [
            exchange.proxy_authorization.as_ref(),
            exchange.head.headers.get(AUTHORIZATION),
        ];
        let shown = shown.into_iter().flatten().find_map(credentials);
        let is_there = exchange.proxy_authorization.is_some()
            || exchange.head.headers.contains_key(AUTHORIZATION);
        let Some((username, password)) = shown else {
            let message = if is_there {
                "Unauthorized"
            } else {
                "No credentials found in request"
            };
            let answer = authentication::unauthorized(message, &self.challenge);
            return authentication::refuse(exchange, worker, anonymous, answer);
        };
        let directory = &worker.live().directory;
        let entry = directory.basic(&username);
        let accepted = match check(entry.as_ref(), password, worker).await {
            Ok(fits) => fits,
            Err(answer) => return answer.into(),
        };
        let consumer = entry
            .filter(|_| accepted)
            .and_then(|entry| Some((directory.consumer(entry.consumer)?, entry)));
        let Some((consumer, entry)) = consumer else {
            let answer = authentication::unauthorized("Unauthorized", &self.challenge);
            return authentication::refuse(exchange, worker, anonymous, answer);
        };
        if self.hide_credentials {
            exchange.head.headers.remove(AUTHORIZATION);
        }
        let credential = Credential {
            id: entry.id,
            identifier: entry.identifier(),
        };
        authentication::accept(exchange, consumer, credential);
        Verdict::Continue
    }
}

/// Name and password of a header.
fn credentials(value: &HeaderValue) -> Option<(String, Vec<u8>)> {
    let (scheme, encoded) = value.to_str().ok()?.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let username = String::from_utf8(decoded[..colon].to_vec()).ok()?;
    let password = decoded[colon + 1..].to_vec();
    (!username.is_empty() && password.len() <= password::MAX_LENGTH).then_some((username, password))
}

/// Whether the password is right. A name that nobody has takes as long as a wrong password; a
/// password that was right before is known by its digest.
async fn check(
    entry: Option<&Arc<BasicEntry>>,
    password: Vec<u8>,
    worker: &Worker,
) -> Result<bool, Answer> {
    let digest = worker.live().directory.digest(&password);
    if entry.is_some_and(|entry| entry.proven.get() == Some(&digest)) {
        return Ok(true);
    }
    let busy = || {
        let message = "Too many passwords to check at a time";
        Answer::new(StatusCode::SERVICE_UNAVAILABLE, message)
    };
    let _place = WAITING.try_acquire().map_err(|_| busy())?;
    let _turn = CHECKS.acquire().await.map_err(|_| busy())?;
    let owned = entry.cloned();
    let (fits, rehashed) = tokio::task::spawn_blocking(move || {
        let Some(entry) = owned else {
            password::waste_time(&password);
            return (false, None);
        };
        let fits = entry.password.fits(&password);
        let is_weak = fits && entry.password.is_of_kong();
        let text = std::str::from_utf8(&password).ok().filter(|_| is_weak);
        (fits, text.map(password::hash))
    })
    .await
    .map_err(|_| Answer::internal_error())?;
    if fits && let Some(entry) = entry {
        let _ = entry.proven.set(digest);
        if let Some(hash) = rehashed {
            let _ = worker.shared.rehashed.try_send((entry.id, hash));
        }
    }
    Ok(fits)
}
