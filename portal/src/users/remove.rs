//! Deleting an account.

use askama::Template;
use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use ui::{Entry, Frame, Icon, Kind, texts};

use super::{id_of, profile::Profile, url_of};
use crate::{failure::Failure, form::Form, json, visitor::Visitor};

#[derive(Template)]
#[template(path = "users/delete.html")]
struct DeletePage {
    frame: Frame,
    t: texts::Users,
    id: String,
    name: String,
    profile: String,
    /// They have to go first.
    applications: Vec<String>,
}

/// `GET /users/{id}/delete`: asks once more.
pub async fn confirm(visitor: Visitor, Path(named): Path<String>) -> Result<Response, Failure> {
    let me = visitor.require_user()?;
    let profile = Profile::load(&visitor, id_of(&named, &me)).await?;
    let applications = profile.user.applications.iter();
    let page = DeletePage {
        frame: visitor.frame(Entry::Profile).await,
        t: texts::Users(visitor.lang()),
        name: profile.name().to_owned(),
        profile: url_of(&profile.user.id, &me),
        applications: applications
            .map(|application| application.id.clone())
            .collect(),
        id: profile.user.id,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

/// `POST /users/{id}/delete`
pub async fn remove(
    visitor: Visitor,
    Path(named): Path<String>,
    _: Form,
) -> Result<Response, Failure> {
    let me = visitor.require_user()?;
    let id = id_of(&named, &me);
    visitor.require_fresh_login(&format!("{}/delete", url_of(id, &me)))?;
    match visitor.client().delete_user(id).await {
        Ok(()) => {}
        Err(sdk::Error::Api(error))
            if error.status == StatusCode::CONFLICT && !visitor.wants_json =>
        {
            visitor.leave(Kind::Bad, error.message);
            let page = format!("{}/delete", url_of(id, &me));
            return Ok(Redirect::to(&page).into_response());
        }
        Err(error) => return Err(error.into()),
    }
    let is_self = id == me.id;
    if visitor.wants_json {
        if is_self {
            visitor.session(|session| *session = None);
        }
        return Ok(json::done());
    }
    if is_self {
        return Ok(Redirect::to("/login/logout").into_response());
    }
    visitor.leave(Kind::Good, texts::Users(visitor.lang()).deleted());
    Ok(Redirect::to("/admin/users").into_response())
}
