//! All routes of the portal, by resource.

use axum::{Router, extract::DefaultBodyLimit, middleware};
use service::health::Readiness;
use tower_http::compression::CompressionLayer;

use crate::{
    apis, applications, approvals, catalogue, content, failure::Failure, login, mails, reference,
    state::App, subscriptions, visit,
};

/// No form of the portal is longer.
const MAX_FORM: usize = 64 << 10;

/// Pages behind the visitor layer; assets and health without it.
pub fn router(app: App, readiness: Readiness) -> Router {
    let pages = Router::new()
        .merge(apis::routes())
        .merge(applications::routes())
        .merge(approvals::routes())
        .merge(catalogue::routes())
        .merge(content::routes())
        .merge(login::routes())
        .merge(mails::routes())
        .merge(reference::routes())
        .merge(subscriptions::routes())
        .fallback(async || Failure::NotFound)
        .method_not_allowed_fallback(async || Failure::MethodNotAllowed)
        .layer(middleware::from_fn_with_state(app.clone(), visit::layer))
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .with_state(app);
    // Session cookies are `SameSite=Lax`, so no other site can make a browser fetch a page with a
    // person's secrets again and again to learn from its compressed length.
    pages
        .merge(ui::assets::router())
        .merge(service::ops::router("portal", readiness))
        .layer(CompressionLayer::new())
}
