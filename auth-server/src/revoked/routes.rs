//! `GET {B}/oauth2/revocations`: what those read who check tokens without asking.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode, header};
use sea_orm::DbErr;
use serde::Deserialize;
use service::{problem::Problem, revocations::Feed};
use tokio::time::Instant;

use crate::state::AppState;

use super::store;

/// How long a reader is kept waiting for something new.
const WAIT: Duration = Duration::from_secs(25);
/// How often is looked meanwhile. Another instance may have written it, so the database is asked.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Below the base path.
pub fn routes() -> Router<AppState> {
    Router::new().route("/oauth2/revocations", get(revocations))
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: i64,
}

/// `GET {B}/oauth2/revocations?after=<seq>`, for services.
async fn revocations(
    State(state): State<AppState>,
    headers: HeaderMap,
    after: Result<Query<After>, QueryRejection>,
) -> Response {
    if !is_of_service(&state, &headers) {
        let text = "Only services with their token may read this.";
        return Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", text).into_response();
    }
    let after = match after {
        Ok(Query(After { after })) if after >= 0 => after,
        _ => {
            let text = "`after` has to be a number, the `seq` of the answer before.";
            return Problem::invalid("after", "type", text).into_response();
        }
    };
    match until_news(&state, after).await {
        Ok(feed) => ([(header::CACHE_CONTROL, "no-store")], Json(feed)).into_response(),
        Err(error) => {
            tracing::error!(%error, "the revocations could not be read");
            Problem::unavailable("The list cannot be read right now.").into_response()
        }
    }
}

fn is_of_service(state: &AppState, headers: &HeaderMap) -> bool {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    bearer.is_some_and(|token| state.service_tokens.verify(token).is_ok())
}

async fn until_news(state: &AppState, after: i64) -> Result<Feed, DbErr> {
    let deadline = Instant::now() + WAIT;
    loop {
        let feed = read(state, after).await?;
        let has_news = !feed.revocations.is_empty() || feed.after != after;
        if has_news || Instant::now() >= deadline || state.shutdown.is_cancelled() {
            return Ok(feed);
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = state.shutdown.cancelled() => {}
        }
    }
}

async fn read(state: &AppState, after: i64) -> Result<Feed, DbErr> {
    let db = state.database.read();
    let mut rows = store::after(db, after).await?;
    let mut after = after;
    if rows.is_empty() {
        // Numbers only rise. If the newest is below, its successors have ended, or this is another
        // database than the reader knows: both times it begins anew.
        if store::newest(db).await? < after {
            after = 0;
            rows = store::after(db, after).await?;
        }
    }
    Ok(Feed {
        issuer: state.configuration().issuer.clone(),
        after,
        seq: rows.last().map_or(after, |row| row.seq),
        revocations: rows
            .into_iter()
            .filter_map(super::row::Model::into_revocation)
            .collect(),
    })
}
