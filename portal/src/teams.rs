//! `/teams`: people who own applications together (portal-ui 22.1).

mod change;
mod pages;

use axum::{
    Router,
    routing::{get, post},
};

use crate::{links, state::App};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/teams", get(pages::list).post(change::create))
        .route("/teams/{team}", get(pages::one).post(change::rename))
        .route("/teams/{team}/members", post(change::put_member))
        .route("/teams/{team}/members/remove", post(change::remove_member))
        .route("/teams/{team}/delete", post(change::delete))
}

/// Address of a team.
fn url(id: &str) -> String {
    format!("/teams/{}", links::segment(id))
}
