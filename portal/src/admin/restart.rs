//! `/admin/restart`: reading the configuration anew. Nothing is restarted for it any more.

use askama::Template;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;
use ui::{Frame, Html, Icon, texts};

use super::{Item, administrator, surroundings};
use crate::{failure::Failure, form::Form, json, visitor::Visitor};

#[derive(Template)]
#[template(path = "admin/restart.html")]
struct RestartPage {
    frame: Frame,
    side: Html,
    t: texts::Admin,
    /// What was in force when the reload was asked for.
    before: String,
}

/// `POST /admin/restart`: the page waits and then shows what has come of it.
pub async fn restart(visitor: Visitor, _: Form) -> Result<Response, Failure> {
    administrator(&visitor)?;
    let client = visitor.client();
    let status = client.config_status().await?;
    client.fetch_configuration().await?;
    let t = texts::Admin(visitor.lang());
    if visitor.wants_json {
        let body = json!({"title": t.reloading(), "configuration": status});
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let (frame, side) = surroundings(&visitor, Item::Configuration).await;
    let page = RestartPage {
        frame,
        side,
        t,
        before: status.serving.commit.unwrap_or(status.serving.hash),
    };
    let mut response = ui::page(StatusCode::OK, &page);
    let then = HeaderValue::from_static("3;url=/admin/configuration");
    response.headers_mut().insert(header::REFRESH, then);
    Ok(response)
}
