//! From an event to mails that have left.

use std::{
    num::NonZeroU32,
    path::Path,
    sync::{Arc, RwLock},
    time::Instant,
};

use sdk::{Client, Error, Optional, Outcome, template::Template, types::Event};
use service::{backoff::Backoff, clock, health::Readiness};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{
    compose::{self, Parts, masked},
    configuration::Configuration,
    mails::Mail,
    model::model,
    rate::Rate,
    receivers,
    sent::Sent,
    transport::{Failure, Transport},
};

/// Makes and sends mails with the configuration in force.
#[derive(Debug)]
pub struct Mailer {
    client: Client,
    configuration: RwLock<Option<Arc<Configuration>>>,
    rate: Rate,
    sent: Sent,
}

impl Mailer {
    pub fn new(client: Client, rate_per_minute: NonZeroU32) -> Self {
        Self {
            client,
            configuration: RwLock::default(),
            rate: Rate::per_minute(rate_per_minute),
            sent: Sent::default(),
        }
    }

    /// Reads the configuration until that works. Returns false when `shutdown` came first.
    pub async fn load_first(
        &self,
        data: &Path,
        readiness: &Readiness,
        shutdown: &CancellationToken,
    ) -> bool {
        let mut backoff = Backoff::for_start();
        while let Err(reason) = self.try_load(data).await {
            readiness.waiting(reason);
            tokio::select! {
                () = backoff.wait() => {}
                () = shutdown.cancelled() => return false,
            }
        }
        true
    }

    /// Where portal-api reaches this mailer: as told, else by the configuration, else the default.
    pub fn url(&self, told: Option<Url>) -> Url {
        told.or_else(|| self.current()?.own_url.clone())
            .unwrap_or_else(|| Url::parse("http://portal-mailer:3003/").expect("a valid address"))
    }

    fn current(&self) -> Option<Arc<Configuration>> {
        self.configuration
            .read()
            .expect("no holder of this lock panics")
            .clone()
    }

    /// Takes over new configuration. One that is not usable leaves the old one in force.
    pub async fn load(&self, data: &Path) -> bool {
        match self.try_load(data).await {
            Ok(()) => true,
            Err(reason) => {
                tracing::error!("the old mail settings stay in force: {reason}");
                false
            }
        }
    }

    async fn try_load(&self, data: &Path) -> Result<(), String> {
        let globals = self
            .client
            .globals()
            .await
            .map_err(|error| format!("globals: {error}"))?;
        let configuration =
            Configuration::from_globals(&globals, data).map_err(|error| error.to_string())?;
        match &configuration.transport {
            Transport::Off => {
                tracing::warn!(
                    "globals.mailer.useMailer is false: no mails are sent, not even verifications"
                );
            }
            Transport::Outbox(_) => {
                tracing::info!(
                    "no mail server is configured: mails are written to {}",
                    data.join("outbox").display()
                );
            }
            Transport::Smtp(_) => {}
        }
        *self
            .configuration
            .write()
            .expect("no holder of this lock panics") = Some(Arc::new(configuration));
        Ok(())
    }

    /// What the listener does with each event.
    pub async fn handle(&self, event: Event) -> Outcome {
        let Some(mail) = Mail::about(&event) else {
            return Outcome::Done;
        };
        let Some(configuration) = self.current() else {
            return Outcome::Retry("the configuration is not read yet".to_owned());
        };
        if matches!(configuration.transport, Transport::Off) {
            return Outcome::Done;
        }
        let age = clock::now().timestamp() - event.utc;
        if age > mail.lifetime().as_secs().cast_signed() {
            return Outcome::Dead(format!(
                "the mail {} came too late to be of use",
                mail.template()
            ));
        }
        let started = Instant::now();
        let result = self.send(mail, &event, &configuration).await;
        metrics::histogram!("wicketgate_mail_send_seconds").record(started.elapsed().as_secs_f64());
        let (label, outcome) = match result {
            Ok(()) => ("sent", Outcome::Done),
            Err(Failure::Later(reason)) => ("retry", Outcome::Retry(reason)),
            Err(Failure::Never(reason)) => ("failed", Outcome::Dead(reason)),
        };
        metrics::counter!("wicketgate_mail_total", "template" => mail.template(), "result" => label).increment(1);
        outcome
    }

    /// Sends the mail to everybody who shall have it.
    async fn send(
        &self,
        mail: Mail,
        event: &Event,
        configuration: &Configuration,
    ) -> Result<(), Failure> {
        let receivers = receivers::of(&self.client, mail, event, configuration)
            .await
            .map_err(|error| later(&error))?;
        if receivers.is_empty() {
            tracing::info!(
                event.id = event.id,
                "nobody is there to get the mail {}",
                mail.template()
            );
            return Ok(());
        }
        let template = self.template(mail).await.map_err(|error| later(&error))?;
        let subject = mail.subject(&configuration.title, event.text("group"));
        for (receiver, person) in receivers {
            let digest = compose::digest(&event.id, mail.template(), &receiver);
            if self.sent.contains(&digest) {
                continue;
            }
            if !self.is_wanted(mail, &person.id).await? {
                tracing::debug!(user.id = person.id, "this user does not want the mail");
                continue;
            }
            let message = compose::compose(Parts {
                from: &configuration.sender,
                to: &receiver,
                subject: &subject,
                text: template.render_text(&model(configuration, event, &person)),
                message_id: compose::message_id(
                    &event.id,
                    mail.template(),
                    &receiver,
                    &configuration.domain,
                ),
                date: clock::now(),
            })
            .map_err(|error| Failure::Never(error.to_string()))?;
            self.rate.wait().await;
            let name = format!("{}-{}-{digest}", event.utc, mail.template());
            configuration.transport.send(&name, message).await?;
            self.sent.insert(digest);
            tracing::info!(
                event.id = event.id,
                mail.template = mail.template(),
                "mail sent to {}",
                masked(&receiver)
            );
        }
        Ok(())
    }

    /// Whether the user gets this mail: those that nobody can do without, and those that he has not
    /// switched off.
    async fn is_wanted(&self, mail: Mail, user_id: &str) -> Result<bool, Failure> {
        if !mail.is_optional() || user_id.is_empty() {
            return Ok(true);
        }
        let preferences = self.client.preferences(user_id).await.optional();
        let preferences = preferences
            .map_err(|error| later(&error))?
            .unwrap_or_default();
        Ok(preferences.mails.get(mail.template()) != Some(&false))
    }

    /// The template of the configuration; the built-in one when there is none or it has faults.
    async fn template(&self, mail: Mail) -> Result<Template, Error> {
        if let Some(source) = self
            .client
            .mail_template(mail.template())
            .await
            .optional()?
        {
            match Template::parse(&source) {
                Ok(template) => return Ok(template),
                Err(error) => {
                    tracing::error!("mail template {}: {error}; using our own", mail.template());
                }
            }
        }
        Ok(Template::parse(mail.built_in_template()).expect("a test reads all built-in templates"))
    }
}

fn later(error: &Error) -> Failure {
    if error.is_temporary() || matches!(error, Error::Key(_)) {
        Failure::Later(error.to_string())
    } else {
        Failure::Never(error.to_string())
    }
}
