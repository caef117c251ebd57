//! Usage: taken from gateways, summed per minute, handed to portal-api (events-and-adapters C15).
//!
//! A batch is answered only after portal-api has it, under the batch's own id. So nothing is kept
//! here: while portal-api is away the gateway keeps its records (on disk, if need be), and a batch
//! that comes twice is counted once, even when this process dies in between.

mod cells;
mod routes;

pub use routes::{Intake, router};
