//! `/users/me/sessions`: where the person is logged in.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde_json::json;
use ui::{Entry, Frame, Html, Kind, format, texts};

use super::{Part, tabs};
use crate::{failure::Failure, form::Form, json, login::OwnSession, visitor::Visitor};

#[derive(Template)]
#[template(path = "account/sessions.html")]
struct SessionsPage {
    frame: Frame,
    tabs: Html,
    t: texts::Account,
    rows: Vec<Row>,
}

struct Row {
    session: OwnSession,
    program: String,
    began: String,
    seen: String,
}

impl SessionsPage {
    fn has_others(&self) -> bool {
        self.rows.iter().any(|row| !row.session.current)
    }
}

/// `GET /users/me/sessions`
pub async fn show(visitor: Visitor) -> Result<Response, Failure> {
    let user = visitor.require_user()?;
    let sessions = visitor.app.oauth().sessions(&user.tokens.access).await?;
    let t = texts::Account(visitor.lang());
    if visitor.wants_json {
        let body = json!({"title": t.sessions(), "sessions": sessions});
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let (lang, now) = (visitor.lang(), service::clock::now());
    let page = SessionsPage {
        tabs: tabs(&visitor, Part::Sessions),
        rows: sessions
            .into_iter()
            .map(|session| Row {
                program: program(session.user_agent.as_deref().unwrap_or_default(), t),
                began: format::moment(lang, session.created_at.0),
                seen: format::ago(lang, session.last_seen_at.0, now),
                session,
            })
            .collect(),
        t,
        frame: visitor.frame(Entry::Profile).await,
    };
    Ok(ui::no_store(ui::page(StatusCode::OK, &page)))
}

/// Browser and system, as people call them; what is neither is shown as it is.
fn program(agent: &str, t: texts::Account) -> String {
    let first = |known: &[(&str, &'static str)]| {
        let found = known.iter().find(|(mark, _)| agent.contains(mark));
        found.map(|(_, name)| *name)
    };
    let browser = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iOS"),
        ("iPad", "iOS"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser}, {system}"),
        (Some(browser), None) => browser.to_owned(),
        _ if agent.is_empty() => t.unknown_program().to_owned(),
        _ => agent.chars().take(80).collect(),
    }
}

/// `POST /users/me/sessions`: ends the session `end`, or all others.
pub async fn end(visitor: Visitor, form: Form) -> Result<Response, Failure> {
    let user = visitor.require_user()?;
    let oauth = visitor.app.oauth();
    oauth
        .end_sessions(&user.tokens.access, form.optional("end"))
        .await?;
    if visitor.wants_json {
        return Ok(json::done());
    }
    visitor.leave(Kind::Good, texts::Account(visitor.lang()).ended());
    Ok(Redirect::to("/users/me/sessions").into_response())
}

#[cfg(test)]
mod tests {
    use ui::Lang;

    use super::*;

    #[test]
    fn browsers_have_the_names_that_people_know() {
        let t = texts::Account(Lang::En);
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36";
        assert_eq!(program(chrome, t), "Chrome, Linux");
        assert_eq!(program("curl/8.0", t), "curl/8.0");
        assert_eq!(program("", t), "Unknown program");
    }
}
