//! The own account beside the profile: where one is logged in, tokens for programs, which mails
//! come, and all data in one file (portal-ui 22.7, 23.1, 23.4, 26.1).

mod export;
mod mails;
mod sessions;
mod tokens;

use askama::Template;
use axum::{Router, routing::get};
use ui::{Html, texts};

use crate::{state::App, visitor::Visitor};

pub fn routes() -> Router<App> {
    Router::new()
        .route(
            "/users/me/sessions",
            get(sessions::show).post(sessions::end),
        )
        .route("/users/me/tokens", get(tokens::show).post(tokens::change))
        .route(
            "/users/me/notifications",
            get(mails::show).post(mails::save),
        )
        .route("/users/me/export", get(export::show).post(export::download))
}

/// A page of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Profile,
    Sessions,
    Tokens,
    Mails,
    Export,
}

#[derive(Template)]
#[template(path = "account/tabs.html")]
struct Tabs {
    t: texts::Account,
    current: Part,
    grants: String,
}

impl Tabs {
    fn is(&self, part: Part) -> bool {
        self.current == part
    }
}

/// The navigation of the account's pages.
pub fn tabs(visitor: &Visitor, current: Part) -> Html {
    let method = visitor.user().map(|user| user.method).unwrap_or_default();
    Html::of(&Tabs {
        t: texts::Account(visitor.lang()),
        current,
        grants: visitor.installation.endpoints(&method).grants,
    })
}
