//! `/search`: APIs, operations, guides, pages and help, with tolerance for typing errors.
//!
//! The index lies in memory, in parts: one for each API and each page. A part is filled when the
//! first person who may see its subject searches, and found by those to whom portal-api lists that
//! subject at the time of the question. So rights are portal-api's business here, too.

mod index;
mod library;
mod mark;
mod parts;
mod results;
mod words;

pub use index::Kind;
pub use library::Library;
pub use results::{find, routes};
