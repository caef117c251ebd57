//! `/invitations/{token}`: where the link of an invitation leads. The address holds the token, so
//! no page beside sees it: referrers end at our own origin, and nothing is logged of it.

use askama::Template;
use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use sdk::types::Secret;
use serde_json::json;
use ui::{Entry, Frame, Icon, Kind, texts};

use crate::{failure::Failure, form::Form, json, links, visitor::Visitor};

#[derive(Template)]
#[template(path = "applications/invitation.html")]
struct InvitationPage {
    frame: Frame,
    t: texts::Applications,
    email: String,
}

/// `GET /invitations/{token}`: asks; a guest logs in or signs up first and comes back.
pub async fn show(visitor: Visitor, Path(_): Path<String>) -> Result<Response, Failure> {
    let user = visitor.require_user()?;
    let t = texts::Applications(visitor.lang());
    if visitor.wants_json {
        let body = json!({"title": t.invitation_title(), "email": user.email});
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let page = InvitationPage {
        frame: visitor.frame(Entry::Applications).await,
        t,
        email: user.email,
    };
    Ok(ui::no_store(ui::page(StatusCode::OK, &page)))
}

/// `POST /invitations/{token}`
pub async fn accept(
    visitor: Visitor,
    Path(token): Path<String>,
    _: Form,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let accepted = visitor
        .client()
        .accept_invitation(&Secret::from(token))
        .await;
    let t = texts::Applications(visitor.lang());
    match accepted {
        Ok(application) if visitor.wants_json => {
            Ok(json::answer(&visitor, StatusCode::OK, &application))
        }
        Ok(application) => {
            visitor.leave(Kind::Good, t.joined(&application.name));
            Ok(Redirect::to(&links::application(&application.id)).into_response())
        }
        Err(sdk::Error::Api(error))
            if !visitor.wants_json
                && matches!(
                    error.status,
                    StatusCode::BAD_REQUEST
                        | StatusCode::CONFLICT
                        | StatusCode::NOT_FOUND
                        | StatusCode::GONE
                ) =>
        {
            let text = if error.status == StatusCode::NOT_FOUND {
                t.invitation_gone().to_owned()
            } else {
                error.message
            };
            visitor.leave(Kind::Bad, text);
            Ok(Redirect::to("/applications").into_response())
        }
        Err(error) => Err(error.into()),
    }
}
