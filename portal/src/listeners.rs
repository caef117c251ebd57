//! One listener: what it was sent, what came back, and what can be done about it. The same for those
//! of the installation (`/admin/listeners`) and those of an application (portal-ui 11.6, 22.9).

pub mod actions;
mod view;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use sdk::{
    Client,
    types::{
        ListenerRegistration,
        listeners::{DeliveryInfo, NewSecret, Replay, Requeued, RotateSecret, Stats, TestResult},
        page::CursorPage,
    },
};
use serde::Deserialize;
use ui::Entry;

use crate::{admin, failure::Failure, links, visitor::Visitor};
pub use view::{Question, View};

/// The listener that an address names, for somebody who may come there. portal-api decides what he
/// may do.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Of an application; otherwise of the installation.
    pub application: Option<String>,
    pub id: String,
}

#[derive(Deserialize)]
struct Named {
    application: Option<String>,
    listener: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Listener {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let visitor = Visitor::of(&parts.extensions)?;
        let named = Path::<Named>::from_request_parts(parts, state).await;
        let Path(named) = named.map_err(|_| Failure::NotFound)?;
        if named.application.is_some() {
            visitor.require_user()?;
        } else {
            admin::administrator(&visitor)?;
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if named.listener.is_empty() || !named.listener.chars().all(is_plain) {
            return Err(Failure::BadRequest(
                "the id of a listener has letters, digits, `-` and `_` only".to_owned(),
            ));
        }
        Ok(Self {
            application: named.application,
            id: named.listener,
        })
    }
}

impl Listener {
    /// Where its page is.
    pub fn path(&self) -> String {
        let Some(application) = &self.application else {
            return links::listener(&self.id);
        };
        let id = links::segment(&self.id);
        format!("{}/listeners/{id}", links::application(application))
    }

    /// Where all of them are.
    pub fn list(&self) -> String {
        match &self.application {
            None => "/admin/listeners".to_owned(),
            Some(application) => format!("{}/listeners", links::application(application)),
        }
    }

    pub fn entry(&self) -> Entry {
        match self.application {
            None => Entry::Admin,
            Some(_) => Entry::Applications,
        }
    }

    pub async fn registration(&self, client: &Client) -> Result<ListenerRegistration, Failure> {
        let all = match &self.application {
            None => client.listeners().await?,
            Some(application) => client.application_listeners(application).await?,
        };
        let found = all.into_iter().find(|listener| listener.id == self.id);
        found.ok_or(Failure::NotFound)
    }

    pub async fn stats(&self, client: &Client) -> Result<Stats, sdk::Error> {
        match &self.application {
            None => client.listener_stats(&self.id).await,
            Some(of) => client.application_listener_stats(of, &self.id).await,
        }
    }

    pub async fn deliveries(
        &self,
        client: &Client,
        query: &[(&str, String)],
    ) -> Result<CursorPage<DeliveryInfo>, sdk::Error> {
        match &self.application {
            None => client.deliveries(&self.id, query).await,
            Some(of) => client.application_deliveries(of, &self.id, query).await,
        }
    }

    pub async fn delivery(&self, client: &Client, event: &str) -> Result<DeliveryInfo, sdk::Error> {
        match &self.application {
            None => client.delivery(&self.id, event).await,
            Some(of) => client.application_delivery(of, &self.id, event).await,
        }
    }

    async fn replay(&self, client: &Client, request: &Replay) -> Result<Requeued, sdk::Error> {
        match &self.application {
            None => client.replay_events(&self.id, request).await,
            Some(of) => {
                client
                    .replay_application_events(of, &self.id, request)
                    .await
            }
        }
    }

    async fn retry(&self, client: &Client) -> Result<Requeued, sdk::Error> {
        match &self.application {
            None => client.retry_dead_letters(&self.id).await,
            Some(of) => client.retry_application_dead_letters(of, &self.id).await,
        }
    }

    async fn test(&self, client: &Client) -> Result<TestResult, sdk::Error> {
        match &self.application {
            None => client.test_listener(&self.id).await,
            Some(of) => client.test_application_listener(of, &self.id).await,
        }
    }

    async fn enable(&self, client: &Client) -> Result<(), sdk::Error> {
        match &self.application {
            None => client.enable_listener(&self.id).await,
            Some(of) => client.enable_application_listener(of, &self.id).await,
        }
    }

    async fn disable(&self, client: &Client, reason: Option<&str>) -> Result<(), sdk::Error> {
        match &self.application {
            None => client.disable_listener(&self.id, reason).await,
            Some(of) => {
                client
                    .disable_application_listener(of, &self.id, reason)
                    .await
            }
        }
    }

    async fn new_secret(&self, client: &Client) -> Result<NewSecret, sdk::Error> {
        let request = RotateSecret::default();
        match &self.application {
            None => client.create_listener_secret(&self.id, &request).await,
            Some(of) => {
                client
                    .create_application_listener_secret(of, &self.id, &request)
                    .await
            }
        }
    }
}
