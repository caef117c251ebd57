//! `/admin/approvals`: requests that wait for a decision.

mod decide;
mod list;

use axum::{
    Router,
    routing::{get, post},
};

use crate::state::App;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/approvals", get(list::show))
        .route("/admin/approvals/approve", post(decide::approve))
        .route("/admin/approvals/decline", post(decide::decline))
}
