//! `/unsubscribe/{token}`: the link at the end of a mail. Its token is the proof, so nobody has to
//! log in, and mail programs can send the form by themselves (RFC 8058).

use askama::Template;
use axum::{Router, extract::Path, response::Response, routing::get};
use http::StatusCode;
use ui::{Entry, Frame, texts};

use crate::{failure::Failure, state::App, visitor::Visitor};

pub fn routes() -> Router<App> {
    Router::new().route("/unsubscribe/{token}", get(confirm).post(stop))
}

#[derive(Template)]
#[template(path = "mails.html")]
struct MailsPage {
    frame: Frame,
    t: texts::Mails,
    token: String,
    stopped: bool,
}

impl MailsPage {
    fn title(&self) -> &'static str {
        if self.stopped {
            self.t.stopped_title()
        } else {
            self.t.stop_title()
        }
    }
}

/// `GET` changes nothing: programs that look into mails open all their links.
async fn confirm(visitor: Visitor, Path(token): Path<String>) -> Response {
    page(visitor, token, false).await
}

async fn stop(visitor: Visitor, Path(token): Path<String>) -> Result<Response, Failure> {
    visitor.app.service().stop_mails(&token).await?;
    Ok(page(visitor, token, true).await)
}

async fn page(visitor: Visitor, token: String, stopped: bool) -> Response {
    let page = MailsPage {
        frame: visitor.frame(Entry::None).await,
        t: texts::Mails(visitor.lang()),
        token,
        stopped,
    };
    ui::page(StatusCode::OK, &page)
}
