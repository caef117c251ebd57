//! The event bus, writing side: the transactional outbox. Delivering is in [`deliver`].
//!
//! The one invariant: an event is written in the transaction of the change it tells of, together
//! with one delivery per listener that wants it, so it can be neither forgotten nor lost.

mod append;
mod bell;
mod deliver;
mod filter;
pub mod guard;
mod kinds;
mod own;
mod routes;
pub mod row;
pub(crate) mod store;

pub use append::{append, enqueue};
pub use bell::Bell;
pub(crate) use deliver::deliver;
pub use kinds::{Change, Event, SubscriptionRef};
pub use routes::routes;
