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
                program: format::program(session.user_agent.as_deref().unwrap_or_default())
                    .unwrap_or_else(|| t.unknown_program().to_owned()),
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
