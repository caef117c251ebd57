//! OpenID Connect: what an ID token says, reading one that comes back as a hint, and log-out at the
//! wish of a client.

mod id_token;
mod logout;

pub use id_token::{NewIdToken, id_token, read_hint};
pub use logout::routes;
