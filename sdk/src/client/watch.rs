//! Hearing of new configuration.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Client;

const POLL: Duration = Duration::from_secs(10);
/// While nothing is known, or the news could not be used.
const FIRST_POLL: Duration = Duration::from_secs(1);

/// Tells when another configuration is in force at portal-api.
#[derive(Debug)]
pub struct ConfigurationWatch {
    client: Client,
    known: Option<String>,
    asked: bool,
}

impl Client {
    /// A watch that knows no configuration yet, so the present one is its first news.
    pub fn watch_configuration(&self) -> ConfigurationWatch {
        ConfigurationWatch {
            client: self.clone(),
            known: None,
            asked: false,
        }
    }
}

impl ConfigurationWatch {
    /// Waits for another configuration. Returns false when `shutdown` came first.
    pub async fn changed(&mut self, shutdown: &CancellationToken) -> bool {
        loop {
            if self.asked {
                let pause = if self.known.is_none() {
                    FIRST_POLL
                } else {
                    POLL
                };
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = shutdown.cancelled() => return false,
                }
            }
            self.asked = true;
            match self.client.config_hash().await {
                Ok(hash) if self.known.as_ref() != Some(&hash) => {
                    self.known = Some(hash);
                    return !shutdown.is_cancelled();
                }
                Ok(_) => {}
                Err(error) => tracing::debug!("the configuration hash cannot be read: {error}"),
            }
        }
    }

    /// The news could not be used; it is told again after a while.
    pub fn again(&mut self) {
        self.known = None;
    }
}
