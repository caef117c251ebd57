//! Tokens of Kong's OAuth 2.0 plugin, and where clients get them: for an auth server that passes
//! them on. Kong finds a token by its id or by itself, and by nothing else.

use std::fmt;

use reqwest::Method;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Client, Error, Page,
    client::{PAGE_SIZE, found},
};
use crate::{Plugin, Reference, Route};

const COLLECTION: &str = "oauth2_tokens";

/// A row of Kong's table of tokens: an access token and, mostly, the refresh token beside it.
#[derive(Clone, Deserialize)]
pub struct Oauth2Token {
    pub id: Uuid,
    pub access_token: String,
    #[serde(default)]
    pub refresh_token: Option<String>,
    #[serde(default)]
    pub authenticated_userid: Option<String>,
    /// Separated by blanks.
    #[serde(default)]
    pub scope: Option<String>,
    /// Seconds from `created_at` on that the access token lives; 0 is for ever.
    pub expires_in: u64,
    pub created_at: i64,
    pub credential: Reference,
}

/// Without the tokens.
impl fmt::Debug for Oauth2Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oauth2Token")
            .field("id", &self.id)
            .field("credential", &self.credential)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// The row with this id or access token.
    pub async fn oauth2_token(&self, id_or_token: &str) -> Result<Option<Oauth2Token>, Error> {
        let request = self.request(Method::GET, &[COLLECTION, id_or_token]);
        found(self.json(request).await.map_err(without_path))
    }

    /// A page of all rows, from `offset` on.
    pub async fn oauth2_tokens(&self, offset: Option<&str>) -> Result<Page<Oauth2Token>, Error> {
        let mut request = self
            .request(Method::GET, &[COLLECTION])
            .query(&[("size", PAGE_SIZE)]);
        if let Some(offset) = offset {
            request = request.query(&[("offset", offset)]);
        }
        self.json(request).await
    }

    /// Ends both tokens of a row; one that does not exist is fine.
    pub async fn delete_oauth2_token(&self, id: Uuid) -> Result<(), Error> {
        let request = self.request(Method::DELETE, &[COLLECTION, &id.to_string()]);
        found(self.send(request).await).map(drop)
    }

    /// The routes of a service; nothing when there is no such service.
    pub async fn routes_of(&self, service: &str) -> Result<Option<Vec<Route>>, Error> {
        let request = self.request(Method::GET, &["services", service, "routes"]);
        let page: Option<Page<Route>> = found(self.json(request).await)?;
        Ok(page.map(|page| page.data))
    }

    /// The plugins of a service; nothing when there is no such service.
    pub async fn plugins_of(&self, service: &str) -> Result<Option<Vec<Plugin>>, Error> {
        let request = self
            .request(Method::GET, &["services", service, "plugins"])
            .query(&[("size", PAGE_SIZE)]);
        let page: Option<Page<Plugin>> = found(self.json(request).await)?;
        Ok(page.map(|page| page.data))
    }
}

/// The path may be an access token, which belongs into no log.
fn without_path(error: Error) -> Error {
    match error {
        Error::Unreadable { reason, .. } => Error::Unreadable {
            call: format!("/{COLLECTION}/…"),
            reason,
        },
        other => other,
    }
}
