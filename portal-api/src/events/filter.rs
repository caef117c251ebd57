//! Which listener gets which event. Decided once, when the event is written.

use sdk::types::events::{STANDARD_KINDS, matches};

use super::{Event, row::listener};

/// Without a list a listener gets the kinds that wicked knew; with one, what the list names. A
/// listener of an application gets nothing about other things.
pub fn wants(listener: &listener::Model, event: &Event) -> bool {
    wants_kind(listener, event.entity, event.action, event.application_id())
}

/// The same for an event that was stored.
pub fn wants_kind(
    listener: &listener::Model,
    entity: &str,
    action: &str,
    application: Option<&str>,
) -> bool {
    if let Some(own) = &listener.application_id
        && application != Some(own)
    {
        return false;
    }
    match &listener.events {
        None => STANDARD_KINDS
            .iter()
            .any(|kind| matches(kind, entity, action)),
        Some(filter) => filter
            .0
            .iter()
            .any(|pattern| matches(pattern, entity, action)),
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn either_part_of_a_pattern_may_be_a_star() {
        assert!(matches("subscription.*", "subscription", "add"));
        assert!(matches("*.delete", "application", "delete"));
        assert!(matches("*", "user", "add"));
        assert!(!matches("subscription.add", "subscription", "update"));
        assert!(!matches("subscription", "subscription", "add"));
    }
}
