//! All dynamic data in one encrypted file, and back (portal-api B14): for moving an installation to
//! another database, and for backups that do not depend on one.
//!
//! The plain text is lines of JSON: a head, then for each table its name and columns and one array
//! per row, then the numbers of rows. It is encrypted in pieces with a key that follows from the
//! master key (`service::keys`), so only an installation with that master key reads it, and nothing
//! of it is believed before all of it was checked.

mod export;
mod import;
mod lines;
mod rows;
mod tables;

use axum::{Router, extract::DefaultBodyLimit, routing::post};
use service::ServiceName;

use crate::{ApiError, AppState, caller::Caller};

/// Name of the media type; there is no other for what nobody can read.
const MEDIA_TYPE: &str = "application/octet-stream";

pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/export", post(export::export))
        // As long as it is; it goes to a file and is read in pieces.
        .route(
            "/import",
            post(import::import).layer(DefaultBodyLimit::disable()),
        )
}

/// For whoever holds the master key and speaks as portal-api itself: the command line. No other
/// service has a reason to take everything with it.
fn require_operator(caller: &Caller) -> Result<(), ApiError> {
    caller.require_service(&[ServiceName::PortalApi]).map(drop)
}
