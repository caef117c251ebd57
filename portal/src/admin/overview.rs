//! `/admin`: what needs somebody, and how everything does.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use sdk::types::{
    ListenerRegistration, configuration::ConfigStatus, gateway::GatewayStatus, health::Health,
    setup::Setup,
};
use serde_json::json;
use ui::{Entry, Frame, Html, Icon, format, texts};

use super::{
    Item, decider,
    health::{PartView, by_name},
    menu,
};
use crate::{chart::decimal, failure::Failure, json, links, visitor::Visitor};

/// Problems that are shown; the worst ones come first.
const MAX_PROBLEMS: usize = 5;
/// Gateways and findings that are shown here; their own pages have all.
const MAX_ROWS: usize = 5;

#[derive(Template)]
#[template(path = "admin/overview.html")]
struct OverviewPage {
    frame: Frame,
    side: Html,
    t: texts::Admin,
    now: String,
    problems: Vec<Problem>,
    /// Absent: portal-api did not say.
    configuration: Option<ConfigStatus>,
    gateway: Option<GatewayStatus>,
    parts: Vec<PartView>,
    /// Steps that are done, and how many there are, while the list is not put away.
    setup: Option<(usize, usize)>,
}

/// Something that needs an administrator.
struct Problem {
    icon: Icon,
    class: &'static str,
    title: String,
    text: String,
    url: String,
    action: &'static str,
}

impl OverviewPage {
    fn short<'a>(&self, commit: &'a str) -> &'a str {
        short(commit)
    }

    fn rate(&self, calls: &f64) -> String {
        decimal(self.frame.lang(), *calls)
    }

    fn failing(&self) -> usize {
        self.parts.iter().filter(|part| !part.is_well()).count()
    }

    fn ago(&self, at: &sdk::types::Timestamp) -> String {
        format::ago(self.frame.lang(), at.0, service::clock::now())
    }
}

/// `GET /admin`
pub async fn show(visitor: Visitor) -> Result<Response, Failure> {
    let user = decider(&visitor)?;
    if !user.admin && !visitor.wants_json {
        // The rest of the administration is not for approvers.
        return Ok(Redirect::to("/admin/approvals").into_response());
    }
    super::administrator(&visitor)?;
    let client = visitor.client();
    // What is missing is missing on the page, too: an overview has to stand when parts do not.
    let (configuration, gateway, health, listeners, setup, waiting) = tokio::join!(
        client.config_status(),
        client.gateway_status(),
        client.system_health(),
        client.listeners(),
        client.setup(),
        visitor.open_requests(),
    );
    if let Err(error) = &health
        && error
            .status()
            .is_some_and(|status| status.is_client_error())
    {
        health?;
        return Err(Failure::Forbidden);
    }
    let (configuration, gateway) = (configuration.ok(), gateway.ok());
    let (health, listeners) = (health.unwrap_or_default(), listeners.unwrap_or_default());
    let health = if visitor.wants_json {
        health
    } else {
        by_name(health)
    };
    let (setup, waiting) = (setup.ok(), waiting.unwrap_or_default());
    let t = texts::Admin(visitor.lang());
    if visitor.wants_json {
        let body = json!({
            "title": t.overview(), "configuration": configuration, "gateway": gateway,
            "health": health, "listeners": listeners, "setup": setup, "approvals": waiting,
        });
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let mut problems = problems(
        t,
        configuration.as_ref(),
        gateway.as_ref(),
        &health,
        &listeners,
    );
    if waiting > 0 {
        problems.push(Problem {
            icon: Icon::Gate,
            class: "wait",
            title: t.requests_wait(waiting),
            text: t.requests_wait_text().to_owned(),
            url: "/admin/approvals".to_owned(),
            action: t.decide(),
        });
    }
    problems.truncate(MAX_PROBLEMS);
    let frame = visitor.frame_with(Entry::Admin, waiting);
    let page = OverviewPage {
        side: menu::side(&frame, Item::Overview),
        t,
        now: service::clock::now().format("%H:%M:%S UTC").to_string(),
        problems,
        configuration,
        gateway,
        parts: health
            .into_iter()
            .map(|health| PartView::new(health, t))
            .collect(),
        setup: setup.and_then(|setup| progress(&setup)),
        frame,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

/// How far the first steps are; nothing when all are done or the list is put away.
pub fn progress(setup: &Setup) -> Option<(usize, usize)> {
    let done = setup.steps.iter().filter(|step| step.done).count();
    (!setup.hidden && done < setup.steps.len()).then_some((done, setup.steps.len()))
}

fn problems(
    t: texts::Admin,
    configuration: Option<&ConfigStatus>,
    gateway: Option<&GatewayStatus>,
    health: &[Health],
    listeners: &[ListenerRegistration],
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let bad = |icon, title: String, text: String, url: String, action| Problem {
        icon,
        class: "bad",
        title,
        text,
        url,
        action,
    };
    if let Some(status) = configuration {
        let here = || "/admin/configuration".to_owned();
        if status.newest.refused {
            let first = status.newest.problems.first();
            let text = first.map(|finding| format!("{}: {}", finding.file, finding.message));
            let title = t.refused_configuration().to_owned();
            let text = text.unwrap_or_default();
            problems.push(bad(Icon::XCircle, title, text, here(), t.see_error()));
        }
        if let Some(error) = &status.error {
            let title = t.no_configuration_source().to_owned();
            problems.push(bad(Icon::Git, title, error.clone(), here(), t.see_error()));
        }
    }
    for part in health.iter().filter(|part| part.healthy == 0) {
        let view = PartView::new(part.clone(), t);
        let text = part.error.clone().unwrap_or_else(|| part.message.clone());
        let is_listener = listeners.iter().any(|listener| listener.id == part.name);
        let (url, action) = if is_listener {
            (links::listener(&part.name), t.deliveries())
        } else {
            ("/admin/health".to_owned(), t.details())
        };
        let title = t.part_fails(view.name(&t));
        problems.push(bad(Icon::Heartbeat, title, text, url, action));
    }
    for part in health.iter().filter(|part| part.dead_events > 0) {
        let title = t.events_gave_up(part.dead_events, &part.name);
        let text = t.events_gave_up_text().to_owned();
        let url = format!("{}?state=dead", links::listener(&part.name));
        problems.push(bad(Icon::Bell, title, text, url, t.deliveries()));
    }
    if let Some(gateway) = gateway
        && let Some(first) = gateway.problems.first()
    {
        let title = t.gateway_problems(gateway.problems.len());
        let text = format!("{} {}: {}", first.kind, first.id, first.message);
        let url = "/admin/gateways".to_owned();
        problems.push(bad(Icon::Plug, title, text, url, t.details()));
    }
    problems
}

/// A commit as people write it.
pub fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}
