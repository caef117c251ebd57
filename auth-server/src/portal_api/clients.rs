//! Clients and their secrets.

use std::sync::Arc;

use sdk::{
    Optional,
    types::{ClientType, Secret, subscriptions::ScopesMode, subscriptions::SubscriptionOfClient},
};

use crate::clients::{Client, ClientKind, ScopeLimit};

use super::{PortalApi, PortalApiError};

/// What portal-api says about a client secret.
pub enum VerifiedSecret {
    Right(Arc<Client>),
    Wrong,
    UnknownClient,
}

impl PortalApi {
    /// The client with this id, if its subscription lives.
    pub async fn client(&self, client_id: &str) -> Result<Option<Arc<Client>>, PortalApiError> {
        if let Some(client) = self.0.clients.get(client_id) {
            return Ok(client);
        }
        let found = self
            .0
            .sdk
            .subscription_of_client(client_id)
            .await
            .optional()?;
        let client = found
            .and_then(|found| client(client_id, found))
            .map(Arc::new);
        self.0.clients.put(client_id.to_owned(), client.clone());
        Ok(client)
    }

    /// The client, if this very secret was right a moment ago.
    pub fn remembered_client(&self, client_id: &str, secret: &str) -> Option<Arc<Client>> {
        self.0.secrets.get(&key(client_id, secret))
    }

    /// Asks portal-api whether the secret is right, now.
    pub async fn verify_secret(
        &self,
        client_id: &str,
        secret: &str,
    ) -> Result<VerifiedSecret, PortalApiError> {
        let answer = self
            .0
            .sdk
            .verify_client(client_id, &Secret::new(secret))
            .await;
        match answer {
            Ok(found) => Ok(match client(client_id, found) {
                Some(client) => {
                    let client = Arc::new(client);
                    self.0.secrets.put(key(client_id, secret), client.clone());
                    VerifiedSecret::Right(client)
                }
                None => VerifiedSecret::UnknownClient,
            }),
            Err(error) if error.is_not_found() => Ok(VerifiedSecret::UnknownClient),
            Err(error) if error.status() == Some(http::StatusCode::FORBIDDEN) => {
                Ok(VerifiedSecret::Wrong)
            }
            Err(error) => Err(error),
        }
    }
}

/// The key under which a verified secret is remembered; the secret itself is not kept.
fn key(client_id: &str, secret: &str) -> [u8; 32] {
    service::crypto::sha256(format!("{client_id}:{secret}").as_bytes())
}

/// A client is an approved subscription.
fn client(client_id: &str, found: SubscriptionOfClient) -> Option<Client> {
    let SubscriptionOfClient {
        subscription,
        application,
        ..
    } = found;
    if !subscription.approved {
        return None;
    }
    let trusted = subscription.trusted.unwrap_or(false);
    let scope_limit = match subscription.allowed_scopes_mode {
        _ if trusted => ScopeLimit::All,
        Some(ScopesMode::All) => ScopeLimit::All,
        Some(ScopesMode::Select) => {
            ScopeLimit::Select(subscription.allowed_scopes.unwrap_or_default())
        }
        Some(ScopesMode::None) | None => ScopeLimit::None,
    };
    Some(Client {
        client_id: client_id.to_owned(),
        subscription_id: subscription.id,
        application_name: if application.name.is_empty() {
            application.id.clone()
        } else {
            application.name
        },
        application_id: application.id,
        api_id: subscription.api,
        kind: match application.client_type {
            ClientType::Confidential => ClientKind::Confidential,
            ClientType::PublicSpa => ClientKind::PublicSpa,
            ClientType::PublicNative => ClientKind::PublicNative,
        },
        redirect_uris: application.redirect_uris,
        trusted,
        scope_limit,
        oauth: application.oauth.unwrap_or_default(),
    })
}
