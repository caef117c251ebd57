//! Approving and declining.

use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use sdk::types::{Approval, approvals::Decision};
use ui::{Kind, texts};

use super::list::ApprovalsPage;
use crate::{failure::Failure, form::Form, json, visitor::Visitor};

/// `POST /admin/approvals/approve`
pub async fn approve(visitor: Visitor, form: Form) -> Result<Response, Failure> {
    let approval = match find(&visitor, &form, &["id", "app", "api"]).await? {
        Ok(approval) => approval,
        Err(response) => return Ok(response),
    };
    let decision = Decision {
        reason: form.optional("reason").map(str::to_owned),
        // What was wished for is on the page in front of the one who decides.
        trusted: Some(approval.application.trusted),
    };
    match visitor.client().approve(&approval.id, &decision).await {
        Ok(()) if visitor.wants_json => {
            let (application, api) = (&approval.application.id, &approval.api.id);
            let subscription = visitor.client().subscription(application, api).await?;
            Ok(json::answer(&visitor, StatusCode::OK, &subscription))
        }
        Ok(()) => {
            let t = texts::Approvals(visitor.lang());
            visitor.leave(
                Kind::Good,
                t.approved(&approval.application.name, &approval.api.name),
            );
            Ok(back())
        }
        Err(error) => refused(&visitor, &approval, &form, error).await,
    }
}

/// `POST /admin/approvals/decline`
pub async fn decline(visitor: Visitor, form: Form) -> Result<Response, Failure> {
    let approval = match find(&visitor, &form, &["app", "api"]).await? {
        Ok(approval) => approval,
        Err(response) => return Ok(response),
    };
    let reason = match form.optional("reason") {
        Some(reason) => reason,
        // Our page asks for one; clients written for wicked do not know of it.
        None if !form.has("reason") => texts::Approvals(visitor.lang()).no_reason(),
        None => {
            let page = ApprovalsPage::load(&visitor, Some(&approval.id)).await?;
            return Ok(ui::page(StatusCode::BAD_REQUEST, &page.without_reason()));
        }
    };
    let decision = Decision {
        reason: Some(reason.to_owned()),
        trusted: None,
    };
    match visitor.client().decline(&approval.id, &decision).await {
        Ok(()) if visitor.wants_json => Ok(json::done()),
        Ok(()) => {
            let t = texts::Approvals(visitor.lang());
            visitor.leave(
                Kind::Info,
                t.declined(&approval.application.name, &approval.api.name),
            );
            Ok(back())
        }
        Err(error) => refused(&visitor, &approval, &form, error).await,
    }
}

/// The open request that the form means. What it says of it has to fit: one must not approve
/// something else than the page said.
async fn find(
    visitor: &Visitor,
    form: &Form,
    required: &[&str],
) -> Result<Result<Approval, Response>, Failure> {
    visitor.require_user()?;
    if let Some(missing) = required.iter().find(|name| form.optional(name).is_none()) {
        return Err(Failure::BadRequest(format!("`{missing}` is missing")));
    }
    let (id, application, api) = (form.optional("id"), form.text("app"), form.text("api"));
    let mut open = visitor.client().approvals().await?.into_iter();
    let fits =
        |approval: &Approval| approval.application.id == application && approval.api.id == api;
    let found = match id {
        Some(id) => open.find(|approval| approval.id == id),
        None => open.find(fits),
    };
    match found {
        Some(approval) if fits(&approval) => Ok(Ok(approval)),
        Some(_) => Err(Failure::BadRequest(
            "`app` and `api` are not those of the request `id`".to_owned(),
        )),
        None if visitor.wants_json => Err(Failure::NotFound),
        None => {
            visitor.leave(Kind::Info, texts::Approvals(visitor.lang()).gone());
            Ok(Err(back()))
        }
    }
}

async fn refused(
    visitor: &Visitor,
    approval: &Approval,
    form: &Form,
    error: sdk::Error,
) -> Result<Response, Failure> {
    let sdk::Error::Api(error) = error else {
        return Err(error.into());
    };
    let is_ours = error.status.is_server_error() || error.status == StatusCode::UNAUTHORIZED;
    if is_ours || visitor.wants_json {
        return Err(sdk::Error::Api(error).into());
    }
    let page = ApprovalsPage::load(visitor, Some(&approval.id)).await?;
    Ok(ui::page(
        error.status,
        &page.refused(&error.message, form.text("reason")),
    ))
}

fn back() -> Response {
    Redirect::to("/admin/approvals").into_response()
}
