//! Usage: taken from gateways, summed per minute, handed to portal-api (events-and-adapters C15).
//!
//! A batch of the embedded gateway is answered only after portal-api has it, or the spool, under
//! the batch's own id: it is counted once, even when this process dies in between. Kong's log
//! records have no id; what is summed of them is sent every ten seconds.

mod catalogue;
mod cells;
mod intake;
mod log_record;
mod operations;
mod routes;
mod spool;

pub use intake::Intake;
pub use routes::router;
