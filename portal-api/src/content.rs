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
use http::{HeaderMap, HeaderValue, header};

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
    headers: HeaderMap,
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
    let language = language(&headers).unwrap_or_default();
    let listed = listed.map(|entry| entry.in_language(&language));
    paging::array(listed.collect(), &parameters, |entry: &TocEntry| &entry.url)
}

/// A group that the configuration does not know hides an entry from everybody.
fn is_listed(entry: &TocEntry, configuration: &Arc<Configuration>, caller: &Caller) -> bool {
    entry.required_group.as_deref().is_none_or(|group| {
        configuration.groups.all.contains(group) && access::has_group(caller, group)
    })
}

/// The language that the reader likes best: the first part of its tag, in lower case.
pub fn language(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
    sdk::language::preferred(text, |tag| {
        let primary = tag.split('-').next()?;
        Some(primary.to_ascii_lowercase())
    })
}

/// The page, in the reader's language where there is a translation.
pub fn page_response(page: &Page, headers: &HeaderMap) -> Response {
    let language = language(headers);
    let translation = language
        .as_ref()
        .and_then(|language| page.translations.get_key_value(language));
    let (language, page) = match translation {
        Some((language, page)) => (Some(language), page),
        None => (None, page),
    };
    let mut response = respond(headers, &page.source, page.kind.media_type());
    if let Ok(meta) = HeaderValue::from_str(&page.meta_header) {
        response.headers_mut().insert("x-metainfo", meta);
    }
    let answered = response.headers_mut();
    answered.insert(header::VARY, HeaderValue::from_static("Accept-Language"));
    if let Some(language) = language.and_then(|tag| HeaderValue::from_str(tag).ok()) {
        answered.insert(header::CONTENT_LANGUAGE, language);
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
