//! The listener that a request names, for a caller who may do with it what the request wants.
//!
//! `/webhooks/…/{listener}` names one of the installation, and
//! `/applications/{application}/listeners/{listener}/…` one of an application. Behind the two paths
//! are the same handlers.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use serde::Deserialize;
use service::ServiceName;

use super::store;
use crate::{
    ApiError, AppState,
    applications::access::{self, Demand, Right},
    caller::Caller,
    events::{own, row::listener},
};

const SCOPE: &str = "webhooks";
/// How the names of listeners of `wicketgate listen` begin.
const OPERATOR: &str = "listen-";

/// Listeners of an application.
pub const READ: Demand = Demand {
    scope: "read_applications",
    right: Right::Read,
    caller_first: false,
    validated: false,
    refusal: "Only those who work on the application may see its listeners.",
};

/// Listeners of an application.
pub const WRITE: Demand = Demand {
    scope: "write_applications",
    right: Right::Edit,
    caller_first: false,
    validated: true,
    refusal: "Only owners and collaborators may change listeners.",
};

/// A listener that the caller may look at.
pub struct Readable(pub listener::Model);

/// A listener that the caller may change or give work.
pub struct Writable {
    pub listener: listener::Model,
    pub caller: Caller,
}

/// The event in the path.
#[derive(Deserialize)]
pub struct OfEvent {
    pub event: String,
}

impl FromRequestParts<AppState> for Readable {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let (listener, _) = named(parts, state, READ).await?;
        Ok(Self(listener))
    }
}

impl FromRequestParts<AppState> for Writable {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let (listener, caller) = named(parts, state, WRITE).await?;
        Ok(Self { listener, caller })
    }
}

#[derive(Deserialize)]
struct Names {
    application: Option<String>,
    listener: String,
}

async fn named(
    parts: &mut Parts,
    state: &AppState,
    demand: Demand,
) -> Result<(listener::Model, Caller), ApiError> {
    let caller = Caller::from_request_parts(parts, state).await?;
    let Path(names) = Path::<Names>::from_request_parts(parts, state)
        .await
        .map_err(|error| ApiError::bad_request("invalid-path", error.body_text()))?;
    let id = &names.listener;
    let Some(application) = names.application else {
        authorize(&caller, Some(id))?;
        let found = store::find(state.db.read(), id).await?;
        let listener = found.ok_or_else(|| unknown(id))?;
        return Ok((listener, caller));
    };
    access::open(state, &caller, &application, demand).await?;
    let listener = store::find(state.db.read(), id)
        .await?
        .filter(|listener| listener.application_id.as_deref() == Some(&application))
        .ok_or_else(|| ApiError::not_found(format!("The application has no listener `{id}`.")))?;
    Ok((listener, caller))
}

/// Listeners of the installation: administrators with the scope, and each component for its own.
pub fn authorize(caller: &Caller, listener: Option<&str>) -> Result<(), ApiError> {
    if let Some(service) = caller.acting_service() {
        let own = own::listener_of(service);
        // Whoever has the master key, at the command line.
        let of_operator = service == ServiceName::PortalApi
            && listener.is_some_and(|id| id.starts_with(OPERATOR));
        return if of_operator || (own.is_some() && own == listener) {
            Ok(())
        } else {
            Err(ApiError::forbidden(
                "foreign-listener",
                "A service may only touch its own listener.",
            ))
        };
    }
    caller.require_scope(SCOPE)?;
    caller.require_admin()
}

pub fn unknown(listener: &str) -> ApiError {
    ApiError::not_found(format!("There is no webhook listener `{listener}`."))
}
