//! Typed entities. They are what callers write and read; the gateway checks the JSON behind them
//! against [`crate::schema`] first, because a typed parser stops at the first fault.
//!
//! Fields that a gateway reports beyond these are ignored, so a newer Kong can be read.

mod consumer;
mod credential;
mod plugin;
mod route;
mod service;

pub use consumer::Consumer;
pub use credential::{Acl, JwtSecret, KeyAuth, Oauth2};
pub use plugin::Plugin;
pub use route::{PathHandling, Route};
pub use service::Service;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::Kind;

/// What all entities share.
pub trait Entity: Serialize + DeserializeOwned + Clone + PartialEq + Send + Sync {
    const KIND: Kind;

    fn id(&self) -> Uuid;
    /// The value of the natural key, if there is one.
    fn natural_key(&self) -> Option<&str>;
    fn tags(&self) -> &[String];
    /// Seconds since 1970; chosen by the gateway unless given.
    fn created_at(&self) -> Option<i64>;
}

/// A reference to another entity, `{"id": "…"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reference {
    pub id: Uuid,
}

impl From<Uuid> for Reference {
    fn from(id: Uuid) -> Self {
        Self { id }
    }
}

/// Implements [`Entity`] for a struct with the fields `id`, `tags` and `created_at`.
macro_rules! entity {
    ($type:ident, $kind:ident, $key:expr) => {
        impl crate::Entity for $type {
            const KIND: crate::Kind = crate::Kind::$kind;

            fn id(&self) -> uuid::Uuid {
                self.id
            }

            fn natural_key(&self) -> Option<&str> {
                let key: fn(&Self) -> Option<&str> = $key;
                key(self)
            }

            fn tags(&self) -> &[String] {
                self.tags.as_deref().unwrap_or_default()
            }

            fn created_at(&self) -> Option<i64> {
                self.created_at
            }
        }
    };
}
use entity;
