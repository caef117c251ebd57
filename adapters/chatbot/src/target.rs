//! One target: its queue and the worker that empties it in order, at the pace of the platform.

use std::{sync::Arc, time::Duration};

use sdk::{
    signature::Secrets,
    types::{Secret, globals::ChatTarget},
};
use serde_json::Value;
use service::{
    backoff::Backoff,
    http::{Refused, check_foreign_url},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{
    platform::{Message, Platform, Sender},
    post::{Posted, post},
};

/// Messages that wait for one target; further events stay in the queue at portal-api.
const MAX_WAITING: usize = 1000;
/// When more than this many wait, they become one message.
const MERGE_ABOVE: usize = 10;
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_mins(10);
const GIVE_UP_AFTER: Duration = Duration::from_hours(6);

/// Where messages go. Stops working when dropped; what waited is then answered as not delivered.
#[derive(Debug)]
pub struct Target {
    pub platform: Platform,
    /// Tells targets apart; a digest, because the hook is a secret.
    pub key: String,
    wants: ChatTarget,
    queue: mpsc::Sender<Job>,
    stop: CancellationToken,
}

#[derive(Debug)]
struct Job {
    message: &'static str,
    body: Value,
    done: oneshot::Sender<Result<(), String>>,
}

/// A target that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    #[error("`type` `{0}` is not known")]
    Type(String),
    #[error("`hookUrl`: {0}")]
    Hook(#[from] Refused),
    #[error("`secret` is no webhook secret")]
    Secret,
}

impl Target {
    /// Starts the worker. `allowed` says where inside the network hooks may lie.
    pub fn start(
        settings: ChatTarget,
        sender: Sender,
        client: reqwest::Client,
        allowed: &[ipnet::IpNet],
    ) -> Result<Self, TargetError> {
        let platform = Platform::from_type(&settings.kind)
            .ok_or_else(|| TargetError::Type(settings.kind.clone()))?;
        let mut hook = check_foreign_url(settings.hook_url.expose(), allowed)?;
        if platform == Platform::Discord {
            // Without it Discord accepts and drops messages it cannot post.
            hook.query_pairs_mut().append_pair("wait", "true");
        }
        let mut secrets = Secrets::default();
        if let Some(secret) = settings.extra.get("secret").and_then(Value::as_str) {
            secrets.push(secret).map_err(|_| TargetError::Secret)?;
        }
        let key = key(platform, &settings.hook_url);
        let (queue, jobs) = mpsc::channel(MAX_WAITING);
        let stop = CancellationToken::new();
        let worker = Worker {
            platform,
            sender,
            client,
            hook,
            secrets,
            gone: None,
        };
        let ended = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = worker.run(jobs) => {}
                () = ended.cancelled() => {}
            }
        });
        Ok(Self {
            platform,
            key,
            wants: settings,
            queue,
            stop,
        })
    }

    pub fn wants(&self, message: &str) -> bool {
        self.wants.wants(message)
    }

    /// Queues a message. The receiver tells what became of it; nothing when the queue is full.
    pub fn send(
        &self,
        message: &'static str,
        body: Value,
    ) -> Option<oneshot::Receiver<Result<(), String>>> {
        let (done, result) = oneshot::channel();
        self.queue
            .try_send(Job {
                message,
                body,
                done,
            })
            .ok()?;
        Some(result)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn key(platform: Platform, hook: &Secret) -> String {
    let text = format!("{} {}", platform.as_str(), hook.expose());
    hex::encode(&service::crypto::sha256(text.as_bytes())[..8])
}

struct Worker {
    platform: Platform,
    sender: Sender,
    client: reqwest::Client,
    hook: Url,
    secrets: Secrets,
    /// Why nothing is posted any more.
    gone: Option<String>,
}

impl Worker {
    async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut free = Instant::now();
        while let Some(job) = jobs.recv().await {
            tokio::time::sleep_until(free).await;
            let mut further = Vec::new();
            let body = if jobs.len() >= MERGE_ABOVE && self.platform != Platform::Webhook {
                while let Ok(job) = jobs.try_recv() {
                    further.push(job);
                }
                self.summary(further.len() + 1)
            } else {
                job.body.clone()
            };
            let result = self.deliver(&body).await;
            free = Instant::now() + self.platform.interval();
            for job in std::iter::once(job).chain(further) {
                let label = if result.is_ok() { "sent" } else { "failed" };
                metrics::counter!(
                    "wicketgate_chat_total",
                    "type" => self.platform.as_str(), "message" => job.message, "result" => label,
                )
                .increment(1);
                // Nobody may wait any more; the work is done all the same.
                let _ = job.done.send(result.clone());
            }
        }
    }

    /// Posts until it is accepted or given up.
    async fn deliver(&mut self, body: &Value) -> Result<(), String> {
        if let Some(reason) = &self.gone {
            return Err(reason.clone());
        }
        let started = Instant::now();
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        loop {
            match post(&self.client, &self.hook, &self.secrets, body).await {
                Posted::Accepted => return Ok(()),
                Posted::Later { reason, after } => {
                    if started.elapsed() > GIVE_UP_AFTER {
                        return Err(self.describe(&reason));
                    }
                    let pause = backoff.next_delay().max(after.unwrap_or_default());
                    tracing::warn!(
                        "{}; trying again in {} s",
                        self.describe(&reason),
                        pause.as_secs()
                    );
                    tokio::time::sleep(pause).await;
                }
                Posted::Refused(reason) => return Err(self.describe(&reason)),
                Posted::Gone(reason) => {
                    let reason = self.describe(&reason);
                    tracing::error!(
                        "{reason}; nothing more is posted there until the configuration changes"
                    );
                    self.gone = Some(reason.clone());
                    return Err(reason);
                }
            }
        }
    }

    fn summary(&self, count: usize) -> Value {
        let message = Message {
            name: "summary",
            text: format!("{count} further events"),
            event: None,
            model: &Value::Null,
        };
        self.platform.body(&self.sender, &message)
    }

    /// Names the target by type and host; the rest of the address is a secret.
    fn describe(&self, reason: &str) -> String {
        let host = self.hook.host_str().unwrap_or_default();
        format!("the {} target at {host} {reason}", self.platform.as_str())
    }
}

/// Targets in the order of the configuration; those with faults are left out with a log line.
pub fn start_all(
    targets: &[ChatTarget],
    sender: &Sender,
    client: &reqwest::Client,
    allowed: &[ipnet::IpNet],
) -> Vec<Arc<Target>> {
    let mut started = Vec::new();
    for (index, settings) in targets.iter().enumerate() {
        match Target::start(settings.clone(), sender.clone(), client.clone(), allowed) {
            Ok(target) => started.push(Arc::new(target)),
            Err(error) => {
                tracing::error!("globals.chatbot.targets[{index}]: {error}; it gets no messages");
            }
        }
    }
    started
}
