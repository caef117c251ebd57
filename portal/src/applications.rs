//! `/applications`: list, registration, page of one application.

mod change;
mod detail;
mod grid;
mod invitation;
mod list;
mod listeners;
mod members;
mod register;
mod tabs;
mod usage;

use axum::{
    Router,
    routing::{get, post},
};
use sdk::types::Role;
use ui::{Field, FieldKind, texts};

use crate::{listeners::actions, state::App};
pub use tabs::{Tab, tabs};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/applications", get(list::show))
        .route("/applications/register", post(register::create))
        .route("/applications/check-app", post(change::check))
        .route("/applications/{application}", get(detail::overview))
        .route(
            "/applications/{application}/subscriptions",
            get(detail::subscriptions),
        )
        .route(
            "/applications/{application}/credentials",
            get(detail::credentials),
        )
        .route(
            "/applications/{application}/settings",
            get(detail::settings),
        )
        .route("/applications/{application}/members", get(members::show))
        .route("/applications/{application}/usage", get(usage::show))
        .route(
            "/applications/{application}/usage.csv",
            get(usage::download),
        )
        .route(
            "/applications/{application}/owners/role",
            post(members::change_role),
        )
        .route(
            "/applications/{application}/listeners",
            get(listeners::list).post(listeners::create),
        )
        .route(
            "/applications/{application}/listeners/{listener}",
            get(listeners::one).post(listeners::change),
        )
        .route(
            "/applications/{application}/listeners/{listener}/delete",
            post(listeners::delete),
        )
        .route(
            "/applications/{application}/listeners/{listener}/replay",
            post(actions::replay),
        )
        .route(
            "/applications/{application}/listeners/{listener}/retry",
            post(actions::retry),
        )
        .route(
            "/applications/{application}/listeners/{listener}/test",
            post(actions::test),
        )
        .route(
            "/applications/{application}/listeners/{listener}/enable",
            post(actions::enable),
        )
        .route(
            "/applications/{application}/listeners/{listener}/disable",
            post(actions::disable),
        )
        .route(
            "/applications/{application}/listeners/{listener}/secret",
            post(actions::secret),
        )
        .route("/applications/{application}/leave", post(members::leave))
        .route(
            "/applications/{application}/invitations",
            post(members::invite),
        )
        .route(
            "/applications/{application}/invitations/{id}/resend",
            post(members::resend),
        )
        .route(
            "/applications/{application}/invitations/{id}/withdraw",
            post(members::withdraw),
        )
        .route(
            "/invitations/{token}",
            get(invitation::show).post(invitation::accept),
        )
        .route("/applications/{application}/patch", post(change::patch))
        .route(
            "/applications/{application}/unregister",
            get(change::confirm).post(change::unregister),
        )
        .route(
            "/applications/{application}/owners/add",
            post(change::add_member),
        )
        .route(
            "/applications/{application}/owners/delete",
            post(change::remove_member),
        )
}

/// The roles that people get, in words.
pub fn roles(t: texts::Applications) -> [(Role, &'static str); 3] {
    Role::ALL.map(|role| (role, role_name(Some(role), false, t)))
}

/// The mail address of somebody else.
pub fn address_field(name: &'static str, label: &str, hint: &str) -> Field {
    Field {
        kind: FieldKind::Email,
        hint: Some(hint.to_owned()),
        autocomplete: "off",
        ..Field::required(name, label)
    }
}

/// The word for a role; administrators need none.
pub fn role_name(role: Option<Role>, admin: bool, t: texts::Applications) -> &'static str {
    match role {
        Some(Role::Owner) => t.role_owner(),
        Some(Role::Collaborator) => t.role_collaborator(),
        Some(Role::Reader) => t.role_reader(),
        None if admin => t.role_admin(),
        None => t.role_none(),
    }
}
