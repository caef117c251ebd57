//! Saving a profile: password, groups, and what the person told about himself.

use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use sdk::types::{Registration, User, pools::PORTAL_POOL, registrations::PutRegistration};
use serde_json::json;
use ui::{Kind, texts};

use super::{
    change::{Change, Fault, fault_of, is_correctable},
    id_of,
    profile::{self, Profile},
    url_of,
};
use crate::{failure::Failure, form::Form, json, session::SessionUser, visitor::Visitor};

/// `POST /users/{id}`
pub async fn save(
    visitor: Visitor,
    Path(named): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    let me = visitor.require_user()?;
    let id = id_of(&named, &me).to_owned();
    if form.text("__action") == "deletePassword" {
        return remove_password(&visitor, &me, &id).await;
    }
    let profile = Profile::load(&visitor, &id).await?;
    let t = texts::Users(visitor.lang());
    let is_self = id == me.id;
    if form.has("__updategroups") {
        visitor.require_fresh_login(&url_of(&id, &me))?;
    }
    let proven = visitor.logged_in_within(visitor.app.settings().fresh_login);
    let rule = visitor.installation.password_rule;
    let change = match Change::read(&form, &profile, is_self, proven, rule, t) {
        Ok(change) => change,
        Err(fault) if visitor.wants_json => return Err(Failure::BadRequest(fault.sentence())),
        Err(fault) => {
            let fault = Fault {
                summary: Some(t.not_saved().to_owned()),
                ..fault
            };
            return Ok(profile::page(&visitor, &me, profile, &fault).await);
        }
    };
    // Another password ends all sessions, this one too: what needs it comes before.
    let ends_session = is_self && change.sets_password();
    match carry_out(&visitor, &profile, &change, ends_session).await {
        Ok((user, registration)) => {
            note(&visitor, &user, registration.as_ref(), ends_session);
            if visitor.wants_json {
                let body = json!({"userInfo": user, "registrationInfo": registration});
                return Ok(json::answer(&visitor, StatusCode::OK, &body));
            }
            let text = if ends_session {
                t.password_changed()
            } else {
                t.saved()
            };
            visitor.leave(Kind::Good, text);
            Ok(Redirect::to(&url_of(&id, &me)).into_response())
        }
        Err(sdk::Error::Api(error)) if !visitor.wants_json && is_correctable(&error, &form) => {
            let fault = fault_of(&error, &form, &profile, t);
            Ok(profile::page(&visitor, &me, profile, &fault).await)
        }
        Err(error) => Err(error.into()),
    }
}

async fn carry_out(
    visitor: &Visitor,
    profile: &Profile,
    change: &Change,
    registration_first: bool,
) -> Result<(User, Option<Registration>), sdk::Error> {
    let client = visitor.client();
    let id = profile.user.id.as_str();
    let register = async || {
        if let Some(registration) = &change.registration {
            put(visitor, id, registration).await?;
        }
        let found = client.registrations(PORTAL_POOL, id).await?;
        Ok::<_, sdk::Error>(found.into_iter().next())
    };
    let patch = async || match &change.user {
        Some(patch) => client.patch_user(id, patch).await,
        None => Ok(profile.user.clone()),
    };
    if registration_first {
        let registration = register().await?;
        Ok((patch().await?, registration))
    } else {
        let user = patch().await?;
        Ok((user, register().await?))
    }
}

async fn put(
    visitor: &Visitor,
    id: &str,
    registration: &PutRegistration,
) -> Result<(), sdk::Error> {
    let client = visitor.client();
    client.put_registration(PORTAL_POOL, id, registration).await
}

/// Lets the session know what has changed about its own person.
fn note(visitor: &Visitor, user: &User, registration: Option<&Registration>, ended: bool) {
    visitor.session(|session| {
        let Some(session) = session else { return };
        if ended {
            session.user = None;
        }
        let Some(own) = session.user.as_mut().filter(|own| own.id == user.id) else {
            return;
        };
        (own.admin, own.approver) = (user.admin, user.approver);
        if let Some(name) = registration.and_then(Registration::name) {
            name.clone_into(&mut own.name);
        }
    });
}

async fn remove_password(
    visitor: &Visitor,
    me: &SessionUser,
    id: &str,
) -> Result<Response, Failure> {
    visitor.client().delete_password(id).await?;
    if visitor.wants_json {
        return Ok(json::done());
    }
    visitor.leave(Kind::Good, texts::Users(visitor.lang()).password_removed());
    Ok(Redirect::to(&url_of(id, me)).into_response())
}
