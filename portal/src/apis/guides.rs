//! `/apis/{api}/docs/{path}`: what API owners write beside the reference (portal-ui 21.3).

use askama::Template;
use axum::{extract::Path, response::Response};
use http::StatusCode;
use sdk::{Optional, types::content::Guide};
use serde_json::json;
use ui::{Entry, Frame, Html, Icon, texts};

use super::{ApiHead, ApiTab};
use crate::{failure::Failure, json, links, markdown, redirect::found, visitor::Visitor};

#[derive(Template)]
#[template(path = "guide.html")]
struct GuidePage {
    frame: Frame,
    t: texts::Apis,
    api: ApiHead,
    guides: Vec<Guide>,
    /// Which of them is shown.
    at: usize,
    sub_title: Html,
    body: Html,
}

impl GuidePage {
    fn url(&self, guide: &Guide) -> String {
        url(&self.api.id, &guide.path)
    }

    fn current(&self) -> &Guide {
        &self.guides[self.at]
    }

    fn is_current(&self, guide: &Guide) -> bool {
        guide.path == self.current().path
    }

    fn next(&self) -> Option<&Guide> {
        self.guides.get(self.at + 1)
    }
}

/// Address of a guide.
pub fn url(api: &str, path: &str) -> String {
    let path: Vec<String> = path.split('/').map(links::segment).collect();
    format!("{}/docs/{}", links::api(api), path.join("/"))
}

/// The guides of an API that the visitor may read, in the order of their owner.
pub async fn of(visitor: &Visitor, api: &str) -> Result<Vec<Guide>, Failure> {
    // A portal-api of before has none.
    let found = visitor.client().guides(api).await.optional()?;
    Ok(found.unwrap_or_default())
}

/// `GET /apis/{api}/docs`: the first one, or all of them for scripts.
pub async fn first(visitor: Visitor, Path(api): Path<String>) -> Result<Response, Failure> {
    let guides = of(&visitor, &api).await?;
    if visitor.wants_json {
        let title = texts::Apis(visitor.lang()).guides();
        let body = json!({"title": title, "guides": guides});
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let first = guides.first().ok_or(Failure::NotFound)?;
    Ok(found(&url(&api, &first.path)))
}

/// `GET /apis/{api}/docs/{path}`
pub async fn show(
    visitor: Visitor,
    Path((api, path)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let client = visitor.client();
    let (api, answer, guides, definition) = tokio::try_join!(
        async { client.api(&api).await.map_err(Failure::from) },
        async { client.guide(&api, &path).await.map_err(Failure::from) },
        of(&visitor, &api),
        async { Ok(visitor.app.definitions().get(&client, &api).await?) },
    )?;
    let at = guides.iter().position(|guide| guide.path == path);
    let at = at.ok_or(Failure::NotFound)?;
    let source = String::from_utf8_lossy(&answer.body);
    let metadata = answer.metadata.unwrap_or_default();
    if visitor.wants_json {
        let body = json!({
            "title": guides[at].title, "path": path, "markdown": source,
            "body_html": markdown::render(&source).as_str(),
        });
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let page = GuidePage {
        frame: visitor.frame(Entry::Apis).await.about(visitor.about(
            &url(&api.id, &path),
            &guides[at].title,
            "",
        )),
        t: texts::Apis(visitor.lang()),
        api: ApiHead::new(&visitor, &api, definition.as_deref(), true),
        guides,
        at,
        sub_title: metadata
            .sub_title
            .as_deref()
            .map(markdown::render)
            .unwrap_or_default(),
        body: markdown::render(&source),
    };
    Ok(ui::page(StatusCode::OK, &page))
}
