//! Making the runs that are due, and telling everybody who waits for them.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use sdk::{
    Outcome,
    types::gateway::{GatewayNode, GatewayStatus},
};
use service::clock;
use tokio::time::Instant;

use super::{
    Control, Mark,
    orders::{Report, by_kind},
    pauses,
};
use crate::{
    reconcile::{Base, Full, Options, Partial, Reconciler, RunError},
    state::Health,
};

/// Applications that are read and applied at the same time.
const PARALLEL: usize = 8;
/// With more applications at once, reading everything is the shorter way.
const MANY: usize = 100;

impl Control {
    /// Everything that is due.
    pub(super) async fn work(&mut self) {
        let expired: Vec<String> = self.expired().cloned().collect();
        for application in expired {
            self.expiries.remove(&application);
            self.dirty.insert(application);
        }
        if self.next_full <= Instant::now() {
            self.want_full("time for a comparison");
        }
        if self.base.is_none() || self.dirty.len() > MANY {
            self.want_full("many applications");
        }
        let resync = std::mem::take(&mut self.resync);
        if resync.is_empty() && self.full.is_none() {
            self.applications().await;
        }
        if self.full.is_some() && resync.is_empty() {
            self.full_run(Options::default()).await.ok();
        }
        for request in resync {
            let report = self.full_run(request.options).await;
            let _ = request.done.send(report.map_err(|error| error.to_string()));
        }
        self.show_readiness();
    }

    async fn full_run(&mut self, options: Options) -> Result<Report, RunError> {
        // A portal-api that was set up anew has forgotten us; whoever registers first and reads
        // afterwards misses nothing.
        if !self
            .receiver
            .register(&self.readiness, &self.shutdown)
            .await
        {
            return Ok(Report::default());
        }
        let reason = self.full.clone().unwrap_or_else(|| "on request".to_owned());
        let started = Instant::now();
        let result = self.reconciler.full(self.keys.fetched(), options).await;
        metrics::histogram!("wicketgate_gateway_sync_seconds")
            .record(started.elapsed().as_secs_f64());
        match result {
            Ok(full) => {
                let report = Report::of(&full.changes);
                let calls = report.actions.len();
                tracing::info!(
                    calls,
                    duration_ms = millis(started),
                    "gateway compared ({reason})"
                );
                if !options.dry_run {
                    self.full = None;
                    self.take_full(full);
                }
                count("ok");
                Ok(report)
            }
            Err(error) => {
                self.failed(&error);
                Err(error)
            }
        }
    }

    fn take_full(&mut self, full: Full) {
        if self.base.is_some() {
            for (kind, changes) in by_kind(&full.changes) {
                metrics::counter!("wicketgate_gateway_drift_total", "kind" => kind.name())
                    .increment(changes);
            }
        }
        for (kind, number) in &full.entities {
            metrics::gauge!(
                "wicketgate_gateway_entities", "kind" => kind.name(), "state" => "desired"
            )
            .set(u32::try_from(*number).unwrap_or(u32::MAX));
        }
        let config = &full.base.config;
        let other = self
            .base
            .as_ref()
            .is_none_or(|base| base.config_hash() != full.base.config_hash());
        self.keys.follow(&config.auth_servers, other);
        self.shared.update_health(|health| {
            health.gateway_version = full
                .nodes
                .first()
                .map(|node| node.version.clone())
                .unwrap_or_default();
        });
        let now = clock::now();
        let nodes = full
            .nodes
            .iter()
            .zip(&self.reconciler.nodes)
            .map(|(node, address)| GatewayNode {
                name: node.hostname.clone().unwrap_or_else(|| address.address()),
                version: Some(node.version.clone()),
                revision: Some(config.revision.clone()),
                applied_at: Some(now.into()),
                in_sync: true,
                calls_per_second: None,
            });
        self.status.send_replace(GatewayStatus {
            revision: Some(config.revision.clone()),
            nodes: nodes.collect(),
            problems: Vec::new(),
            last_reconcile: Some(now.into()),
        });
        self.shared.replace_credentials(full.credentials);
        self.expiries = full.expiries;
        self.problems.full = full.problems;
        self.problems.applications.clear();
        self.base = Some(full.base);
        self.dirty.clear();
        self.next_full = Instant::now() + self.reconcile_every;
        self.succeeded();
        self.answer_deliveries(&[]);
        self.keys.refresh_if_due(self.base.as_ref());
    }

    /// The applications that are marked, several at a time. A failure of one stays its own.
    async fn applications(&mut self) {
        let Some(base) = &self.base else { return };
        let started = Instant::now();
        let reconciler = &self.reconciler;
        let runs: Vec<_> = self
            .dirty
            .iter()
            .map(|application| run_one(reconciler, base, application))
            .collect();
        let results: Vec<(String, Result<Partial, RunError>)> = stream::iter(runs)
            .buffer_unordered(PARALLEL)
            .collect()
            .await;
        let mut failures = Vec::new();
        let mut calls = 0;
        for (application, result) in results {
            match result {
                Ok(partial) => {
                    calls += partial.made;
                    self.take_partial(&application, partial);
                }
                Err(RunError::OtherConfiguration) => {
                    self.want_full("the configuration has changed")
                }
                Err(error) => failures.push((application, error)),
            }
        }
        metrics::histogram!("wicketgate_gateway_sync_seconds")
            .record(started.elapsed().as_secs_f64());
        tracing::debug!(
            calls,
            duration_ms = millis(started),
            "applications brought to the gateway"
        );
        match failures.first() {
            Some((_, error)) => self.failed(error),
            None => {
                count("ok");
                self.advance();
                self.succeeded();
            }
        }
        let failures: Vec<(String, String)> = failures
            .into_iter()
            .map(|(application, error)| (application, error.to_string()))
            .collect();
        self.answer_deliveries(&failures);
    }

    fn take_partial(&mut self, application: &str, partial: Partial) {
        self.dirty.remove(application);
        self.shared.add_credentials(partial.credentials);
        match partial.expiry {
            Some(end) => self.expiries.insert(application.to_owned(), end),
            None => self.expiries.remove(application),
        };
        if partial.problems.is_empty() {
            self.problems.applications.remove(application);
        } else {
            self.problems
                .applications
                .insert(application.to_owned(), partial.problems);
        }
    }

    /// With nothing left to do, all events that were delivered are in force.
    fn advance(&mut self) {
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
        self.status.send_modify(|status| {
            status.revision = Some(revision.clone());
            for node in &mut status.nodes {
                node.revision = Some(revision.clone());
                node.applied_at = Some(now.into());
            }
        });
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

    fn succeeded(&mut self) {
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

    fn failed(&mut self, error: &RunError) {
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
            None if self.base.is_some() => self.readiness.ready(),
            None => {}
        }
    }
}

async fn run_one(
    reconciler: &Reconciler,
    base: &Base,
    application: &str,
) -> (String, Result<Partial, RunError>) {
    (
        application.to_owned(),
        reconciler.application(base, application).await,
    )
}

fn count(result: &'static str) {
    metrics::counter!("wicketgate_gateway_sync_total", "result" => result).increment(1);
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
