//! `/admin/health`: every part, and how it does.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use sdk::types::health::Health;
use serde_json::{Value, json};
use ui::{Frame, Html, Icon, texts};

use super::{Item, administrator, surroundings};
use crate::{failure::Failure, json, visitor::Visitor};

#[derive(Template)]
#[template(path = "admin/health.html")]
struct HealthPage {
    frame: Frame,
    side: Html,
    t: texts::Admin,
    parts: Vec<PartView>,
    /// Of the configuration in force.
    commit: Option<String>,
}

/// A part as pages show it.
pub struct PartView {
    pub health: Health,
    pub uptime: String,
    /// Number of events, or a dash where there is no queue.
    pub pending: String,
}

impl PartView {
    pub fn new(health: Health, t: texts::Admin) -> Self {
        Self {
            uptime: uptime(health.uptime),
            pending: match health.pending_events {
                ..0 => "–".to_owned(),
                0 => t.none().to_owned(),
                count => count.to_string(),
            },
            health,
        }
    }

    pub fn is_well(&self) -> bool {
        self.health.healthy == 1
    }

    fn is_starting(&self) -> bool {
        self.health.healthy == 2
    }

    /// Its name for people; the contract's names are those of old monitors.
    pub fn name(&self, t: &texts::Admin) -> String {
        match self.health.name.as_str() {
            "api" => "Portal API".to_owned(),
            "portal" => t.part_portal().to_owned(),
            "auth" => t.part_auth().to_owned(),
            "kong" => t.part_gateway().to_owned(),
            "kong-adapter" => t.part_adapter().to_owned(),
            "mailer" => "Mailer".to_owned(),
            "chatbot" => "Chatbot".to_owned(),
            other => other.to_owned(),
        }
    }

    /// What operators ask for when something is wrong.
    fn facts(&self, t: &texts::Admin) -> Vec<(&'static str, String)> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        [
            (t.version(), given(&self.health.version)),
            (t.branch(), given(&self.health.git_branch)),
            (t.commit(), given(&self.health.git_last_commit)),
            (t.built(), given(&self.health.build_date)),
            (t.address(), Some(self.health.ping_url.clone())),
        ]
        .into_iter()
        .filter_map(|(label, value)| Some((label, value.filter(|text| !text.is_empty())?)))
        .collect()
    }
}

/// `D days, H:MM:SS`; a dash where it is not known.
pub fn uptime(seconds: i64) -> String {
    if seconds < 0 {
        return "–".to_owned();
    }
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (hours, minutes, seconds) = (rest / 3600, rest % 3600 / 60, rest % 60);
    format!("{days} days, {hours}:{minutes:02}:{seconds:02}")
}

/// `GET /admin/health`
pub async fn show(visitor: Visitor) -> Result<Response, Failure> {
    administrator(&visitor)?;
    let client = visitor.client();
    let health = client.system_health().await?;
    let t = texts::Admin(visitor.lang());
    if visitor.wants_json {
        let health: Vec<Value> = health.iter().map(with_uptime).collect();
        let body = json!({"title": t.health(), "health": health});
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let commit = client
        .config_status()
        .await
        .ok()
        .and_then(|status| status.serving.commit);
    let (frame, side) = surroundings(&visitor, Item::Health).await;
    let page = HealthPage {
        frame,
        side,
        t,
        parts: health
            .into_iter()
            .map(|health| PartView::new(health, t))
            .collect(),
        commit,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

fn with_uptime(health: &Health) -> Value {
    let mut shown = serde_json::to_value(health).unwrap_or_default();
    shown["uptimeText"] = uptime(health.uptime).into();
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptimes_are_written_as_ever() {
        assert_eq!(uptime(0), "0 days, 0:00:00");
        assert_eq!(uptime(2 * 86_400 + 3 * 3600 + 62), "2 days, 3:01:02");
        assert_eq!(uptime(-1), "–");
    }
}
