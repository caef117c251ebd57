//! `/admin/listeners`: who is told of events.

use askama::Template;
use axum::{
    Router,
    response::Response,
    routing::{get, post},
};
use http::StatusCode;
use sdk::types::{ListenerRegistration, health::Health};
use serde_json::json;
use ui::{Breakable, Frame, Html, Icon, texts};

use super::{Item, administrator, listener, surroundings};
use crate::{failure::Failure, json, links, listeners::actions, state::App, visitor::Visitor};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/listeners", get(show))
        .route("/admin/listeners/{listener}", get(listener::show))
        .route("/admin/listeners/{listener}/replay", post(actions::replay))
        .route("/admin/listeners/{listener}/retry", post(actions::retry))
        .route("/admin/listeners/{listener}/test", post(actions::test))
        .route("/admin/listeners/{listener}/enable", post(actions::enable))
        .route(
            "/admin/listeners/{listener}/disable",
            post(actions::disable),
        )
        .route("/admin/listeners/{listener}/secret", post(actions::secret))
}

#[derive(Template)]
#[template(path = "admin/listeners.html")]
struct ListenersPage {
    frame: Frame,
    side: Html,
    t: texts::Admin,
    rows: Vec<Row>,
}

struct Row {
    id: String,
    url: String,
    events: String,
    is_enabled: bool,
    reason: Option<String>,
    /// Events that wait and that were given up, where that is known.
    waiting: Option<i64>,
    dead: i64,
}

impl Row {
    fn new(listener: ListenerRegistration, health: &[Health]) -> Self {
        let health = health.iter().find(|health| health.name == listener.id);
        Self {
            waiting: health
                .map(|health| health.pending_events)
                .filter(|waiting| *waiting >= 0),
            dead: health.map_or(0, |health| health.dead_events.max(0)),
            url: listener.url.unwrap_or_default(),
            events: listener.events.unwrap_or_default().join(", "),
            is_enabled: listener.enabled != Some(false),
            reason: listener.disabled_reason,
            id: listener.id,
        }
    }

    fn path(&self) -> String {
        links::listener(&self.id)
    }
}

/// `GET /admin/listeners`
async fn show(visitor: Visitor) -> Result<Response, Failure> {
    administrator(&visitor)?;
    let client = visitor.client();
    let listeners = client.listeners().await?;
    let t = texts::Admin(visitor.lang());
    if visitor.wants_json {
        let body = json!({"title": t.listeners(), "listeners": listeners});
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    // How long the queues are is said where the parts are asked; without it the list still stands.
    let health = client.system_health().await.unwrap_or_default();
    let (frame, side) = surroundings(&visitor, Item::Listeners).await;
    let page = ListenersPage {
        rows: listeners
            .into_iter()
            .map(|listener| Row::new(listener, &health))
            .collect(),
        frame,
        side,
        t,
    };
    Ok(ui::page(StatusCode::OK, &page))
}
