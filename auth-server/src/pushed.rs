//! Authorization requests that a client sends by itself (RFC 9126): it proves who it is, what is asked
//! for passes no browser, and the browser brings a name that counts once.

mod routes;
mod row;
mod store;

use axum::{Router, routing::post};
use chrono::TimeDelta;

use crate::state::AppState;

pub use store::{consume, find, keep};

/// How long the browser may take to come.
const LIFETIME: TimeDelta = TimeDelta::seconds(90);
/// How long somebody may take who has to choose a log-in method first.
const CHOOSING: TimeDelta = TimeDelta::minutes(10);
/// What every name of a request begins with.
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// Below the base path.
pub fn routes() -> Router<AppState> {
    Router::new().route("/oauth2/par", post(routes::push))
}

/// Whether `request_uri` is one of these, and no address to fetch something from.
pub fn is_pushed(request_uri: &str) -> bool {
    request_uri.starts_with(PREFIX)
}
