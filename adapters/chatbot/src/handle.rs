//! From an event to messages at all targets.

use std::sync::{Arc, RwLock};

use sdk::{
    Client, Optional, Outcome,
    types::{Event, health::Health},
};
use serde_json::Value;
use service::{clock, http::guarded_client, ops::Work, random};
use tokio::sync::oneshot;
use url::Url;

use crate::{
    Settings,
    configuration::Configuration,
    messages::{self, Kind},
    model::model,
    platform::Message,
    queue::{self, Job, Queue},
    target::{Final, Place, Target},
};

/// Makes messages with the configuration in force and hands them to the targets.
#[derive(Debug)]
pub struct Chatbot {
    client: Client,
    place: Place,
    url: Option<Url>,
    configuration: RwLock<Option<Arc<Configuration>>>,
}

/// Why a message for a target was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("too many messages wait for a {0} target")]
    Full(&'static str),
    #[error("the message cannot be stored: {0}")]
    Store(#[from] std::io::Error),
}

impl Chatbot {
    pub fn new(client: Client, settings: &Settings, queue: Queue) -> Self {
        Self {
            client,
            place: Place {
                client: guarded_client(&settings.allowed_networks),
                allowed: settings.allowed_networks.clone(),
                queue,
            },
            url: settings.url.clone(),
            configuration: RwLock::default(),
        }
    }

    /// Takes over new configuration. What waits for a target that changes is not lost: it is on
    /// disk, or comes again with its event.
    pub async fn load(&self) -> Result<(), String> {
        let globals = self.client.globals().await;
        let globals = globals.map_err(|error| format!("globals: {error}"))?;
        let templates = self.client.chat_templates().await.optional();
        let templates = templates.map_err(|error| format!("templates of messages: {error}"))?;
        let before = self.current();
        let configuration = Configuration::new(
            &globals,
            templates.unwrap_or_default(),
            &self.place,
            before.as_deref(),
        );
        for problem in &configuration.problems {
            tracing::error!("{problem}");
        }
        tracing::info!(
            "chat messages go to {} targets",
            configuration.targets.len()
        );
        let configuration = Arc::new(configuration);
        *self
            .configuration
            .write()
            .expect("no holder of this lock panics") = Some(configuration.clone());
        self.go_on(before.as_deref(), &configuration).await;
        Ok(())
    }

    /// Gives what lies on disk to the targets that have just started. Messages for targets that
    /// are no more have lost their sense.
    async fn go_on(&self, before: Option<&Configuration>, now: &Configuration) {
        let left = match self.place.queue.left().await {
            Ok(left) => left,
            Err(error) => {
                tracing::error!("messages that wait cannot be read: {error}");
                return;
            }
        };
        let has_run = |target: &Arc<Target>| {
            let old = before.into_iter().flat_map(|before| &before.targets);
            old.into_iter().any(|one| Arc::ptr_eq(one, target))
        };
        for job in left {
            match now.targets.iter().find(|target| target.key == job.target) {
                Some(target) if !has_run(target) && !self.place.queue.is_done(&job.id) => {
                    target.send(job);
                }
                Some(_) => {}
                None => self.place.queue.finish(&job.id).await,
            }
        }
    }

    /// Where portal-api reaches this chatbot: as told, else by the configuration, else the default.
    pub fn url(&self) -> Url {
        self.url
            .clone()
            .or_else(|| self.current()?.own_url.clone())
            .unwrap_or_else(|| Url::parse("http://portal-chatbot:3004/").expect("a valid address"))
    }

    pub fn current(&self) -> Option<Arc<Configuration>> {
        self.configuration
            .read()
            .expect("no holder of this lock panics")
            .clone()
    }

    /// What the listener does with each event: it is done when each target has its message, has
    /// refused it for good, or has it on disk.
    pub async fn handle(&self, event: Event) -> Outcome {
        match messages::about(&event) {
            Some(kind) => self.tell(kind, event).await,
            None => Outcome::Done,
        }
    }

    /// Whether some target wants this message.
    pub fn is_wanted(&self, message: &str) -> bool {
        let configuration = self.current();
        let mut targets = configuration.iter().flat_map(|one| &one.targets);
        targets.any(|target| target.wants(message))
    }

    /// How all parts of the installation do.
    pub async fn system_health(&self) -> Result<Vec<Health>, sdk::Error> {
        self.client.gateway_system_health().await
    }

    /// Has a message sent to the targets that want it.
    pub async fn tell(&self, kind: &'static Kind, event: Event) -> Outcome {
        let Some(configuration) = self.current() else {
            return Outcome::Retry("the configuration is not read yet".to_owned());
        };
        let targets: Vec<&Arc<Target>> = configuration
            .targets
            .iter()
            .filter(|target| target.wants(kind.name))
            .filter(|target| !self.place.queue.is_done(&queue::id(&event.id, &target.key)))
            .collect();
        if targets.is_empty() {
            return Outcome::Done;
        }
        let person = match event.text("userId") {
            Some(user) => match self.client.person(user).await {
                Ok(person) => person,
                Err(error) if error.is_temporary() => return Outcome::Retry(error.to_string()),
                // Better a message with the id than none.
                Err(_) => None,
            },
            None => None,
        };
        let model = model(&configuration.portal, &event, person.as_ref());
        let (mut results, mut refused) = (Vec::new(), None);
        for target in targets {
            let Some(template) = configuration.template(kind.name, target) else {
                continue;
            };
            let message = Message {
                kind,
                text: target.platform.render(&template, &model),
                event: Some(&event),
                model: &model,
            };
            let id = queue::id(&event.id, &target.key);
            match self.send(target, id, &message).await {
                Ok(result) => results.push(result),
                Err(reason) => refused = Some(reason.to_string()),
            }
        }
        if self.place.queue.is_durable() {
            // Those that were taken are known when the event comes again.
            return refused.map_or(Outcome::Done, Outcome::Retry);
        }
        Outcome::When(Box::pin(arrive(results, refused)))
    }

    /// Puts a message into the queue of a target.
    async fn send(
        &self,
        target: &Target,
        id: String,
        message: &Message<'_>,
    ) -> Result<oneshot::Receiver<Final>, Refused> {
        let full = || Refused::Full(target.platform.as_str());
        if !target.has_room() {
            return Err(full());
        }
        let job = Job {
            id,
            target: target.key.clone(),
            message: message.kind.name.to_owned(),
            body: target
                .platform
                .body(&target.sender, target.channel(), message),
            created_at: clock::now(),
        };
        self.place.queue.keep(&job).await?;
        let id = job.id.clone();
        if let Some(result) = target.send(job) {
            return Ok(result);
        }
        self.place.queue.forget(&id).await?;
        Err(full())
    }

    /// Sends a message to the target at this place of the configuration. False when there is none.
    pub async fn test(&self, index: usize) -> Result<bool, Refused> {
        let configuration = self.current();
        let targets = configuration.iter().flat_map(|one| &one.targets);
        let Some(target) = targets.into_iter().find(|target| target.index == index) else {
            return Ok(false);
        };
        let kind: &Kind = &messages::TEST;
        let message = Message {
            kind,
            text: "This is a test. Messages arrive here.".to_owned(),
            event: None,
            model: &Value::Null,
        };
        let id = queue::id(&random::hex_id(), &target.key);
        self.send(target, id, &message).await?;
        Ok(true)
    }

    /// What `/ping` says.
    pub fn work(&self) -> Work {
        let mut work = Work {
            ping_url: self.url().join("ping").map(String::from).ok(),
            ..Work::default()
        };
        let Some(configuration) = self.current() else {
            return work;
        };
        work.warnings.clone_from(&configuration.problems);
        for target in &configuration.targets {
            let state = target.status.state();
            work.queue_length += state.waiting;
            work.problems += usize::from(state.gone);
            work.last_success = work.last_success.max(state.last_success);
            if state.gone {
                work.warnings.extend(state.last_error);
            } else if state.failing {
                work.is_failing = true;
                work.error = state.last_error;
            }
        }
        work
    }
}

/// Waits until all targets have said what became of the message.
async fn arrive(results: Vec<oneshot::Receiver<Final>>, refused: Option<String>) -> Outcome {
    let (mut again, mut dead) = (refused, None);
    for result in results {
        match result.await {
            Ok(Ok(())) => {}
            Ok(Err(reason)) => dead = Some(reason),
            Err(_) => again = Some("the configuration has changed meanwhile".to_owned()),
        }
    }
    match (again, dead) {
        (Some(reason), _) => Outcome::Retry(reason),
        (None, Some(reason)) => Outcome::Dead(reason),
        (None, None) => Outcome::Done,
    }
}
