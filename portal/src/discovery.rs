//! What programs look for: `llms.txt`, `sitemap.xml`, `robots.txt` and the catalogue of APIs of
//! RFC 9727.

use std::fmt::Write as _;

use axum::{
    Json, Router,
    response::{IntoResponse, Response},
    routing::get,
};
use http::header;
use sdk::template::html;
use serde_json::{Value, json};

use crate::{
    apis::urls, failure::Failure, help::Topic, links, plain, state::App, visitor::Visitor,
};

/// No map has more addresses (sitemaps.org).
const MAX_ADDRESSES: usize = 50_000;
/// APIs whose addresses are asked for; others are listed with their page alone.
const MAX_ANCHORED: usize = 200;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/llms.txt", get(llms))
        .route("/llms-full.txt", get(llms_full))
        .route("/sitemap.xml", get(sitemap))
        .route("/robots.txt", get(robots))
        .route("/.well-known/api-catalog", get(catalogue))
}

async fn llms(visitor: Visitor) -> Result<Response, Failure> {
    Ok(plain::answer(plain::llms(&visitor).await?))
}

async fn llms_full(visitor: Visitor) -> Result<Response, Failure> {
    Ok(plain::answer(plain::llms_full(&visitor).await?))
}

/// `path` on this portal, in full.
fn address(visitor: &Visitor, path: &str) -> String {
    let base = visitor.installation.external.as_str();
    format!("{}{path}", base.trim_end_matches('/'))
}

/// `GET /sitemap.xml`: what guests see, since search engines are guests.
async fn sitemap(visitor: Visitor) -> Result<Response, Failure> {
    let guest = visitor.app.service();
    let (apis, toc) = tokio::try_join!(guest.apis(), guest.content_toc())?;
    let mut paths = vec!["/".to_owned(), "/apis".to_owned(), "/help".to_owned()];
    for api in &apis.apis {
        paths.push(links::api(&api.id));
        paths.push(format!("{}/reference", links::api(&api.id)));
    }
    let pages = toc.iter().filter(|entry| entry.category == "content");
    paths.extend(pages.map(|entry| entry.url.clone()));
    paths.extend(
        Topic::ALL
            .iter()
            .map(|topic| format!("/help/{}", topic.id())),
    );
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    for path in paths.iter().take(MAX_ADDRESSES) {
        let url = html::escape(&address(&visitor, path));
        let _ = writeln!(text, "<url><loc>{url}</loc></url>");
    }
    text.push_str("</urlset>\n");
    let headers = [
        (header::CONTENT_TYPE, "application/xml; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    Ok((headers, text).into_response())
}

/// `GET /robots.txt`: pages of people are nothing for search engines.
async fn robots(visitor: Visitor) -> Response {
    let mut text = String::from("User-agent: *\n");
    for path in [
        "/admin",
        "/applications",
        "/users",
        "/login",
        "/search",
        "/invitations",
        "/unsubscribe",
        "/mcp",
    ] {
        let _ = writeln!(text, "Disallow: {path}");
    }
    let _ = writeln!(text, "Sitemap: {}", address(&visitor, "/sitemap.xml"));
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, text).into_response()
}

/// `GET /.well-known/api-catalog`: the APIs that the visitor may see, as links (RFC 9727, RFC 9264).
async fn catalogue(visitor: Visitor) -> Result<Response, Failure> {
    let client = visitor.client();
    let apis = client.apis().await?.apis;
    let mut linkset = Vec::new();
    for (number, api) in apis.iter().enumerate() {
        let page = address(&visitor, &links::api(&api.id));
        let anchors = if number < MAX_ANCHORED {
            let config = client.api_config(&api.id).await?;
            urls(&visitor.installation.gateway, &config)
        } else {
            Vec::new()
        };
        let anchors = if anchors.is_empty() {
            vec![page.clone()]
        } else {
            anchors
        };
        linkset.extend(
            anchors
                .into_iter()
                .map(|anchor| entry(&anchor, &page, &api.name)),
        );
    }
    let own = address(&visitor, "/.well-known/api-catalog");
    let items: Vec<Value> = linkset
        .iter()
        .map(|entry| json!({"href": entry["anchor"]}))
        .collect();
    linkset.insert(0, json!({"anchor": own, "item": items}));
    let headers = [
        (
            header::CONTENT_TYPE,
            r#"application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727""#,
        ),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::VARY, "Cookie, Authorization"),
    ];
    let body = Json(json!({"linkset": linkset}))
        .into_response()
        .into_body();
    Ok((headers, body).into_response())
}

fn entry(anchor: &str, page: &str, title: &str) -> Value {
    json!({
        "anchor": anchor,
        "service-desc": [{"href": format!("{page}/swagger"), "type": "application/json", "title": title}],
        "service-doc": [
            {"href": page, "type": "text/html", "title": title},
            {"href": format!("{page}.md"), "type": "text/markdown", "title": title},
        ],
    })
}
