//! What stands in a request.

use chrono::{DateTime, SecondsFormat, Utc};
use sdk::types::Event;
use serde_json::{Map, Value, json};
use service::{
    crypto,
    keys::{Keys, Purpose},
};

use super::claim::Due;
use crate::{
    AppState,
    events::row::{event, listener},
};

const CLOUD_EVENTS: &str = "cloudevents";

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

/// The body of a request.
pub struct Body {
    /// That of the event, or one that a repeated identical batch has again.
    pub id: String,
    pub media_type: &'static str,
    pub text: String,
}

/// Writes what is due, in the form in which the listener wants it.
pub fn body(
    listener: &listener::Model,
    due: &[Due],
    keys: &Keys,
    source: &str,
) -> anyhow::Result<Body> {
    let media_type = media_type(listener);
    if listener.is_single()
        && let [only] = due
    {
        let event = wire(&only.event, listener, only.replay, keys)?;
        let text = alone(&event, &Context::of(&only.event, source), listener).to_string();
        let id = only.event.id.clone();
        return Ok(Body {
            id,
            media_type,
            text,
        });
    }
    let events: Vec<Event> = due
        .iter()
        .map(|due| wire(&due.event, listener, due.replay, keys))
        .collect::<anyhow::Result<_>>()?;
    let text = if listener.format == CLOUD_EVENTS {
        let one = |(event, due): (_, &Due)| cloud_event(event, &Context::of(&due.event, source));
        events
            .iter()
            .zip(due)
            .map(one)
            .collect::<Value>()
            .to_string()
    } else {
        serde_json::to_string(&events)?
    };
    let ids: Vec<&str> = due.iter().map(|due| due.event.id.as_str()).collect();
    let digest = crypto::sha256(ids.join(",").as_bytes());
    Ok(Body {
        id: format!("batch_{}", hex::encode(&digest[..16])),
        media_type,
        text,
    })
}

/// What some formats say of an event besides.
pub struct Context<'a> {
    pub at: DateTime<Utc>,
    /// What it is about: events with the same key have an order.
    pub key: &'a str,
    /// Whose event it is, see [`source`].
    pub source: &'a str,
}

impl<'a> Context<'a> {
    pub fn of(event: &'a event::Model, source: &'a str) -> Self {
        Self {
            at: event.occurred_at,
            key: &event.ordering_key,
            source,
        }
    }
}

/// Where the events of this installation come from.
pub fn source(state: &AppState) -> String {
    let portal = state.configuration().globals.network.external_portal_url();
    format!("{portal}/webhooks")
}

pub fn media_type(listener: &listener::Model) -> &'static str {
    match (listener.format.as_str(), listener.is_single()) {
        (CLOUD_EVENTS, true) => "application/cloudevents+json",
        (CLOUD_EVENTS, false) => "application/cloudevents-batch+json",
        _ => "application/json",
    }
}

/// One event as a body: in the envelope of Standard Webhooks or of `CloudEvents`, or as a list of one
/// where lists are wanted.
pub fn alone(event: &Event, context: &Context<'_>, listener: &listener::Model) -> Value {
    match listener.format.as_str() {
        "standard" => standard(event, context),
        CLOUD_EVENTS if listener.is_single() => cloud_event(event, context),
        CLOUD_EVENTS => json!([cloud_event(event, context)]),
        _ => json!([event]),
    }
}

fn standard(event: &Event, context: &Context<'_>) -> Value {
    let mut envelope = json!({
        "type": event.kind(), "timestamp": time(context),
        "data": event.data, "id": event.id, "seq": event.seq,
    });
    if event.replay {
        envelope["replay"] = true.into();
    }
    envelope
}

/// In JSON, with the extension `sequence` (`CloudEvents` 1.0, events-and-adapters B12).
fn cloud_event(event: &Event, context: &Context<'_>) -> Value {
    let mut envelope = json!({
        "specversion": "1.0", "id": event.id, "source": context.source,
        "type": format!("org.wicketgate.{}", event.kind()), "time": time(context),
        "subject": context.key, "datacontenttype": "application/json", "data": event.data,
    });
    if let Some(seq) = event.seq {
        envelope["sequence"] = seq.to_string().into();
    }
    if event.replay {
        envelope["replay"] = true.into();
    }
    envelope
}

fn time(context: &Context<'_>) -> String {
    context.at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
