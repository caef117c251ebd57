//! Guides of one API: `apis/<id>/docs/**` of the configuration (portal-api 29.3).

use axum::{
    extract::{Path, State},
    response::Response,
};
use config::content::DocPage;
use http::HeaderMap;
use sdk::types::content::Guide;

use super::access;
use crate::{
    ApiError, AppState,
    caller::Caller,
    content::{language, page_response},
    paging::{self, Parameters},
};

const SCOPE: &str = "read_apis";

/// `GET /apis/{api}/docs`: the guides that this caller may read.
#[tracing::instrument(skip_all, fields(api.id = %id))]
pub async fn tree(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.require_scope(SCOPE)?;
    let configuration = state.configuration();
    let api = access::visible(&configuration, &id, &caller)?;
    let shown = api
        .docs
        .iter()
        .filter(|(_, guide)| may_read(guide, &caller));
    let language = language(&headers).unwrap_or_default();
    let mut guides: Vec<(u64, Guide)> = shown
        .map(|(path, guide)| {
            let order = Some(guide.order).filter(|order| *order != u64::MAX);
            let shown = Guide {
                path: path.clone(),
                title: title(guide, &language),
                order,
            };
            (guide.order, shown)
        })
        .collect();
    guides.sort_by(|(one, a), (other, b)| (one, &a.path).cmp(&(other, &b.path)));
    let guides = guides.into_iter().map(|(_, guide)| guide).collect();
    paging::array(guides, &parameters, |guide: &Guide| &guide.path)
}

/// `GET /apis/{api}/docs/<path>`: a guide, as pages are served.
#[tracing::instrument(skip_all, fields(api.id = %id))]
pub async fn page(
    State(state): State<AppState>,
    Path((id, path)): Path<(String, String)>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.require_scope(SCOPE)?;
    let configuration = state.configuration();
    let api = access::visible(&configuration, &id, &caller)?;
    let guide = api
        .docs
        .get(&path)
        .ok_or_else(|| ApiError::not_found(format!("API `{id}` has no guide `{path}`.")))?;
    if !may_read(guide, &caller) {
        return Err(ApiError::forbidden(
            "restricted-page",
            "This page is shown to members of a certain group only.",
        ));
    }
    Ok(page_response(&guide.page, &headers))
}

/// The title in the reader's language, where there is one.
fn title(guide: &DocPage, language: &str) -> String {
    let translation = guide.page.translations.get(language);
    let metadata = translation.and_then(|page| page.metadata.as_ref());
    let title = metadata.and_then(|metadata| metadata.title.as_ref());
    title.unwrap_or(&guide.title).clone()
}

fn may_read(guide: &DocPage, caller: &Caller) -> bool {
    let metadata = guide.page.metadata.as_ref();
    let group = metadata.and_then(|metadata| metadata.required_group.as_deref());
    group.is_none_or(|group| access::has_group(caller, group))
}
