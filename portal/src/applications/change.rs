//! Changing an application, its members, and removing it.

use std::time::Duration;

use askama::Template;
use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use sdk::types::{Application, Role, applications::PatchApplication};
use serde_json::json;
use ui::{Entry, Frame, Icon, Kind, texts};

use crate::{failure::Failure, form::Form, json, links, visitor::Visitor};

/// Slows down those who try which ids there are (portal-ui 8.4).
const PAUSE: Duration = Duration::from_millis(200);

/// `POST /applications/check-app`: whether an id can be registered.
pub async fn check(visitor: Visitor, form: Form) -> Result<Response, Failure> {
    let user = visitor.require_user()?;
    visitor.app.check_pace(&user.id)?;
    tokio::time::sleep(PAUSE).await;
    let t = texts::Applications(visitor.lang());
    let id = form.text("app_id");
    let (valid, message) = if !is_id(id) {
        (false, t.id_invalid())
    } else if exists(&visitor, id).await? {
        (false, t.id_taken())
    } else {
        (true, t.id_free())
    };
    let body = json!({"valid": valid, "app_id": id, "message": message});
    Ok(json::answer(&visitor, StatusCode::OK, &body))
}

/// Somebody else's application is refused, but it is one.
async fn exists(visitor: &Visitor, id: &str) -> Result<bool, Failure> {
    match visitor.client().application(id).await {
        Ok(_) => Ok(true),
        Err(error) => match error.status() {
            Some(StatusCode::NOT_FOUND) => Ok(false),
            Some(StatusCode::FORBIDDEN) => Ok(true),
            _ => Err(error.into()),
        },
    }
}

fn is_id(text: &str) -> bool {
    let is_plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'-' | b'_');
    (4..=50).contains(&text.len()) && text.bytes().all(is_plain)
}

/// `POST /applications/{app}/patch`. What the form does not have stays as it is; what it has may
/// become empty.
pub async fn patch(
    visitor: Visitor,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    let user = visitor.require_user()?;
    let given = |name: &str| form.has(name).then(|| form.text(name).to_owned());
    let uris = form.all("redirecturi").filter(|uri| !uri.is_empty());
    let patch = PatchApplication {
        name: given("appname"),
        description: given("appdesc"),
        client_type: given("clienttype").filter(|kind| !kind.is_empty()),
        // Without a name it leaves its team.
        team: given("team"),
        redirect_uris: form
            .has("redirecturi")
            .then(|| uris.map(str::to_owned).collect()),
        ..PatchApplication::default()
    };
    let changed = visitor.client().patch_application(&id, &patch).await;
    let t = texts::Applications(visitor.lang());
    let is_in = |application: &Application| {
        let mut members = application.owners.iter().flatten();
        user.admin || members.any(|member| member.user_id == user.id)
    };
    if !visitor.wants_json && changed.as_ref().is_ok_and(|changed| !is_in(changed)) {
        // It left the team by which it was his.
        visitor.leave(Kind::Good, t.changed());
        return Ok(Redirect::to("/applications").into_response());
    }
    answer(&visitor, &id, changed, StatusCode::OK, t.changed())
}

/// `POST /applications/{app}/owners/add`
pub async fn add_member(
    visitor: Visitor,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let role = Role::ALL
        .into_iter()
        .find(|role| role.as_str() == form.text("ownerrole"));
    let Some(role) = role else {
        let text = "`ownerrole` is `owner`, `collaborator` or `reader`";
        return Err(Failure::BadRequest(text.to_owned()));
    };
    let email = form.text("owneremail");
    let changed = visitor.client().add_owner(&id, email, role).await;
    let t = texts::Applications(visitor.lang());
    answer(
        &visitor,
        &id,
        changed,
        StatusCode::CREATED,
        &t.member_added(email),
    )
}

/// `POST /applications/{app}/owners/delete`
pub async fn remove_member(
    visitor: Visitor,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    let user = visitor.require_user()?;
    let email = form.text("owneremail");
    let changed = visitor.client().delete_owner(&id, email).await;
    let t = texts::Applications(visitor.lang());
    if changed.is_ok() && email.eq_ignore_ascii_case(&user.email) && !visitor.wants_json {
        // The page is not his any more.
        visitor.leave(Kind::Good, t.member_removed(email));
        return Ok(Redirect::to("/applications").into_response());
    }
    answer(
        &visitor,
        &id,
        changed,
        StatusCode::OK,
        &t.member_removed(email),
    )
}

/// Back to the page of the application, with a word about what came of it.
fn answer(
    visitor: &Visitor,
    id: &str,
    changed: Result<Application, sdk::Error>,
    status: StatusCode,
    done: &str,
) -> Result<Response, Failure> {
    match changed {
        Ok(application) if visitor.wants_json => Ok(json::answer(visitor, status, &application)),
        Ok(application) => {
            visitor.leave(Kind::Good, done);
            Ok(Redirect::to(&format!("/applications/{}", application.id)).into_response())
        }
        Err(sdk::Error::Api(error)) if !visitor.wants_json && is_explained(error.status) => {
            visitor.leave(Kind::Bad, error.message);
            let page: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
            Ok(Redirect::to(&format!("/applications/{page}")).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// Refusals that portal-api explains and the visitor can do something about.
fn is_explained(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST | StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY
    )
}

#[derive(Template)]
#[template(path = "applications/unregister.html")]
struct UnregisterPage {
    frame: Frame,
    t: texts::Applications,
    application: Application,
    subscriptions: String,
}

/// `GET /applications/{app}/unregister`: asks once more.
pub async fn confirm(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Failure> {
    visitor.require_user()?;
    let client = visitor.client();
    let (application, subscriptions) = tokio::try_join!(
        client.application(&id),
        client.subscriptions_without_secrets(&id)
    )?;
    if !application.links.contains_key("deleteApplication") {
        return Err(Failure::Forbidden);
    }
    let t = texts::Applications(visitor.lang());
    let page = UnregisterPage {
        frame: visitor.frame(Entry::Applications).await,
        t,
        application,
        subscriptions: t.subscription_count(subscriptions.len()),
    };
    Ok(ui::page(StatusCode::OK, &page))
}

/// `POST /applications/{app}/unregister`
pub async fn unregister(
    visitor: Visitor,
    Path(id): Path<String>,
    _: Form,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    if !visitor.wants_json {
        visitor.require_fresh_login(&format!("{}/unregister", links::application(&id)))?;
    }
    visitor.client().delete_application(&id).await?;
    if visitor.wants_json {
        return Ok(json::done());
    }
    visitor.leave(Kind::Good, texts::Applications(visitor.lang()).removed(&id));
    Ok(Redirect::to("/applications").into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_and_plain() {
        for id in ["shop", "a_b-9", &"x".repeat(50)] {
            assert!(is_id(id), "{id}");
        }
        for id in ["", "abc", "Shop", "a b c", "süss", "../..", &"x".repeat(51)] {
            assert!(!is_id(id), "{id}");
        }
    }
}
