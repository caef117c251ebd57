//! The work beside the requests: reading what Kong has, and deleting there what ended here.

use std::{sync::atomic::Ordering, time::Duration};

use service::backoff::Backoff;
use tokio_util::sync::CancellationToken;

use crate::{state::AppState, tokens::TokenMode};

use super::{KongError, adoption, store};

/// How long a token outlives its authorization at Kong, at most, while Kong can be reached.
const ROUND: Duration = Duration::from_secs(1);
/// Between two tries while it cannot.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Tokens per look at the table.
const BATCH: u64 = 100;

/// Why a round of this work failed.
#[derive(Debug, thiserror::Error)]
pub enum TendError {
    #[error(transparent)]
    Kong(#[from] KongError),
    #[error("the database failed: {0}")]
    Database(#[from] sea_orm::DbErr),
    #[error("portal-api failed: {0}")]
    PortalApi(#[from] crate::portal_api::PortalApiError),
}

/// Runs until `shutdown`; idle in other token modes.
pub async fn tend(state: AppState, shutdown: CancellationToken) {
    let mut pauses = pauses();
    let mut pause = Duration::ZERO;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.cancelled() => return,
        }
        if state.configuration().mode != TokenMode::KongOauth2 {
            continue;
        }
        pause = match round(&state).await {
            Ok(()) => {
                pauses = self::pauses();
                ROUND
            }
            Err(error) => {
                tracing::warn!("tokens at Kong could not be looked after, trying again: {error}");
                pauses.next_delay()
            }
        };
    }
}

const fn pauses() -> Backoff {
    Backoff::new(ROUND, LONGEST_PAUSE)
}

async fn round(state: &AppState) -> Result<(), TendError> {
    if !state.kong.knows_all() {
        let adopted = adoption::adopt(state).await?;
        state.kong.is_read.store(true, Ordering::Release);
        tracing::info!(adopted, "the tokens that Kong has are known");
    }
    sweep(state).await
}

/// Deletes at Kong what has ended here.
pub async fn sweep(state: &AppState) -> Result<(), TendError> {
    let admin = state.kong.admin(&state.configuration().kong);
    loop {
        let ids = store::ended(state.database.read(), BATCH).await?;
        if ids.is_empty() {
            return Ok(());
        }
        let mut deleted = Vec::new();
        let mut failed = None;
        for id in ids {
            match admin.delete_oauth2_token(id).await {
                Ok(()) => deleted.push(id),
                Err(error) => {
                    failed = Some(KongError::from(error));
                    break;
                }
            }
        }
        let txn = state.database.write().await?;
        store::delete(&txn, &deleted).await?;
        txn.commit().await?;
        if let Some(error) = failed {
            return Err(error.into());
        }
    }
}
