//! `GET /config/status`: which configuration is served and what is wrong with it (portal-api 29.3).

use axum::{Json, Router, extract::State, routing::get};
use config::{Configuration, git::Commit};
use serde_json::{Value, json};

use crate::{ApiError, AppState, caller::Caller};

pub fn routes() -> Router<AppState> {
    Router::new().route("/config/status", get(show))
}

async fn show(State(state): State<AppState>, caller: Caller) -> Result<Json<Value>, ApiError> {
    caller.require_scope("health")?;
    caller.require_admin()?;
    Ok(Json(status(&state.configuration())))
}

/// What is served is also the newest: a configuration is read when the service starts.
fn status(configuration: &Configuration) -> Value {
    let commit = configuration.commit();
    let own_plans = configuration
        .plans
        .all
        .iter()
        .filter(|plan| !plan.is_internal());
    let own_apis = configuration.apis.iter().filter(|api| !api.internal);
    let mut serving = commit_members(commit.as_ref());
    serving["hash"] = configuration.hash.as_str().into();
    serving["apis"] = own_apis.count().into();
    serving["plans"] = own_plans.count().into();
    let mut newest = commit_members(commit.as_ref());
    newest["refused"] = false.into();
    newest["problems"] = json!(configuration.notices);
    json!({"serving": serving, "newest": newest, "source": configuration.source})
}

/// `null` where the configuration did not come out of git.
fn commit_members(commit: Option<&Commit>) -> Value {
    json!({
        "commit": commit.map(|commit| &commit.id),
        "author": commit.map(|commit| &commit.author),
        "date": commit.map(|commit| &commit.date),
    })
}
