//! What one listener was sent, and what came back.

use std::fmt::Write as _;

use askama::Template;
use sdk::{
    Optional,
    types::{
        ListenerRegistration,
        listeners::{AttemptInfo, DeliveryInfo, Stats},
    },
};
use serde::Deserialize;
use ui::{Breakable, Html, Icon, Lang, format, texts};

use super::Listener;
use crate::{
    chart::{Bars, Series},
    failure::Failure,
    links,
    visitor::Visitor,
};

/// Deliveries of one page.
const PAGE: u32 = 20;
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

    /// The same for portal-api.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
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

/// The main part of its page.
#[derive(Template)]
#[template(path = "listeners/view.html")]
pub struct View {
    t: texts::Admin,
    ts: texts::Shared,
    csrf: Html,
    path: String,
    /// Stands below the heading of something else.
    is_part: bool,
    may_change: bool,
    pub registration: ListenerRegistration,
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

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "templates pass references"
)]
impl View {
    pub fn html(&self) -> Html {
        Html::of(self)
    }

    fn is_enabled(&self) -> bool {
        self.registration.enabled != Some(false)
    }

    fn url(&self) -> &str {
        self.registration.url.as_deref().unwrap_or_default()
    }

    /// The list with another state.
    fn state_url(&self, state: &str) -> String {
        let parameters = [("state", state), ("event", self.question.event())];
        links::with_query(&self.path, parameters)
    }

    fn states(&self) -> [(&'static str, String); 4] {
        let number = |count| format::number(self.t.0, count);
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
        format!("{}#opened", links::with_query(&self.path, parameters))
    }

    fn next_url(&self, cursor: &str) -> String {
        let parameters = [
            ("state", self.question.state().unwrap_or_default()),
            ("event", self.question.event()),
            ("cursor", cursor),
        ];
        links::with_query(&self.path, parameters)
    }

    fn opened_at(&self, event: &str) -> Option<&Opened> {
        self.opened
            .as_ref()
            .filter(|opened| opened.event_id == event)
    }

    fn number(&self, count: &u64) -> String {
        format::number(self.t.0, *count)
    }

    /// What the question asks for, of a listener that the visitor may see.
    pub async fn load(
        visitor: &Visitor,
        listener: &Listener,
        question: Question,
        may_change: bool,
    ) -> Result<Self, Failure> {
        let client = visitor.client();
        let pairs = question.pairs();
        let opened = question.delivery.as_deref().filter(|id| !id.is_empty());
        let (registration, deliveries, stats, opened) = tokio::try_join!(
            listener.registration(&client),
            async { Ok(listener.deliveries(&client, &pairs).await?) },
            async { Ok(listener.stats(&client).await?) },
            async {
                match opened {
                    Some(event) => Ok(listener.delivery(&client, event).await.optional()?),
                    None => Ok(None),
                }
            }
        )?;
        let lang = visitor.lang();
        let t = texts::Admin(lang);
        Ok(Self {
            t,
            ts: texts::Shared(lang),
            csrf: visitor.frame_csrf(),
            path: listener.path(),
            is_part: listener.application.is_some(),
            may_change,
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
            registration,
            stats,
            question,
        })
    }
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
