//! `/admin/listeners/{listener}`: what one listener was sent, and what came back.

pub mod actions;

use std::fmt::Write as _;

use askama::Template;
use axum::{
    extract::{Path, Query},
    response::Response,
};
use http::StatusCode;
use sdk::{
    Optional,
    types::{
        ListenerRegistration,
        listeners::{AttemptInfo, DeliveryInfo, Stats},
    },
};
use serde::Deserialize;
use serde_json::json;
use ui::{Breakable, Frame, Html, Icon, Lang, format, texts};

use super::{Item, administrator, surroundings};
use crate::{
    chart::{Bars, Series},
    failure::Failure,
    json, links,
    visitor::Visitor,
};

/// Deliveries of one page.
const PAGE: u32 = 20;
/// Events of its queue that a script gets.
const MAX_EVENTS: u32 = 1000;
const STATES: [&str; 4] = ["pending", "in_flight", "dead", "acked"];

#[derive(Deserialize)]
pub struct Question {
    state: Option<String>,
    event: Option<String>,
    /// The one that is opened.
    delivery: Option<String>,
    cursor: Option<String>,
}

impl Question {
    /// The filter in force, without what is not known.
    fn state(&self) -> Option<&str> {
        let state = self.state.as_deref()?;
        STATES.into_iter().find(|known| *known == state)
    }

    fn event(&self) -> &str {
        self.event.as_deref().unwrap_or_default().trim()
    }

    fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = vec![("limit", PAGE.to_string())];
        if let Some(state) = self.state() {
            pairs.push(("state", state.to_owned()));
        }
        if !self.event().is_empty() {
            pairs.push(("event", self.event().to_owned()));
        }
        if let Some(cursor) = &self.cursor {
            pairs.push(("cursor", cursor.clone()));
        }
        pairs
    }
}

#[derive(Template)]
#[template(path = "admin/listener.html")]
struct ListenerPage {
    frame: Frame,
    side: Html,
    t: texts::Admin,
    listener: ListenerRegistration,
    stats: Stats,
    chart: Html,
    question: Question,
    rows: Vec<Row>,
    opened: Option<Opened>,
    next: Option<String>,
}

struct Row {
    delivery: DeliveryInfo,
    answer: String,
}

/// The latest request of a delivery and what came back.
struct Opened {
    event_id: String,
    attempts: u32,
    request: String,
    status: Option<u16>,
    answer: String,
    error: Option<String>,
    at: String,
}

impl ListenerPage {
    fn path(&self) -> String {
        links::listener(&self.listener.id)
    }

    fn is_enabled(&self) -> bool {
        self.listener.enabled != Some(false)
    }

    fn url(&self) -> &str {
        self.listener.url.as_deref().unwrap_or_default()
    }

    /// The list with another state.
    fn state_url(&self, state: &str) -> String {
        let parameters = [("state", state), ("event", self.question.event())];
        links::with_query(&self.path(), parameters)
    }

    fn states(&self) -> [(&'static str, String); 4] {
        let number = |count| format::number(self.frame.lang(), count);
        [
            ("", self.t.all().to_owned()),
            (
                "pending",
                format!("{} {}", self.t.waiting(), number(self.stats.waiting)),
            ),
            (
                "dead",
                format!("{} {}", self.t.gave_up(), number(self.stats.dead)),
            ),
            ("acked", self.t.delivered().to_owned()),
        ]
    }

    fn is_state(&self, state: &str) -> bool {
        self.question.state().unwrap_or_default() == state
    }

    fn open_url(&self, event: &str) -> String {
        let parameters = [
            ("state", self.question.state().unwrap_or_default()),
            ("event", self.question.event()),
            (
                "cursor",
                self.question.cursor.as_deref().unwrap_or_default(),
            ),
            ("delivery", event),
        ];
        format!("{}#opened", links::with_query(&self.path(), parameters))
    }

    fn next_url(&self, cursor: &str) -> String {
        let parameters = [
            ("state", self.question.state().unwrap_or_default()),
            ("event", self.question.event()),
            ("cursor", cursor),
        ];
        links::with_query(&self.path(), parameters)
    }

    fn opened_at(&self, event: &str) -> Option<&Opened> {
        self.opened
            .as_ref()
            .filter(|opened| opened.event_id == event)
    }

    fn number(&self, count: &u64) -> String {
        format::number(self.frame.lang(), *count)
    }
}

/// Whether a text can be the id of a listener.
fn check(id: &str) -> Result<(), Failure> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if id.is_empty() || !id.chars().all(is_plain) {
        return Err(Failure::BadRequest(
            "the id of a listener has letters, digits, `-` and `_` only".to_owned(),
        ));
    }
    Ok(())
}

/// `GET /admin/listeners/{listener}`
pub async fn show(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(question): Query<Question>,
) -> Result<Response, Failure> {
    administrator(&visitor)?;
    check(&id)?;
    let client = visitor.client();
    let pairs = question.pairs();
    let t = texts::Admin(visitor.lang());
    if visitor.wants_json {
        let (events, deliveries, stats) = tokio::try_join!(
            client.events(&id, Some(MAX_EVENTS)),
            client.deliveries(&id, &pairs),
            client.listener_stats(&id),
        )?;
        let body = json!({
            "title": t.listener(), "events": events, "deliveries": deliveries, "stats": stats,
        });
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let (listeners, deliveries, stats, opened) = tokio::try_join!(
        client.listeners(),
        client.deliveries(&id, &pairs),
        client.listener_stats(&id),
        async {
            match question.delivery.as_deref().filter(|id| !id.is_empty()) {
                Some(event) => client.delivery(&id, event).await.optional(),
                None => Ok(None),
            }
        }
    )?;
    let listener = listeners
        .into_iter()
        .find(|listener| listener.id == id)
        .ok_or(Failure::NotFound)?;
    let lang = visitor.lang();
    let (frame, side) = surroundings(&visitor, Item::Listeners).await;
    let page = ListenerPage {
        chart: chart(&stats, t, lang),
        rows: deliveries
            .items
            .into_iter()
            .map(|delivery| Row {
                answer: answer(&delivery, t, lang),
                delivery,
            })
            .collect(),
        opened: opened.and_then(|delivery| Opened::new(delivery, lang)),
        next: deliveries.next,
        frame,
        side,
        t,
        listener,
        stats,
        question,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

/// The last answer, or when the next try is made.
fn answer(delivery: &DeliveryInfo, t: texts::Admin, lang: Lang) -> String {
    if let Some(at) = delivery.next_attempt_at {
        let now = service::clock::now();
        if delivery.attempts > 0 && at.0 > now {
            return t.next_try(format::until(lang, at.0, now));
        }
    }
    match (delivery.last_status, delivery.last_duration_ms) {
        (Some(status), Some(duration)) => format!("{status}, {duration} ms"),
        (Some(status), None) => status.to_string(),
        (None, _) => delivery.last_error.clone().unwrap_or_default(),
    }
}

fn chart(stats: &Stats, t: texts::Admin, lang: Lang) -> Html {
    let labels = stats.hours.iter();
    let label = |at: &sdk::types::Timestamp| at.0.format("%H:%M").to_string();
    let bars = Bars {
        id: "deliveries",
        title: t.last_day().to_owned(),
        unit: t.hour(),
        labels: labels.map(|hour| label(&hour.hour)).collect(),
        series: vec![
            Series {
                name: t.delivered().to_owned(),
                class: "fill-ok",
                values: stats.hours.iter().map(|hour| hour.delivered).collect(),
            },
            Series {
                name: t.failed().to_owned(),
                class: "fill-bad",
                values: stats.hours.iter().map(|hour| hour.failed).collect(),
            },
        ],
        limit: None,
        is_running: true,
    };
    bars.html(lang)
}

impl Opened {
    fn new(delivery: DeliveryInfo, lang: Lang) -> Option<Self> {
        let last: AttemptInfo = delivery.log?.into_iter().next()?;
        let mut request = String::new();
        for (name, value) in &last.request_headers {
            let _ = writeln!(request, "{name}: {value}");
        }
        request.push('\n');
        request.push_str(&serde_json::to_string_pretty(&last.request_body).unwrap_or_default());
        Some(Self {
            event_id: delivery.event_id,
            attempts: delivery.attempts,
            request,
            status: last.status,
            answer: last.response_snippet.unwrap_or_default(),
            error: last.error,
            at: format::moment(lang, last.at.0),
        })
    }
}
