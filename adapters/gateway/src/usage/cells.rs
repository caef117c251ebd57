//! Records of single calls → sums per minute, subscription, credential and status class.

use std::collections::BTreeMap;

use kong::usage::{Batch, Record};
use sdk::types::usage::{Histogram, StatusClass, UsageBatch, UsageCell, latency_bucket};
use uuid::Uuid;

const MINUTE: i64 = 60;

/// Sums a batch. `credential` names the portal's credential behind one of the gateway. Calls
/// without a consumer belong to no subscription; the gateway's metrics count them.
pub fn sum(batch: &Batch, credential: impl Fn(Uuid) -> Option<String>) -> UsageBatch {
    let mut cells: BTreeMap<(i64, &str, Option<Uuid>, StatusClass), UsageCell> = BTreeMap::new();
    for record in &batch.records {
        let Some(subscription) = record.consumer.as_deref() else {
            continue;
        };
        let minute = record.at.div_euclid(1000 * MINUTE) * MINUTE;
        let status = StatusClass::of(record.status);
        let cell = cells
            .entry((minute, subscription, record.credential, status))
            .or_insert_with(|| UsageCell {
                minute,
                subscription: subscription.to_owned(),
                credential: record.credential.and_then(&credential),
                operation: None,
                status,
                calls: 0,
                errors: 0,
                request_bytes: 0,
                response_bytes: 0,
                histogram: Histogram::default(),
            });
        add(cell, record);
    }
    UsageBatch {
        batch_id: batch.batch_id.to_string(),
        node: batch.node.clone(),
        cells: cells.into_values().collect(),
    }
}

fn add(cell: &mut UsageCell, record: &Record) {
    cell.calls += 1;
    cell.errors += u64::from(record.status >= 400);
    cell.request_bytes = cell.request_bytes.saturating_add(record.request_bytes);
    cell.response_bytes = cell.response_bytes.saturating_add(record.response_bytes);
    #[expect(clippy::cast_precision_loss, reason = "the buckets are coarse")]
    let bucket = latency_bucket(record.duration_ms as f64);
    cell.histogram[bucket] += 1;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(at: i64, consumer: Option<&str>, status: u16, duration_ms: u64) -> Record {
        serde_json::from_value(json!({
            "id": "r", "at": at, "service": "pets", "route": "pets.0", "consumer": consumer,
            "credential": Uuid::from_u128(1), "method": "GET", "path": "/pets", "status": status,
            "request_bytes": 10, "response_bytes": 100, "duration_ms": duration_ms,
            "upstream_ms": 1, "client": "127.0.0.1"
        }))
        .unwrap()
    }

    #[test]
    fn calls_are_summed_by_minute_and_class() {
        let batch = Batch {
            batch_id: Uuid::from_u128(7),
            node: "n".to_owned(),
            records: vec![
                record(60_000, Some("s"), 200, 1),
                record(119_999, Some("s"), 204, 7),
                record(120_000, Some("s"), 200, 1),
                record(60_000, Some("s"), 429, 1),
                record(60_000, None, 200, 1),
            ],
        };
        let sums = sum(&batch, |id| {
            (id == Uuid::from_u128(1)).then(|| "c".to_owned())
        });
        assert_eq!(sums.batch_id, Uuid::from_u128(7).to_string());
        let seen: Vec<_> = sums
            .cells
            .iter()
            .map(|cell| (cell.minute, cell.status.as_str(), cell.calls, cell.errors))
            .collect();
        assert_eq!(
            seen,
            [(60, "2xx", 2, 0), (60, "4xx", 1, 1), (120, "2xx", 1, 0)]
        );
        assert_eq!(sums.cells[0].response_bytes, 200);
        assert_eq!(sums.cells[0].credential.as_deref(), Some("c"));
        assert_eq!(
            (sums.cells[0].histogram[0], sums.cells[0].histogram[3]),
            (1, 1)
        );
    }
}
