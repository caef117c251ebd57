//! The order to stop.

use std::time::Duration;

use service::health::Readiness;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Cancels the returned token at the first Ctrl-C or SIGTERM. A second one ends the process at
/// once, for whoever does not want to wait for running requests.
pub fn shutdown() -> anyhow::Result<CancellationToken> {
    shutdown_after(Duration::ZERO, Readiness::new())
}

/// As [`shutdown`], but after SIGTERM the service goes on for `delay` and is not ready meanwhile, so
/// that whatever distributes requests sends them elsewhere.
pub fn shutdown_after(delay: Duration, readiness: Readiness) -> anyhow::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let token = CancellationToken::new();
    let shutdown = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {
                readiness.stopping();
                tokio::select! {
                    _ = interrupt.recv() => {}
                    () = tokio::time::sleep(delay) => {}
                }
            }
        }
        tracing::info!("stopping; running requests may finish");
        shutdown.cancel();
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        std::process::exit(130);
    });
    Ok(token)
}
