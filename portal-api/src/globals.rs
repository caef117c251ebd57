//! Settings of the installation and how clients notice that they changed (portal-api 23.2 to 23.4).

use axum::{Json, Router, extract::State, routing::get};
use config::globals::Viewer;
use serde_json::Value;
use service::ServiceName;

use crate::{ApiError, AppState, caller::Caller};

pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/globals", get(show))
        .route("/confighash", get(hash))
        .route("/randomId", get(random_id))
}

/// `GET /globals`: inside only, and each service sees its own secrets alone (portal-api D23).
async fn show(State(state): State<AppState>, caller: Caller) -> Result<Json<Value>, ApiError> {
    caller.require_internal()?;
    Ok(Json(state.configuration().globals_view(viewer(&caller))))
}

fn viewer(caller: &Caller) -> Viewer {
    if caller.is_trusted_peer() {
        return Viewer::TrustedPeer;
    }
    match caller.service() {
        Some(ServiceName::AuthServer) => Viewer::AuthServer,
        Some(ServiceName::Portal) => Viewer::Portal,
        Some(ServiceName::GatewayAdapter) => Viewer::GatewayAdapter,
        Some(ServiceName::Mailer) => Viewer::Mailer,
        Some(ServiceName::Chatbot) => Viewer::Chatbot,
        Some(ServiceName::PortalApi | ServiceName::Gateway) | None => Viewer::Anonymous,
    }
}

/// `GET /confighash`: components fetch their settings again when it changes.
async fn hash(State(state): State<AppState>) -> String {
    state.configuration().hash.clone()
}

/// `GET /randomId`
async fn random_id() -> String {
    service::random::hex_id()
}
