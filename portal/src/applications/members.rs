//! `/applications/{app}/members`: who works on an application, roles, invitations, leaving.

use askama::Template;
use axum::{
    extract::{Path, Query},
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use sdk::types::{Application, Role};
use serde_json::json;
use ui::{Breakable, Entry, Field, Frame, Html, Icon, Kind, format, initials, texts, tint};

use super::{Tab, address_field, role_name, roles, tabs};
use crate::{
    failure::Failure,
    form::Form,
    json, links,
    pager::{Question, Shown},
    visitor::Visitor,
};

/// Members of one page.
const PAGE_SIZE: usize = 20;

#[derive(Template)]
#[template(path = "applications/members.html")]
struct MembersPage {
    frame: Frame,
    tabs: Html,
    t: texts::Applications,
    application: Application,
    members: Vec<Member>,
    has_search: bool,
    pager: Html,
    /// What the members were searched for.
    text: String,
    /// All of them: portal-api keeps at most a hundred open at a time.
    invitations: Vec<Invited>,
    /// The visitor himself works on it and may leave.
    is_member: bool,
}

struct Member {
    user_id: String,
    email: String,
    /// Their profile, for administrators.
    profile: Option<String>,
    initials: String,
    tint: u8,
    role: Role,
    role_name: &'static str,
    is_self: bool,
    /// Has the role by the team of the application.
    by_team: bool,
    may_be_removed: bool,
}

struct Invited {
    id: String,
    email: String,
    role_name: &'static str,
    ends_in: String,
}

impl MembersPage {
    fn may_manage(&self) -> bool {
        self.application.links.contains_key("addOwner")
    }

    fn url(&self) -> String {
        links::application(&self.application.id)
    }

    fn invitation_url(&self, id: &str, what: &str) -> String {
        format!("{}/invitations/{}/{what}", self.url(), links::segment(id))
    }

    fn email_field(&self) -> Field {
        address_field("email", self.t.email(), self.t.invite_hint())
    }

    fn roles(&self) -> [(Role, &'static str, &'static str); 3] {
        roles(self.t).map(|(role, name)| {
            let text = match role {
                Role::Owner => self.t.role_owner_text(),
                Role::Collaborator => self.t.role_collaborator_text(),
                Role::Reader => self.t.role_reader_text(),
            };
            (role, name, text)
        })
    }
}

fn page_url(id: &str) -> String {
    format!("{}/members", links::application(id))
}

/// `GET /applications/{app}/members`
pub async fn show(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(question): Query<Question>,
) -> Result<Response, Failure> {
    let user = visitor.require_user()?;
    let client = visitor.client();
    let application = client.application(&id).await?;
    // Open invitations are for those who may invite.
    let invitations = if application.links.contains_key("addOwner") {
        client.invitations(&id).await?
    } else {
        Vec::new()
    };
    let t = texts::Applications(visitor.lang());
    if visitor.wants_json {
        let body = json!({
            "title": t.members(), "members": application.owners, "invitations": invitations,
        });
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let (lang, now) = (visitor.lang(), service::clock::now());
    let frame = visitor.frame(Entry::Applications).await;
    let text = question.text();
    let wanted = text.to_lowercase();
    let mut owners = application.owners.clone().unwrap_or_default();
    owners.retain(|owner| owner.email.to_lowercase().contains(&wanted));
    let shown = Shown::cut(&mut owners, question.page(), PAGE_SIZE);
    let here = page_url(&application.id);
    let page = MembersPage {
        tabs: tabs(&frame, &application, Tab::Members),
        t,
        has_search: question.has_search(shown),
        pager: shown.pager(lang, t.members(), |page| question.url(&here, &[], page)),
        text,
        is_member: application.role_of(&user.id).is_some(),
        members: owners
            .into_iter()
            .map(|owner| Member {
                profile: user.admin.then(|| links::user(&owner.user_id)),
                initials: initials(&owner.email),
                tint: tint(&owner.user_id),
                role: owner.role,
                role_name: role_name(Some(owner.role), false, t),
                is_self: owner.user_id == user.id,
                by_team: owner.via.is_some(),
                may_be_removed: owner.links.contains_key("deleteOwner"),
                email: owner.email,
                user_id: owner.user_id,
            })
            .collect(),
        invitations: invitations
            .into_iter()
            .map(|one| Invited {
                role_name: role_name(Some(one.role), false, t),
                ends_in: format::until(lang, one.expires_at.0, now),
                id: one.id,
                email: one.email,
            })
            .collect(),
        frame,
        application,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

fn role(form: &Form, name: &str) -> Result<Role, Failure> {
    let text = form.text(name);
    let found = Role::ALL.into_iter().find(|role| role.as_str() == text);
    found.ok_or_else(|| {
        let text = format!("`{name}` is `owner`, `collaborator` or `reader`");
        Failure::BadRequest(text)
    })
}

/// `POST …/owners/role`: `user` (or `owneremail`), `ownerrole`.
pub async fn change_role(
    visitor: Visitor,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let role = role(&form, "ownerrole")?;
    let client = visitor.client();
    let user = if let Some(user) = form.optional("user") {
        user.to_owned()
    } else {
        let email = form.text("owneremail");
        let application = client.application(&id).await?;
        let mut owners = application.owners.into_iter().flatten();
        let found = owners.find(|owner| owner.email.eq_ignore_ascii_case(email));
        found.ok_or(Failure::NotFound)?.user_id
    };
    let t = texts::Applications(visitor.lang());
    match client.change_role(&id, &user, role).await {
        Ok(application) if visitor.wants_json => {
            Ok(json::answer(&visitor, StatusCode::OK, &application))
        }
        Ok(_) => Ok(back(&visitor, &id, t.role_changed().to_owned())),
        Err(error) => refused(&visitor, &id, error),
    }
}

/// `POST …/leave`
pub async fn leave(visitor: Visitor, Path(id): Path<String>, _: Form) -> Result<Response, Failure> {
    let user = visitor.require_user()?;
    match visitor.client().delete_owner(&id, &user.email).await {
        Ok(_) if visitor.wants_json => Ok(json::done()),
        Ok(_) => {
            visitor.leave(Kind::Good, texts::Applications(visitor.lang()).left(&id));
            Ok(Redirect::to("/applications").into_response())
        }
        Err(error) => refused(&visitor, &id, error),
    }
}

/// `POST …/invitations`: `email`, `role`.
pub async fn invite(
    visitor: Visitor,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let (email, role) = (form.text("email"), role(&form, "role")?);
    let t = texts::Applications(visitor.lang());
    match visitor.client().invite(&id, email, role).await {
        Ok(invitation) if visitor.wants_json => {
            Ok(json::answer(&visitor, StatusCode::CREATED, &invitation))
        }
        Ok(_) => Ok(back(&visitor, &id, t.invited(email))),
        Err(error) => refused(&visitor, &id, error),
    }
}

/// `POST …/invitations/{id}/resend`
pub async fn resend(
    visitor: Visitor,
    Path((id, invitation)): Path<(String, String)>,
    _: Form,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let t = texts::Applications(visitor.lang());
    match visitor.client().resend_invitation(&id, &invitation).await {
        Ok(invitation) if visitor.wants_json => {
            Ok(json::answer(&visitor, StatusCode::OK, &invitation))
        }
        Ok(invitation) => Ok(back(&visitor, &id, t.invited(&invitation.email))),
        Err(error) => refused(&visitor, &id, error),
    }
}

/// `POST …/invitations/{id}/withdraw`
pub async fn withdraw(
    visitor: Visitor,
    Path((id, invitation)): Path<(String, String)>,
    _: Form,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let t = texts::Applications(visitor.lang());
    match visitor.client().withdraw_invitation(&id, &invitation).await {
        Ok(()) if visitor.wants_json => Ok(json::done()),
        Ok(()) => Ok(back(&visitor, &id, t.invitation_withdrawn().to_owned())),
        Err(error) => refused(&visitor, &id, error),
    }
}

fn back(visitor: &Visitor, id: &str, text: String) -> Response {
    visitor.leave(Kind::Good, text);
    Redirect::to(&page_url(id)).into_response()
}

/// Refusals that portal-api explains are said on the page.
fn refused(visitor: &Visitor, id: &str, error: sdk::Error) -> Result<Response, Failure> {
    match error {
        sdk::Error::Api(error)
            if !visitor.wants_json
                && matches!(error.status, StatusCode::BAD_REQUEST | StatusCode::CONFLICT) =>
        {
            visitor.leave(Kind::Bad, error.message);
            Ok(Redirect::to(&page_url(id)).into_response())
        }
        error => Err(error.into()),
    }
}
