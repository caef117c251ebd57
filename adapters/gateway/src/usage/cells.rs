//! Single calls → sums per minute, subscription, credential and status class.

use std::{
    collections::{BTreeMap, btree_map},
    mem,
};

use kong::usage::{Batch, Record};
use sdk::types::usage::{Histogram, StatusClass, UsageBatch, UsageCell, latency_bucket};
use uuid::Uuid;

const MINUTE: i64 = 60;

/// What is counted of a call.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// Milliseconds since 1970.
    pub at: i64,
    /// `custom_id` of the consumer.
    pub subscription: &'a str,
    pub credential: Option<Uuid>,
    pub status: u16,
    pub request_bytes: u64,
    pub response_bytes: u64,
    pub duration_ms: f64,
}

/// Sums that grow.
#[derive(Default)]
pub struct Cells(BTreeMap<(i64, String, Option<Uuid>, StatusClass), UsageCell>);

impl Cells {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes all that is there.
    pub fn take(&mut self) -> Vec<UsageCell> {
        mem::take(&mut self.0).into_values().collect()
    }

    /// Gives back what could not be sent.
    pub fn put_back(&mut self, cells: Vec<UsageCell>) {
        for cell in cells {
            // Under keys of their own, so that what comes meanwhile is not mixed up with it.
            let key = (
                cell.minute,
                cell.subscription.clone(),
                Some(Uuid::new_v4()),
                cell.status,
            );
            self.0.insert(key, cell);
        }
    }

    /// `credential` names the portal's credential behind one of the gateway.
    pub fn add(&mut self, call: &Call, credential: impl Fn(Uuid) -> Option<String>) {
        let minute = call.at.div_euclid(1000 * MINUTE) * MINUTE;
        let status = StatusClass::of(call.status);
        let key = (
            minute,
            call.subscription.to_owned(),
            call.credential,
            status,
        );
        let sums = match self.0.entry(key) {
            btree_map::Entry::Occupied(known) => known.into_mut(),
            btree_map::Entry::Vacant(place) => place.insert(UsageCell {
                minute,
                subscription: call.subscription.to_owned(),
                credential: call.credential.and_then(&credential),
                operation: None,
                status,
                calls: 0,
                errors: 0,
                request_bytes: 0,
                response_bytes: 0,
                histogram: Histogram::default(),
            }),
        };
        sums.calls += 1;
        sums.errors += u64::from(call.status >= 400);
        sums.request_bytes = sums.request_bytes.saturating_add(call.request_bytes);
        sums.response_bytes = sums.response_bytes.saturating_add(call.response_bytes);
        sums.histogram[latency_bucket(call.duration_ms)] += 1;
    }
}

/// Sums a batch of the embedded gateway. Calls without a consumer belong to no subscription; the
/// gateway's metrics count them.
pub fn sum(batch: &Batch, credential: impl Fn(Uuid) -> Option<String>) -> UsageBatch {
    let mut cells = Cells::default();
    for record in &batch.records {
        if let Some(call) = call(record) {
            cells.add(&call, &credential);
        }
    }
    UsageBatch {
        batch_id: batch.batch_id.to_string(),
        node: batch.node.clone(),
        cells: cells.take(),
    }
}

fn call(record: &Record) -> Option<Call<'_>> {
    #[expect(clippy::cast_precision_loss, reason = "the buckets are coarse")]
    let duration_ms = record.duration_ms as f64;
    Some(Call {
        at: record.at,
        subscription: record.consumer.as_deref()?,
        credential: record.credential,
        status: record.status,
        request_bytes: record.request_bytes,
        response_bytes: record.response_bytes,
        duration_ms,
    })
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
