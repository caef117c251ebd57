//! `/swagger-ui`: Swagger UI for those who know its address, and for old links. It is served on the
//! gateway's name, shows definitions of this installation only, and sends nothing: what old links
//! say about keys and clients is not read. The files are Swagger UI's own, delivered with us.

use std::io::Read;

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query},
    response::{IntoResponse, Response},
    routing::get,
};
use flate2::read::GzDecoder;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use ui::texts;

use crate::{
    failure::Failure, host, installation::Installation, redirect::found, state::App,
    visitor::Visitor,
};

const BASE: &str = "/swagger-ui";

/// One delivered file: name, media type, content, and whether that is compressed.
type File = (&'static str, &'static str, &'static [u8], bool);

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const FILES: [File; 5] = [
    (
        "swagger-ui-bundle.js",
        SCRIPT,
        include_bytes!("../vendor/swagger-ui/swagger-ui-bundle.js.gz"),
        true,
    ),
    (
        "swagger-ui.css",
        STYLE,
        include_bytes!("../vendor/swagger-ui/swagger-ui.css.gz"),
        true,
    ),
    (
        "oauth2-redirect.js",
        SCRIPT,
        include_bytes!("../vendor/swagger-ui/oauth2-redirect.js"),
        false,
    ),
    (
        "console.js",
        SCRIPT,
        include_bytes!("../assets/console.js"),
        false,
    ),
    (
        "console.css",
        STYLE,
        include_bytes!("../assets/console.css"),
        false,
    ),
];

pub fn routes() -> Router<App> {
    Router::new()
        .route(BASE, get(show))
        .route("/swagger-ui/", get(show))
        .route("/swagger-ui/index.html", get(show))
        .route("/swagger-ui/oauth2-redirect.html", get(redirected))
        .route("/swagger-ui/{file}", get(file))
}

/// Whether a path is one of the console's, which lives on the gateway's name.
pub fn is_below(path: &str) -> bool {
    path.strip_prefix(BASE)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[derive(Deserialize)]
struct Question {
    url: Option<String>,
}

#[derive(Template)]
#[template(path = "console.html")]
struct ConsolePage {
    t: texts::Console,
    title: String,
    portal: String,
    /// Where the definition is.
    definition: String,
    /// The operator's style sheet for this page.
    style: Option<String>,
    home: String,
    shows_contact: bool,
    shows_content: bool,
}

async fn show(visitor: Visitor, Query(question): Query<Question>) -> Result<Response, Failure> {
    let installation = &visitor.installation;
    let portal = installation.external.as_str().trim_end_matches('/');
    let Some(url) = question.url else {
        return Ok(found(&format!("{portal}/apis")));
    };
    let api = api_of(&url, installation).ok_or(Failure::NotFound)?;
    // One that the portal itself may not see is one all the same; the definition is asked for with
    // the reader's rights.
    let known = visitor.app.service().api(&api).await;
    match known.as_ref().map_err(sdk::Error::status) {
        Ok(_) | Err(Some(StatusCode::FORBIDDEN)) => {}
        Err(_) => return Err(known.err().map_or(Failure::NotFound, Failure::from)),
    }
    let t = texts::Console(visitor.lang());
    let console = &installation.console;
    let page = ConsolePage {
        t,
        title: installation.site.title.clone(),
        definition: format!("{portal}/apis/{api}/swagger"),
        style: console.style.as_ref().map(|path| format!("{portal}{path}")),
        home: console.home.clone().unwrap_or_else(|| t.home().to_owned()),
        shows_contact: console.shows_contact,
        shows_content: console.shows_content,
        portal: portal.to_owned(),
    };
    Ok(with_policy(ui::page(StatusCode::OK, &page), installation))
}

/// The id of the API whose definition a link names; nothing for definitions from elsewhere.
fn api_of(url: &str, installation: &Installation) -> Option<String> {
    let url = installation.external.join(url).ok()?;
    let is_ours = host::authority(&url) == host::authority(&installation.external);
    let mut parts = url.path_segments()?.filter(|part| !part.is_empty());
    let (first, api, last) = (parts.next()?, parts.next()?, parts.next()?);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let named = first == "apis" && last == "swagger" && parts.next().is_none();
    (is_ours && named && api.chars().all(plain)).then(|| api.to_owned())
}

/// No script but ours, no style sheet but ours and the operator's, and definitions from the portal.
fn with_policy(mut response: Response, installation: &Installation) -> Response {
    let portal = installation.external.origin().ascii_serialization();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' {portal}; img-src 'self' data:; \
         font-src data:; connect-src {portal}; base-uri 'none'; frame-ancestors 'none'; \
         form-action 'none'"
    );
    if let Ok(policy) = HeaderValue::try_from(policy) {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The end of an OAuth log-in that a console began: tells the window behind it.
async fn redirected() -> Response {
    const PAGE: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
        <title>OAuth 2.0</title><script src=\"/swagger-ui/oauth2-redirect.js\"></script></html>";
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ];
    (headers, PAGE).into_response()
}

async fn file(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Failure> {
    let found = FILES.iter().find(|(known, ..)| *known == name);
    let (_, media_type, content, compressed) = *found.ok_or(Failure::NotFound)?;
    let accepted = headers.get(header::ACCEPT_ENCODING);
    let takes_gzip = accepted
        .and_then(|value| value.to_str().ok())
        .is_some_and(|text| text.split(',').any(|one| one.trim().starts_with("gzip")));
    let kind = [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, "public, max-age=86400"),
        (header::VARY, "Accept-Encoding"),
    ];
    if !compressed {
        return Ok((kind, content).into_response());
    }
    if takes_gzip {
        return Ok((kind, [(header::CONTENT_ENCODING, "gzip")], content).into_response());
    }
    let mut plain = Vec::new();
    let unpacked = GzDecoder::new(content).read_to_end(&mut plain);
    Ok(match unpacked {
        Ok(_) => (kind, plain).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    })
}
