//! The two forms of a delivery's body: an array of events, and the envelope of Standard Webhooks.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::types::Event;

/// `{"type": "subscription.add", "timestamp": …, "data": …, "id": …, "seq": …}`
#[derive(Deserialize)]
struct Envelope {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    timestamp: Option<crate::types::Timestamp>,
    #[serde(default)]
    seq: Option<i64>,
    #[serde(default, deserialize_with = "crate::types::lenient::null_default")]
    data: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    Batch(Vec<Event>),
    Single(Event),
    Envelope(Envelope),
}

/// The events of a delivery, in the order of `seq`.
pub(super) fn events(body: &[u8]) -> Result<Vec<Event>, serde_json::Error> {
    let mut events = match serde_json::from_slice(body)? {
        Body::Batch(events) => events,
        Body::Single(event) => vec![event],
        Body::Envelope(envelope) => {
            let (entity, action) = envelope
                .kind
                .split_once('.')
                .unwrap_or((&envelope.kind, ""));
            vec![Event {
                entity: entity.to_owned(),
                action: action.to_owned(),
                id: envelope.id,
                seq: envelope.seq,
                utc: envelope
                    .timestamp
                    .map_or(0, |timestamp| timestamp.0.timestamp()),
                data: envelope.data,
                replay: false,
            }]
        }
    };
    // Batches are sorted already by servers that know `seq`; the sort is stable for others.
    events.sort_by_key(|event| event.seq);
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_sorted() {
        let batch = br#"[{"id":"2","seq":2,"utc":1,"action":"add","entity":"user"},
            {"id":"1","seq":1,"utc":1,"action":"add","entity":"user","data":null}]"#;
        let ids: Vec<_> = events(batch)
            .unwrap()
            .into_iter()
            .map(|event| event.id)
            .collect();
        assert_eq!(ids, ["1", "2"]);
        let envelope =
            br#"{"type":"user.add","timestamp":"1970-01-01T00:00:07Z","data":{},"id":"3","seq":3}"#;
        let event = events(envelope).unwrap().remove(0);
        assert!(event.is("user.add"));
        assert_eq!(event.utc, 7);
        assert!(events(b"{}").is_err());
    }
}
