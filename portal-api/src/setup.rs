//! `/setup`: the first steps of a new installation, and whether they are done (portal-api 29.3).

use axum::{Json, Router, extract::State, routing::get};
use config::globals::Viewer;
use sdk::types::setup::{PutSetup, Setup, SetupStep};
use sea_orm::{DbErr, FromQueryResult};
use serde_json::{Value, json};

use crate::{
    ApiError, AppState,
    audit::{self, Entry},
    bootstrap,
    caller::Caller,
    extract::{Body, from_value},
    meta, sql,
};

const HIDDEN: &str = "setup-hidden";
/// The administrator that every installation begins with.
const BUILT_IN: &str = "1";

pub fn routes() -> Router<AppState> {
    Router::new().route("/setup", get(read).put(put))
}

/// `GET /setup`
async fn read(State(state): State<AppState>, caller: Caller) -> Result<Json<Setup>, ApiError> {
    require_administrator(&caller)?;
    Ok(Json(current(&state).await?))
}

/// `PUT /setup` with `hidden`: whether the list is shown.
async fn put(
    State(state): State<AppState>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Result<Json<Setup>, ApiError> {
    require_administrator(&caller)?;
    let wanted: PutSetup = from_value(body)?;
    let txn = state.db.write().await?;
    meta::set(&txn, HIDDEN, &wanted.hidden.to_string()).await?;
    let entry = Entry::new(caller.actor(), "setup", "update");
    let entry = entry.becomes(&json!({"hidden": wanted.hidden}));
    audit::record(&txn, &state, entry).await?;
    state.commit(txn).await?;
    Ok(Json(current(&state).await?))
}

/// A person: services have nothing to set up.
fn require_administrator(caller: &Caller) -> Result<(), ApiError> {
    if caller.is_admin_user() {
        return Ok(());
    }
    Err(ApiError::forbidden(
        "admins-only",
        "Only administrators see the first steps.",
    ))
}

#[derive(FromQueryResult)]
struct Facts {
    applications: i64,
    subscriptions: i64,
    hidden: Option<String>,
}

async fn current(state: &AppState) -> Result<Setup, DbErr> {
    let db = state.db.read();
    let statement = sql::statement(
        db,
        "select (select count(*) from applications where id <> '__portal') as applications, \
         (select count(*) from subscriptions where application_id <> '__portal') as subscriptions, \
         (select value from meta where name = $1) as hidden",
        [HIDDEN.into()],
    );
    let facts = Facts::find_by_statement(statement).one(db).await?;
    let facts = facts.ok_or_else(|| DbErr::RecordNotFound("facts".to_owned()))?;
    let configuration = state.configuration();
    let has_own = bootstrap::has_administrator(db, &configuration, BUILT_IN).await?;
    let own_apis = configuration
        .apis
        .iter()
        .filter(|api| !api.internal)
        .count();
    let is_sample = configuration.source == config::Origin::sample().name();
    let shown = configuration.globals_view(Viewer::Mailer);
    let mail_server = shown["mailer"]["smtpHost"].as_str().unwrap_or_default();
    let step = |id: &str, done: bool| SetupStep {
        id: id.to_owned(),
        done,
    };
    Ok(Setup {
        steps: vec![
            step("own-account", has_own),
            step("own-configuration", !is_sample),
            step("mail-server", !mail_server.is_empty()),
            step("publish-api", own_apis > 0 && !is_sample),
            step("first-application", facts.applications > 0),
            step("first-subscription", facts.subscriptions > 0),
        ],
        hidden: facts.hidden.as_deref() == Some("true"),
    })
}
