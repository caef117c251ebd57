//! From an event to messages at all targets.

use std::sync::{Arc, RwLock};

use ipnet::IpNet;
use sdk::{Client, Optional, Outcome, types::Event};
use service::{backoff::Backoff, health::Readiness, http::guarded_client};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{
    configuration::Configuration,
    delivered::Delivered,
    messages,
    model::model,
    platform::{Message, Platform},
    target::Target,
};

/// Makes messages with the configuration in force and hands them to the targets.
#[derive(Debug)]
pub struct Chatbot {
    client: Client,
    hooks: reqwest::Client,
    allowed: Vec<IpNet>,
    configuration: RwLock<Option<Arc<Configuration>>>,
    delivered: Arc<Delivered>,
}

/// A message on its way to one target. Holds not the target itself: one that the configuration
/// drops shall stop, whoever waits for it.
struct OnItsWay {
    target: String,
    platform: Platform,
    /// Nothing when the queue of the target was full.
    result: Option<oneshot::Receiver<Result<(), String>>>,
}

impl Chatbot {
    pub fn new(client: Client, allowed: Vec<IpNet>) -> Self {
        Self {
            client,
            hooks: guarded_client(&allowed),
            allowed,
            configuration: RwLock::default(),
            delivered: Arc::default(),
        }
    }

    /// Reads the configuration until that works. Returns false when `shutdown` came first.
    pub async fn load_first(&self, readiness: &Readiness, shutdown: &CancellationToken) -> bool {
        let mut backoff = Backoff::for_start();
        while let Err(error) = self.load().await {
            readiness.waiting(format!("configuration: {error}"));
            tokio::select! {
                () = backoff.wait() => {}
                () = shutdown.cancelled() => return false,
            }
        }
        true
    }

    /// Takes over new configuration. Messages that wait for a target come again with their events.
    pub async fn load(&self) -> Result<(), sdk::Error> {
        let globals = self.client.globals().await?;
        let templates = self
            .client
            .chat_templates()
            .await
            .optional()?
            .unwrap_or_default();
        let configuration = Configuration::new(&globals, templates, &self.hooks, &self.allowed);
        tracing::info!(
            "chat messages go to {} targets",
            configuration.targets.len()
        );
        *self
            .configuration
            .write()
            .expect("no holder of this lock panics") = Some(Arc::new(configuration));
        Ok(())
    }

    /// Where portal-api reaches this chatbot: as told, else by the configuration, else the default.
    pub fn url(&self, told: Option<Url>) -> Url {
        told.or_else(|| self.current()?.own_url.clone())
            .unwrap_or_else(|| Url::parse("http://portal-chatbot:3004/").expect("a valid address"))
    }

    fn current(&self) -> Option<Arc<Configuration>> {
        self.configuration
            .read()
            .expect("no holder of this lock panics")
            .clone()
    }

    /// What the listener does with each event.
    pub async fn handle(&self, event: Event) -> Outcome {
        let (Some(message), Some(user)) = (messages::about(&event), event.text("userId")) else {
            return Outcome::Done;
        };
        let Some(configuration) = self.current() else {
            return Outcome::Retry("the configuration is not read yet".to_owned());
        };
        let targets: Vec<Arc<Target>> = configuration
            .targets
            .iter()
            .filter(|target| target.wants(message))
            .filter(|target| !self.delivered.contains(&event.id, &target.key))
            .cloned()
            .collect();
        let Some(template) = configuration
            .template(message)
            .filter(|_| !targets.is_empty())
        else {
            return Outcome::Done;
        };
        let person = match self.client.person(user).await {
            Ok(person) => person,
            Err(error) if error.is_temporary() => return Outcome::Retry(error.to_string()),
            // Better a message with the id than none.
            Err(_) => None,
        };
        let model = model(&configuration.portal, &event, user, person.as_ref());
        let mut on_their_way = Vec::new();
        for target in targets {
            let content = Message {
                name: message,
                text: target.platform.render(template, &model),
                event: Some(&event),
                model: &model,
            };
            let body = target.platform.body(&configuration.sender, &content);
            on_their_way.push(OnItsWay {
                result: target.send(message, body),
                target: target.key.clone(),
                platform: target.platform,
            });
        }
        Outcome::When(Box::pin(arrive(
            event.id,
            on_their_way,
            self.delivered.clone(),
        )))
    }
}

/// Waits until all targets have said what became of the message.
async fn arrive(event: String, messages: Vec<OnItsWay>, delivered: Arc<Delivered>) -> Outcome {
    let (mut again, mut refused) = (None, None);
    for OnItsWay {
        target,
        platform,
        result,
    } in messages
    {
        let Some(result) = result else {
            again = Some(format!(
                "too many messages wait for a {} target",
                platform.as_str()
            ));
            continue;
        };
        match result.await {
            Ok(Ok(())) => delivered.insert(&event, &target),
            Ok(Err(reason)) => refused = Some(reason),
            Err(_) => again = Some("the configuration has changed meanwhile".to_owned()),
        }
    }
    match (again, refused) {
        (Some(reason), _) => Outcome::Retry(reason),
        (None, Some(reason)) => Outcome::Dead(reason),
        (None, None) => Outcome::Done,
    }
}
