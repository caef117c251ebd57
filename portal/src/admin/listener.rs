//! `/admin/listeners/{listener}`: one listener of the installation.

use askama::Template;
use axum::{extract::Query, response::Response};
use http::StatusCode;
use serde_json::json;
use ui::{Frame, Html, Icon, texts};

use super::{Item, surroundings};
use crate::{
    failure::Failure,
    json,
    listeners::{Listener, Question, View},
    visitor::Visitor,
};

/// Events of its queue that a script gets.
const MAX_EVENTS: u32 = 1000;

#[derive(Template)]
#[template(path = "admin/listener.html")]
struct ListenerPage {
    frame: Frame,
    side: Html,
    t: texts::Admin,
    id: String,
    view: Html,
}

/// `GET /admin/listeners/{listener}`
pub async fn show(
    visitor: Visitor,
    listener: Listener,
    Query(question): Query<Question>,
) -> Result<Response, Failure> {
    let t = texts::Admin(visitor.lang());
    if visitor.wants_json {
        let client = visitor.client();
        let pairs = question.pairs();
        let (events, deliveries, stats) = tokio::try_join!(
            client.events(&listener.id, Some(MAX_EVENTS)),
            listener.deliveries(&client, &pairs),
            listener.stats(&client),
        )?;
        let body = json!({
            "title": t.listener(), "events": events, "deliveries": deliveries, "stats": stats,
        });
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let view = View::load(&visitor, &listener, question, true).await?;
    let (frame, side) = surroundings(&visitor, Item::Listeners).await;
    let page = ListenerPage {
        frame,
        side,
        t,
        view: view.html(),
        id: listener.id,
    };
    Ok(ui::page(StatusCode::OK, &page))
}
