//! `/users/me/sessions`: where the person is logged in, and which applications may act for him
//! (portal-ui 23.1).

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use sdk::types::Grant;
use serde_json::json;
use ui::{Entry, Frame, Html, Kind, Lang, format, texts};

use super::{Part, tabs};
use crate::{failure::Failure, form::Form, json, login::OwnSession, visitor::Visitor};

#[derive(Template)]
#[template(path = "account/sessions.html")]
struct SessionsPage {
    frame: Frame,
    tabs: Html,
    t: texts::Account,
    rows: Vec<Row>,
    grants: Vec<Consent>,
}

/// What an application may do at an API.
struct Consent {
    application: String,
    api: String,
    scopes: String,
    since: String,
}

impl Consent {
    fn new(grant: Grant, lang: Lang) -> Self {
        let first = grant.grants.iter().map(|scope| scope.granted_date.0).min();
        Self {
            since: first.map_or_else(String::new, |at| format::moment(lang, at)),
            scopes: format::granted(lang, &grant).join("; "),
            application: grant.application_id,
            api: grant.api_id,
        }
    }
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
    let oauth = visitor.app.oauth();
    let client = visitor.client();
    let (sessions, grants) = tokio::try_join!(oauth.sessions(&user.tokens.access), async {
        Ok(client.grants(&user.id).await?)
    })?;
    let t = texts::Account(visitor.lang());
    if visitor.wants_json {
        let body = json!({"title": t.sessions(), "sessions": sessions, "grants": grants});
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
        grants: grants
            .into_iter()
            .map(|grant| Consent::new(grant, lang))
            .collect(),
        t,
        frame: visitor.frame(Entry::Profile).await,
    };
    Ok(ui::no_store(ui::page(StatusCode::OK, &page)))
}

/// `POST /users/me/sessions`: takes the consent for `application` at `api` back, ends the session
/// `end`, or all others.
pub async fn end(visitor: Visitor, form: Form) -> Result<Response, Failure> {
    let user = visitor.require_user()?;
    if let Some(application) = form.optional("application") {
        return take_back(&visitor, &user.id, application, form.text("api")).await;
    }
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

async fn take_back(
    visitor: &Visitor,
    user: &str,
    application: &str,
    api: &str,
) -> Result<Response, Failure> {
    visitor
        .client()
        .delete_grant(user, application, api)
        .await?;
    if visitor.wants_json {
        return Ok(json::done());
    }
    visitor.leave(Kind::Good, texts::Account(visitor.lang()).taken_back());
    Ok(Redirect::to("/users/me/sessions").into_response())
}
