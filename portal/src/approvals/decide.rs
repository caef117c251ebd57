//! Approving and declining.

use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use sdk::types::{Approval, approvals::Decision};
use ui::{Kind, texts};

use super::list::ApprovalsPage;
use crate::{failure::Failure, form::Form, visitor::Visitor};

/// `POST /admin/approvals/approve`
pub async fn approve(visitor: Visitor, form: Form) -> Result<Response, Failure> {
    let approval = match find(&visitor, &form).await? {
        Ok(approval) => approval,
        Err(response) => return Ok(response),
    };
    let decision = Decision {
        reason: form.optional("reason").map(str::to_owned),
        // What was wished for is on the page in front of the one who decides.
        trusted: Some(approval.application.trusted),
    };
    match visitor.client().approve(&approval.id, &decision).await {
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
    let approval = match find(&visitor, &form).await? {
        Ok(approval) => approval,
        Err(response) => return Ok(response),
    };
    let Some(reason) = form.optional("reason") else {
        let page = ApprovalsPage::load(&visitor, Some(&approval.id)).await?;
        return Ok(ui::page(StatusCode::BAD_REQUEST, &page.without_reason()));
    };
    let decision = Decision {
        reason: Some(reason.to_owned()),
        trusted: None,
    };
    match visitor.client().decline(&approval.id, &decision).await {
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

/// The open request. Old forms name it by application and API instead of its id, and both have to
/// fit when they are sent: one must not approve something else than the page said.
async fn find(visitor: &Visitor, form: &Form) -> Result<Result<Approval, Response>, Failure> {
    visitor.require_user()?;
    let (id, application, api) = (
        form.optional("id"),
        form.optional("app"),
        form.optional("api"),
    );
    if id.is_none() && (application.is_none() || api.is_none()) {
        return Err(Failure::BadRequest(
            "`id`, or `app` and `api`, is missing".to_owned(),
        ));
    }
    let open = visitor.client().approvals().await?;
    let fits = |approval: &Approval| {
        id.is_none_or(|id| approval.id == id)
            && application.is_none_or(|id| approval.application.id == id)
            && api.is_none_or(|id| approval.api.id == id)
    };
    let found = open.into_iter().find(fits);
    Ok(found.ok_or_else(|| {
        visitor.leave(Kind::Info, texts::Approvals(visitor.lang()).gone());
        back()
    }))
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
    if error.status.is_server_error() || error.status == StatusCode::UNAUTHORIZED {
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
