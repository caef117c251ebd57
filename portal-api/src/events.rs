//! The event bus, writing side: the transactional outbox. Delivering is in [`deliver`].
//!
//! The one invariant: an event is written in the transaction of the change it tells of, together
//! with one delivery per listener that wants it, so it can be neither forgotten nor lost.

mod append;
mod bell;
mod filter;
mod kinds;
mod row;

pub use append::append;
pub use bell::Bell;
pub use kinds::{Change, Event, SubscriptionRef};
