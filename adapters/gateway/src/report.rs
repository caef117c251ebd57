//! Telling portal-api what is in force on the gateway: the newest state, at most once a second.

use std::time::Duration;

use sdk::{Client, types::gateway::GatewayStatus};
use tokio::sync::watch;

const PAUSE: Duration = Duration::from_secs(1);

pub async fn run(portal: Client, mut status: watch::Receiver<GatewayStatus>) {
    let portal = portal.with_patience(Duration::ZERO);
    let mut again = false;
    loop {
        if !again && status.changed().await.is_err() {
            return;
        }
        let current = status.borrow_and_update().clone();
        again = match portal.put_gateway_status(&current).await {
            Ok(()) => false,
            Err(error) => {
                tracing::debug!("the gateway's status was not taken: {error}");
                error.is_temporary()
            }
        };
        tokio::time::sleep(PAUSE).await;
    }
}
