//! The gateway's language: Kong's entities, the schemas of entities and plugins, the errors of its
//! Admin API and a client for it. One home for the gateway adapter, the embedded gateway and the
//! artefact builder, so that the three can not disagree.
//!
//! * [`Service`], [`Route`], [`Consumer`], [`Plugin`], [`KeyAuth`], [`JwtSecret`], [`Acl`]: typed
//!   entities. `Default` gives the values that the gateway would fill in; `id` is chosen by the
//!   writer. [`Entity`] names what they share.
//! * [`admin::Client`]: `node`, `list` (all pages, by tags), `get`, `put`, `patch`, `delete`,
//!   `plugin_schema`, `post_config`, each typed by the entity: `client.put(&service).await?`;
//!   `oauth2_token` and its neighbours for the tokens of Kong's OAuth 2.0 plugin.
//! * [`schema`]: completes an entity with its defaults and finds **all** faults at once.
//!   [`schema::entity`] and [`plugins`] hold the schemas.
//! * [`usage`]: what the gateway reports about calls, the body of `POST /usage` at the adapter.

pub mod admin;
pub mod entity;
pub mod error;
pub mod jwt;
mod kind;
pub mod path;
pub mod plugins;
pub mod schema;
pub mod template;
pub mod usage;

pub use entity::{
    Acl, Consumer, Entity, JwtSecret, KeyAuth, Oauth2, Plugin, Reference, Route, Service,
};
pub use error::ApiError;
pub use kind::Kind;

/// Tag of services that are the portal or an auth server: only they are sent the session cookies of
/// these two (gateway 5.4).
pub const SESSIONS_TAG: &str = "wicketgate-sessions";
