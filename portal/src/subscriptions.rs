//! Subscribing applications to APIs, and everything about their credentials.

mod choose;
mod credentials;
mod plan;
mod scopes;
mod subscribe;
mod unsubscribe;

use axum::{
    Router,
    routing::{get, post},
};

use crate::state::App;

pub use choose::{Circumstances, obstacle, reason};
pub use credentials::{CredentialView, State, list::path as credentials_path};
pub use scopes::in_short as scopes_in_short;

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
            get(credentials::list::show).post(credentials::change::create),
        )
        .route(
            "/applications/{application}/subscriptions/{api}/credentials/{id}/rotate",
            post(credentials::change::rotate),
        )
        .route(
            "/applications/{application}/subscriptions/{api}/credentials/{id}/extend",
            post(credentials::change::extend),
        )
        .route(
            "/applications/{application}/subscriptions/{api}/credentials/{id}/revoke",
            post(credentials::change::revoke),
        )
        .route(
            "/applications/{application}/subscriptions/{api}/credentials/{id}/reveal",
            post(credentials::change::reveal),
        )
        .route(
            "/applications/{application}/subscriptions/{api}/plan",
            get(plan::choose).post(plan::change),
        )
}
