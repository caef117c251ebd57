//! Which pages of other origins may read answers (F34).
//!
//! Documents are for everybody. Answers about a client may be read by pages of the origins of its
//! redirect URIs: there its users come back with a code. No cookie counts at these addresses, so a page
//! can do nothing that its own server could not.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use url::{Origin, Url};

use crate::{clients::Client, state::AppState};

/// In the extensions of an answer: the client it is about.
#[derive(Clone)]
pub struct AboutClient(pub String);

/// For documents.
pub async fn for_everybody(request: Request, next: Next) -> Response {
    let mut response = if is_preflight(&request) {
        permitted()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    response
}

/// For answers about a client. A preflight does not say which client it is about, so that every origin
/// may go on to ask; whether its page may read the answer is decided then.
pub async fn for_clients(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else {
        return vary(next.run(request).await);
    };
    if is_preflight(&request) {
        return vary(allow(permitted(), origin));
    }
    let mut response = next.run(request).await;
    let about = response.extensions_mut().remove::<AboutClient>();
    let client = match about {
        Some(AboutClient(id)) => state.portal_api.client(&id).await.ok().flatten(),
        None => None,
    };
    let is_own = client.is_some_and(|client| is_origin_of(&origin, &client));
    vary(if is_own {
        allow(response, origin)
    } else {
        response
    })
}

fn is_preflight(request: &Request) -> bool {
    let headers = request.headers();
    *request.method() == Method::OPTIONS
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn permitted() -> Response {
    let headers: HeaderMap = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, content-type, correlation-id",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "3600"),
    ]
    .into_iter()
    .map(|(name, value)| (name, HeaderValue::from_static(value)))
    .collect();
    (StatusCode::NO_CONTENT, headers).into_response()
}

fn allow(mut response: Response, origin: HeaderValue) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("www-authenticate, retry-after, correlation-id"),
    );
    response
}

fn vary(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    response
}

fn is_origin_of(origin: &HeaderValue, client: &Client) -> bool {
    let is_same = |uri: &String| match Url::parse(uri).map(|url| url.origin()) {
        // Apps have schemes of their own, and pages none of those.
        Ok(registered @ Origin::Tuple(..)) => {
            registered.ascii_serialization().as_bytes() == origin.as_bytes()
        }
        _ => false,
    };
    client.redirect_uris.iter().any(is_same)
}
