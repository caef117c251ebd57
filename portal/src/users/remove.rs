//! Deleting an account, and what becomes of its applications (portal-ui 10, 23.4).

use std::collections::BTreeSet;

use askama::Template;
use axum::{
    extract::{Path, Query},
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use sdk::types::{Application, Role, User};
use serde::Deserialize;
use ui::{Entry, Frame, Icon, Kind, texts};

use super::{id_of, profile::Profile, url_of};
use crate::{
    failure::Failure, form::Form, json, links, mine, session::SessionUser, visitor::Visitor,
};

#[derive(Template)]
#[template(path = "users/delete.html")]
struct DeletePage {
    frame: Frame,
    t: texts::Users,
    id: String,
    name: String,
    profile: String,
    applications: Vec<Left>,
    /// How many of them nobody else owns.
    lost: usize,
    /// Somebody has to say what becomes of them, or of a team.
    must_choose: bool,
    /// Those who already work on them, as suggestions for a new owner.
    colleagues: BTreeSet<String>,
}

/// An application that loses the account.
struct Left {
    url: String,
    id: String,
    /// Nobody else owns it.
    is_last: bool,
}

#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    /// portal-api wants a choice.
    choose: Option<String>,
}

/// `GET /users/{id}/delete`: asks once more.
pub async fn confirm(
    visitor: Visitor,
    Path(named): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let me = visitor.require_user()?;
    let profile = Profile::load(&visitor, id_of(&named, &me)).await?;
    let applications = applications(&visitor, &profile.user).await?;
    let others = applications.iter().flat_map(|one| one.owners.iter());
    let others = others.flatten().map(|owner| owner.email.clone());
    let mut colleagues: BTreeSet<String> = others.collect();
    colleagues.remove(&profile.user.email);
    let applications: Vec<Left> = applications
        .iter()
        .map(|application| Left {
            url: links::application(&application.id),
            is_last: is_last(application, &profile.user.id),
            id: application.id.clone(),
        })
        .collect();
    let lost = applications.iter().filter(|one| one.is_last).count();
    let page = DeletePage {
        frame: visitor.frame(Entry::Profile).await,
        t: texts::Users(visitor.lang()),
        name: profile.name().to_owned(),
        profile: url_of(&profile.user.id, &me),
        must_choose: lost > 0 || asked.choose.is_some(),
        applications,
        lost,
        colleagues,
        id: profile.user.id,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

async fn applications(visitor: &Visitor, user: &User) -> Result<Vec<Application>, Failure> {
    let all = mine::of(visitor, &user.id).await?;
    Ok(all.into_iter().map(|mine| mine.application).collect())
}

fn is_last(application: &Application, user: &str) -> bool {
    let mut owners = application.owners.iter().flatten();
    !owners.any(|owner| owner.role == Role::Owner && owner.user_id != user)
}

/// What becomes of the applications that nobody else owns.
enum Choice {
    /// There are none, or the account stays.
    Refuse,
    Delete,
    /// To the user with this id.
    Give(String),
}

/// `POST /users/{id}/delete`: `applications` is `delete` or `transfer`, then with the mail address
/// of the new owner in `heir`.
pub async fn remove(
    visitor: Visitor,
    Path(named): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    let me = visitor.require_user()?;
    let id = id_of(&named, &me);
    visitor.require_fresh_login(&page_of(id, &me))?;
    let t = texts::Users(visitor.lang());
    let choice = match form.text("applications") {
        "" => Choice::Refuse,
        "delete" => Choice::Delete,
        "transfer" => match heir(&visitor, form.text("heir")).await? {
            Some(heir) => Choice::Give(heir),
            None if visitor.wants_json => {
                return Err(Failure::BadRequest("`heir` has no account here".to_owned()));
            }
            None => return Ok(back(&visitor, id, &me, t.heir_unknown())),
        },
        _ => {
            let text = "`applications` is `delete` or `transfer`";
            return Err(Failure::BadRequest(text.to_owned()));
        }
    };
    if form.has("lost") && !is_as_shown(&visitor, id, form.text("lost")).await? {
        return Ok(back(&visitor, id, &me, t.delete_changed()));
    }
    let client = visitor.client();
    let removed = match &choice {
        Choice::Refuse => client.delete_user(id).await,
        Choice::Delete => client.delete_user_with_applications(id, None).await,
        Choice::Give(heir) => client.delete_user_with_applications(id, Some(heir)).await,
    };
    match removed {
        Ok(()) => {}
        Err(sdk::Error::Api(error))
            if !visitor.wants_json
                && matches!(error.status, StatusCode::CONFLICT | StatusCode::BAD_REQUEST) =>
        {
            return Ok(back(&visitor, id, &me, &error.message));
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
    visitor.leave(Kind::Good, t.deleted());
    Ok(Redirect::to("/admin/users").into_response())
}

async fn heir(visitor: &Visitor, email: &str) -> Result<Option<String>, Failure> {
    if email.is_empty() {
        return Ok(None);
    }
    let found = visitor.client().user_by_email(email).await?;
    Ok(found.map(|user| user.id))
}

/// Whether as many applications as the page said would be nobody's. Another owner may have left
/// since.
async fn is_as_shown(visitor: &Visitor, id: &str, lost: &str) -> Result<bool, Failure> {
    let user = visitor.client().user(id).await?;
    let applications = applications(visitor, &user).await?;
    let now = applications.iter().filter(|one| is_last(one, id)).count();
    Ok(now.to_string() == lost)
}

fn page_of(id: &str, me: &SessionUser) -> String {
    format!("{}/delete", url_of(id, me))
}

/// The page again, with a choice and what is wrong.
fn back(visitor: &Visitor, id: &str, me: &SessionUser, text: &str) -> Response {
    visitor.leave(Kind::Bad, text);
    Redirect::to(&format!("{}?choose=1", page_of(id, me))).into_response()
}
