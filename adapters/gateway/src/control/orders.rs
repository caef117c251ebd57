//! What reaches the control loop from outside, and how it becomes marks.

use kong::Kind;
use sdk::{
    Outcome,
    types::{Event, gateway::GatewayProblem},
};
use serde::Serialize;
use serde_json::Value;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::Control;
use crate::{
    diff::{Change, ChangeKind},
    entity::masked,
    keys::{SigningKey, Unavailable},
    reconcile::{Foreign, Full, Options, PruneError},
};

/// What an event asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    Everything,
    Application(String),
    /// Nothing on the gateway depends on it.
    Nothing,
}

pub enum Order {
    /// Events, to be answered one by one when their effect is in place.
    Events {
        marks: Vec<(Mark, Option<i64>)>,
        done: oneshot::Sender<Vec<Outcome>>,
    },
    /// A full run, with the reason for the log.
    Reconcile(String),
    /// The number of the last event at portal-api.
    LastSeq(i64),
    /// What an auth server answered about its signing keys.
    Keys {
        server: String,
        result: Result<Vec<SigningKey>, Unavailable>,
    },
    Resync {
        options: Options,
        done: oneshot::Sender<Result<Report, String>>,
    },
    /// Something that must not happen during a run.
    Look(Look),
}

/// A question of an operator.
pub enum Look {
    /// The desired state as a document, secrets masked.
    Desired(oneshot::Sender<Result<Value, String>>),
    Foreign(oneshot::Sender<Result<Foreign, String>>),
    /// With the hash of the list that was looked at; answers with the number of removed entities.
    Prune {
        confirm: String,
        done: oneshot::Sender<Result<usize, PruneError>>,
    },
}

/// A request for a full run that somebody waits for.
pub(super) struct Resync {
    pub options: Options,
    pub done: oneshot::Sender<Result<Report, String>>,
}

/// Events that came together.
pub(super) struct Delivery {
    pub marks: Vec<(Mark, Option<i64>)>,
    pub done: oneshot::Sender<Vec<Outcome>>,
}

/// Answer of `POST /resync` (events-and-adapters C9); secrets are masked.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub actions: Vec<Action>,
    pub failed_comparisons: Vec<Comparison>,
    /// Entities that were taken over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub adopted: Vec<String>,
    pub problems: Vec<GatewayProblem>,
    #[serde(rename = "POST")]
    pub posts: usize,
    #[serde(rename = "PUT")]
    pub puts: usize,
    #[serde(rename = "DELETE")]
    pub deletes: usize,
}

/// More than this of a run is not listed, only counted.
const MAX_LISTED: usize = 10_000;

/// A call that changed the gateway, or would.
#[derive(Debug, Serialize)]
pub struct Action {
    pub method: &'static str,
    pub url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

/// Why an entity was changed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    pub api_object: Value,
    pub kong_object: Value,
}

impl Report {
    pub(super) fn of(full: &Full) -> Self {
        let applications = full.applications.values().flatten();
        let mut report = Self {
            adopted: full.adopted.iter().map(|key| format!("/{key}")).collect(),
            problems: full.problems.iter().chain(applications).cloned().collect(),
            ..Self::default()
        };
        for changes in &full.changes {
            if full.by_document && !changes.is_empty() {
                report.posts += 1;
                report.actions.push(Action {
                    method: "POST",
                    url: "/config".to_owned(),
                    body: None,
                });
            }
            for change in changes {
                report.add(change, full.by_document);
            }
        }
        report
    }

    fn add(&mut self, change: &Change, by_document: bool) {
        let shown = |fields| Value::Object(masked(change.key.kind, fields));
        let (method, fields, before) = match &change.kind {
            ChangeKind::Put { fields, before } => ("PUT", Some(fields), before.as_ref()),
            ChangeKind::Delete => ("DELETE", None, None),
        };
        if let (Some(fields), Some(before)) = (fields, before)
            && self.failed_comparisons.len() < MAX_LISTED
        {
            self.failed_comparisons.push(Comparison {
                api_object: shown(fields),
                kong_object: shown(before),
            });
        }
        if by_document {
            return;
        }
        match method {
            "PUT" => self.puts += 1,
            _ => self.deletes += 1,
        }
        if self.actions.len() < MAX_LISTED {
            let url = format!("/{}", change.key);
            let body = fields.map(shown);
            self.actions.push(Action { method, url, body });
        }
    }
}

/// Hands events to the loop and waits until their effect is in place.
pub async fn events(orders: mpsc::Sender<Order>, events: Vec<Event>) -> Vec<Outcome> {
    let marks: Vec<_> = events
        .iter()
        .map(|event| (mark(event), event.seq))
        .collect();
    let (done, outcome) = oneshot::channel();
    if orders.send(Order::Events { marks, done }).await.is_err() {
        return Vec::new();
    }
    // Without an answer the adapter is stopping; the events stay where they are.
    outcome.await.unwrap_or_default()
}

fn mark(event: &Event) -> Mark {
    match event.entity.as_str() {
        "application" | "subscription" => match event.text("applicationId") {
            Some(application) => Mark::Application(application.to_owned()),
            None => Mark::Everything,
        },
        "config" | "import" | "queue" => Mark::Everything,
        _ => Mark::Nothing,
    }
}

impl Control {
    /// Turns an order into marks; the work itself comes later.
    pub(super) fn take(&mut self, order: Order) {
        match order {
            Order::Events { marks, done } => {
                for (mark, _) in &marks {
                    match mark {
                        Mark::Application(application) => {
                            self.dirty.insert(application.clone());
                            let now = Instant::now();
                            let first = self.marked.map_or(now, |(first, _)| first);
                            self.marked = Some((first, now));
                        }
                        Mark::Everything => self.want_full("an event asks for it"),
                        Mark::Nothing => {}
                    }
                }
                self.deliveries.push(Delivery { marks, done });
                if self.is_standby() {
                    self.hand_back_deliveries();
                } else {
                    self.answer_deliveries(&[]);
                }
            }
            Order::Reconcile(reason) => self.want_full(reason),
            Order::LastSeq(seq) => {
                if self.base.as_ref().is_some_and(|base| seq < base.config.seq) {
                    // What was made since then is unknown there, and no event says so.
                    self.want_full("the database of portal-api was set back");
                }
            }
            Order::Keys { server, result } => {
                if self.keys.answered(&server, result) {
                    self.want_full(format!("the signing keys of `{server}` have changed"));
                }
                self.show_readiness();
            }
            Order::Resync { options, done } => self.resync.push(Resync { options, done }),
            Order::Look(look) => self.looks.push(look),
        }
    }

    pub(super) fn want_full(&mut self, reason: impl Into<String>) {
        self.full.get_or_insert_with(|| reason.into());
    }
}

/// Counts changes by kind for the metric of drift.
pub(super) fn by_kind(changes: &[Vec<Change>]) -> std::collections::BTreeMap<Kind, u64> {
    let mut counts = std::collections::BTreeMap::new();
    for change in changes.iter().flatten() {
        *counts.entry(change.key.kind).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_marks_only() {
        let marked = |kind: &str, data: Value| {
            let (entity, action) = kind.split_once('.').unwrap();
            let event = json!({"id": "1", "entity": entity, "action": action, "data": data});
            mark(&serde_json::from_value(event).unwrap())
        };
        let application = Mark::Application("a".to_owned());
        assert_eq!(
            marked("subscription.add", json!({"applicationId": "a"})),
            application
        );
        assert_eq!(
            marked("application.delete", json!({"applicationId": "a"})),
            application
        );
        assert_eq!(marked("subscription.add", json!({})), Mark::Everything);
        assert_eq!(marked("config.updated", json!({})), Mark::Everything);
        assert_eq!(marked("queue.overflow", json!({})), Mark::Everything);
        assert_eq!(marked("user.add", json!({"userId": "u"})), Mark::Nothing);
    }
}
