use std::{fmt, time::Duration};

use tokio_util::sync::CancellationToken;

use super::Keys;

/// Other instances may still seal with the other key until they are started anew.
const INTERVAL: Duration = Duration::from_secs(20);

impl Keys {
    /// Calls `reseal`, which seals anew what is not of the current key and answers how much that was,
    /// again and again until `shutdown`; only while there are two master keys.
    pub async fn keep_resealing<E: fmt::Display, F: Future<Output = Result<u64, E>>>(
        &self,
        reseal: impl Fn() -> F,
        shutdown: CancellationToken,
    ) {
        if !self.are_rotated() {
            return;
        }
        let mut is_told = false;
        loop {
            match reseal().await {
                Ok(0) if !is_told => {
                    is_told = true;
                    tracing::info!("nothing in the database is sealed with the other master key");
                }
                Ok(0) => {}
                Ok(count) => {
                    is_told = false;
                    tracing::info!("{count} values are sealed with the current master key now");
                }
                Err(error) => {
                    tracing::warn!("sealed values keep their master key for now: {error:#}");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }
}
