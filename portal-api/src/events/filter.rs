//! Which listener gets which event. Decided once, when the event is written.

use sdk::types::events::matches;

use super::{Event, row::listener};

/// Without a list a listener gets the kinds that wicked knew; with one, what the list names.
pub fn wants(listener: &listener::Model, event: &Event) -> bool {
    match &listener.events {
        None => !event.is_opt_in(),
        Some(filter) => filter
            .0
            .iter()
            .any(|pattern| matches(pattern, event.entity, event.action)),
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
