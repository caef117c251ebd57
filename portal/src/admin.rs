//! `/admin/…`: what administrators see of the installation, and approvers of their part of it.

#![expect(
    clippy::trivially_copy_pass_by_ref,
    clippy::unused_self,
    reason = "templates call methods of the page, and pass references"
)]

mod api_subscriptions;
mod applications;
mod audit_log;
mod configuration;
mod first_run;
mod gateways;
mod grid;
mod health;
mod invitations;
mod listener;
mod listeners;
mod menu;
mod overview;
mod restart;
mod subscribe;
mod subscriptions;
mod usage;
mod users;
mod verifications;

use axum::{
    Router,
    routing::{get, post},
};
use ui::{Entry, Frame, Html};

use crate::{failure::Failure, session::SessionUser, state::App, visitor::Visitor};
pub use menu::{Item, side};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin", get(overview::show))
        .route("/admin/users", get(users::show))
        .route("/admin/applications", get(applications::show))
        .route("/admin/subscriptions", get(subscriptions::show))
        .route("/admin/subscriptions_csv", get(subscriptions::download))
        .route("/admin/auditlog", get(audit_log::show))
        .route("/admin/auditlog_csv", get(audit_log::download))
        .route("/admin/auditlog.jsonl", get(audit_log::lines))
        .route("/admin/subscribe", get(subscribe::show))
        .route("/admin/verifications", get(verifications::show))
        .route("/admin/verifications/{id}", post(verifications::change))
        .route("/admin/invitations", get(invitations::show))
        .route("/admin/invitations/{pool}", post(invitations::invite))
        .route(
            "/admin/invitations/{pool}/{id}/resend",
            post(invitations::resend),
        )
        .route(
            "/admin/invitations/{pool}/{id}/withdraw",
            post(invitations::withdraw),
        )
        .route("/admin/health", get(health::show))
        .route("/admin/restart", post(restart::restart))
        .route("/admin/gateways", get(gateways::show))
        .route("/admin/configuration", get(configuration::show))
        .route("/admin/configuration/fetch", post(configuration::fetch))
        .route("/admin/usage", get(usage::show))
        .route("/admin/usage.csv", get(usage::download))
        .route("/admin/first-run", get(first_run::show))
        .route("/admin/first-run/hide", post(first_run::hide))
        .route(
            "/admin/apis/{api}/subscriptions_csv",
            get(api_subscriptions::download),
        )
        .route(
            "/admin/apis/{api}/delete_subscriptions",
            get(api_subscriptions::confirm).post(api_subscriptions::end_all),
        )
        .merge(listeners::routes())
}

/// The visitor, if he is an administrator.
pub fn administrator(visitor: &Visitor) -> Result<SessionUser, Failure> {
    let user = visitor.require_user()?;
    if user.admin {
        Ok(user)
    } else {
        Err(Failure::Forbidden)
    }
}

/// The visitor, if he decides about something.
pub fn decider(visitor: &Visitor) -> Result<SessionUser, Failure> {
    let user = visitor.require_user()?;
    if user.admin || user.approver {
        Ok(user)
    } else {
        Err(Failure::Forbidden)
    }
}

/// The frame of an administration page, and the navigation beside it.
pub async fn surroundings(visitor: &Visitor, current: Item) -> (Frame, Html) {
    let frame = visitor.frame(Entry::Admin).await;
    let side = menu::side(&frame, current);
    (frame, side)
}
