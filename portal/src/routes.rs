//! All routes of the portal, by resource.

use axum::{Router, extract::DefaultBodyLimit, middleware};
use service::health::Readiness;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;

use crate::{
    account, admin, apis, applications, approvals, catalogue, console, content, discovery,
    failure::Failure, help, login, mails, mcp, openapi, ops, preview, publish, redirect, reference,
    search, state::App, subscriptions, teams, trial, users, visit,
};

/// No form of the portal is longer.
const MAX_FORM: usize = 64 << 10;

/// Pages behind the visitor layer; assets and health without it.
pub fn router(app: App, readiness: Readiness, stop: CancellationToken) -> Router {
    let pages = Router::new()
        .merge(account::routes())
        .merge(admin::routes())
        .merge(apis::routes())
        .merge(applications::routes())
        .merge(approvals::routes())
        .merge(catalogue::routes())
        .merge(console::routes())
        .merge(content::routes())
        .merge(discovery::routes())
        .merge(help::routes())
        .merge(login::routes())
        .merge(mails::routes())
        .merge(mcp::routes())
        .merge(openapi::routes())
        .merge(preview::routes())
        .merge(publish::routes())
        .merge(reference::routes())
        .merge(search::routes())
        .merge(subscriptions::routes())
        .merge(teams::routes())
        .merge(trial::routes())
        .merge(users::routes())
        .fallback(async || Failure::NotFound)
        .method_not_allowed_fallback(redirect::back_to_form)
        .layer(middleware::from_fn_with_state(app.clone(), visit::layer))
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .with_state(app);
    // Session cookies are `SameSite=Lax`, so no other site can make a browser fetch a page with a
    // person's secrets again and again to learn from its compressed length.
    pages
        .merge(ui::assets::router())
        .merge(ops::router(readiness, stop))
        .layer(CompressionLayer::new())
}
