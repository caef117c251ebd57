//! Making the runs that are due.

use futures_util::{StreamExt, stream};
use sdk::types::gateway::{GatewayNode, GatewayStatus};
use service::clock;
use tokio::time::Instant;

use super::{
    Control,
    orders::{Report, by_kind},
    outcome::count,
};
use crate::reconcile::{Base, Full, Options, Partial, Reconciler, RunError};

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

    /// Takes over what a full run found: it covers everything that was marked before it began.
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
        self.problems.applications = full.applications;
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
                // The application stays marked until then, so its events wait, too.
                Err(error @ (RunError::OtherConfiguration | RunError::Refused(_))) => {
                    self.want_full(error.to_string());
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
        if let Some((_, error)) = failures.first() {
            self.failed(error);
        } else {
            count("ok");
            self.advance();
            self.succeeded();
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

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
