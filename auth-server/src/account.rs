//! The own account: where somebody is logged in, and the tokens of his programs. As pages for a
//! browser that is logged in here, and as JSON for the portal, which shows its user's token.

mod holder;
mod security;
mod sessions;
mod tokens;

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::{delete, get},
};
use service::problem::Problem;

use crate::{pages::PageError, state::AppState};

/// Below the base path.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route(
            "/account/sessions",
            get(sessions::show)
                .post(sessions::submit)
                .delete(sessions::end_others),
        )
        .route("/account/sessions/{id}", delete(sessions::end_one))
        .route(
            "/account/security",
            get(security::show).post(security::submit),
        )
        .route("/account/factors/{user}", delete(security::reset))
        .route("/account/tokens", get(tokens::show).post(tokens::create))
        .route("/account/tokens/{id}", delete(tokens::delete))
}

/// Why something was not done: a page for browsers, a problem for the portal.
pub enum Refused {
    Page(Box<PageError>),
    Json(Problem),
}

impl From<PageError> for Refused {
    fn from(error: PageError) -> Self {
        Self::Page(Box::new(error))
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Json(problem)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Page(error) => error.into_response(),
            Self::Json(problem) => problem.into_response(),
        }
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
fn database(error: sea_orm::DbErr) -> Problem {
    tracing::error!(%error, "the database failed");
    Problem::unavailable("The account cannot be read right now.")
}
