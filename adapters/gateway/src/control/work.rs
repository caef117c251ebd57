//! Making the runs that are due.

use futures_util::{StreamExt, stream};
use kong::Kind;
use metrics::Gauge;
use tokio::time::Instant;

use super::{
    Control,
    orders::{Look, Report, by_kind},
    outcome::count,
};
use crate::{
    reconcile::{Base, Full, Options, Partial, Reconciler, RunError},
    state::Published,
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
            self.marked.get_or_insert((Instant::now(), Instant::now()));
        }
        if self.next_full <= Instant::now() {
            self.want_full("time for a comparison");
        }
        let by_document = self
            .base
            .as_ref()
            .is_some_and(|base| !base.target.has_database());
        let has_changes = !self.dirty.is_empty();
        if self.base.is_none() || self.dirty.len() > MANY || (by_document && has_changes) {
            self.want_full("changes of applications");
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
                let report = Report::of(&full);
                let calls = report.actions.len();
                tracing::info!(
                    calls,
                    duration_ms = millis(started),
                    "gateway compared ({reason})"
                );
                if options.dry_run {
                    return Ok(report);
                }
                self.full = None;
                match self.take_full(full) {
                    None => count("ok"),
                    Some(away) => self.failed(&away),
                }
                Ok(report)
            }
            Err(error) => {
                self.failed(&error);
                Err(error)
            }
        }
    }

    /// Takes over what a full run found: it covers everything that was marked before it began.
    /// With a node away it is not the end of the work.
    fn take_full(&mut self, full: Full) -> Option<RunError> {
        if self.base.is_some() {
            for (kind, changes) in by_kind(&full.changes) {
                metrics::counter!("wicketgate_gateway_drift_total", "kind" => kind.name())
                    .increment(changes);
            }
        }
        for kind in full.base.target.kinds() {
            for (state, counts) in [
                ("desired", &full.entities),
                ("not_applied", &full.undone.not_applied),
                ("superfluous", &full.undone.superfluous),
            ] {
                let number = counts.get(kind).copied().unwrap_or_default();
                entities(*kind, state).set(u32::try_from(number).unwrap_or(u32::MAX));
            }
        }
        let config = &full.base.config;
        let other = self
            .base
            .as_ref()
            .is_none_or(|base| base.config_hash() != full.base.config_hash());
        self.keys.follow(&config.auth_servers, other);
        let version = full.nodes.iter().find_map(|node| node.version.clone());
        self.shared.update_health(|health| {
            health.gateway_version = version.unwrap_or_default();
        });
        self.report_nodes(&config.revision, &full.nodes);
        self.shared.replace_credentials(full.credentials);
        let hash = full.base.config_hash();
        let published = Published::new(hash, &config.apis, &config.auth_servers);
        self.shared.publish(published);
        self.expiries = full.expiries;
        self.problems.full = full.problems;
        self.problems.applications = full.applications;
        self.base = Some(full.base);
        self.next_full = Instant::now() + self.reconcile_every;
        if full.away.is_none() {
            self.dirty.clear();
            self.marked = None;
            self.succeeded();
            self.answer_deliveries(&[]);
        }
        self.keys.refresh_if_due(self.base.as_ref());
        full.away
    }

    /// What an operator wants to see.
    pub(super) async fn look(&self, look: Look) {
        let shown = |error: RunError| error.to_string();
        // Whoever asked and has gone needs no answer.
        match look {
            Look::Desired(done) => {
                let document = self.reconciler.document(self.keys.fetched()).await;
                let _ = done.send(document.map_err(shown));
            }
            Look::Foreign(done) => {
                let _ = done.send(self.reconciler.foreign().await.map_err(shown));
            }
            Look::Prune { confirm, done } => {
                let _ = done.send(self.reconciler.prune(&confirm).await);
            }
        }
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
        for (kind, number) in partial.growth {
            entities(kind, "desired").increment(number);
        }
        self.dirty.remove(application);
        if self.dirty.is_empty() {
            self.marked = None;
        }
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

/// How many entities there are that shall be, that shall be and are not (or are otherwise), and that
/// are and shall not be.
fn entities(kind: Kind, state: &'static str) -> Gauge {
    metrics::gauge!("wicketgate_gateway_entities", "kind" => kind.name(), "state" => state)
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
