//! What a service has to remember over a restart without having a database: work that it has taken
//! over, and work that is done and must not be done again.

mod done;
mod spool;

pub use done::{Done, id};
pub use spool::Spool;
