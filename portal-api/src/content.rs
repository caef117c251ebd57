//! Pages and public files of the portal (portal-api 20).

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use config::{
    Configuration,
    content::{Page, TocEntry, asset_type},
};
use http::{HeaderMap, HeaderValue};

use crate::{
    ApiError, AppState,
    apis::access,
    caller::Caller,
    paging::{self, Parameters},
    rendered::respond,
};

const SCOPE: &str = "read_content";

pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/content", get(landing_page))
        .route("/content/toc", get(toc))
        .route("/content/{*path}", get(show))
}

/// `GET /content`
async fn landing_page(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.require_scope(SCOPE)?;
    let configuration = state.configuration();
    let page = configuration
        .content
        .index
        .as_ref()
        .ok_or_else(|| not_found("index"))?;
    Ok(page_response(page, &headers))
}

/// `GET /content/<path>`: a public file, or a page with its metadata.
async fn show(
    State(state): State<AppState>,
    Path(path): Path<String>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.require_scope(SCOPE)?;
    check_path(&path)?;
    let configuration = state.configuration();
    let content = &configuration.content;
    if let Some(media_type) = asset_type(&path) {
        let asset = content.assets.get(&path).ok_or_else(|| not_found(&path))?;
        return Ok(respond(&headers, asset, media_type));
    }
    let page = content.pages.get(&path).ok_or_else(|| not_found(&path))?;
    let group = page
        .metadata
        .as_ref()
        .and_then(|metadata| metadata.required_group.as_deref());
    if group.is_some_and(|group| !access::has_group(&caller, group)) {
        return Err(ApiError::forbidden(
            "restricted-page",
            "This page is shown to members of a certain group only.",
        ));
    }
    Ok(page_response(page, &headers))
}

/// `GET /content/toc`: the pages and APIs that this caller may see.
async fn toc(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    caller.require_scope(SCOPE)?;
    if caller.names_a_user() && caller.user().is_none() {
        return Err(ApiError::bad_request(
            "unknown-user",
            "The user for whom this call is made does not exist.",
        ));
    }
    let configuration = state.configuration();
    let entries = configuration.content.toc.iter();
    let listed = entries.filter(|entry| is_listed(entry, &configuration, &caller));
    paging::array(listed.collect(), &parameters, |entry| &entry.url)
}

/// A group that the configuration does not know hides an entry from everybody.
fn is_listed(entry: &TocEntry, configuration: &Arc<Configuration>, caller: &Caller) -> bool {
    entry.required_group.as_deref().is_none_or(|group| {
        configuration.groups.all.contains(group) && access::has_group(caller, group)
    })
}

pub fn page_response(page: &Page, headers: &HeaderMap) -> Response {
    let mut response = respond(headers, &page.source, page.kind.media_type());
    if let Ok(meta) = HeaderValue::from_str(&page.meta_header) {
        response.headers_mut().insert("x-metainfo", meta);
    }
    response
}

/// Paths have plain names only; pages are looked up, so `..` could do no harm, but says something.
fn check_path(path: &str) -> Result<(), ApiError> {
    if path.contains("..") {
        return Err(ApiError::bad_request(
            "bad-path",
            "A path must not contain `..`.",
        ));
    }
    let is_plain = path
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_/.".contains(&byte));
    if is_plain {
        Ok(())
    } else {
        Err(not_found(path))
    }
}

fn not_found(path: &str) -> ApiError {
    ApiError::not_found(format!("There is no content `{path}`."))
}
