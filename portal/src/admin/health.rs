//! `/admin/health`: every part, and how it does.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use sdk::types::health::Health;
use serde_json::{Value, json};
use ui::{Frame, Html, Icon, Lang, texts};

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
            uptime: uptime(t.0, health.uptime),
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
pub fn uptime(lang: Lang, seconds: i64) -> String {
    if seconds < 0 {
        return "–".to_owned();
    }
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (hours, minutes, seconds) = (rest / 3600, rest % 3600 / 60, rest % 60);
    let time = format!("{hours}:{minutes:02}:{seconds:02}");
    texts::Times(lang).uptime(days, time)
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
    let health = by_name(health);
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

/// A service may be listed as what it is and as a listener, too: one row says both.
pub fn by_name(health: Vec<Health>) -> Vec<Health> {
    let mut rows: Vec<Health> = Vec::new();
    for part in health {
        match rows.iter_mut().find(|row| row.name == part.name) {
            Some(row) => {
                row.pending_events = row.pending_events.max(part.pending_events);
                row.dead_events = row.dead_events.max(part.dead_events);
                if row.healthy == 1 && part.healthy != 1 {
                    row.healthy = part.healthy;
                    row.message = part.message;
                    row.error = part.error;
                }
            }
            None => rows.push(part),
        }
    }
    rows
}

fn with_uptime(health: &Health) -> Value {
    let mut shown = serde_json::to_value(health).unwrap_or_default();
    shown["uptimeText"] = uptime(Lang::EN, health.uptime).into();
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_listens_has_one_row() {
        let part = |name: &str, healthy: u8, pending: i64| -> Health {
            serde_json::from_value(serde_json::json!({
                "name": name, "healthy": healthy, "message": healthy.to_string(),
                "uptime": 5, "pingUrl": "", "pendingEvents": pending,
            }))
            .unwrap()
        };
        let rows = by_name(vec![
            part("auth", 1, -1),
            part("mailer", 1, 2),
            part("auth", 0, 7),
        ]);
        let shown: Vec<_> = rows
            .iter()
            .map(|row| (row.name.as_str(), row.healthy, row.pending_events))
            .collect();
        assert_eq!(shown, [("auth", 0, 7), ("mailer", 1, 2)]);
    }

    #[test]
    fn uptimes_are_written_as_ever() {
        assert_eq!(uptime(Lang::EN, 0), "0 days, 0:00:00");
        let long = 2 * 86_400 + 3 * 3600 + 62;
        assert_eq!(uptime(Lang::EN, long), "2 days, 3:01:02");
        assert_eq!(uptime(Lang::DE, long), "2 Tage, 3:01:02");
        assert_eq!(uptime(Lang::EN, -1), "–");
    }
}
