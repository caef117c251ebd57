//! Pages for reading as Markdown, for programs that read (portal-ui 21.7): at the address of a page
//! with `.md` behind it, or for those who accept `text/markdown` rather than HTML.

mod api;
mod lists;
mod operation;

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, header};
use percent_encoding::percent_decode_str;

use crate::{failure::Failure, visitor::Visitor};

pub use lists::{llms, llms_full};

/// The page that is asked for as Markdown, without the ending; nothing if HTML will do.
pub fn asked(request: &Request) -> Option<String> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return None;
    }
    let path = request.uri().path();
    match path.strip_suffix(".md") {
        Some("/index") => Some("/".to_owned()),
        Some(path) if !path.is_empty() => Some(path.to_owned()),
        _ if prefers(request.headers()) => Some(path.to_owned()),
        _ => None,
    }
}

/// Whether Markdown is named, and named before HTML.
fn prefers(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).into_iter();
    let accepted = accepted.filter_map(|value| value.to_str().ok());
    let mut kinds = accepted.flat_map(|text| text.split(',')).map(str::trim);
    let first =
        kinds.find(|kind| kind.starts_with("text/markdown") || kind.starts_with("text/html"));
    first.is_some_and(|kind| kind.starts_with("text/markdown"))
}

/// The text of a page, with the visitor's rights; nothing where a page has no such form.
pub async fn page(visitor: &Visitor, path: &str) -> Option<Result<String, Failure>> {
    let decode = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
    let segments: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(decode)
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    Some(match segments.as_slice() {
        [] | ["content"] => lists::content(visitor, "").await,
        ["content", "toc"] => lists::toc(visitor).await,
        ["content", rest @ ..] => lists::content(visitor, &rest.join("/")).await,
        ["apis"] => lists::apis(visitor).await,
        ["apis", api] => api::overview(visitor, api).await,
        ["apis", api, "reference"] => api::reference(visitor, api).await,
        ["apis", api, "reference", slug] => operation::one(visitor, api, slug).await,
        ["apis", api, "docs"] => api::guides(visitor, api).await,
        ["apis", api, "docs", path @ ..] => api::guide(visitor, api, &path.join("/")).await,
        ["help"] => Ok(lists::help_index(visitor)),
        ["help", topic] => lists::help(visitor, topic).await,
        _ => return None,
    })
}

/// A text as an answer.
pub fn answer(text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/markdown; charset=utf-8"),
        (header::CACHE_CONTROL, "private, no-cache"),
        (
            header::VARY,
            "Cookie, Authorization, Accept-Language, Accept",
        ),
    ];
    (headers, text).into_response()
}

/// On one line, so that it can be part of a list.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A complete address of the portal.
fn address(visitor: &Visitor, path: &str) -> String {
    let base = visitor.installation.external.as_str();
    format!("{}{path}", base.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_has_to_be_asked_for() {
        let request = |path: &str, accept: &str| {
            let request = http::Request::get(path).header(header::ACCEPT, accept);
            asked(&request.body(axum::body::Body::empty()).unwrap())
        };
        assert_eq!(request("/apis/a.md", "*/*").as_deref(), Some("/apis/a"));
        assert_eq!(request("/index.md", "*/*").as_deref(), Some("/"));
        assert_eq!(request("/apis", "text/markdown").as_deref(), Some("/apis"));
        assert_eq!(
            request("/apis", "text/markdown, text/html;q=0.9").as_deref(),
            Some("/apis")
        );
        for accept in ["text/html, text/markdown", "*/*", "application/json"] {
            assert_eq!(request("/apis", accept), None, "{accept}");
        }
    }
}
