//! What happens to usage between gateway and portal-api.
//!
//! Batches of the embedded gateway are answered when portal-api has them, or the spool. Kong's log
//! records come in small portions, so they are summed for some seconds first.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use axum::http::StatusCode;
use kong::usage::Batch;
use sdk::{Client, types::usage::UsageBatch};
use service::{
    backoff::Backoff,
    keys::{Key, Keys, Purpose},
    random,
};
use tokio::sync::{Mutex, Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use super::{
    catalogue::Catalogue,
    cells::{self, Cells},
    log_record::LogRecord,
    spool::Spool,
};
use crate::state::Shared;

/// Batches on their way to portal-api at a time; those of further gateways wait.
const PARALLEL: usize = 4;
/// A gateway gives up after ten seconds and comes again.
const PATIENCE: Duration = Duration::from_secs(5);
/// So long Kong's records are summed.
const SUM_FOR: Duration = Duration::from_secs(10);
/// With so many cells they are sent before that time has passed.
const ENOUGH: usize = 5_000;
/// With more than this nothing is taken any more, until portal-api is back.
const TOO_MANY: usize = 50_000;

/// What `POST /usage` needs.
#[derive(Clone)]
pub struct Intake(Arc<Inner>);

struct Inner {
    portal: Client,
    shared: Arc<Shared>,
    catalogue: Catalogue,
    key: Key,
    turns: Semaphore,
    spool: Option<Spool>,
    /// Sums of Kong's records.
    sums: Mutex<Cells>,
    /// There is something to send.
    work: Notify,
}

/// Nothing can be taken at the moment.
#[derive(Debug)]
pub struct Full;

impl Intake {
    pub fn new(
        portal: &Client,
        shared: Arc<Shared>,
        keys: &Keys,
        state_dir: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let spool = state_dir
            .map(Spool::open)
            .transpose()
            .context("STATE_DIR cannot be used")?;
        Ok(Self(Arc::new(Inner {
            portal: portal.clone().with_patience(PATIENCE),
            catalogue: Catalogue::new(portal, shared.clone()),
            shared,
            key: keys.derive(&Purpose::UsageIntake)?,
            turns: Semaphore::new(PARALLEL),
            spool,
            sums: Mutex::default(),
            work: Notify::new(),
        })))
    }

    /// What gateways have to show.
    pub fn key(&self) -> &Key {
        &self.0.key
    }

    /// Takes a batch of the embedded gateway. When it is answered it cannot get lost.
    pub async fn take_batch(&self, batch: &Batch) -> Result<(), Full> {
        count(batch.records.len());
        let services = batch.records.iter();
        let services = services.filter_map(|record| record.service.as_deref());
        let operations = self.0.catalogue.choose(services).await;
        let batches = cells::sum(
            batch,
            |entity| self.0.shared.credential(entity),
            |record| operations.find(record.service.as_deref(), &record.method, &record.path),
        );
        let _turn = self.0.turns.acquire().await;
        for sums in &batches {
            self.hand_over(sums).await?;
        }
        Ok(())
    }

    /// Takes records of a Kong.
    pub async fn take_records(&self, records: &[LogRecord]) -> Result<(), Full> {
        let services = records.iter().filter_map(LogRecord::service);
        let operations = self.0.catalogue.choose(services).await;
        let operation = |service: Option<&str>, method: &str, path: &str| {
            operations.find(service, method, path)
        };
        let mut sums = self.0.sums.lock().await;
        if sums.len() >= TOO_MANY {
            return Err(Full);
        }
        count(records.len());
        let calls = records.iter().filter_map(|record| record.call(operation));
        for call in calls {
            sums.add(&call, |entity| self.0.shared.credential(entity));
        }
        if sums.len() >= ENOUGH {
            self.0.work.notify_one();
        }
        Ok(())
    }

    /// To portal-api, else to the spool.
    async fn hand_over(&self, sums: &UsageBatch) -> Result<(), Full> {
        match self.0.portal.post_usage(sums).await {
            Ok(()) => Ok(()),
            // Sending it again would not help, and the next batches wait behind it.
            Err(error) if error.status() == Some(StatusCode::BAD_REQUEST) => {
                tracing::error!(batch.id = %sums.batch_id, "usage lost, portal-api refuses it: {error}");
                metrics::counter!("wicketgate_usage_batches_lost_total").increment(1);
                Ok(())
            }
            Err(error) => {
                tracing::warn!(batch.id = %sums.batch_id, "usage waits for portal-api: {error}");
                self.keep(sums).await
            }
        }
    }

    async fn keep(&self, sums: &UsageBatch) -> Result<(), Full> {
        if self.0.spool.is_none() {
            return Err(Full);
        }
        let (inner, sums) = (self.0.clone(), sums.clone());
        let kept = tokio::task::spawn_blocking(move || match &inner.spool {
            Some(spool) => spool.put(&sums),
            None => Ok(()),
        });
        match kept.await {
            Ok(Ok(())) => {
                self.0.work.notify_one();
                Ok(())
            }
            Ok(Err(error)) => {
                tracing::error!("usage cannot be kept: {error}");
                Err(Full)
            }
            Err(_) => Err(Full),
        }
    }

    /// Sends what was summed and what was kept, until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            self.send_kept(&shutdown).await;
            tokio::select! {
                () = tokio::time::sleep(SUM_FOR) => {}
                () = self.0.work.notified() => {}
                () = shutdown.cancelled() => {}
            }
            self.send_sums().await;
        }
    }

    async fn send_sums(&self) {
        let mut sums = self.0.sums.lock().await;
        let batches = cells::batches(&random::hex_id(), "kong", &sums.take());
        let mut is_away = false;
        for batch in batches {
            is_away = is_away || self.hand_over(&batch).await.is_err();
            if is_away {
                // They go on growing until portal-api is back.
                sums.put_back(batch.cells);
            }
        }
    }

    async fn send_kept(&self, shutdown: &CancellationToken) {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
        while let Some((path, batch)) = self.oldest().await {
            match self.0.portal.post_usage(&batch).await {
                Err(error) if error.status() != Some(StatusCode::BAD_REQUEST) => {
                    tokio::select! {
                        () = backoff.wait() => {}
                        () = shutdown.cancelled() => return,
                    }
                }
                _ => {
                    let removed = tokio::fs::remove_file(&path).await;
                    if let Err(error) = removed {
                        tracing::error!("{} cannot be removed: {error}", path.display());
                        return;
                    }
                }
            }
        }
    }

    async fn oldest(&self) -> Option<(std::path::PathBuf, UsageBatch)> {
        let inner = self.0.clone();
        let oldest = tokio::task::spawn_blocking(move || match &inner.spool {
            Some(spool) => spool.oldest(),
            None => Ok(None),
        });
        match oldest.await {
            Ok(Ok(oldest)) => oldest,
            Ok(Err(error)) => {
                tracing::error!("kept usage cannot be read: {error}");
                None
            }
            Err(_) => None,
        }
    }
}

fn count(records: usize) {
    metrics::counter!("wicketgate_usage_records_total")
        .increment(u64::try_from(records).unwrap_or(u64::MAX));
}
