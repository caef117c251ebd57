//! Asking every part, all at the same time.

use std::time::Duration;

use futures_util::future::join_all;
use sdk::types::health::Health;
use serde::Deserialize;
use service::{health::Readiness, http::read_at_most};
use tokio_util::sync::CancellationToken;

use crate::{AppState, events};

const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_ANSWER: usize = 64 << 10;

/// A part and where it answers.
struct Target {
    name: String,
    url: String,
    /// What may not be asked has none.
    client: Option<reqwest::Client>,
    /// Why it does not get anything at the moment.
    disabled: Option<String>,
    pending_events: i64,
    dead_events: i64,
}

/// What a part says of itself; everything is optional, parts differ.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Answer {
    message: Option<String>,
    uptime: Option<f64>,
    healthy: Option<serde_json::Value>,
    error: Option<String>,
    version: Option<String>,
    git_branch: Option<String>,
    git_last_commit: Option<String>,
    build_date: Option<String>,
}

/// Asks all parts every `interval` until `shutdown`; zero switches it off.
pub async fn run(state: AppState, own: Readiness, interval: Duration, shutdown: CancellationToken) {
    if interval.is_zero() {
        return;
    }
    loop {
        match round(&state, &own).await {
            Ok(entries) => state.health.replace(entries),
            Err(error) => tracing::warn!(%error, "cannot read the listeners for the health checks"),
        }
        tokio::select! {
            () = tokio::time::sleep(interval) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// Order of the entries: portal, gateway, auth server, this service, listeners.
async fn round(state: &AppState, own: &Readiness) -> Result<Vec<Health>, sea_orm::DbErr> {
    let neighbours = &state.neighbours;
    let target = |name: &str, url: String| Target {
        name: name.to_owned(),
        url,
        client: Some(service::http::client()),
        disabled: None,
        pending_events: -1,
        dead_events: 0,
    };
    let mut targets = vec![
        target("portal", format!("{}ping", neighbours.portal)),
        target("kong", format!("{}ping-portal", neighbours.gateway)),
        target("auth", format!("{}ping", neighbours.auth_server)),
    ];
    let lengths = events::queue::lengths(state.db.read()).await?;
    let dead = events::queue::dead::counts(state.db.read()).await?;
    for listener in events::listeners::store::list(state.db.read()).await? {
        // Nobody can reach those who only ask.
        if listener.url.is_empty() {
            continue;
        }
        let given_up = dead.iter().find(|one| one.listener_id == listener.id);
        let pending = lengths.iter().find(|one| one.listener_id == listener.id);
        targets.push(Target {
            url: events::health_url(&listener.url),
            client: state.doors.client(&listener).ok(),
            name: listener.id,
            disabled: (!listener.enabled).then(|| {
                listener
                    .disabled_reason
                    .unwrap_or_else(|| "paused".to_owned())
            }),
            pending_events: pending.map_or(0, |one| one.events),
            dead_events: given_up.map_or(0, |one| one.events),
        });
    }
    let mut entries = join_all(targets.iter().map(ask)).await;
    entries.insert(3, own_entry(own));
    Ok(entries)
}

fn own_entry(own: &Readiness) -> Health {
    Health {
        name: "api".to_owned(),
        message: "Up and running".to_owned(),
        uptime: own.uptime_seconds().cast_signed(),
        healthy: 1,
        ping_url: String::new(),
        pending_events: -1,
        dead_events: 0,
        error: None,
        version: Some(service::VERSION.to_owned()),
        git_branch: None,
        git_last_commit: None,
        build_date: None,
        gateway: None,
    }
}

async fn ask(target: &Target) -> Health {
    let mut entry = Health {
        name: target.name.clone(),
        message: String::new(),
        uptime: -1,
        healthy: 0,
        ping_url: target.url.clone(),
        pending_events: target.pending_events,
        dead_events: target.dead_events,
        error: None,
        version: None,
        git_branch: None,
        git_last_commit: None,
        build_date: None,
        gateway: None,
    };
    if let Some(reason) = &target.disabled {
        entry.message = format!("Switched off: {reason}. Events wait.");
        entry.error = Some(reason.clone());
        return entry;
    }
    let Some(client) = &target.client else {
        let reason = "its address is not allowed any more";
        entry.message = format!("Cannot be asked: {reason}.");
        entry.error = Some(reason.to_owned());
        return entry;
    };
    let request = client.get(&target.url).timeout(TIMEOUT);
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => {
            let reason = if error.is_timeout() {
                "no answer in time"
            } else {
                "cannot connect"
            };
            entry.message = format!("Does not answer: {reason}.");
            entry.error = Some(reason.to_owned());
            return entry;
        }
    };
    let status = answer.status();
    let body = read_at_most(answer, MAX_ANSWER).await.unwrap_or_default();
    let said: Answer = serde_json::from_slice(&body).unwrap_or_default();
    entry.healthy = said
        .healthy
        .as_ref()
        .map_or(u8::from(status.is_success()), healthy);
    entry.message = said
        .message
        .unwrap_or_else(|| format!("Answered {status}."));
    #[expect(
        clippy::cast_possible_truncation,
        reason = "seconds of uptime are far below 2^53"
    )]
    let uptime = said.uptime.map_or(-1, |seconds| seconds as i64);
    entry.uptime = uptime;
    entry.error = said
        .error
        .or_else(|| (!status.is_success()).then(|| format!("answered {status}")));
    // The gateway passes on the portal's answer, whose version is not the gateway's.
    if target.name != "kong" {
        entry.version = said.version;
        entry.git_branch = said.git_branch;
        entry.git_last_commit = said.git_last_commit;
        entry.build_date = said.build_date;
    }
    entry
}

/// Parts report `true`, `false` or a number.
fn healthy(value: &serde_json::Value) -> u8 {
    match value {
        serde_json::Value::Bool(healthy) => u8::from(*healthy),
        other => other
            .as_u64()
            .and_then(|number| u8::try_from(number).ok())
            .unwrap_or(0)
            .min(2),
    }
}
