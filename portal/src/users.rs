//! `/users/me`, `/users/{id}`: the profile of a person.

mod change;
mod profile;
mod remove;
mod save;

use axum::{Router, routing::get};

use crate::{session::SessionUser, state::App};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/users/{user}", get(profile::show).post(save::save))
        .route(
            "/users/{user}/delete",
            get(remove::confirm).post(remove::remove),
        )
}

/// The id that an address names: `me` is the visitor.
fn id_of<'a>(named: &'a str, visitor: &'a SessionUser) -> &'a str {
    match named {
        "me" => &visitor.id,
        id => id,
    }
}

/// Where the profile is.
fn url_of(id: &str, visitor: &SessionUser) -> String {
    if id == visitor.id {
        return "/users/me".to_owned();
    }
    let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("/users/{id}")
}
