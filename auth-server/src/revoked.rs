//! Access tokens that ended before their time: the list that introspection looks at, and that
//! portal-api and the gateways are told of ([`routes`]).

mod routes;
mod row;
mod store;

pub use routes::routes;
pub use store::{contains, insert};
