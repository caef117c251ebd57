//! The application log: one line per event on standard output.

use std::{
    io::{self, IsTerminal},
    sync::OnceLock,
};

use tracing_subscriber::{EnvFilter, Registry, fmt, prelude::*, reload};

use crate::settings;

/// Switches logging on. `LOG_LEVEL` takes `debug`, `info`, `warn`, `error` or a filter such as
/// `info,portal_api=debug`; `LOG_PLAIN` chooses readable text (default on a terminal) or JSON.
/// Calling it twice is harmless: tests do.
///
/// `default` holds without `LOG_LEVEL`; the line per request has the target `access`.
pub fn init(default: &str) {
    let level = settings::var("LOG_LEVEL").unwrap_or_else(|| default.to_owned());
    let filter = filter(&level).unwrap_or_else(|_| EnvFilter::new("info"));
    let (filter, handle) = reload::Layer::new(filter);
    let _ = FILTER.set(handle);
    let plain = settings::var("LOG_PLAIN")
        .map_or_else(|| io::stdout().is_terminal(), |value| value != "false");
    let registry = tracing_subscriber::registry().with(filter);
    // Fails only if a subscriber is installed already, which is fine.
    let _ = if plain {
        let colours = io::stdout().is_terminal();
        registry
            .with(fmt::layer().with_target(false).with_ansi(colours).compact())
            .try_init()
    } else {
        registry
            .with(
                fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_span_list(false),
            )
            .try_init()
    };
}

/// Of the process, so that its level can change while it runs.
static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Libraries speak up only for warnings, whatever level we run at.
fn filter(level: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(format!(
        "{level},sqlx=warn,hyper=warn,h2=warn,reqwest=warn,sea_orm_migration=warn"
    ))
    .map_err(|error| error.to_string())
}

/// Logs by this level or filter from now on.
pub fn set_level(level: &str) -> Result<(), String> {
    let filter = filter(level)?;
    let handle = FILTER.get().ok_or("this process does not log")?;
    handle.reload(filter).map_err(|error| error.to_string())
}
