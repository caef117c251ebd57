//! `POST /usage/records`: what the gateway measured, summed by the adapter (portal-api 29.5).

use std::collections::{HashMap, HashSet};

use axum::{body::Bytes, extract::State};
use chrono::{DateTime, Utc};
use http::StatusCode;
use sdk::types::usage::{LATENCY_BUCKETS_MS, UsageBatch, UsageCell};
use service::ServiceName;

use super::{row::minute, store, thresholds};
use crate::{
    ApiError, AppState,
    caller::Caller,
    extract::{from_value, parse_json},
};

/// The body may be larger than others: it holds the minute of a whole gateway.
pub const MAX_BODY: usize = 8 * 1024 * 1024;
const MAX_CELLS: usize = 20_000;
const MAX_OPERATION: usize = 256;

pub async fn take(
    State(state): State<AppState>,
    caller: Caller,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    caller.require_service(&[ServiceName::GatewayAdapter])?;
    let batch = read(&body)?;
    let used = last_use(&batch.cells);
    let subscriptions: HashSet<_> = batch
        .cells
        .iter()
        .map(|cell| cell.subscription.clone())
        .collect();
    let txn = state.db.write().await?;
    store::lock_intake(&txn).await?;
    if !store::insert_batch(&txn, &batch.batch_id, service::clock::now()).await? {
        return Ok(StatusCode::OK);
    }
    // Calls of subscriptions that are gone are nobody's any more.
    let known = store::existing(&txn, subscriptions).await?;
    let cells = batch
        .cells
        .into_iter()
        .filter(|cell| known.contains_key(&cell.subscription));
    let rows = store::merge(cells.map(to_row));
    store::add(&txn, rows.clone()).await?;
    store::touch(&txn, used).await?;
    thresholds::tell(&txn, &state, &known, &rows, service::clock::now()).await?;
    state.commit(txn).await?;
    Ok(StatusCode::ACCEPTED)
}

pub fn read(body: &Bytes) -> Result<UsageBatch, ApiError> {
    let batch = from_value(parse_json(body)?)?;
    check(&batch)?;
    Ok(batch)
}

fn check(batch: &UsageBatch) -> Result<(), ApiError> {
    if batch.batch_id.is_empty() || batch.batch_id.len() > 64 {
        return Err(ApiError::invalid(
            "batchId",
            "length",
            "`batchId` has 1 to 64 characters.",
        ));
    }
    if batch.node.is_empty() || batch.node.len() > 128 {
        return Err(ApiError::invalid(
            "node",
            "length",
            "`node` has 1 to 128 characters.",
        ));
    }
    if batch.cells.len() > MAX_CELLS {
        let message = format!("`cells`: at most {MAX_CELLS} per batch.");
        return Err(ApiError::invalid("cells", "length", message));
    }
    let fits = |cell: &UsageCell| {
        cell.subscription.len() <= 64
            && cell.credential.as_ref().is_none_or(|id| id.len() <= 64)
            && DateTime::<Utc>::from_timestamp(cell.minute, 0).is_some()
    };
    if batch.cells.iter().all(fits) {
        return Ok(());
    }
    let message = "`cells`: ids have at most 64 characters, `minute` is in Unix seconds.";
    Err(ApiError::invalid("cells", "range", message))
}

pub fn to_row(cell: UsageCell) -> minute::Model {
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    minute::Model {
        subscription_id: cell.subscription,
        minute: cell.minute - cell.minute.rem_euclid(60),
        credential_id: cell.credential.unwrap_or_default(),
        operation: cell
            .operation
            .unwrap_or_default()
            .chars()
            .take(MAX_OPERATION)
            .collect(),
        status: cell.status.as_str().to_owned(),
        calls: number(cell.calls),
        errors: number(cell.errors),
        request_bytes: number(cell.request_bytes),
        response_bytes: number(cell.response_bytes),
        histogram: minute::Counts(cell.histogram[..=LATENCY_BUCKETS_MS.len()].to_vec()),
    }
}

/// When each credential was used last, as exactly as the minutes tell.
fn last_use(cells: &[UsageCell]) -> HashMap<String, DateTime<Utc>> {
    let mut used = HashMap::new();
    for cell in cells.iter().filter(|cell| cell.calls > 0) {
        let at = DateTime::from_timestamp(cell.minute, 0);
        if let (Some(id), Some(at)) = (&cell.credential, at) {
            let last = used.entry(id.clone()).or_insert(at);
            *last = (*last).max(at);
        }
    }
    used
}

#[cfg(test)]
mod tests {
    use sdk::types::usage::{Histogram, StatusClass};

    use super::*;

    fn cell(minute: i64, credential: &str, calls: u64) -> UsageCell {
        UsageCell {
            minute,
            subscription: "s".to_owned(),
            credential: Some(credential.to_owned()),
            operation: None,
            status: StatusClass::Success,
            calls,
            errors: 0,
            request_bytes: 1,
            response_bytes: 2,
            histogram: Histogram::default(),
        }
    }

    #[test]
    fn cells_with_one_key_become_one_row() {
        let cells = [cell(60, "a", 1), cell(119, "a", 2), cell(120, "a", 4)];
        let rows = store::merge(cells.into_iter().map(to_row));
        let counted: Vec<_> = rows.iter().map(|row| (row.minute, row.calls)).collect();
        assert_eq!(counted, [(60, 3), (120, 4)]);
    }

    #[test]
    fn the_latest_minute_with_calls_is_the_last_use() {
        let ends = last_use(&[cell(120, "a", 1), cell(60, "a", 1), cell(180, "b", 0)]);
        assert_eq!(ends.len(), 1);
        assert_eq!(ends["a"].timestamp(), 120);
    }
}
