//! `GET /systemhealth`: how all parts are doing (portal-api 23.6).

mod gateway;
mod poll;

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::{Json, Router, extract::State, routing::get};
use sdk::types::health::Health;

use crate::{ApiError, AppState, caller::Caller};

pub use poll::run;

/// The last round of answers.
pub struct SystemHealth(ArcSwap<Vec<Health>>);

impl Default for SystemHealth {
    /// Until the first round is over: this service itself, still starting.
    fn default() -> Self {
        Self(ArcSwap::from_pointee(vec![Health {
            name: "api".to_owned(),
            message: "The first round of health checks is not over yet.".to_owned(),
            uptime: -1,
            healthy: 2,
            ping_url: String::new(),
            pending_events: -1,
            dead_events: 0,
            error: None,
            version: Some(service::VERSION.to_owned()),
            git_branch: None,
            git_last_commit: None,
            build_date: None,
            gateway: None,
        }]))
    }
}

impl SystemHealth {
    fn current(&self) -> Arc<Vec<Health>> {
        self.0.load_full()
    }

    fn replace(&self, entries: Vec<Health>) {
        self.0.store(Arc::new(entries));
    }
}

pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/systemhealth", get(show))
        .route("/health/ping", get(gateway::ping))
        .route("/health/systemhealth", get(gateway::show))
}

/// `GET /systemhealth`: with or without scope `health`, for administrators only.
async fn show(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<Arc<Vec<Health>>>, ApiError> {
    if !caller.is_admin_user() {
        return Err(ApiError::forbidden(
            "admins-only",
            "Only administrators may see the system health.",
        ));
    }
    Ok(Json(entries(&state).await?))
}

/// The last round, with what is wrong with the configuration and what the gateway has in force at
/// this moment.
async fn entries(state: &AppState) -> Result<Arc<Vec<Health>>, ApiError> {
    let mut entries = state.health.current();
    if let Some(complaint) = state.in_force.complaint()
        && let Some(own) = entry(&mut entries, "api")
    {
        own.error = Some(complaint);
    }
    let gateway = crate::gateway::health(state.db.read()).await?;
    if let Some(kong) = entry(&mut entries, "kong") {
        kong.gateway = gateway;
    }
    Ok(entries)
}

fn entry<'a>(entries: &'a mut Arc<Vec<Health>>, name: &str) -> Option<&'a mut Health> {
    Arc::make_mut(entries)
        .iter_mut()
        .find(|entry| entry.name == name)
}
