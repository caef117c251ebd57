//! Approving and declining, one request or several at once.

use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use sdk::{
    Optional,
    types::{Approval, approvals::Decision, page::Walk},
};
use serde_json::json;
use ui::{Kind, texts};

use super::list::{ApprovalsPage, OPEN, Question};
use crate::{failure::Failure, form::Form, json, visitor::Visitor};

/// Requests that are decided with one form.
const MAX_AT_ONCE: usize = 100;

/// `POST /admin/approvals/approve`
pub async fn approve(visitor: Visitor, form: Form) -> Result<Response, Failure> {
    if is_bulk(&form) {
        return several(&visitor, &form, true).await;
    }
    let approval = match find(&visitor, &form, &["id", "app", "api"]).await? {
        Ok(approval) => approval,
        Err(response) => return Ok(response),
    };
    match visitor
        .client()
        .approve(&approval.id, &approval_of(&approval, &form))
        .await
    {
        Ok(()) if visitor.wants_json => {
            let (application, api) = (&approval.application.id, &approval.api.id);
            // Those who decide read the list; a subscription by itself is for its application.
            let client = visitor.client();
            let all = client.subscriptions_without_secrets(application).await?;
            let subscription = all.into_iter().find(|one| one.api == *api);
            let subscription = subscription.ok_or(Failure::NotFound)?;
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

fn approval_of(approval: &Approval, form: &Form) -> Decision {
    Decision {
        reason: form.optional("reason").map(str::to_owned),
        // What was wished for is on the page in front of the one who decides.
        trusted: Some(approval.application.trusted),
    }
}

/// Several `id`, or one that was ticked in the list; then nothing else names the request.
fn is_bulk(form: &Form) -> bool {
    let named = form.has("app") || form.has("api");
    !named && (form.is_set("bulk") || form.all("id").count() > 1)
}

/// Decides each of them; what one refuses does not keep the others.
async fn several(visitor: &Visitor, form: &Form, approve: bool) -> Result<Response, Failure> {
    crate::admin::decider(visitor)?;
    let t = texts::Approvals(visitor.lang());
    let ids: Vec<&str> = form.all("id").filter(|id| !id.is_empty()).collect();
    if ids.is_empty() {
        visitor.leave(Kind::Info, t.none_chosen());
        return Ok(back());
    }
    if ids.len() > MAX_AT_ONCE {
        let text = format!("`id`: at most {MAX_AT_ONCE} at once");
        return Err(Failure::BadRequest(text));
    }
    if !approve && form.has("reason") && form.optional("reason").is_none() && !visitor.wants_json {
        visitor.leave(Kind::Bad, t.reason_missing());
        return Ok(back());
    }
    let client = visitor.client();
    let (mut done, mut failed) = (0, Vec::new());
    for id in ids {
        let result = async {
            let Some(approval) = client.approval(id).await.optional()? else {
                return Ok(false);
            };
            if approve {
                client.approve(id, &approval_of(&approval, form)).await?;
            } else {
                let reason = form.optional("reason").unwrap_or(t.no_reason());
                let decision = Decision {
                    reason: Some(reason.to_owned()),
                    trusted: None,
                };
                client.decline(id, &decision).await?;
            }
            Ok::<_, sdk::Error>(true)
        };
        match result.await {
            Ok(true) => done += 1,
            Ok(false) => failed.push(json!({"id": id, "message": t.gone()})),
            Err(sdk::Error::Api(error)) if error.status.is_client_error() => {
                failed.push(json!({"id": id, "message": error.message}));
            }
            Err(error) => return Err(error.into()),
        }
    }
    if visitor.wants_json {
        let body = json!({"decided": done, "failed": failed});
        return Ok(json::answer(visitor, StatusCode::OK, &body));
    }
    if done > 0 {
        let text = if approve {
            t.several_approved(done)
        } else {
            t.several_declined(done)
        };
        visitor.leave(Kind::Good, text);
    }
    if let Some(first) = failed.first() {
        let reason = first["message"].as_str().unwrap_or_default();
        visitor.leave(Kind::Bad, t.several_failed(failed.len(), reason));
    }
    Ok(back())
}

/// `POST /admin/approvals/decline`
pub async fn decline(visitor: Visitor, form: Form) -> Result<Response, Failure> {
    if is_bulk(&form) {
        return several(&visitor, &form, false).await;
    }
    let approval = match find(&visitor, &form, &["app", "api"]).await? {
        Ok(approval) => approval,
        Err(response) => return Ok(response),
    };
    let reason = match form.optional("reason") {
        Some(reason) => reason,
        // Our page asks for one; clients written for wicked do not know of it.
        None if !form.has("reason") => texts::Approvals(visitor.lang()).no_reason(),
        None => {
            let page = ApprovalsPage::load(&visitor, Question::of(&approval.id)).await?;
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
    let (application, api) = (form.text("app"), form.text("api"));
    let client = visitor.client();
    let found = if let Some(id) = form.optional("id") {
        client.approval(id).await.optional()?
    } else {
        let mut walk = Walk {
            limit: 1,
            ..Walk::default()
        };
        let mut filter = |field: &str, value: &str| {
            walk.filter.insert(field.to_owned(), json!({"eq": value}));
        };
        filter("application", application);
        filter("api", api);
        let open = client.walk_approvals(OPEN, &walk).await?;
        open.items.into_iter().next()
    };
    let is_open = |approval: &Approval| approval.state.as_deref().is_none_or(|state| state == OPEN);
    match found.filter(is_open) {
        Some(approval) if approval.application.id == application && approval.api.id == api => {
            Ok(Ok(approval))
        }
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
    let page = ApprovalsPage::load(visitor, Question::of(&approval.id)).await?;
    Ok(ui::page(
        error.status,
        &page.refused(&error.message, form.text("reason")),
    ))
}

fn back() -> Response {
    Redirect::to("/admin/approvals").into_response()
}
