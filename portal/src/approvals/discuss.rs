//! Talking about a request, and taking care of it, before it is decided.

use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use ui::{Kind, texts};

use crate::{admin::decider, failure::Failure, form::Form, json, links, visitor::Visitor};

/// `POST /admin/approvals/comment`: `id`, `text`.
pub async fn comment(visitor: Visitor, form: Form) -> Result<Response, Failure> {
    decider(&visitor)?;
    let (id, text) = (required(&form, "id")?, form.text("text"));
    match visitor.client().comment_on_approval(id, text).await {
        Ok(comment) if visitor.wants_json => {
            Ok(json::answer(&visitor, StatusCode::CREATED, &comment))
        }
        Ok(_) => Ok(back(id)),
        Err(error) => refused(&visitor, id, error),
    }
}

/// `POST /admin/approvals/assign`: `id`, and `assignee`, which is `me`, the id of somebody or empty.
pub async fn assign(visitor: Visitor, form: Form) -> Result<Response, Failure> {
    let user = decider(&visitor)?;
    let id = required(&form, "id")?;
    let assignee = match form.optional("assignee") {
        Some("me") => Some(user.id.as_str()),
        assignee => assignee,
    };
    match visitor.client().assign_approval(id, assignee).await {
        Ok(approval) if visitor.wants_json => Ok(json::answer(&visitor, StatusCode::OK, &approval)),
        Ok(_) => Ok(back(id)),
        Err(error) => refused(&visitor, id, error),
    }
}

fn required<'a>(form: &'a Form, name: &str) -> Result<&'a str, Failure> {
    form.optional(name)
        .ok_or_else(|| Failure::BadRequest(format!("`{name}` is missing")))
}

/// To the request again.
fn back(id: &str) -> Response {
    let url = links::with_query("/admin/approvals", [("id", id)]);
    Redirect::to(&format!("{url}#detail")).into_response()
}

fn refused(visitor: &Visitor, id: &str, error: sdk::Error) -> Result<Response, Failure> {
    match error {
        sdk::Error::Api(error)
            if !visitor.wants_json
                && matches!(error.status, StatusCode::BAD_REQUEST | StatusCode::CONFLICT) =>
        {
            visitor.leave(Kind::Bad, error.message);
            Ok(back(id))
        }
        sdk::Error::Api(error) if !visitor.wants_json && error.status == StatusCode::NOT_FOUND => {
            visitor.leave(Kind::Info, texts::Approvals(visitor.lang()).gone());
            Ok(Redirect::to("/admin/approvals").into_response())
        }
        error => Err(error.into()),
    }
}
