//! What existing clients rely on around every operation (portal-api 3): a tolerated trailing slash
//! and the version checks that make them restart after a change of the configuration.

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, Uri, header, uri::PathAndQuery};
use service::problem::Problem;
use tower::ServiceExt;

use crate::{AppState, extract};

/// Wraps the routes. The path is mended before it is matched, hence a router around the router.
pub fn layers(router: Router, state: AppState) -> Router {
    let inner = router
        .layer(middleware::from_fn_with_state(state, check_versions))
        .layer(middleware::from_fn(service::http::expose_route));
    Router::new().fallback(async move |mut request: Request| {
        if has_null_character(request.uri()) {
            return Ok(extract::null_character().into_response());
        }
        if let Some(uri) = without_trailing_slash(request.uri()) {
            *request.uri_mut() = uri;
        }
        inner.oneshot(request).await
    })
}

fn has_null_character(uri: &Uri) -> bool {
    uri.path().contains("%00") || uri.query().is_some_and(|query| query.contains("%00"))
}

/// The address without the slashes at the end of its path, if there are any.
fn without_trailing_slash(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let trimmed = path.trim_end_matches('/');
    if trimmed.len() == path.len() || trimmed.is_empty() {
        return None;
    }
    let query = uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(format!("{trimmed}{query}")).ok()?);
    Uri::from_parts(parts).ok()
}

/// 428 for components that work with an old configuration or are newer than this service
/// (portal-api 3.4). `/ping` and `/confighash` are how they find out, so these stay open.
async fn check_versions(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if !matches!(request.uri().path(), "/ping" | "/confighash") {
        let headers = request.headers();
        if let Some(problem) = outdated(headers, &state).or_else(|| newer(headers)) {
            return problem.into_response();
        }
    }
    next.run(request).await
}

fn outdated(headers: &HeaderMap, state: &AppState) -> Option<Problem> {
    let sent = headers.get("x-config-hash")?;
    if sent.as_bytes() == state.configuration().hash.as_bytes() {
        return None;
    }
    Some(Problem::new(
        StatusCode::PRECONDITION_REQUIRED,
        "configuration-changed",
        "The configuration has changed. Fetch it again and repeat the call.",
    ))
}

fn newer(headers: &HeaderMap) -> Option<Problem> {
    let agent = headers.get(header::USER_AGENT)?.to_str().ok()?;
    let (name, version) = agent.split_once('/')?;
    if !name.starts_with("wicked") {
        return None;
    }
    let ours = semver::Version::parse(service::VERSION).expect("our own version is semantic");
    let accepted = semver::Version::parse(version.trim()).is_ok_and(|theirs| theirs <= ours);
    (!accepted).then(|| {
        Problem::new(
            StatusCode::PRECONDITION_REQUIRED,
            "client-too-new",
            format!("This client does not fit portal-api {ours}; update portal-api first."),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_at_the_end_of_a_path_are_dropped_and_the_query_stays() {
        let mend =
            |text: &str| without_trailing_slash(&text.parse().unwrap()).map(|u| u.to_string());
        assert_eq!(mend("/users/?a=b"), Some("/users?a=b".to_owned()));
        assert_eq!(mend("/users"), None);
        assert_eq!(mend("/"), None);
    }

    #[test]
    fn components_of_wicked_pass_unless_they_are_newer() {
        let check = |agent: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::USER_AGENT, agent.parse().unwrap());
            newer(&headers).is_none()
        };
        assert!(check("wicked.portal/1.0.0-rc.14"));
        assert!(check("curl/99.0"));
        assert!(!check("wicked.portal/99.0.0"));
        assert!(!check("wicked.portal/latest"));
    }
}
