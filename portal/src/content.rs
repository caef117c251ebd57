//! Pages and files that the operator writes: `/`, `/content`, `/content/<path>`, `/content/toc`.

mod template;

use askama::Template;
use axum::{
    Router,
    extract::Path,
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sdk::types::content::{Metadata, TocEntry};
use serde_json::json;
use sha2::{Digest, Sha256};
use ui::{Entry, Frame, Html, texts};

use crate::{failure::Failure, json, markdown, redirect::found, state::App, visitor::Visitor};

/// HTML with Mustache.
const TEMPLATE: &str = "text/x-html-template";

/// Pictures that old pages name, for operators who have none of their own.
const PICTURES: [(&str, &[u8]); 2] = [
    (
        "images/wicked-40.png",
        include_bytes!("../assets/mark-40.png"),
    ),
    (
        "images/wicked-auth-page-120.png",
        include_bytes!("../assets/mark-120.png"),
    ),
];

pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(index))
        .route("/contact", get(async || found("/content/contact")))
        .route("/content", get(index))
        .route("/content/", get(index))
        .route("/content/toc", get(toc))
        .route("/content/{*path}", get(page))
}

#[derive(Template)]
#[template(path = "content/page.html")]
struct ContentPage {
    frame: Frame,
    title: String,
    shown_title: Option<String>,
    sub_title: Html,
    body: Html,
    omit_container: bool,
    /// The start page offers the ways that everybody takes first.
    start: bool,
    browse: &'static str,
}

#[derive(Template)]
#[template(path = "content/toc.html")]
struct TocPage {
    frame: Frame,
    t: texts::Content,
    pages: Vec<TocEntry>,
    apis: Vec<TocEntry>,
}

impl TocPage {
    /// Heading and entries of each panel.
    fn panels(&self) -> Vec<(&'static str, &[TocEntry])> {
        let panels = [
            (self.t.pages(), self.pages.as_slice()),
            (self.t.apis(), self.apis.as_slice()),
        ];
        panels
            .into_iter()
            .filter(|(_, entries)| !entries.is_empty())
            .collect()
    }
}

/// Whether an address is that of a file of the operator's, which is the same for everybody.
pub fn is_file(path: &str) -> bool {
    path.strip_prefix("/content/").is_some_and(has_file_ending)
}

fn has_file_ending(path: &str) -> bool {
    const ENDINGS: [&str; 13] = [
        "jpg", "jpeg", "png", "gif", "css", "js", "svg", "webp", "avif", "ico", "woff2", "pdf",
        "mp4",
    ];
    let ending = path.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| ENDINGS.iter().any(|one| one.eq_ignore_ascii_case(ending)))
}

async fn index(visitor: Visitor, headers: HeaderMap) -> Result<Response, Failure> {
    serve(visitor, "", &headers).await
}

async fn page(
    visitor: Visitor,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '.');
    if path.contains("..") {
        return Err(Failure::BadRequest(
            "A path must not contain `..`.".to_owned(),
        ));
    }
    if !path.chars().all(known) {
        return Err(Failure::NotFound);
    }
    serve(visitor, &path, &headers).await
}

async fn serve(visitor: Visitor, path: &str, headers: &HeaderMap) -> Result<Response, Failure> {
    // Files are for everybody; nobody's token is needed, nor lets see more.
    let client = if has_file_ending(path) {
        visitor.app.service().clone()
    } else {
        visitor.client()
    };
    let answer = match client.content(path).await {
        Err(error) if error.is_not_found() => {
            let (_, picture) = PICTURES
                .iter()
                .find(|(known, _)| *known == path)
                .ok_or(error)?;
            return Ok(asset("image/png", Bytes::from_static(picture), headers));
        }
        answer => answer?,
    };
    let media = answer
        .content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    if !matches!(media, "text/markdown" | TEMPLATE | "text/jade") {
        return Ok(asset(&answer.content_type, answer.body, headers));
    }
    let mut metadata = answer.metadata.unwrap_or_default();
    // The old spelling.
    metadata.show_title |= metadata.extra.get("showtitle") == Some(&true.into());
    let t = texts::Content(visitor.lang());
    let source = String::from_utf8_lossy(&answer.body);
    let body = match media {
        "text/markdown" => markdown::render(&source),
        TEMPLATE => template::render(&visitor, &answer.body, &metadata, path)?,
        _ if visitor.user().is_some_and(|user| user.admin) => markdown::render(t.not_rendered()),
        _ => markdown::render(t.not_ready()),
    };
    let title = title(&metadata, path, t);
    if visitor.wants_json {
        let markdown = (media == "text/markdown").then_some(source);
        let body = json!({
            "title": title, "subTitle": metadata.sub_title, "markdown": markdown,
            "body_html": body.as_str(),
        });
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let address = match path {
        "" => "/".to_owned(),
        path => format!("/content/{path}"),
    };
    let about = visitor.about(&address, &title, "");
    let page = ContentPage {
        title,
        shown_title: metadata.title.filter(|_| metadata.show_title),
        sub_title: metadata
            .sub_title
            .as_deref()
            .filter(|_| metadata.show_title)
            .map(markdown::render)
            .unwrap_or_default(),
        body,
        omit_container: metadata.omit_container,
        start: path.is_empty(),
        browse: texts::Applications(visitor.lang()).browse(),
        frame: visitor
            .frame(if path.is_empty() {
                Entry::None
            } else {
                Entry::Docs
            })
            .await
            .about(about),
    };
    Ok(ui::page(StatusCode::OK, &page))
}

/// The title for the window: of the page, or of its address.
fn title(metadata: &Metadata, path: &str, t: texts::Content) -> String {
    let given = metadata.title.clone().filter(|title| !title.is_empty());
    given.unwrap_or_else(|| match path.rsplit('/').next().unwrap_or_default() {
        "" => t.welcome().to_owned(),
        name => name.to_owned(),
    })
}

/// A file for everybody. What is not a picture is never taken for a page of ours.
fn asset(content_type: &str, body: Bytes, request: &HeaderMap) -> Response {
    let digest = URL_SAFE_NO_PAD.encode(&Sha256::digest(&body)[..16]);
    let Ok(tag) = HeaderValue::try_from(format!("\"{digest}\"")) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let same = request.get(header::IF_NONE_MATCH) == Some(&tag);
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::try_from(content_type)
                .unwrap_or(HeaderValue::from_static("application/octet-stream")),
        ),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=300"),
        ),
        (header::ETAG, tag),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; sandbox"),
        ),
    ];
    let mut response = if same {
        (StatusCode::NOT_MODIFIED, headers).into_response()
    } else {
        (headers, body).into_response()
    };
    // Viewers of browsers do not work inside of a sandbox; these two hold no script of ours.
    if matches!(content_type, "application/pdf" | "video/mp4") {
        let policy = HeaderValue::from_static("frame-ancestors 'none'");
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

async fn toc(visitor: Visitor) -> Result<Response, Failure> {
    let entries = visitor.client().content_toc().await?;
    let t = texts::Content(visitor.lang());
    if visitor.wants_json {
        let body = json!({"title": t.toc(), "entries": entries});
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let (apis, pages) = entries
        .into_iter()
        .partition(|entry| entry.category == "api");
    let page = TocPage {
        frame: visitor.frame(Entry::Docs).await,
        t,
        pages,
        apis,
    };
    Ok(ui::page(StatusCode::OK, &page))
}
