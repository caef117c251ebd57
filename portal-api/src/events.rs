//! The event bus, writing side: the transactional outbox. Delivering is in [`deliver`].
//!
//! The one invariant: an event is written in the transaction of the change it tells of, together
//! with one delivery per listener that wants it, so it can be neither forgotten nor lost.

mod append;
mod applications;
mod bell;
mod deliver;
mod filter;
pub mod guard;
mod kinds;
pub(crate) mod listeners;
mod own;
pub(crate) mod queue;
pub mod row;
mod upkeep;

use axum::Router;

pub use append::{append, enqueue};
pub use bell::Bell;
pub use deliver::Pace;
pub(crate) use deliver::{deliver, health_url};
pub use guard::Doors;
pub use kinds::{Change, Event, SubscriptionRef};
pub use queue::Acks;
pub(crate) use upkeep::{measure, run as upkeep};

use crate::AppState;

/// Not acknowledged, not given up. Written out, because the indexes are on exactly this.
const OPEN: &str = "state in ('pending', 'in_flight')";

/// `/webhooks/…` and `/applications/{application}/listeners` (portal-api 21.1, events-and-adapters A1
/// and B).
pub fn routes() -> Router<AppState> {
    listeners::routes()
        .merge(queue::routes())
        .merge(applications::routes())
}
