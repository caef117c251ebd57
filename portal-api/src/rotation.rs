//! The master key is exchanged while everything goes on (`docs/operations.md`): the look-up key of
//! credentials stays what it was, and what is sealed with the other master key is sealed anew.

use anyhow::Context;
use migrations::{Database, Sealed};
use service::keys::{Keys, Purpose};
use tokio_util::sync::CancellationToken;

use crate::{AppState, master_key, meta};

const LOOKUP: &str = "credential-lookup";

/// Takes the look-up key of this database. Digests are all that is known of credentials, so it
/// outlives the master key from which it was derived at first.
pub async fn take_lookup_key(db: &Database, keys: &Keys) -> anyhow::Result<()> {
    let sealing = keys.derive(&Purpose::Credential)?;
    let derived = keys.derive_anew(&Purpose::CredentialLookup)?;
    let txn = db.write().await?;
    // A database from before this was made with the older of the two master keys; which that is,
    // its check value tells.
    let first = match derived.previous() {
        Some(previous) if !master_key::is_current(&txn, &sealing).await? => previous,
        _ => derived.bytes(),
    };
    let sealed = sealing.seal(first, LOOKUP.as_bytes());
    meta::set_once(&txn, LOOKUP, &sealed).await?;
    let stored = meta::get(&txn, LOOKUP).await?;
    txn.commit().await?;
    let stored = stored.context("the look-up key of credentials has vanished")?;
    let plain = sealing.open(&stored, LOOKUP.as_bytes());
    let plain = plain.context("the look-up key of credentials")?;
    let key = <[u8; 32]>::try_from(plain).ok();
    keys.look_up_with(key.context("the look-up key of credentials is damaged")?);
    Ok(())
}

/// What is sealed, and with which key.
const SEALED: [(Sealed, Purpose); 6] = [
    (sealed("credentials", "id", "sealed"), Purpose::Credential),
    (
        sealed("listener_secrets", "id", "sealed"),
        Purpose::ListenerSecret,
    ),
    (HEADERS, Purpose::ListenerSecret),
    (sealed("events", "id", "sealed"), Purpose::EventData),
    (
        sealed("verifications", "digest", "sealed_id"),
        Purpose::EventData,
    ),
    (sealed("meta", "name", "value"), Purpose::Credential),
];

const HEADERS: Sealed = Sealed {
    context: of_headers,
    ..sealed("listeners", "id", "sealed_headers")
};

/// Bound to its row.
const fn sealed(table: &'static str, id: &'static str, column: &'static str) -> Sealed {
    Sealed {
        table,
        id,
        column,
        context: str::to_owned,
    }
}

fn of_headers(listener: &str) -> String {
    format!("headers/{listener}")
}

/// Works while there are two master keys, until `shutdown`.
pub async fn run(state: AppState, shutdown: CancellationToken) {
    let reseal = || reseal(&state);
    state.keys.keep_resealing(reseal, shutdown).await;
}

/// The check value is in the last of them: as long as it is of the other key, no instance starts
/// without that.
async fn reseal(state: &AppState) -> anyhow::Result<u64> {
    let mut count = 0;
    for (sealed, purpose) in &SEALED {
        let key = state.keys.derive(purpose)?;
        let reseal = |id: &str, value: &str| key.reseal(value, (sealed.context)(id).as_bytes());
        count += sealed.reseal(&state.db, &key.mark(), reseal).await?;
    }
    Ok(count)
}
