use std::time::Duration;

use reqwest::{Body, Method, RequestBuilder, StatusCode, header};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use service::http::read_at_most;
use url::Url;
use uuid::Uuid;

use super::{Error, Node};
use crate::{ApiError, Entity, Kind};

/// Entities per page; the largest size that Kong 3 accepts.
pub(super) const PAGE_SIZE: &str = "1000";
/// A page of the largest entities stays below this.
const MAX_ANSWER: usize = 256 << 20;
/// Of one call.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Of loading a document; Kong itself gives up after a minute.
const TIMEOUT_OF_DOCUMENT: Duration = Duration::from_secs(90);

/// A client for one Admin API address. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<String>,
    workspace: Option<String>,
}

/// What became of a document posted to `/config`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigOutcome {
    Loaded,
    /// The same document is active already.
    Unchanged,
}

/// A part of a list.
#[derive(Deserialize)]
pub struct Page<T> {
    pub data: Vec<T>,
    /// The position of the next page; absent or null on the last one.
    pub offset: Option<String>,
}

impl Client {
    /// `base` is the address of the Admin API; `token` goes into `Kong-Admin-Token`.
    pub fn new(http: reqwest::Client, base: Url, token: Option<String>) -> Self {
        Self {
            http,
            base: with_slash(base),
            token,
            workspace: None,
        }
    }

    /// With entities of this workspace (Kong's commercial editions).
    #[must_use]
    pub fn in_workspace(mut self, workspace: Option<String>) -> Self {
        self.workspace = workspace;
        self
    }

    /// The same access at another address.
    #[must_use]
    pub fn at(&self, base: Url) -> Self {
        Self {
            base: with_slash(base),
            ..self.clone()
        }
    }

    /// The same access through other connections.
    #[must_use]
    pub fn through(&self, http: reqwest::Client) -> Self {
        Self {
            http,
            ..self.clone()
        }
    }

    pub fn base(&self) -> &Url {
        &self.base
    }

    /// `GET /`: version and abilities.
    pub async fn node(&self) -> Result<Node, Error> {
        self.json(self.outside(Method::GET, &[""])).await
    }

    /// `GET /status` as it is.
    pub async fn status(&self) -> Result<Value, Error> {
        self.json(self.outside(Method::GET, &["status"])).await
    }

    /// All entities that carry **every** one of `tags`, through all pages.
    pub async fn list<E: Entity>(&self, tags: &[&str]) -> Result<Vec<E>, Error> {
        self.list_as(E::KIND, tags).await
    }

    /// As [`Self::list`], with all fields as the gateway reports them, for callers that learn the
    /// kind at run time.
    pub async fn list_fields(
        &self,
        kind: Kind,
        tags: &[&str],
    ) -> Result<Vec<Map<String, Value>>, Error> {
        self.list_as(kind, tags).await
    }

    async fn list_as<T: DeserializeOwned>(
        &self,
        kind: Kind,
        tags: &[&str],
    ) -> Result<Vec<T>, Error> {
        let mut entities = Vec::new();
        let mut offset: Option<String> = None;
        loop {
            let page: Page<T> = self.page(kind, tags, offset.as_deref()).await?;
            entities.extend(page.data);
            match page.offset {
                Some(next) => offset = Some(next),
                None => return Ok(entities),
            }
        }
    }

    /// One page of a list, from `offset` on.
    pub async fn page<T: DeserializeOwned>(
        &self,
        kind: Kind,
        tags: &[&str],
        offset: Option<&str>,
    ) -> Result<Page<T>, Error> {
        let mut request = self
            .request(Method::GET, &[kind.collection()])
            .query(&[("size", PAGE_SIZE)]);
        if !tags.is_empty() {
            request = request.query(&[("tags", tags.join(","))]);
        }
        if let Some(offset) = offset {
            request = request.query(&[("offset", offset)]);
        }
        self.json(request).await
    }

    /// As [`Self::get`], for callers that learn the kind at run time.
    pub async fn get_fields(
        &self,
        kind: Kind,
        id_or_key: &str,
    ) -> Result<Option<Map<String, Value>>, Error> {
        found(
            self.json(self.request(Method::GET, &[kind.collection(), id_or_key]))
                .await,
        )
    }

    /// The entity with this id or natural key.
    pub async fn get<E: Entity>(&self, id_or_key: &str) -> Result<Option<E>, Error> {
        let request = self.request(Method::GET, &[E::KIND.collection(), id_or_key]);
        found(self.json(request).await)
    }

    /// Creates the entity, or replaces the one with the same id.
    pub async fn put<E: Entity>(&self, entity: &E) -> Result<E, Error> {
        let id = entity.id().to_string();
        self.json(
            self.request(Method::PUT, &[E::KIND.collection(), &id])
                .json(entity),
        )
        .await
    }

    /// As [`Self::put`], for callers that learn the kind at run time.
    pub async fn put_fields(
        &self,
        kind: Kind,
        id: Uuid,
        fields: &Map<String, Value>,
    ) -> Result<(), Error> {
        let segments = [kind.collection(), &id.to_string()];
        self.send(self.request(Method::PUT, &segments).json(fields))
            .await
            .map(drop)
    }

    /// Creates the entity; 409 if it, or one with the same unique field, exists.
    pub async fn post<E: Entity>(&self, entity: &E) -> Result<E, Error> {
        self.json(
            self.request(Method::POST, &[E::KIND.collection()])
                .json(entity),
        )
        .await
    }

    /// Changes only the fields that `changes` names.
    pub async fn patch<E: Entity>(&self, id_or_key: &str, changes: &Value) -> Result<E, Error> {
        self.json(
            self.request(Method::PATCH, &[E::KIND.collection(), id_or_key])
                .json(changes),
        )
        .await
    }

    /// Deletes the entity; one that does not exist is fine.
    pub async fn delete<E: Entity>(&self, id_or_key: &str) -> Result<(), Error> {
        self.delete_kind(E::KIND, id_or_key).await
    }

    /// As [`Self::delete`], for callers that learn the kind at run time.
    pub async fn delete_kind(&self, kind: Kind, id_or_key: &str) -> Result<(), Error> {
        let request = self.request(Method::DELETE, &[kind.collection(), id_or_key]);
        match self.send(request).await {
            Ok(_) => Ok(()),
            Err(Error::Refused(error)) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The schema of a plugin, or nothing when the gateway does not have it.
    pub async fn plugin_schema(&self, plugin: &str) -> Result<Option<Value>, Error> {
        let request = self.request(Method::GET, &["schemas", "plugins", plugin]);
        found(self.json(request).await)
    }

    /// Asks whether the gateway would take the entity, as far as its schema tells.
    pub async fn validate(&self, kind: Kind, fields: &Map<String, Value>) -> Result<(), Error> {
        let segments = ["schemas", kind.name(), "validate"];
        self.send(self.request(Method::POST, &segments).json(fields))
            .await
            .map(drop)
    }

    /// Loads a whole document, as JSON text, into a gateway without database.
    pub async fn post_config(&self, document: impl Into<Body>) -> Result<ConfigOutcome, Error> {
        let request = self
            .request(Method::POST, &["config"])
            .query(&[("check_hash", "1"), ("flatten_errors", "1")])
            .header(header::CONTENT_TYPE, "application/json")
            .timeout(TIMEOUT_OF_DOCUMENT)
            .body(document);
        let response = self.send(request).await?;
        Ok(match response.status() {
            StatusCode::NOT_MODIFIED => ConfigOutcome::Unchanged,
            _ => ConfigOutcome::Loaded,
        })
    }

    /// Tells the embedded gateway which access tokens ended before their time.
    pub async fn put_revocations(&self, feed: &impl Serialize) -> Result<(), Error> {
        let request = self.outside(Method::PUT, &["wicketgate", "revocations"]);
        self.send(request.json(feed)).await.map(drop)
    }

    /// A request to the path made of `segments`, each percent-encoded as a whole.
    pub(super) fn request(&self, method: Method, segments: &[&str]) -> RequestBuilder {
        match &self.workspace {
            Some(workspace) => self.outside(method, &[&[workspace.as_str()], segments].concat()),
            None => self.outside(method, segments),
        }
    }

    /// As [`Self::request`], outside of any workspace.
    fn outside(&self, method: Method, segments: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        let request = self.http.request(method, url).timeout(TIMEOUT);
        match &self.token {
            Some(token) => request.header("Kong-Admin-Token", token),
            None => request,
        }
    }

    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<T, Error> {
        let response = self.send(request).await?;
        let call = response.url().path().to_owned();
        let unreadable = |reason: String| Error::Unreadable { call, reason };
        let body = match read_at_most(response, MAX_ANSWER).await {
            Ok(body) => body,
            Err(error) => return Err(unreadable(error.to_string())),
        };
        serde_json::from_slice(&body).map_err(|error| unreadable(error.to_string()))
    }

    pub(super) async fn send(&self, request: RequestBuilder) -> Result<reqwest::Response, Error> {
        let response = request
            .send()
            .await
            .map_err(|error| Error::Unreachable(error.without_url()))?;
        let status = response.status();
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        let retry_after = response.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        let body = read_at_most(response, MAX_ANSWER).await.unwrap_or_default();
        let mut error: ApiError = serde_json::from_slice(&body).unwrap_or_default();
        error.retry_after = retry_after;
        error.status = status.as_u16();
        if error.message.is_empty() {
            status
                .canonical_reason()
                .unwrap_or("no reason given")
                .clone_into(&mut error.message);
        }
        Err(Error::Refused(error))
    }
}

/// What is not there is no failure.
pub(super) fn found<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(entity) => Ok(Some(entity)),
        Err(Error::Refused(error)) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

fn with_slash(mut base: Url) -> Url {
    if !base.path().ends_with('/') {
        base.set_path(&format!("{}/", base.path()));
    }
    base
}
