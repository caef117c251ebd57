//! One target: what waits for it, and the worker that posts it in order, at the pace of the platform.

mod status;
mod worker;

use std::{collections::BTreeMap, sync::Arc};

use ipnet::IpNet;
use sdk::{
    signature::Secrets,
    template::Template,
    types::{Secret, globals::ChatTarget},
};
use service::http::{Refused, check_foreign_url};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{
    configuration::parse,
    platform::{Platform, Sender},
    queue::{Job, Queue},
};
pub use status::{State, Status};
use worker::Worker;

/// Messages that wait for one target; further events stay in the queue at portal-api.
const MAX_WAITING: usize = 1000;

/// What became of a message: posted, or given up for this reason.
pub type Final = Result<(), String>;

/// Where messages go. Stops working when dropped; what waited is then answered as not delivered.
#[derive(Debug)]
pub struct Target {
    pub platform: Platform,
    /// Tells targets apart; a digest, because the hook is a secret.
    pub key: String,
    /// Where it stands in the configuration.
    pub index: usize,
    pub host: String,
    pub sender: Sender,
    pub status: Arc<Status>,
    settings: ChatTarget,
    templates: BTreeMap<String, Template>,
    queue: mpsc::Sender<Waiting>,
    stop: CancellationToken,
}

/// What all targets share.
#[derive(Debug)]
pub struct Place {
    pub client: reqwest::Client,
    /// Networks inside the installation in which hooks may lie.
    pub allowed: Vec<IpNet>,
    pub queue: Queue,
}

/// A message in the queue of a target, and who wants to know its end.
#[derive(Debug)]
struct Waiting {
    job: Job,
    told: oneshot::Sender<Final>,
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
    #[error("`templates.{0}`: {1}")]
    Template(String, sdk::template::TemplateError),
}

impl Target {
    /// Starts the worker.
    pub fn start(
        index: usize,
        settings: ChatTarget,
        sender: Sender,
        place: &Place,
    ) -> Result<Self, TargetError> {
        let mut hook = check_foreign_url(settings.hook_url.expose(), &place.allowed)?;
        let host = hook.host_str().unwrap_or_default().to_owned();
        let platform = Platform::from_type(&settings.kind, &host, settings.blocks)
            .ok_or_else(|| TargetError::Type(settings.kind.clone()))?;
        if platform == Platform::Discord {
            // Without it Discord accepts and drops messages it cannot post.
            hook.query_pairs_mut().append_pair("wait", "true");
        }
        let mut secrets = Secrets::default();
        if let Some(secret) = settings.secret.as_ref().filter(|secret| !secret.is_empty()) {
            let pushed = secrets.push(secret.expose());
            pushed.map_err(|_| TargetError::Secret)?;
        }
        let templates = settings
            .templates
            .iter()
            .map(|(message, source)| match parse(source) {
                Ok(template) => Ok((message.clone(), template)),
                Err(error) => Err(TargetError::Template(message.clone(), error)),
            })
            .collect::<Result<_, _>>()?;
        let (queue, waiting) = mpsc::channel(MAX_WAITING);
        let (stop, status) = (CancellationToken::new(), Arc::new(Status::default()));
        let worker = Worker {
            platform,
            sender: sender.clone(),
            client: place.client.clone(),
            queue: place.queue.clone(),
            status: status.clone(),
            hook,
            secrets,
        };
        let ended = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = worker.run(waiting) => {}
                () = ended.cancelled() => {}
            }
        });
        Ok(Self {
            platform,
            key: key(platform, &settings.hook_url),
            index,
            host,
            sender,
            status,
            settings,
            templates,
            queue,
            stop,
        })
    }

    /// Whether a target with these settings would do the same as this one.
    pub fn is_same(&self, index: usize, settings: &ChatTarget, sender: &Sender) -> bool {
        self.index == index && self.settings == *settings && self.sender == *sender
    }

    pub fn wants(&self, message: &str) -> bool {
        self.settings.wants(message)
    }

    /// The target's own text of a message.
    pub fn template(&self, message: &str) -> Option<&Template> {
        self.templates.get(message)
    }

    pub fn channel(&self) -> Option<&str> {
        self.settings.channel.as_deref()
    }

    /// Whether there is room for another message.
    pub fn has_room(&self) -> bool {
        self.queue.capacity() > 0
    }

    /// Queues a message. The receiver tells what became of it; nothing when the queue is full.
    pub fn send(&self, job: Job) -> Option<oneshot::Receiver<Final>> {
        let (told, result) = oneshot::channel();
        self.queue.try_send(Waiting { job, told }).ok()?;
        self.status.queued(1);
        Some(result)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.stop.cancel();
        self.status.leave();
    }
}

fn key(platform: Platform, hook: &Secret) -> String {
    let text = format!("{} {}", platform.as_str(), hook.expose());
    hex::encode(&service::crypto::sha256(text.as_bytes())[..8])
}

/// Names a target by type and host; the rest of the address is a secret.
fn describe(platform: Platform, hook: &Url, reason: &str) -> String {
    let host = hook.host_str().unwrap_or_default();
    format!("the {} target at {host} {reason}", platform.as_str())
}
