//! Which listener gets which event. Decided once, when the event is written.

use super::{Event, row::listener};

/// Without a list a listener gets the kinds that wicked knew; with one, what the list names.
pub fn wants(listener: &listener::Model, event: &Event) -> bool {
    match &listener.events {
        None => !event.is_opt_in(),
        Some(filter) => filter
            .0
            .iter()
            .any(|pattern| names(pattern, event.entity, event.action)),
    }
}

fn names(pattern: &str, entity: &str, action: &str) -> bool {
    let part = |pattern: &str, text: &str| pattern == "*" || pattern == text;
    pattern
        .split_once('.')
        .is_some_and(|(left, right)| part(left, entity) && part(right, action))
        || pattern == "*"
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn either_part_of_a_pattern_may_be_a_star() {
        assert!(names("subscription.*", "subscription", "add"));
        assert!(names("*.delete", "application", "delete"));
        assert!(names("*", "user", "add"));
        assert!(!names("subscription.add", "subscription", "update"));
        assert!(!names("subscription", "subscription", "add"));
    }
}
