//! `/admin/approvals`: requests that wait for a decision.

mod decide;
mod discuss;
mod download;
mod list;

use axum::{
    Router,
    routing::{get, post},
};

use crate::state::App;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/approvals", get(list::show))
        .route("/admin/approvals_csv", get(download::download))
        .route("/admin/approvals/comment", post(discuss::comment))
        .route("/admin/approvals/assign", post(discuss::assign))
        .route("/admin/approvals/approve", post(decide::approve))
        .route("/admin/approvals/decline", post(decide::decline))
}
