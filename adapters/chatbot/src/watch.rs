//! Trouble that is no event: it is read from the health of the system, and told once when it begins.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use sdk::types::{Event, health::Health};
use serde_json::{Map, Value, json};
use service::{clock, random};

use crate::{
    handle::Chatbot,
    messages::{self, DELIVERY_DEAD, GATEWAY_SYNC_FAILED},
};

/// Id of the gateway adapter among the parts of the system.
const ADAPTER: &str = "kong-adapter";

/// What the last look has shown.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    /// Looks at which the adapter was in trouble, one after the other.
    failing: u32,
    /// Dead letters by listener.
    dead: BTreeMap<String, i64>,
}

/// Looks as long as some target wants to know. Goes on until it is dropped.
pub async fn run(chatbot: Arc<Chatbot>, every: Duration) {
    let mut seen = None;
    loop {
        tokio::time::sleep(every).await;
        if ![GATEWAY_SYNC_FAILED, DELIVERY_DEAD]
            .iter()
            .any(|name| chatbot.is_wanted(name))
        {
            seen = None;
            continue;
        }
        let health = match chatbot.system_health().await {
            Ok(health) => health,
            Err(error) => {
                tracing::debug!("the health of the system cannot be read: {error}");
                continue;
            }
        };
        for (name, data) in look(&mut seen, &health) {
            let Some(kind) = messages::watched(name) else {
                continue;
            };
            let event = Event {
                id: random::hex_id(),
                seq: None,
                utc: clock::now().timestamp(),
                entity: String::new(),
                action: String::new(),
                data,
                replay: false,
            };
            let told = chatbot.tell(kind, event).await;
            tracing::debug!("{name}: {told:?}");
        }
    }
}

/// What began since the last look. The first look is what others are compared with.
fn look(seen: &mut Option<Seen>, health: &[Health]) -> Vec<(&'static str, Map<String, Value>)> {
    let adapter = health.iter().find(|part| part.name == ADAPTER);
    let adapter = adapter.filter(|adapter| adapter.healthy == 0);
    let dead: BTreeMap<String, i64> = health
        .iter()
        .filter(|part| part.dead_events > 0)
        .map(|part| (part.name.clone(), part.dead_events))
        .collect();
    let Some(before) = seen.as_ref() else {
        // What is wrong already was told by the process before this one.
        let failing = if adapter.is_some() { u32::MAX } else { 0 };
        *seen = Some(Seen { failing, dead });
        return Vec::new();
    };
    let mut news = Vec::new();
    let failing = adapter.map_or(0, |_| before.failing.saturating_add(1));
    // One bad look may be a restart.
    if let Some(adapter) = adapter.filter(|_| failing == 2) {
        let reason = adapter.error.as_deref().unwrap_or(&adapter.message);
        news.push((GATEWAY_SYNC_FAILED, members(json!({"reason": reason}))));
    }
    for (listener, count) in &dead {
        let further = count - before.dead.get(listener).copied().unwrap_or_default();
        if further > 0 {
            let data = json!({"listenerId": listener, "count": further});
            news.push((DELIVERY_DEAD, members(data)));
        }
    }
    *seen = Some(Seen { failing, dead });
    news
}

fn members(data: Value) -> Map<String, Value> {
    match data {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(healthy: u8, dead: i64) -> Vec<Health> {
        let part = |name: &str, healthy: u8, dead: i64| {
            let error = (healthy == 0).then_some("no route to it");
            serde_json::from_value(
                json!({"name": name, "healthy": healthy, "deadEvents": dead, "error": error}),
            )
            .unwrap()
        };
        vec![part(ADAPTER, healthy, 0), part("crm", 1, dead)]
    }

    #[test]
    fn trouble_is_told_once_when_it_begins() {
        let mut seen = None;
        let mut names = |healthy, dead| {
            let news = look(&mut seen, &health(healthy, dead));
            news.into_iter()
                .map(|(name, data)| json!([name, data]))
                .collect::<Vec<_>>()
        };
        assert!(names(1, 3).is_empty(), "what was there before");
        assert!(names(0, 3).is_empty(), "perhaps a restart");
        assert_eq!(
            names(0, 3),
            [json!(["gatewaySyncFailed", {"reason": "no route to it"}])]
        );
        assert!(names(0, 3).is_empty());
        assert_eq!(
            names(1, 5),
            [json!(["deliveryDead", {"count": 2, "listenerId": "crm"}])]
        );
        assert!(names(1, 0).is_empty(), "somebody has cleared them");
        assert_eq!(
            names(2, 1),
            [json!(["deliveryDead", {"count": 1, "listenerId": "crm"}])]
        );
        assert!(names(0, 1).is_empty());
        assert_eq!(names(0, 1).len(), 1, "it begins anew");
    }
}
