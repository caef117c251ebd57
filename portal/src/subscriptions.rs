//! Subscribing applications to APIs, and everything about their credentials.

mod choose;
mod credentials;
mod scopes;
mod subscribe;
mod unsubscribe;

use axum::{
    Router,
    routing::{get, post},
};

use crate::state::App;

pub use choose::{Obstacle, obstacle};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/apis/{api}/subscribe", get(choose::application))
        .route(
            "/applications/{application}/subscribe/{api}",
            get(choose::plan).post(subscribe::subscribe),
        )
        .route(
            "/applications/{application}/unsubscribe/{api}",
            get(unsubscribe::confirm).post(unsubscribe::unsubscribe),
        )
        .route(
            "/applications/{application}/subscriptions/{api}",
            get(scopes::show).post(scopes::change),
        )
        .route(
            "/applications/{application}/subscriptions/{api}/credentials",
            post(credentials::create),
        )
}
