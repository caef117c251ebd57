//! `wicketgate listen`: prints events as they happen, for people who build listeners; and, if asked
//! to, hands them on to the listener that is being built, signed as the real thing.

use std::{collections::VecDeque, io::Write as _, time::Duration};

use anyhow::Context;
use sdk::{
    Client,
    signature::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Secrets},
    types::{Event, ListenerRegistration, Mode},
};
use url::Url;

use crate::{cli::Listen, data, signals};

/// Listeners of this command are told from others by their name.
const PREFIX: &str = "listen-";
/// A command that was killed leaves a listener behind; its queue stays short.
const MAX_QUEUE: u64 = 10_000;
const MAX_AGE_HOURS: u32 = 1;
/// Seconds that portal-api holds a question while there is nothing new.
const WAIT: u32 = 30;
const PORTION: u32 = 100;
/// Before a question is repeated that was not answered.
const PAUSE: Duration = Duration::from_secs(1);
/// Ids of events that were printed, in case they come again.
const KNOWN: usize = 1000;

pub async fn run(options: Listen) -> anyhow::Result<()> {
    service::http::install_crypto();
    let client = data::client(&options.installation)?.with_patience(Duration::ZERO);
    let shutdown = signals::shutdown()?;
    let id = format!(
        "{PREFIX}{}",
        &uuid::Uuid::new_v4().simple().to_string()[..8]
    );
    let kinds = if options.events.is_empty() {
        vec!["*".to_owned()]
    } else {
        options.events
    };
    let registration = ListenerRegistration {
        id: id.clone(),
        mode: Some(Mode::Pull),
        events: Some(kinds),
        max_queue: Some(MAX_QUEUE),
        max_age_hours: Some(MAX_AGE_HOURS),
        ..ListenerRegistration::default()
    };
    client
        .put_listener(&registration)
        .await
        .with_context(|| format!("cannot register at {}", client.base()))?;
    eprintln!("Listening as `{id}`. Ctrl-C ends it.");
    let target = options.to.map(Target::new).transpose()?;
    let listening = listen(&client, &id, target.as_ref());
    tokio::select! {
        () = listening => {}
        () = shutdown.cancelled() => {}
    }
    client.delete_listener(&id).await?;
    Ok(())
}

/// Until nobody reads any more.
async fn listen(client: &Client, id: &str, target: Option<&Target>) {
    let mut known = VecDeque::new();
    loop {
        let events = match client.events_within(id, PORTION, WAIT).await {
            Ok(events) => events,
            Err(error) => {
                eprintln!("{error}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let ids: Vec<String> = events.iter().map(|event| event.id.clone()).collect();
        for event in events {
            if known.contains(&event.id) {
                continue;
            }
            known.push_back(event.id.clone());
            if known.len() > KNOWN {
                known.pop_front();
            }
            let line = serde_json::to_string(&event).unwrap_or_default();
            if writeln!(std::io::stdout(), "{line}").is_err() {
                return;
            }
            if let Some(target) = target {
                target.hand_on(&event).await;
            }
        }
        if !ids.is_empty()
            && let Err(error) = client.ack_events(id, &ids).await
        {
            eprintln!("{error}");
        }
    }
}

/// The listener that is being built.
struct Target {
    url: Url,
    secrets: Secrets,
}

impl Target {
    fn new(url: Url) -> anyhow::Result<Self> {
        let secret = service::random::webhook_secret().0;
        let mut secrets = Secrets::default();
        secrets.push(&secret)?;
        eprintln!("Handing events on to {url}, signed with {secret}");
        Ok(Self { url, secrets })
    }

    async fn hand_on(&self, event: &Event) {
        let body = serde_json::to_string(&[event]).unwrap_or_default();
        let now = service::clock::now().timestamp();
        let request = service::http::client()
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header(HEADER_WEBHOOK_ID, &event.id)
            .header(HEADER_WEBHOOK_TIMESTAMP, now)
            .header(
                HEADER_WEBHOOK_SIGNATURE,
                self.secrets.sign(&event.id, now, &body),
            )
            .body(body);
        match request.send().await {
            Ok(answer) => eprintln!("{} → {}", event.kind(), answer.status()),
            Err(error) => eprintln!("{} → {error}", event.kind()),
        }
    }
}
