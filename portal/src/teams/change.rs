//! Making, changing and deleting teams.

use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use sdk::types::{
    Role, Team,
    teams::{NewTeam, PatchTeam},
};
use ui::{Kind, texts};

use super::{pages, url};
use crate::{failure::Failure, form::Form, json, pager::Question, visitor::Visitor};

/// `POST /teams`: `id`, `name`.
pub async fn create(visitor: Visitor, form: Form) -> Result<Response, Failure> {
    visitor.require_user()?;
    let new = NewTeam {
        id: form.text("id").to_owned(),
        name: form.text("name").to_owned(),
    };
    match visitor.client().create_team(&new).await {
        Ok(team) if visitor.wants_json => Ok(json::answer(&visitor, StatusCode::CREATED, &team)),
        Ok(team) => Ok(Redirect::to(&url(&team.id)).into_response()),
        Err(sdk::Error::Api(error)) if !visitor.wants_json && is_explained(error.status) => {
            let fault = Some((error.status, error.message.as_str()));
            pages::show_list(&visitor, &Question::default(), Some(&form), fault).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /teams/{team}`: `name`.
pub async fn rename(
    visitor: Visitor,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let patch = PatchTeam {
        name: form.optional("name").map(str::to_owned),
    };
    let changed = visitor.client().patch_team(&id, &patch).await;
    answer(&visitor, &id, changed)
}

/// `POST /teams/{team}/members`: `user` or `email`, `role`.
pub async fn put_member(
    visitor: Visitor,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let role = form.text("role");
    let Some(role) = Role::ALL.into_iter().find(|known| known.as_str() == role) else {
        let text = "`role` is `owner`, `collaborator` or `reader`";
        return Err(Failure::BadRequest(text.to_owned()));
    };
    let user = form.optional("user").or(form.optional("email"));
    let Some(user) = user else {
        return Err(Failure::BadRequest("`email` is missing".to_owned()));
    };
    let changed = visitor.client().put_team_member(&id, user, role).await;
    answer(&visitor, &id, changed)
}

/// `POST /teams/{team}/members/remove`: `user`. Whoever leaves finds the list.
pub async fn remove_member(
    visitor: Visitor,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    let me = visitor.require_user()?;
    let user = form.text("user");
    match visitor.client().delete_team_member(&id, user).await {
        Ok(()) if visitor.wants_json => Ok(json::done()),
        Ok(()) => {
            let is_self = user == me.id && !me.admin;
            let page = if is_self {
                "/teams".to_owned()
            } else {
                url(&id)
            };
            visitor.leave(Kind::Good, texts::Teams(visitor.lang()).saved());
            Ok(Redirect::to(&page).into_response())
        }
        Err(error) => refused(&visitor, &id, error),
    }
}

/// `POST /teams/{team}/delete`
pub async fn delete(
    visitor: Visitor,
    Path(id): Path<String>,
    _: Form,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    match visitor.client().delete_team(&id).await {
        Ok(()) if visitor.wants_json => Ok(json::done()),
        Ok(()) => {
            visitor.leave(Kind::Good, texts::Teams(visitor.lang()).deleted());
            Ok(Redirect::to("/teams").into_response())
        }
        Err(error) => refused(&visitor, &id, error),
    }
}

fn answer(
    visitor: &Visitor,
    id: &str,
    changed: Result<Team, sdk::Error>,
) -> Result<Response, Failure> {
    match changed {
        Ok(team) if visitor.wants_json => Ok(json::answer(visitor, StatusCode::OK, &team)),
        Ok(_) => {
            visitor.leave(Kind::Good, texts::Teams(visitor.lang()).saved());
            Ok(Redirect::to(&url(id)).into_response())
        }
        Err(error) => refused(visitor, id, error),
    }
}

fn refused(visitor: &Visitor, id: &str, error: sdk::Error) -> Result<Response, Failure> {
    match error {
        sdk::Error::Api(error) if !visitor.wants_json && is_explained(error.status) => {
            visitor.leave(Kind::Bad, error.message);
            Ok(Redirect::to(&url(id)).into_response())
        }
        error => Err(error.into()),
    }
}

/// Refusals that portal-api explains and the visitor can do something about.
fn is_explained(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST
            | StatusCode::NOT_FOUND
            | StatusCode::CONFLICT
            | StatusCode::UNPROCESSABLE_ENTITY
    )
}
