//! What is sealed with the other master key during a rotation is sealed anew.

use std::time::Duration;

use migrations::Sealed;
use service::keys::Purpose;
use tokio_util::sync::CancellationToken;

use crate::state::AppState;

/// Other instances may still seal with the other key until they are started anew.
const INTERVAL: Duration = Duration::from_secs(20);

const SEALED: [Sealed; 2] = [
    Sealed {
        table: "auth_totp",
        id: "user_id",
        column: "secret",
        context: str::to_owned,
    },
    Sealed {
        table: "auth_keys",
        id: "kid",
        column: "private_key",
        context: crate::keys::context,
    },
];

/// Works while there are two master keys, until `shutdown`.
pub async fn run(state: AppState, shutdown: CancellationToken) {
    if !state.settings.keys.are_rotated() {
        return;
    }
    let mut is_told = false;
    loop {
        match reseal(&state).await {
            Ok(0) if !is_told => {
                is_told = true;
                tracing::info!("nothing in the database is sealed with the other master key");
            }
            Ok(0) => {}
            Ok(count) => {
                is_told = false;
                tracing::info!("{count} values are sealed with the current master key now");
            }
            Err(error) => tracing::warn!("sealed values keep their master key for now: {error:#}"),
        }
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

async fn reseal(state: &AppState) -> anyhow::Result<u64> {
    let key = state.settings.keys.derive(&Purpose::Credential)?;
    let mut count = 0;
    for sealed in &SEALED {
        let reseal = |id: &str, value: &str| {
            let context = (sealed.context)(id);
            let plain = key.open(value, context.as_bytes()).ok()?;
            Some(key.seal(&plain, context.as_bytes()))
        };
        count += sealed.reseal(&state.database, &key.mark(), reseal).await?;
    }
    Ok(count)
}
