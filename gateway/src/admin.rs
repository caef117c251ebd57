//! The Kong-compatible Admin API, and the status port.
//!
//! A URL is two to four segments that name entities, so it is taken apart in one place
//! ([`dispatch`]) instead of being listed route by route.

mod body;
mod config;
mod dispatch;
mod doors;
mod entities;
mod information;
mod lists;
mod maintenance;
mod ops;
mod passwords;
mod proxy_cache;
mod revocations;
mod schemas;
mod upstreams;

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool},
};

use axum::Router;
use http::StatusCode;
use kong::ApiError;
use serde_json::{Map, Value};
use service::health::Readiness;

use crate::{revocations::Revocations, settings::Mode, store::Store, worker::Shared};

/// What the Admin API works on.
pub struct Admin {
    pub store: Store,
    pub revocations: Arc<Revocations>,
    pub shared: Arc<Shared>,
    pub token: Option<String>,
    /// Pages of these origins may call.
    pub origins: Vec<String>,
    pub shows_latency: bool,
    pub mode: Mode,
    pub readiness: Readiness,
    /// Somebody wants requests to go elsewhere.
    pub is_draining: AtomicBool,
    /// Another process is about to take over: what is written now might be lost.
    pub is_moving: AtomicBool,
    pub documents: Documents,
    pub own_address: SocketAddr,
    pub proxy_address: SocketAddr,
}

pub use body::Input;
pub use config::{Documents, NO_DOCUMENT, load, md5};
pub use doors::{serve_encrypted, serve_local};

/// An answer: a status and, but for 204, a body.
pub struct Reply {
    status: StatusCode,
    body: Option<Value>,
}

type Answer = Result<Reply, ApiError>;

impl Reply {
    fn ok(body: impl Into<Value>) -> Self {
        Self {
            status: StatusCode::OK,
            body: Some(body.into()),
        }
    }

    fn created(entity: Map<String, Value>) -> Self {
        Self {
            status: StatusCode::CREATED,
            body: Some(entity.into()),
        }
    }

    fn not_modified() -> Self {
        Self {
            status: StatusCode::NOT_MODIFIED,
            body: None,
        }
    }

    fn no_content() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            body: None,
        }
    }
}

/// The admin port.
pub fn router(admin: Arc<Admin>) -> Router {
    ops::router(admin.clone())
        .fallback(dispatch::dispatch)
        .with_state(admin)
}

/// The status port: nothing on it changes anything.
pub fn status_router(admin: &Arc<Admin>) -> Router {
    ops::router(admin.clone())
        .merge(ops::status_router())
        .with_state(admin.clone())
}
