//! What stands in a request.

use chrono::SecondsFormat;
use sdk::types::Event;
use serde_json::{Map, Value, json};
use service::{
    crypto,
    keys::{Keys, Purpose},
};

use super::claim::Due;
use crate::events::row::{event, listener};

/// The event as this listener may see it.
pub fn wire(
    event: &event::Model,
    listener: &listener::Model,
    replay: bool,
    keys: &Keys,
) -> anyhow::Result<Event> {
    let mut data = event.data.as_object().cloned().unwrap_or_default();
    if listener.sensitive
        && let Some(sealed) = &event.sealed
    {
        let key = keys.derive(&Purpose::EventData)?;
        let secret: Map<String, Value> =
            serde_json::from_slice(&key.open(sealed, event.id.as_bytes())?)?;
        data.extend(secret);
    }
    Ok(Event {
        id: event.id.clone(),
        seq: Some(event.seq),
        utc: event.occurred_at.timestamp(),
        action: event.action.clone(),
        entity: event.entity.clone(),
        data,
        replay,
    })
}

/// The body of a request, and its id: that of the event, or one that a repeated identical batch has
/// again.
pub fn body(
    listener: &listener::Model,
    due: &[Due],
    keys: &Keys,
) -> anyhow::Result<(String, String)> {
    if listener.is_single()
        && let [only] = due
    {
        let event = wire(&only.event, listener, only.replay, keys)?;
        let body = alone(&event, only.event.occurred_at, listener);
        return Ok((only.event.id.clone(), body.to_string()));
    }
    let events: Vec<Event> = due
        .iter()
        .map(|due| wire(&due.event, listener, due.replay, keys))
        .collect::<anyhow::Result<_>>()?;
    let ids: Vec<&str> = due.iter().map(|due| due.event.id.as_str()).collect();
    let digest = crypto::sha256(ids.join(",").as_bytes());
    let id = format!("batch_{}", hex::encode(&digest[..16]));
    Ok((id, serde_json::to_string(&events)?))
}

/// One event as a body: in the envelope of Standard Webhooks, or as a list of one, as wicked has it.
pub fn alone(
    event: &Event,
    at: chrono::DateTime<chrono::Utc>,
    listener: &listener::Model,
) -> Value {
    if listener.format != "standard" {
        return json!([event]);
    }
    let mut envelope = json!({
        "type": event.kind(), "timestamp": at.to_rfc3339_opts(SecondsFormat::Millis, true),
        "data": event.data, "id": event.id, "seq": event.seq,
    });
    if event.replay {
        envelope["replay"] = true.into();
    }
    envelope
}
