//! What the configuration offers beside APIs: plans, groups, auth servers, pools, templates,
//! content (portal-api 10, 19, 20).

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::header;
use serde_json::Value;

use super::{
    Client, Error,
    call::{malformed, parse, read},
};
use crate::{
    Optional,
    types::{
        AuthServer, Groups, Plans, Pool,
        apis::ChatTemplates,
        content::{Guide, META_HEADER, Metadata, TocEntry},
    },
};

/// No page or picture of a portal is longer.
const MAX_CONTENT: usize = 32 << 20;

/// A page's source or an asset.
#[derive(Clone, Debug)]
pub struct ContentAnswer {
    pub content_type: String,
    /// Only pages have metadata.
    pub metadata: Option<Metadata>,
    pub body: Bytes,
}

impl Client {
    /// `GET /plans`
    pub async fn plans(&self) -> Result<Plans, Error> {
        self.get(&["plans"]).json().await
    }

    /// `GET /groups`
    pub async fn groups(&self) -> Result<Groups, Error> {
        self.get(&["groups"]).json().await
    }

    /// `GET /auth-servers`: names.
    pub async fn auth_servers(&self) -> Result<Vec<String>, Error> {
        self.get(&["auth-servers"]).json().await
    }

    /// `GET /auth-servers/{id}`
    pub async fn auth_server(&self, id: &str) -> Result<AuthServer, Error> {
        self.get(&["auth-servers", id]).json().await
    }

    /// `GET /pools`
    pub async fn pools(&self) -> Result<BTreeMap<String, Pool>, Error> {
        self.get(&["pools"]).json().await
    }

    /// `GET /pools/{pool}`
    pub async fn pool(&self, id: &str) -> Result<Pool, Error> {
        self.get(&["pools", id]).json().await
    }

    /// `GET /templates/auth`: the operator's own pages of the auth server, by name.
    pub async fn auth_page_templates(&self) -> Result<BTreeMap<String, String>, Error> {
        self.get(&["templates", "auth"]).json().await
    }

    /// `GET /templates/texts`: texts of pages in the operator's words, by language.
    pub async fn texts(&self) -> Result<BTreeMap<String, Value>, Error> {
        let texts = self.get(&["templates", "texts"]).json().await.optional()?;
        // An older portal-api has none.
        Ok(texts.unwrap_or_default())
    }

    /// `GET /templates/chatbot`
    pub async fn chat_templates(&self) -> Result<ChatTemplates, Error> {
        self.get(&["templates", "chatbot"]).json().await
    }

    /// `GET /templates/email`: all templates of mails by name.
    pub async fn mail_templates(&self) -> Result<BTreeMap<String, String>, Error> {
        self.get(&["templates", "email"]).json().await
    }

    /// `GET /templates/email/{id}`: Mustache text.
    pub async fn mail_template(&self, id: &str) -> Result<String, Error> {
        self.get(&["templates", "email", id]).text().await
    }

    /// `GET /content/toc`
    pub async fn content_toc(&self) -> Result<Vec<TocEntry>, Error> {
        self.get(&["content", "toc"]).json().await
    }

    /// `GET /content/<path>`; an empty path is the landing page.
    pub async fn content(&self, path: &str) -> Result<ContentAnswer, Error> {
        self.page_below(&["content"], path).await
    }

    /// `GET /apis/{api}/docs`: the guides of an API.
    pub async fn guides(&self, api: &str) -> Result<Vec<Guide>, Error> {
        self.get(&["apis", api, "docs"]).json().await
    }

    /// `GET /apis/{api}/docs/<path>`
    pub async fn guide(&self, api: &str, path: &str) -> Result<ContentAnswer, Error> {
        self.page_below(&["apis", api, "docs"], path).await
    }

    async fn page_below(&self, folder: &[&str], path: &str) -> Result<ContentAnswer, Error> {
        let segments: Vec<&str> = folder
            .iter()
            .copied()
            .chain(path.split('/').filter(|segment| !segment.is_empty()))
            .collect();
        let response = self.get(&segments).send().await?;
        let headers = response.headers();
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let content_type = text(header::CONTENT_TYPE.as_str())
            .unwrap_or("application/octet-stream")
            .to_owned();
        let metadata = text(META_HEADER).map(decode_metadata).transpose()?;
        let body = read(response, MAX_CONTENT, "GET /content").await?;
        Ok(ContentAnswer {
            content_type,
            metadata,
            body,
        })
    }
}

fn decode_metadata(header: &str) -> Result<Metadata, Error> {
    let json = STANDARD
        .decode(header)
        .map_err(|_| malformed("GET /content", "its metadata is not base64"))?;
    parse(&json, "GET /content")
}
