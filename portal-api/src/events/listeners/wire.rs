//! A listener as it is shown.

use sdk::types::{
    ListenerRegistration,
    listeners::{Delivery, Format, Mode, Ordering, Overflow},
};
use sea_orm::ConnectionTrait;

use super::{secrets, store};
use crate::{ApiError, AppState, events::row::listener};

/// With all settings and no secret.
pub async fn detailed(
    db: &impl ConnectionTrait,
    state: &AppState,
    listener: &listener::Model,
) -> Result<ListenerRegistration, ApiError> {
    let now = service::clock::now();
    let secrets = secrets::living(db, &listener.id, now).await?;
    let headers = store::headers(&state.keys, listener)?;
    let number = |number: Option<i32>| number.map(i32::unsigned_abs);
    Ok(ListenerRegistration {
        mode: Some(match listener.mode.as_str() {
            "ack" => Mode::Ack,
            "pull" => Mode::Pull,
            _ => Mode::Explicit,
        }),
        format: Some(match listener.format.as_str() {
            "standard" => Format::Standard,
            "cloudevents" => Format::CloudEvents,
            _ => Format::Wicked,
        }),
        delivery: Some(if listener.is_single() {
            Delivery::Single
        } else {
            Delivery::Batch
        }),
        ordering: Some(if listener.is_ordered() {
            Ordering::Entity
        } else {
            Ordering::None
        }),
        overflow: Some(match listener.overflow.as_str() {
            "collapse" => Overflow::Collapse,
            _ => Overflow::Dead,
        }),
        batch_size: Some(listener.batch_size.unsigned_abs()),
        timeout_ms: Some(listener.timeout_ms.unsigned_abs()),
        events: listener.events.as_ref().map(|filter| filter.0.clone()),
        sensitive: Some(listener.sensitive),
        max_attempts: number(listener.max_attempts),
        max_age_hours: number(listener.max_age_hours),
        max_queue: Some(listener.max_queue.unsigned_abs()),
        enabled: Some(listener.enabled),
        header_names: Some(headers.into_keys().collect()),
        secrets: Some(secrets.iter().map(secrets::shown).collect()),
        disabled_reason: listener.disabled_reason.clone(),
        disabled_at: listener.disabled_at.map(Into::into),
        ..plain(listener)
    })
}

/// As wicked shows it.
pub fn plain(listener: &listener::Model) -> ListenerRegistration {
    ListenerRegistration {
        id: listener.id.clone(),
        url: Some(listener.url.clone()),
        changed_date: Some(listener.changed_at.into()),
        ..ListenerRegistration::default()
    }
}
