//! All resources of this API in one place.

use axum::{Json, Router, extract::DefaultBodyLimit, middleware, routing::get};
use service::problem::Problem;
use tower::ServiceBuilder;

use crate::{
    AppState, apis, applications, approvals, archive, audit, auth_servers, configuration, content,
    credentials, events, extract, gateway, globals, grants, groups, invitations, login, namespaces,
    openapi, owners, plans, pools, preferences, registrations, setup, subscriptions, systemhealth,
    teams, templates, usage, users, verifications,
};

/// Every route below the compatibility layers of [`crate::serve`].
pub fn router(state: AppState) -> Router {
    Router::new()
        .merge(apis::routes())
        .merge(applications::routes())
        .merge(approvals::routes())
        .merge(archive::routes())
        .merge(audit::routes())
        .merge(auth_servers::routes())
        .merge(configuration::routes())
        .merge(content::routes())
        .merge(credentials::routes())
        .merge(events::routes())
        .merge(gateway::routes())
        .merge(globals::routes())
        .merge(grants::routes())
        .merge(groups::routes())
        .merge(invitations::routes())
        .merge(login::routes())
        .merge(namespaces::routes())
        .merge(openapi::routes())
        .merge(owners::routes())
        .merge(plans::routes())
        .merge(pools::routes())
        .merge(preferences::routes())
        .merge(registrations::routes())
        .merge(setup::routes())
        .merge(subscriptions::routes())
        .merge(systemhealth::routes())
        .merge(teams::routes())
        .merge(templates::routes())
        .merge(usage::routes())
        .merge(users::routes())
        .merge(verifications::routes())
        .route("/ping", get(ping))
        .fallback(async || {
            Problem::new(
                http::StatusCode::NOT_FOUND,
                "not-found",
                "There is nothing at this address.",
            )
        })
        .method_not_allowed_fallback(async || {
            // There is no 405 here: an unknown method on a known path is a 404 (portal-api 3.1).
            Problem::new(
                http::StatusCode::NOT_FOUND,
                "not-found",
                "There is nothing at this address.",
            )
        })
        .layer(
            ServiceBuilder::new()
                .layer(middleware::from_fn_with_state(
                    state.clone(),
                    audit::record_refusals,
                ))
                .layer(DefaultBodyLimit::max(extract::MAX_BODY)),
        )
        .with_state(state)
}

/// `GET /ping`: existing clients compare `version` (portal-api 3.4).
async fn ping() -> Json<serde_json::Value> {
    Json(serde_json::json!({"message": "OK", "version": service::VERSION}))
}
