//! Subscriptions of applications to APIs: the right to call an API by the rules of a plan.

mod approve;
mod by_client;
pub mod change;
mod create;
mod delete;
mod end_all;
mod list;
mod people;
mod plan;
mod read;
pub mod row;
mod rules;
pub mod store;
pub mod wire;

use axum::{
    Router,
    routing::{get, post},
};
use http::{HeaderValue, header};
use tower_http::set_header::SetResponseHeaderLayer;

pub use approve::{Approval, approve, finish};
pub use delete::{remove, withdraw_all};
pub use read::is_deletable;

use crate::{ApiError, AppState, events::SubscriptionRef};

pub fn routes() -> Router<AppState> {
    Router::new()
        .route(
            "/applications/{application}/subscriptions",
            get(read::list).post(create::create),
        )
        .route(
            "/applications/{application}/subscriptions/{api}",
            get(read::read).patch(change::change).delete(delete::delete),
        )
        .route("/subscriptions", get(list::list))
        .route("/subscriptions/{client_id}", get(by_client::read))
        .route("/subscriptions/{client_id}/verify", post(by_client::verify))
        .route(
            "/apis/{api}/subscriptions",
            get(list::of_api).delete(end_all::end_all),
        )
        // Answers may hold secrets; no cache on the way may keep them.
        .layer(SetResponseHeaderLayer::overriding(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ))
}

/// 404 for a subscription.
pub fn not_found(application: &str, api: &str) -> ApiError {
    ApiError::not_found(format!(
        "Application `{application}` has no subscription to `{api}`."
    ))
}

/// What events say about a subscription.
pub fn reference(row: &row::Model) -> SubscriptionRef<'_> {
    SubscriptionRef {
        subscription_id: &row.id,
        application_id: &row.application_id,
        api_id: &row.api_id,
        plan_id: &row.plan_id,
        group: row.api_group.as_deref(),
    }
}
