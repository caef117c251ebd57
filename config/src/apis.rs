//! APIs (`apis/apis.json`, `apis/<id>/…`): the published products.

mod audience;
pub mod gateway;
mod lifecycle;
mod oauth2;
mod read;
mod view;

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Value;
use url::Url;

pub use audience::Audience;
pub use lifecycle::{Lifecycle, LifecycleState};
pub use oauth2::{Flow, OAuth2Settings};

use crate::{
    auth_servers::AuthMethodRef,
    catalog::{Catalog, Entry},
    content::DocPage,
    openapi::Definition,
    path::JsonPath,
    render::Rendered,
};
use gateway::GatewayApi;

pub(crate) use read::{Context, read, read_built_in};

pub(crate) const FILE: &str = "apis/apis.json";

/// What a call has to carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    KeyAuth,
    OAuth2,
    /// Public.
    None,
}

impl Auth {
    /// As it stands in `apis.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KeyAuth => "key-auth",
            Self::OAuth2 => "oauth2",
            Self::None => "none",
        }
    }
}

/// One API as it is published: built in or from `apis.json`, with the files of its folder.
#[derive(Debug)]
pub struct Api {
    pub id: String,
    pub name: String,
    /// Short text, Markdown.
    pub desc: String,
    pub auth: Auth,
    pub tags: Vec<String>,
    /// Ids of plans, in the order in which they are offered.
    pub plans: Vec<String>,
    /// Only members (and administrators) see the API.
    pub required_group: Option<String>,
    /// Everybody sees the API, but only members of `required_group` subscribe.
    pub partner: bool,
    pub lifecycle: Lifecycle,
    /// APIs with the same value share credentials.
    pub bundle: Option<String>,
    pub auth_methods: Vec<AuthMethodRef>,
    /// Users register in this pool before they use the API.
    pub registration_pool: Option<String>,
    pub oauth2: OAuth2Settings,
    /// Where the scopes are asked for.
    pub scope_lookup_url: Option<Url>,
    pub passthrough_users: bool,
    /// Asked after a login which scopes the user gets.
    pub passthrough_scope_url: Option<Url>,
    /// One of the built-in APIs.
    pub internal: bool,
    /// APIs of one family are versions of each other; the id if nothing is written.
    pub family: String,
    pub version: Option<String>,
    /// Its members own the API.
    pub owner_group: Option<String>,
    pub gateway: GatewayApi,
    /// The entry of `apis.json`, complete, as administrators and services see it.
    pub full: Rendered,
    /// Without the addresses of helper services.
    pub public: Rendered,
    /// `config.json` as administrators see it.
    pub config_full: Rendered,
    /// What developers see of it.
    pub config_public: Rendered,
    /// Long text, Markdown.
    pub description: Option<Bytes>,
    pub definition: Definition,
    /// Guides, by path.
    pub docs: BTreeMap<String, DocPage>,
    /// Where the entry stands in `apis.json`, for problems found later.
    pub(crate) place: JsonPath,
}

impl Entry for Api {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Api {
    /// The entry as JSON, to change a copy of it (looked-up scopes).
    pub fn to_json(&self) -> Value {
        serde_json::from_slice(&self.full.bytes).expect("it was rendered from JSON")
    }
}

/// All APIs, in the order of `apis.json`.
pub type Apis = Catalog<Api>;
