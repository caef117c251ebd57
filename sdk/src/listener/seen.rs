//! Which events were handled already. Deliveries come at least once; effects shall happen once.

use std::collections::{HashMap, VecDeque};

/// At ten events a second this remembers for longer than the ten minutes that are asked for.
const CAPACITY: usize = 10_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Somebody works on it right now.
    InWork,
    Done,
    /// Given up, and not reported yet. Afterwards it is forgotten, so that an operator who takes it
    /// out of the dead letters gets another try.
    Dead(String),
}

/// The newest events by id; the oldest are forgotten.
#[derive(Debug, Default)]
pub(super) struct Seen {
    states: HashMap<String, State>,
    order: VecDeque<String>,
}

impl Seen {
    pub(super) fn state(&self, id: &str) -> Option<&State> {
        self.states.get(id)
    }

    pub(super) fn set(&mut self, id: &str, state: State) {
        if self.states.insert(id.to_owned(), state).is_some() {
            return;
        }
        self.order.push_back(id.to_owned());
        while self.order.len() > CAPACITY {
            if let Some(oldest) = self.order.pop_front() {
                self.states.remove(&oldest);
            }
        }
    }

    /// The event may be handled again.
    pub(super) fn forget(&mut self, id: &str) {
        if self.states.remove(id).is_some() {
            self.order.retain(|known| known != id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_events_are_remembered() {
        let mut seen = Seen::default();
        for number in 0..=CAPACITY {
            seen.set(&number.to_string(), State::Done);
        }
        assert_eq!(seen.state("0"), None);
        assert_eq!(seen.state("1"), Some(&State::Done));
        seen.forget("1");
        assert_eq!(seen.states.len(), seen.order.len());
    }
}
