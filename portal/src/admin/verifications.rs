//! `/admin/verifications`: proofs of mail addresses that were sent and not used yet. Their links
//! are for the receivers only (portal-ui 11.9).

use askama::Template;
use axum::{
    extract::{Path, Query},
    response::{IntoResponse, Redirect, Response},
};
use chrono::DateTime;
use http::StatusCode;
use sdk::types::{Secret, Verification, verifications::Kind as Proof};
use serde_json::{Value, json};
use ui::{Breakable, Frame, Html, Icon, Kind, format, texts};

use super::{Item, administrator, surroundings};
use crate::{
    failure::Failure,
    form::Form,
    json, links,
    pager::{Question, Shown},
    visitor::Visitor,
};

const PAGE_SIZE: usize = 20;
const HERE: &str = "/admin/verifications";

#[derive(Template)]
#[template(path = "admin/verifications.html")]
struct VerificationsPage {
    frame: Frame,
    side: Html,
    t: texts::Admin,
    rows: Vec<Row>,
    pager: Html,
}

struct Row {
    id: String,
    kind: &'static str,
    email: String,
    user_id: String,
    sent: String,
    exactly: String,
}

impl VerificationsPage {
    fn action(&self, id: &str) -> String {
        format!("{HERE}/{}", links::segment(id))
    }

    fn user(&self, id: &str) -> String {
        links::user(id)
    }
}

/// `GET /admin/verifications`
pub async fn show(visitor: Visitor, Query(question): Query<Question>) -> Result<Response, Failure> {
    administrator(&visitor)?;
    let mut verifications = visitor.client().verifications().await?;
    let t = texts::Admin(visitor.lang());
    if visitor.wants_json {
        let shown: Vec<Value> = verifications.iter().map(without_link).collect();
        let body = json!({"title": t.verifications(), "verifications": shown});
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let shown = Shown::cut(&mut verifications, question.page(), PAGE_SIZE);
    let (lang, now) = (visitor.lang(), service::clock::now());
    let (frame, side) = surroundings(&visitor, Item::Verifications).await;
    let page = VerificationsPage {
        rows: verifications
            .into_iter()
            .map(|one| {
                let at = DateTime::from_timestamp(one.utc, 0).unwrap_or(now);
                Row {
                    id: one.id,
                    kind: match one.kind {
                        Proof::Email => t.proof_email(),
                        Proof::LostPassword => t.proof_password(),
                    },
                    email: one.email,
                    user_id: one.user_id,
                    sent: format::ago(lang, at, now),
                    exactly: format::moment(lang, at),
                }
            })
            .collect(),
        pager: shown.pager(lang, t.pages(), |page| question.url(HERE, &[], page)),
        frame,
        side,
        t,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

fn without_link(one: &Verification) -> Value {
    json!({
        "id": one.id, "type": one.kind.as_str(), "email": one.email, "userId": one.user_id,
        "utc": one.utc,
    })
}

/// `POST /admin/verifications/{id}`: deletes it; with `action=send` a new one takes its place.
pub async fn change(
    visitor: Visitor,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    administrator(&visitor)?;
    let client = visitor.client();
    let found = client.verifications().await?;
    let found = found.into_iter().find(|one| one.id == id);
    let t = texts::Admin(visitor.lang());
    let Some(found) = found else {
        return Ok(gone(&visitor, t));
    };
    let again = form.text("action") == "send";
    client
        .delete_verification(&Secret::from(found.id.clone()))
        .await?;
    if again {
        let language = Some(visitor.lang().tag());
        client
            .create_verification(found.kind, &found.email, &found.link, language)
            .await?;
    }
    let message = if again {
        t.sent_again(&found.email)
    } else {
        t.proof_deleted(&found.email)
    };
    if visitor.wants_json {
        let body = json!({"success": true, "message": message});
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    visitor.leave(Kind::Good, message);
    Ok(Redirect::to(HERE).into_response())
}

fn gone(visitor: &Visitor, t: texts::Admin) -> Response {
    let message = t.proof_gone();
    if visitor.wants_json {
        let body = json!({"success": false, "message": message});
        return json::answer(visitor, StatusCode::NOT_FOUND, &body);
    }
    visitor.leave(Kind::Info, message);
    Redirect::to(HERE).into_response()
}
