//! From an event to letters, and from a letter to a mail that has left.

use std::{
    sync::{Arc, RwLock},
    time::Instant,
};

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use lettre::{Message, address::Envelope};
use sdk::{Client, Error, Outcome, types::Event};
use serde_json::{Value, json};
use service::{
    clock,
    keys::{Key, Purpose},
};
use url::Url;

use crate::{
    Settings,
    compose::{self, Parts},
    configuration::Configuration,
    health::Health,
    letter::{Content, Letter, Receiver},
    mails::Mail,
    model::model,
    queue::{Queue, Taken},
    receivers,
    templates::{Rendered, Templates},
    transport::{Failure, Transport},
    unsubscribe,
};

/// When digests leave, after midnight (UTC).
const DIGEST_AT: TimeDelta = TimeDelta::hours(6);

/// Makes and sends mails with the configuration in force.
#[derive(Debug)]
pub struct Mailer {
    client: Client,
    settings: Settings,
    configuration: RwLock<Option<Arc<Configuration>>>,
    pub queue: Queue,
    pub health: Health,
    /// Signs links; a service without the key sends none.
    unsubscribe: Option<Key>,
}

impl Mailer {
    pub fn new(client: Client, settings: Settings, queue: Queue) -> Self {
        Self {
            client,
            configuration: RwLock::default(),
            queue,
            health: Health::default(),
            unsubscribe: settings.keys.derive(&Purpose::Unsubscribe).ok(),
            settings,
        }
    }

    /// Where portal-api reaches this mailer: as told, else by the configuration, else the default.
    pub fn url(&self) -> Url {
        self.settings
            .url
            .clone()
            .or_else(|| self.current()?.own_url.clone())
            .unwrap_or_else(|| Url::parse("http://portal-mailer:3003/").expect("a valid address"))
    }

    pub fn current(&self) -> Option<Arc<Configuration>> {
        self.configuration
            .read()
            .expect("no holder of this lock panics")
            .clone()
    }

    /// Takes over the configuration in force. One that is not usable leaves the old one.
    pub async fn load(&self) -> Result<(), String> {
        let globals = self.client.globals().await;
        let globals = globals.map_err(|error| format!("globals: {error}"))?;
        let templates = self.client.mail_templates().await;
        let templates = templates.map_err(|error| format!("templates of mails: {error}"))?;
        let configuration = Configuration::new(
            &globals,
            Templates::read(&templates),
            &self.settings.data,
            self.settings.always_outbox,
            self.settings.limits,
        )
        .map_err(|error| error.to_string())?;
        for warning in configuration.warnings() {
            tracing::warn!("{warning}");
        }
        if let Transport::Outbox(outbox) = &configuration.transport {
            tracing::info!("mails are written to {}", outbox.folder().display());
        }
        *self
            .configuration
            .write()
            .expect("no holder of this lock panics") = Some(Arc::new(configuration));
        Ok(())
    }

    /// What the listener does with each event: it is done when its mails are in the queue on disk,
    /// or, without such a queue, when they have left.
    pub async fn handle(&self, event: Event) -> Outcome {
        let Some(mail) = Mail::about(&event) else {
            return Outcome::Done;
        };
        let Some(configuration) = self.current() else {
            return Outcome::Retry("the configuration is not read yet".to_owned());
        };
        if matches!(configuration.transport, Transport::Off) || !configuration.is_on(mail) {
            return Outcome::Done;
        }
        let age = clock::now().timestamp() - event.utc;
        if age > mail.lifetime().as_secs().cast_signed() {
            return Outcome::Dead(format!(
                "the mail {} came too late to be of use",
                mail.template()
            ));
        }
        let receivers = match receivers::of(&self.client, mail, &event, &configuration).await {
            Ok(receivers) => receivers,
            Err(error) if is_temporary(&error) => return Outcome::Retry(error.to_string()),
            Err(error) => return Outcome::Dead(error.to_string()),
        };
        if receivers.is_empty() {
            tracing::info!(
                event.id = event.id,
                "nobody is there to get the mail {}",
                mail.template()
            );
        }
        let mut waits = Vec::new();
        for (to, about) in receivers {
            let event = event.clone();
            let letter = letter(mail, to, Content { event, about }, &configuration);
            match self.queue.take(letter).await {
                Ok(Taken::Done) => {}
                Ok(Taken::Waits(result)) => waits.push(result),
                // What is in the queue already stays there, and is known when the event comes again.
                Err(error) => return Outcome::Retry(error.to_string()),
            }
        }
        if waits.is_empty() {
            return Outcome::Done;
        }
        Outcome::When(Box::pin(async move {
            let mut failed = None;
            for result in waits {
                match result.await {
                    Ok(Ok(())) => {}
                    Ok(Err(reason)) => failed = Some(reason),
                    Err(_) => return Outcome::Retry("the mailer stops".to_owned()),
                }
            }
            failed.map_or(Outcome::Done, Outcome::Dead)
        }))
    }

    /// Sends a letter that the queue gave out, and tells the queue what became of it.
    pub async fn deliver(&self, mut letter: Letter) {
        let Some(configuration) = self.current() else {
            return;
        };
        let now = clock::now();
        if letter.is_collected
            && let Err(error) = self.queue.collect(&mut letter).await
        {
            tracing::error!("the requests of one mail cannot be stored together: {error}");
        }
        let result = if now > letter.expires_at {
            let reason = letter.last_error.clone();
            let reason = reason.unwrap_or_else(|| "it came too late to be of use".to_owned());
            Err(Failure::Never(reason))
        } else {
            self.send(&letter, &configuration).await
        };
        let template = letter.kind().template();
        let label = match result {
            Ok(()) => {
                tracing::info!(
                    event.id = letter.content.event.id,
                    mail.template = template,
                    mail.attempts = letter.attempts + 1,
                    "mail sent to {}",
                    letter.to.masked()
                );
                self.health.succeeded(now);
                self.queue.sent(&letter).await;
                "sent"
            }
            Err(failure) => self.did_not_leave(letter, failure).await,
        };
        metrics::counter!("wicketgate_mail_total", "template" => template, "result" => label)
            .increment(1);
        self.measure();
    }

    async fn did_not_leave(&self, letter: Letter, failure: Failure) -> &'static str {
        let now = clock::now();
        let describe = |reason: &str| {
            let (template, to) = (letter.kind().template(), letter.to.masked());
            format!("the mail {template} to {to} did not leave: {reason}")
        };
        let (reason, is_final) = match failure {
            Failure::Unreachable(reason) => {
                self.health.unreachable(&reason);
                (reason, false)
            }
            Failure::Later(reason) => (reason, false),
            Failure::Never(reason) => (reason, true),
        };
        let next =
            self.settings
                .retries
                .next(letter.attempts, now, letter.expires_at, fastrand::f64());
        if let Some(next) = next.filter(|_| !is_final) {
            let pause = (next - now).num_seconds();
            tracing::warn!("{}; trying again in {pause} s", describe(&reason));
            self.queue.later(letter, reason, next).await;
            return "retry";
        }
        let reason = describe(&reason);
        tracing::error!(event.id = letter.content.event.id, "{reason}");
        self.health.gave_up(&reason);
        self.queue.failed(letter, reason, now).await;
        "failed"
    }

    async fn send(&self, letter: &Letter, configuration: &Configuration) -> Result<(), Failure> {
        let message = self.message(letter, configuration)?;
        let to = vec![letter.to.address.clone()];
        let envelope = Envelope::new(Some(configuration.sender.email.clone()), to)
            .map_err(|error| Failure::Never(error.to_string()))?;
        let name = format!(
            "{}-{}-{}",
            letter.created_at.timestamp(),
            letter.kind().template(),
            letter.id
        );
        let started = Instant::now();
        let sent = configuration
            .transport
            .send(&name, &envelope, message.formatted())
            .await;
        metrics::histogram!("wicketgate_mail_send_seconds").record(started.elapsed().as_secs_f64());
        sent
    }

    fn message(&self, letter: &Letter, configuration: &Configuration) -> Result<Message, Failure> {
        let unsubscribe = unsubscribe::link(self.unsubscribe.as_ref(), letter, configuration);
        let (subject, rendered) = render(letter, configuration, unsubscribe.as_deref());
        compose::compose(Parts {
            from: &configuration.sender,
            to: letter.to.mailbox(),
            subject: &subject,
            text: rendered.text,
            html: rendered.html,
            message_id: format!("<{}@{}>", letter.id, configuration.domain),
            date: letter.created_at,
            unsubscribe,
        })
        .map_err(|error| Failure::Never(error.to_string()))
    }

    /// Puts a letter into the queue that no event asked for.
    pub async fn post(&self, letter: Letter) -> Result<(), crate::queue::QueueError> {
        self.queue.take(letter).await.map(drop)
    }

    /// Takes down how long the queue is.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a queue is shorter than 2^52 mails"
    )]
    pub fn measure(&self) {
        let (waiting, _) = self.queue.lengths();
        metrics::gauge!("wicketgate_mail_queue").set(waiting as f64);
    }
}

/// A letter about an event. Requests for approval may have to wait for others.
fn letter(mail: Mail, to: Receiver, content: Content, configuration: &Configuration) -> Letter {
    let now = clock::now();
    let mut letter = Letter::new(mail, to, content, now);
    if mail == Mail::PendingApproval && !configuration.approval_digest.is_zero() {
        letter.is_collected = true;
        letter.next_attempt_at = now + configuration.approval_digest;
    }
    if letter.to.wants_digest && configuration.is_on(Mail::Digest) {
        letter.is_collected = true;
        letter.next_attempt_at = next_digest(now);
    }
    letter
}

/// All digests leave in the morning, so that what happened on one day is one mail.
fn next_digest(now: DateTime<Utc>) -> DateTime<Utc> {
    let morning = now.date_naive().and_time(NaiveTime::MIN).and_utc() + DIGEST_AT;
    if morning > now {
        morning
    } else {
        morning + TimeDelta::days(1)
    }
}

/// Subject and text of a letter.
pub fn render(
    letter: &Letter,
    configuration: &Configuration,
    unsubscribe: Option<&str>,
) -> (String, Rendered) {
    let mut model = model(configuration, letter, unsubscribe);
    let (mail, language) = (letter.kind(), letter.to.language.as_deref());
    let templates = &configuration.templates;
    if mail == Mail::Digest {
        model["items"] = letter
            .parts()
            .map(|part| item(&part, configuration))
            .collect();
    }
    let rendered = templates.render(mail, language, &model);
    let subject = rendered
        .subject
        .clone()
        .unwrap_or_else(|| format!("{} - {}", configuration.title, mail.subject()));
    let subject = match letter.content.event.text("group") {
        Some(group) if letter.more.is_empty() => format!("{subject} - {group}"),
        _ => subject,
    };
    (subject, rendered)
}

/// A letter as part of a digest.
fn item(letter: &Letter, configuration: &Configuration) -> Value {
    let model = model(configuration, letter, None);
    let language = letter.to.language.as_deref();
    let part = configuration.templates.part(letter.mail, language, &model);
    json!({
        "subject": part.subject.as_deref().unwrap_or(letter.mail.subject()),
        "text": part.text.trim(),
        "html": part.html,
    })
}

fn is_temporary(error: &Error) -> bool {
    error.is_temporary() || matches!(error, Error::Key(_))
}
