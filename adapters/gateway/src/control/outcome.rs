//! What follows from a run: events are answered, problems shown, health and readiness set.

use std::collections::BTreeMap;

use sdk::{
    Outcome,
    types::gateway::{GatewayNode, GatewayStatus},
};
use service::clock;
use tokio::time::Instant;

use super::{Control, Mark, pauses};
use crate::{
    reconcile::{Found, RunError},
    state::Health,
};

impl Control {
    /// With nothing left to do, all events that were delivered are in force.
    pub(super) fn advance(&mut self) {
        if !self.dirty.is_empty() || self.full.is_some() {
            return;
        }
        let marks = self.deliveries.iter().flat_map(|delivery| &delivery.marks);
        let Some(seq) = marks.filter_map(|(_, seq)| *seq).max() else {
            return;
        };
        let Some(base) = &mut self.base else { return };
        if seq > base.config.seq {
            base.config.seq = seq;
            base.config.revision = format!("{}.{seq}", base.config_hash());
        }
        let revision = base.config.revision.clone();
        let now = clock::now();
        self.status.send_if_modified(|status| {
            let is_news = status.revision.as_ref() != Some(&revision);
            status.revision = Some(revision.clone());
            for node in status.nodes.iter_mut().filter(|node| node.in_sync) {
                if node.revision.as_ref() != Some(&revision) {
                    node.revision = Some(revision.clone());
                    node.applied_at = Some(now.into());
                }
            }
            is_news
        });
    }

    /// After a full run. A revision is applied when it was there first, not when it was looked at
    /// last; a node that is away still has what it had.
    pub(super) fn report_nodes(&self, revision: &str, nodes: &[Found]) {
        let now = clock::now();
        let before = self.status.borrow().nodes.clone();
        let nodes = nodes.iter().map(|node| {
            let known = before.iter().find(|known| known.name == node.name);
            let has_it =
                known.filter(|known| !node.in_sync || known.revision.as_deref() == Some(revision));
            let is_new = has_it.is_none() && node.in_sync;
            GatewayNode {
                name: node.name.clone(),
                version: node
                    .version
                    .clone()
                    .or_else(|| known.and_then(|known| known.version.clone())),
                revision: if is_new {
                    Some(revision.to_owned())
                } else {
                    has_it.and_then(|known| known.revision.clone())
                },
                applied_at: if is_new {
                    Some(now.into())
                } else {
                    has_it.and_then(|known| known.applied_at)
                },
                in_sync: node.in_sync,
                calls_per_second: known.and_then(|known| known.calls_per_second),
            }
        });
        let status = GatewayStatus {
            revision: Some(revision.to_owned()),
            nodes: nodes.collect(),
            problems: Vec::new(),
            last_reconcile: Some(now.into()),
        };
        self.status.send_replace(status);
    }

    /// Another instance works; whatever was sent here is sent again until that one has it.
    pub(super) fn hand_back_deliveries(&mut self) {
        for delivery in std::mem::take(&mut self.deliveries) {
            let again = || Outcome::Retry("another adapter does the work".to_owned());
            let outcomes = delivery.marks.iter().map(|_| again()).collect();
            // The sender has hung up; it will come again.
            let _ = delivery.done.send(outcomes);
        }
        self.dirty.clear();
        self.marked = None;
    }

    /// Answers deliveries as far as their events are decided. An event waits while its application
    /// is still marked; one that failed is given back, so that it does not hold up the others.
    pub(super) fn answer_deliveries(&mut self, failures: &[(String, String)]) {
        let failures: BTreeMap<&str, &str> = failures
            .iter()
            .map(|(application, reason)| (application.as_str(), reason.as_str()))
            .collect();
        let waits = |mark: &Mark| match mark {
            Mark::Application(id) => self.dirty.contains(id) && !failures.contains_key(id.as_str()),
            Mark::Everything => self.full.is_some() || self.base.is_none(),
            Mark::Nothing => false,
        };
        let (waiting, decided): (Vec<_>, Vec<_>) = std::mem::take(&mut self.deliveries)
            .into_iter()
            .partition(|delivery| delivery.marks.iter().any(|(mark, _)| waits(mark)));
        self.deliveries = waiting;
        for delivery in decided {
            let outcomes = delivery.marks.iter().map(|(mark, _)| match mark {
                Mark::Application(id) => match failures.get(id.as_str()) {
                    Some(reason) => Outcome::Retry((*reason).to_owned()),
                    None => Outcome::Done,
                },
                Mark::Everything | Mark::Nothing => Outcome::Done,
            });
            // The sender has hung up; it will come again.
            let _ = delivery.done.send(outcomes.collect());
        }
    }

    pub(super) fn succeeded(&mut self) {
        self.retry = None;
        self.backoff = pauses();
        let problems: Vec<_> = self
            .problems
            .full
            .iter()
            .chain(self.problems.applications.values().flatten())
            .cloned()
            .collect();
        metrics::gauge!("wicketgate_gateway_problems")
            .set(u32::try_from(problems.len()).unwrap_or(u32::MAX));
        let now = clock::now();
        #[expect(clippy::cast_precision_loss, reason = "seconds fit for a long time")]
        metrics::gauge!("wicketgate_gateway_last_success_timestamp").set(now.timestamp() as f64);
        self.report_problems(&problems);
        self.status.send_if_modified(|status| {
            let changed = status.problems != problems;
            status.problems.clone_from(&problems);
            changed
        });
        self.shared.update_health(|health| {
            health.initialised = true;
            health.error = None;
            health.last_success = Some(now);
            health.problems = problems;
        });
    }

    /// Logs what is new; a problem that stays is not repeated with every run.
    fn report_problems(&self, problems: &[sdk::types::gateway::GatewayProblem]) {
        let known = self.shared.health().problems.clone();
        for problem in problems.iter().filter(|problem| !known.contains(problem)) {
            tracing::warn!(
                problem.kind,
                problem.id,
                "not on the gateway as configured: {}",
                problem.message
            );
        }
    }

    pub(super) fn failed(&mut self, error: &RunError) {
        count("failed");
        let pause = self.backoff.next_delay();
        self.retry = Some(Instant::now() + pause);
        let reason = error.to_string();
        if self.shared.health().error.as_deref() != Some(&reason) {
            tracing::warn!("the gateway could not be brought up to date: {reason}");
        }
        if error.is_gateway() {
            // What it has now is not known; it may come back empty.
            self.want_full("the gateway was away");
            self.status.send_if_modified(|status| {
                let known = status.nodes.iter().any(|node| node.in_sync);
                status
                    .nodes
                    .iter_mut()
                    .for_each(|node| node.in_sync = false);
                known
            });
        }
        self.shared
            .update_health(|health| health.error = Some(reason));
        self.show_readiness();
    }

    /// `/readyz`: able to work, or what is missing for it.
    pub(super) fn show_readiness(&self) {
        let waiting = self.dirty.len();
        let mut error = None;
        self.shared.update_health(|health: &mut Health| {
            health.waiting = waiting;
            error.clone_from(&health.error);
        });
        match error.or_else(|| self.keys.missing()) {
            Some(reason) => self.readiness.waiting(reason),
            None if self.base.is_some() && self.full.is_none() => self.readiness.ready(),
            None => {}
        }
    }
}

pub(super) fn count(result: &'static str) {
    metrics::counter!("wicketgate_gateway_sync_total", "result" => result).increment(1);
}
