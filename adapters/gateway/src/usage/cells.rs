//! Single calls → sums per minute, subscription, credential, operation and status class.

use std::{
    collections::{BTreeMap, btree_map},
    mem,
    sync::Arc,
};

use kong::usage::{Batch, Record};
use sdk::types::usage::{Histogram, StatusClass, UsageBatch, UsageCell, latency_bucket};
use uuid::Uuid;

const MINUTE: i64 = 60;
/// In one batch: half of what portal-api accepts.
const MAX_CELLS: usize = 10_000;

/// What is counted of a call.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// Milliseconds since 1970.
    pub at: i64,
    /// `custom_id` of the consumer.
    pub subscription: &'a str,
    pub credential: Option<Uuid>,
    pub operation: Option<Arc<str>>,
    pub status: u16,
    pub request_bytes: u64,
    pub response_bytes: u64,
    pub duration_ms: f64,
}

/// Sums that grow.
#[derive(Default)]
pub struct Cells(BTreeMap<Key, UsageCell>);

type Key = (i64, String, Option<Uuid>, Option<Arc<str>>, StatusClass);

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
                None,
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
            call.operation.clone(),
            status,
        );
        let sums = match self.0.entry(key) {
            btree_map::Entry::Occupied(known) => known.into_mut(),
            btree_map::Entry::Vacant(place) => place.insert(UsageCell {
                minute,
                subscription: call.subscription.to_owned(),
                credential: call.credential.and_then(&credential),
                operation: call.operation.as_deref().map(str::to_owned),
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
pub fn sum(
    batch: &Batch,
    credential: impl Fn(Uuid) -> Option<String>,
    operation: impl Fn(&Record) -> Option<Arc<str>>,
) -> Vec<UsageBatch> {
    let mut cells = Cells::default();
    for record in &batch.records {
        if let Some(call) = call(record, &operation) {
            cells.add(&call, &credential);
        }
    }
    batches(&batch.batch_id.to_string(), &batch.node, &cells.take())
}

/// Cells in as many batches as portal-api takes them in. The ids of further ones follow from the
/// first, so that a repeated delivery has the same.
pub fn batches(id: &str, node: &str, cells: &[UsageCell]) -> Vec<UsageBatch> {
    let part = |(number, cells): (usize, &[UsageCell])| UsageBatch {
        batch_id: match number {
            0 => id.to_owned(),
            number => format!("{id}.{number}"),
        },
        node: node.to_owned(),
        cells: cells.to_vec(),
    };
    cells.chunks(MAX_CELLS).enumerate().map(part).collect()
}

fn call(record: &Record, operation: impl Fn(&Record) -> Option<Arc<str>>) -> Option<Call<'_>> {
    #[expect(clippy::cast_precision_loss, reason = "the buckets are coarse")]
    let duration_ms = record.duration_ms as f64;
    Some(Call {
        at: record.at,
        subscription: record.consumer.as_deref()?,
        credential: record.credential,
        operation: operation(record),
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
                record(119_999, Some("s"), 200, 7),
                record(60_000, Some("s"), 204, 1),
                record(120_000, Some("s"), 200, 1),
                record(60_000, Some("s"), 429, 1),
                record(60_000, None, 200, 1),
            ],
        };
        let credential = |id| (id == Uuid::from_u128(1)).then(|| "c".to_owned());
        let operation = |record: &Record| (record.status == 204).then(|| "GET /pets".into());
        let sums = sum(&batch, credential, operation);
        assert_eq!(sums.len(), 1);
        let sums = &sums[0];
        assert_eq!(sums.batch_id, Uuid::from_u128(7).to_string());
        let seen: Vec<_> = sums
            .cells
            .iter()
            .map(|cell| {
                let operation = cell.operation.as_deref().unwrap_or_default();
                let status = cell.status.as_str();
                (cell.minute, operation, status, cell.calls, cell.errors)
            })
            .collect();
        assert_eq!(
            seen,
            [
                (60, "", "2xx", 2, 0),
                (60, "", "4xx", 1, 1),
                (60, "GET /pets", "2xx", 1, 0),
                (120, "", "2xx", 1, 0)
            ]
        );
        assert_eq!(sums.cells[0].response_bytes, 200);
        assert_eq!(sums.cells[0].credential.as_deref(), Some("c"));
        assert_eq!(
            (sums.cells[0].histogram[0], sums.cells[0].histogram[3]),
            (1, 1)
        );
    }

    #[test]
    fn more_cells_than_portal_api_takes_become_several_batches_with_lasting_ids() {
        let call = |number: usize| Call {
            at: 0,
            subscription: "s",
            credential: None,
            operation: Some(format!("GET /{number}").into()),
            status: 200,
            request_bytes: 0,
            response_bytes: 0,
            duration_ms: 0.0,
        };
        let made = || {
            let mut cells = Cells::default();
            for number in 0..=MAX_CELLS {
                cells.add(&call(number), |_| None);
            }
            batches("b", "n", &cells.take())
        };
        let ids: Vec<String> = made().into_iter().map(|batch| batch.batch_id).collect();
        assert_eq!(ids, ["b", "b.1"]);
        assert_eq!(made(), made());
        assert_eq!(made()[1].cells.len(), 1);
    }
}
