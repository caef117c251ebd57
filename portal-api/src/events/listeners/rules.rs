//! What a registration may say (events-and-adapters B1).

use std::collections::BTreeMap;

use sdk::types::{
    Secret,
    listeners::{Delivery, Format, Mode, Ordering, Overflow, Registration},
};

use crate::{
    ApiError,
    events::{own, row::listener::Filter},
};

const DEFAULT_BATCH: u32 = 100;
const MAX_BATCH: u32 = 500;
const DEFAULT_TIMEOUT_MS: u32 = 15_000;
/// Attempts of a listener that acknowledges by its answer; old consumers expect to be told for ever.
const DEFAULT_ATTEMPTS: u32 = 20;
const MAX_QUEUE: u64 = 1_000_000;
/// Anybody can make some of these.
const APPLICATION_QUEUE: u64 = 10_000;
/// The adapter looks at everything rather than at ten thousand changes.
const ADAPTER_QUEUE: u64 = 10_000;
const MAX_FILTER: usize = 100;
const MAX_HEADERS: usize = 10;
const MAX_HEADER: usize = 1024;

/// Who registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registrar {
    /// A component, for itself.
    Component,
    Administrator,
    /// Somebody who works on an application.
    Application,
}

/// A registration whose members were checked.
#[derive(Debug)]
pub struct Registered {
    pub id: String,
    /// Empty for listeners that only ask.
    pub url: String,
    pub mode: &'static str,
    pub format: &'static str,
    pub delivery: &'static str,
    pub ordering: &'static str,
    pub batch_size: i32,
    pub timeout_ms: i32,
    pub events: Option<Filter>,
    pub sensitive: bool,
    pub max_attempts: Option<i32>,
    pub max_age_hours: Option<i32>,
    pub max_queue: i64,
    pub overflow: &'static str,
    pub enabled: bool,
    /// Absent: those of before stay.
    pub headers: Option<BTreeMap<String, Secret>>,
    pub application_id: Option<String>,
}

impl Registered {
    pub fn check(id: &str, request: Registration, by: Registrar) -> Result<Self, ApiError> {
        check_id(id, &request.id)?;
        let is_component = own::is_component(id);
        let mode = if by == Registrar::Application {
            Mode::Ack
        } else {
            request.mode.unwrap_or_default()
        };
        let format = request.format.unwrap_or_default();
        let delivery = delivery(format, request.delivery)?;
        let default_attempts = (mode == Mode::Ack && !is_component).then_some(DEFAULT_ATTEMPTS);
        let attempts = range("maxAttempts", request.max_attempts, 1, 1000)?;
        let is_adapter = id == service::ServiceName::GatewayAdapter.wire_name();
        let (queue, overflow) = if by == Registrar::Application {
            (APPLICATION_QUEUE, Overflow::Dead)
        } else if is_adapter {
            (ADAPTER_QUEUE, Overflow::Collapse)
        } else {
            (MAX_QUEUE, Overflow::Dead)
        };
        let max_queue = request.max_queue.unwrap_or(queue);
        let most = if by == Registrar::Application {
            APPLICATION_QUEUE
        } else {
            MAX_QUEUE
        };
        if !(1..=most).contains(&max_queue) {
            let message = format!("`maxQueue` is a number from 1 to {most}.");
            return Err(ApiError::invalid("maxQueue", "range", message));
        }
        let timeout = range("timeoutMs", request.timeout_ms, 1000, 60_000)?;
        let batch = range("batchSize", request.batch_size, 1, MAX_BATCH)?;
        Ok(Self {
            id: id.to_owned(),
            url: url(mode, request.url)?,
            mode: match mode {
                Mode::Explicit => "explicit",
                Mode::Ack => "ack",
                Mode::Pull => "pull",
            },
            format: match format {
                Format::Wicked => "wicked",
                Format::Standard => "standard",
                Format::CloudEvents => "cloudevents",
            },
            delivery: match delivery {
                Delivery::Batch => "batch",
                Delivery::Single => "single",
            },
            ordering: match request.ordering.unwrap_or_default() {
                Ordering::None => "none",
                Ordering::Entity => "entity",
            },
            batch_size: batch.unwrap_or(DEFAULT_BATCH).cast_signed(),
            timeout_ms: timeout.unwrap_or(DEFAULT_TIMEOUT_MS).cast_signed(),
            events: filter(request.events)?,
            sensitive: by != Registrar::Application && request.sensitive.unwrap_or(id == "mailer"),
            max_attempts: attempts.or(default_attempts).map(u32::cast_signed),
            max_age_hours: range("maxAgeHours", request.max_age_hours, 1, 8760)?
                .map(u32::cast_signed),
            max_queue: max_queue.cast_signed(),
            overflow: match request.overflow.unwrap_or(overflow) {
                Overflow::Dead => "dead",
                Overflow::Collapse => "collapse",
            },
            enabled: request.enabled.unwrap_or(true),
            headers: request.headers.map(headers).transpose()?,
            application_id: None,
        })
    }
}

fn check_id(id: &str, named: &str) -> Result<(), ApiError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !id.chars().all(allowed) {
        return Err(ApiError::invalid(
            "id",
            "characters",
            "The id of a listener consists of letters, digits, `-` and `_`.",
        ));
    }
    if !(4..=20).contains(&id.len()) {
        return Err(ApiError::invalid(
            "id",
            "length",
            "The id of a listener has 4 to 20 characters.",
        ));
    }
    if named != id {
        return Err(ApiError::invalid(
            "id",
            "mismatch",
            "`id` has to equal the id in the address.",
        ));
    }
    Ok(())
}

fn url(mode: Mode, url: Option<String>) -> Result<String, ApiError> {
    match url.filter(|url| !url.is_empty()) {
        Some(url) => Ok(url),
        // Nothing is ever sent there.
        None if mode == Mode::Pull => Ok(String::new()),
        None => Err(ApiError::invalid(
            "url",
            "required",
            "`url` is missing: where should events be sent?",
        )),
    }
}

/// The envelope of Standard Webhooks holds one event.
fn delivery(format: Format, wanted: Option<Delivery>) -> Result<Delivery, ApiError> {
    match (format, wanted) {
        (Format::Wicked | Format::CloudEvents, wanted) => Ok(wanted.unwrap_or(Delivery::Batch)),
        (Format::Standard, None | Some(Delivery::Single)) => Ok(Delivery::Single),
        (Format::Standard, Some(Delivery::Batch)) => Err(ApiError::invalid(
            "delivery",
            "format",
            "With `format` `standard` each request carries one event; `delivery` is `single`.",
        )),
    }
}

fn range(
    field: &'static str,
    value: Option<u32>,
    least: u32,
    most: u32,
) -> Result<Option<u32>, ApiError> {
    match value {
        Some(value) if !(least..=most).contains(&value) => Err(ApiError::invalid(
            field,
            "range",
            format!("`{field}` is a number from {least} to {most}."),
        )),
        value => Ok(value),
    }
}

fn filter(events: Option<Vec<String>>) -> Result<Option<Filter>, ApiError> {
    let Some(events) = events else {
        return Ok(None);
    };
    if events.len() > MAX_FILTER {
        return Err(ApiError::invalid(
            "events",
            "size",
            "`events` names at most 100 kinds.",
        ));
    }
    let part = |text: &str| {
        text == "*"
            || (!text.is_empty()
                && text.len() <= 32
                && text.bytes().all(|c| c.is_ascii_lowercase() || c == b'_'))
    };
    for kind in &events {
        let is_kind = match kind.split_once('.') {
            Some((entity, action)) => part(entity) && part(action),
            None => kind == "*",
        };
        if !is_kind {
            return Err(ApiError::invalid(
                "events",
                "format",
                "`events` holds kinds such as `subscription.add`, `subscription.*` or `*`.",
            ));
        }
    }
    Ok(Some(Filter(events)))
}

fn headers(headers: BTreeMap<String, Secret>) -> Result<BTreeMap<String, Secret>, ApiError> {
    let refuse = |rule, message: &str| Err(ApiError::invalid("headers", rule, message));
    if headers.len() > MAX_HEADERS {
        return refuse("size", "`headers` holds at most 10 headers.");
    }
    for (name, value) in &headers {
        let lower = name.to_ascii_lowercase();
        let is_name = name.len() <= 64
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
        if !is_name {
            return refuse(
                "name",
                "The name of a header begins with a letter; letters, digits and `-` follow.",
            );
        }
        let is_ours = matches!(
            lower.as_str(),
            "host" | "transfer-encoding" | "connection" | "te" | "upgrade" | "trailer"
        ) || lower.starts_with("content-")
            || lower.starts_with("webhook-");
        if is_ours {
            return refuse("reserved", "This header is set by the sender itself.");
        }
        let text = value.expose();
        let is_value = text.len() <= MAX_HEADER && text.bytes().all(|c| (b' '..=b'~').contains(&c));
        if !is_value {
            return refuse(
                "value",
                "The value of a header consists of at most 1024 visible ASCII characters.",
            );
        }
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(body: Value, by: Registrar) -> Result<Registered, ApiError> {
        let mut request: Registration = serde_json::from_value(body).unwrap();
        request.id = "crm-sync".to_owned();
        request
            .url
            .get_or_insert("https://x.example.org/".to_owned());
        Registered::check("crm-sync", request, by)
    }

    #[test]
    fn without_settings_a_listener_is_as_in_wicked() {
        let listener = check(json!({}), Registrar::Administrator).unwrap();
        assert_eq!(
            (listener.mode, listener.format, listener.delivery),
            ("explicit", "wicked", "batch")
        );
        assert_eq!(
            (listener.max_attempts, listener.max_age_hours),
            (None, None)
        );
        assert_eq!(listener.max_queue, 1_000_000);
        assert!(listener.events.is_none() && listener.enabled && !listener.sensitive);
    }

    #[test]
    fn modes_bring_their_defaults() {
        let ack = check(json!({"mode": "ack"}), Registrar::Administrator).unwrap();
        assert_eq!(ack.max_attempts, Some(20));
        let standard = check(json!({"format": "standard"}), Registrar::Administrator).unwrap();
        assert_eq!(standard.delivery, "single");
        let owner = json!({"mode": "explicit", "sensitive": true});
        let owner = check(owner, Registrar::Application).unwrap();
        assert_eq!((owner.mode, owner.sensitive), ("ack", false));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for wrong in [
            json!({"batchSize": 0}),
            json!({"batchSize": 501}),
            json!({"timeoutMs": 999}),
            json!({"timeoutMs": 60_001}),
            json!({"maxAttempts": 0}),
            json!({"maxAgeHours": 0}),
            json!({"maxQueue": 0}),
            json!({"events": ["nonsense"]}),
            json!({"events": ["User.add"]}),
            json!({"events": vec!["user.add"; 101]}),
            json!({"format": "standard", "delivery": "batch"}),
            json!({"headers": {"Host": "x"}}),
            json!({"headers": {"Content-Type": "x"}}),
            json!({"headers": {"Webhook-Id": "x"}}),
            json!({"headers": {"1x": "x"}}),
            json!({"headers": {"X-A": "a\nb"}}),
        ] {
            assert!(
                check(wrong.clone(), Registrar::Administrator).is_err(),
                "{wrong}"
            );
        }
    }
}
