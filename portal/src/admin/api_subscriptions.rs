//! All subscriptions of one API: as a file, and ending them when the API is deprecated.

use askama::Template;
use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use sdk::types::{Api, page::Walk, subscriptions::SubscriptionWithOwners};
use serde_json::json;
use ui::{Entry, Frame, Icon, Kind, texts};

use super::administrator;
use crate::{
    catalogue::{LifeCycle, name},
    csv::{self, Line, guarded},
    failure::Failure,
    form::Form,
    json, links,
    visitor::Visitor,
};

/// `GET /admin/apis/{api}/subscriptions_csv`
pub async fn download(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Failure> {
    administrator(&visitor)?;
    let client = visitor.client();
    let api = client.api(&id).await?.id;
    let mut walk = Walk::default();
    walk.filter.insert("api".to_owned(), json!({"eq": api}));
    csv::download(
        &format!("subscriptions-{api}.csv"),
        &[
            "api_id",
            "application_id",
            "application_name",
            "plan",
            "owner_id",
            "owner_email",
            "owner_role",
        ],
        walk,
        move |walk| {
            let client = client.clone();
            async move { client.walk_subscriptions(&walk).await }
        },
        |one| lines(&one),
    )
    .await
}

/// One line per person; without any there is one for the subscription itself.
fn lines(one: &SubscriptionWithOwners) -> Vec<Line> {
    let line = |id: &str, email: &str, role: &str| {
        let subscription = &one.subscription;
        [
            subscription.api.as_str(),
            &subscription.application,
            &one.application_name,
            &subscription.plan,
            id,
            email,
            role,
        ]
        .map(guarded)
        .to_vec()
    };
    let owners = one.owner_data.as_deref().unwrap_or_default();
    if owners.is_empty() {
        return vec![line("", "", "")];
    }
    owners
        .iter()
        .map(|owner| line(&owner.users_id, &owner.email, owner.role.as_str()))
        .collect()
}

#[derive(Template)]
#[template(path = "admin/end_subscriptions.html")]
struct ConfirmPage {
    frame: Frame,
    t: texts::Admin,
    api: Api,
    /// What was typed is another id.
    is_wrong: bool,
}

impl ConfirmPage {
    fn api_name(&self) -> &str {
        name(&self.api)
    }
}

/// `GET /admin/apis/{api}/delete_subscriptions`: asks for the id of the API.
pub async fn confirm(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Failure> {
    administrator(&visitor)?;
    let api = deprecated(&visitor, &id).await?;
    Ok(ask(&visitor, api, false).await)
}

async fn ask(visitor: &Visitor, api: Api, is_wrong: bool) -> Response {
    let page = ConfirmPage {
        frame: visitor.frame(Entry::Apis).await,
        t: texts::Admin(visitor.lang()),
        api,
        is_wrong,
    };
    let status = if is_wrong {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    ui::page(status, &page)
}

/// The API, if its subscriptions may be ended; portal-api has the last word.
async fn deprecated(visitor: &Visitor, id: &str) -> Result<Api, Failure> {
    let api = visitor.client().api(id).await?;
    if LifeCycle::of(&api).is_closed() {
        Ok(api)
    } else {
        let text = format!("API `{id}` is not deprecated");
        Err(Failure::BadRequest(text))
    }
}

/// `POST /admin/apis/{api}/delete_subscriptions`
pub async fn end_all(
    visitor: Visitor,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    administrator(&visitor)?;
    let api = deprecated(&visitor, &id).await?;
    // Programs name the API in the address; people have to type it.
    let is_named = form.text("confirm") == api.id;
    if !is_named && (!visitor.wants_json || form.has("confirm")) {
        if visitor.wants_json {
            let text = "`confirm` is not the id of the API".to_owned();
            return Err(Failure::BadRequest(text));
        }
        return Ok(ask(&visitor, api, true).await);
    }
    let ended = visitor.client().end_subscriptions_of_api(&api.id).await?;
    if visitor.wants_json {
        return Ok(json::answer(&visitor, StatusCode::OK, &ended));
    }
    let t = texts::Admin(visitor.lang());
    let count = usize::try_from(ended.deleted).unwrap_or(usize::MAX);
    visitor.leave(Kind::Good, t.ended(count));
    if ended.failed > 0 {
        visitor.leave(Kind::Bad, t.not_ended(ended.failed));
    }
    Ok(Redirect::to(&links::api(&api.id)).into_response())
}
