//! What existing clients rely on around every operation (portal-api 3): tolerant addresses, version
//! checks, media types, metrics.

mod answer;
mod observe;
mod versions;

use axum::{Router, extract::Request, middleware, response::IntoResponse};
use http::{Uri, uri::PathAndQuery};
use tower::ServiceExt;

use crate::{AppState, extract};

/// Wraps the routes. The path is mended before it is matched, hence a router around the router.
pub fn layers(router: Router, state: AppState) -> Router {
    let inner = router
        .layer(middleware::from_fn_with_state(state, versions::check))
        .layer(middleware::from_fn(answer::within_time))
        .layer(middleware::from_fn(service::http::expose_route));
    Router::new()
        .fallback(async move |mut request: Request| {
            if has_null_character(request.uri()) {
                return Ok(extract::null_character().into_response());
            }
            if let Some(uri) = without_trailing_slash(request.uri()) {
                *request.uri_mut() = uri;
            }
            inner.oneshot(request).await
        })
        .layer(middleware::from_fn(answer::finish))
        .layer(middleware::from_fn(observe::layer))
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
}
