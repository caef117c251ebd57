//! The page that shows a new secret, once.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use ui::{Entry, Frame, Icon, texts};

use crate::{reference::SampleView, visitor::Visitor};

/// What the page says.
pub struct NewSecret {
    pub title: String,
    pub lead: String,
    /// Address and text of the pages above.
    pub crumbs: Vec<(String, String)>,
    pub heading: String,
    pub promise: &'static str,
    /// Label and value of each part; none where there is nothing to show yet.
    pub parts: Vec<(&'static str, String)>,
    /// Beside the secret: where it goes, what becomes of an old one.
    pub notes: Vec<String>,
    /// Where it goes on when the secret is stored.
    pub back: String,
    pub entry: Entry,
    /// What to do with it first.
    pub calls: Vec<Call>,
}

/// A call to copy.
pub struct Call {
    pub title: &'static str,
    pub sample: SampleView,
    /// Address and text of where one reads on.
    pub more: (String, String),
}

#[derive(Template)]
#[template(path = "secret.html")]
struct SecretPage {
    frame: Frame,
    t: texts::Applications,
    secret: NewSecret,
}

/// The secret is in this answer and nowhere else, so nobody may keep the answer.
pub async fn show(visitor: &Visitor, secret: NewSecret) -> Response {
    let page = SecretPage {
        t: texts::Applications(visitor.lang()),
        frame: visitor.frame(secret.entry).await,
        secret,
    };
    ui::no_store(ui::page(StatusCode::OK, &page))
}
