//! Who reads the answer to the request that the running task works for: in which language, and whether
//! it is a program that drives the pages (3.4). So an error is told like every other page, wherever it
//! happens.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, header};
use ui::Preferences;

use crate::state::AppState;

tokio::task_local! {
    static CURRENT: Reader;
}

/// The reader of a page.
#[derive(Clone, Default)]
pub struct Reader {
    pub preferences: Preferences,
    pub wants_json: bool,
}

impl Reader {
    /// Of the request in work.
    pub fn current() -> Self {
        CURRENT.try_with(Clone::clone).unwrap_or_default()
    }
}

/// Lets all that follows know the reader.
pub async fn introduce(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (headers, uri) = (request.headers(), request.uri());
    let here = uri.path_and_query().map_or("/", |path| path.as_str());
    let reader = Reader {
        preferences: Preferences::of(state.configuration().languages, headers, here),
        wants_json: state.settings.render_json && wants_json(headers),
    };
    CURRENT.scope(reader, next.run(request)).await
}

/// Only clients that accept nothing but JSON, and only with the test switch.
fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT);
    accept.is_some_and(|accept| accept.as_bytes().eq_ignore_ascii_case(b"application/json"))
}
