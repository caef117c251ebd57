//! Posting what waits for a target.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use sdk::signature::Secrets;
use serde_json::Value;
use service::{backoff::Backoff, clock, state};
use tokio::{sync::mpsc, time::Instant};
use url::Url;

use super::{Final, Status, Waiting, describe};
use crate::{
    messages,
    platform::{Message, Platform, Sender},
    post::{Posted, post},
    queue::Queue,
};

/// When more than this many wait, they become one message.
const MERGE_ABOVE: usize = 10;
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_mins(10);
const GIVE_UP_AFTER: TimeDelta = TimeDelta::hours(6);

pub(super) struct Worker {
    pub platform: Platform,
    pub sender: Sender,
    pub client: reqwest::Client,
    pub queue: Queue,
    pub status: Arc<Status>,
    pub hook: Url,
    pub secrets: Secrets,
}

impl Worker {
    pub async fn run(self, mut waiting: mpsc::Receiver<Waiting>) {
        let mut free = Instant::now();
        while let Some(first) = waiting.recv().await {
            tokio::time::sleep_until(free).await;
            let mut all = vec![first];
            let is_many = waiting.len() >= MERGE_ABOVE && self.platform != Platform::Webhook;
            if is_many {
                while let Ok(further) = waiting.try_recv() {
                    all.push(further);
                }
            }
            let result = if is_many {
                let ids: Vec<&str> = all.iter().map(|one| one.job.id.as_str()).collect();
                let id = state::id(&ids);
                let oldest = all.iter().map(|one| one.job.created_at).min();
                let since = oldest.unwrap_or_else(clock::now);
                self.deliver(&id, since, &self.summary(all.len())).await
            } else {
                let job = &all[0].job;
                self.deliver(&job.id, job.created_at, &job.body).await
            };
            free = Instant::now() + self.platform.interval();
            self.status.ended(all.len(), result.is_err());
            for Waiting { job, told } in all {
                self.queue.finish(&job.id).await;
                let label = if result.is_ok() { "sent" } else { "failed" };
                metrics::counter!(
                    "wicketgate_chat_total",
                    "type" => self.platform.as_str(), "message" => job.message, "result" => label,
                )
                .increment(1);
                // Nobody may wait any more; the work is done all the same.
                let _ = told.send(result.clone());
            }
        }
    }

    /// Posts until it is accepted or given up.
    async fn deliver(&self, id: &str, since: DateTime<Utc>, body: &Value) -> Final {
        let state = self.status.state();
        if state.gone {
            return Err(state.last_error.unwrap_or_default());
        }
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        loop {
            let posted = post(&self.client, &self.hook, &self.secrets, id, body).await;
            let describe = |reason: &str| describe(self.platform, &self.hook, reason);
            match posted {
                Posted::Accepted => {
                    self.status.succeeded(clock::now());
                    return Ok(());
                }
                Posted::Later { reason, after } => {
                    let reason = describe(&reason);
                    self.status.failing(&reason);
                    if clock::now() - since > GIVE_UP_AFTER {
                        tracing::error!("{reason}; a message is given up");
                        return Err(reason);
                    }
                    let pause = backoff.next_delay().max(after.unwrap_or_default());
                    tracing::warn!("{reason}; trying again in {} s", pause.as_secs());
                    tokio::time::sleep(pause).await;
                }
                Posted::Refused(reason) => {
                    let reason = describe(&reason);
                    tracing::error!("{reason}; a message is given up");
                    self.status.failing(&reason);
                    return Err(reason);
                }
                Posted::Gone(reason) => {
                    let reason = describe(&reason);
                    tracing::error!(
                        "{reason}; nothing more is posted there until the configuration changes"
                    );
                    self.status.gone(&reason);
                    return Err(reason);
                }
            }
        }
    }

    fn summary(&self, count: usize) -> Value {
        let message = Message {
            kind: &messages::SUMMARY,
            text: format!("{count} further events"),
            event: None,
            model: &Value::Null,
        };
        self.platform.body(&self.sender, None, &message)
    }
}
