//! What is sealed with the other master key during a rotation is sealed anew.

use migrations::Sealed;
use service::keys::Purpose;
use tokio_util::sync::CancellationToken;

use crate::state::AppState;

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
    let reseal = || reseal(&state);
    state.settings.keys.keep_resealing(reseal, shutdown).await;
}

async fn reseal(state: &AppState) -> anyhow::Result<u64> {
    let key = state.settings.keys.derive(&Purpose::Credential)?;
    let mut count = 0;
    for sealed in &SEALED {
        let reseal = |id: &str, value: &str| key.reseal(value, (sealed.context)(id).as_bytes());
        count += sealed.reseal(&state.database, &key.mark(), reseal).await?;
    }
    Ok(count)
}
