//! Talking about a request before it is decided: comments, and who takes care of it (B4).

use axum::{
    Json,
    extract::{Path, State},
};
use http::StatusCode;
use sdk::types::{
    Approval,
    approvals::{Comment, NewComment},
};
use serde_json::{Value, json};

use super::{
    routes::{not_found, reach, shown},
    row, rules, store,
};
use crate::{
    ApiError, AppState,
    audit::{self, Entry},
    caller::Caller,
    conditional::{Precondition, Tag, etag},
    extract::{Body, RawBody, from_value},
    users,
};

/// Comments of one request; a program that writes one per minute is stopped here.
const MAX_COMMENTS: u64 = 200;

/// `POST /approvals/{id}/comments`: for everybody who may decide.
#[tracing::instrument(skip_all, fields(approval.id = %id))]
pub async fn add(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Json<Comment>), ApiError> {
    let reach = reach(&state, &caller, "write_subscriptions")?;
    let user = caller.require_user()?;
    let comment: NewComment = from_value(body)?;
    let text = comment.text.trim();
    if text.is_empty() {
        let message = "`text`: write what you want to say.";
        return Err(ApiError::invalid("text", "required", message));
    }
    rules::check_text("text", Some(text))?;
    let txn = state.db.write().await?;
    let request = store::find(&txn, &reach, &id)
        .await?
        .ok_or_else(|| not_found(&id))?;
    if store::count_comments(&txn, &id).await? >= MAX_COMMENTS {
        let message = format!("A request has at most {MAX_COMMENTS} comments.");
        return Err(ApiError::conflict("too-many-comments", message));
    }
    let new = row::comment::Model {
        id: service::random::hex_id(),
        approval_id: id,
        user_id: user.id().to_owned(),
        user_email: user.row.email.clone(),
        text: text.to_owned(),
        created_at: service::clock::now(),
    };
    let entry = Entry::new(caller.actor(), "approval", "comment")
        .about(&request.id)
        .with_data(about(&request))
        .becomes(&json!({"text": new.text}));
    store::insert_comment(&txn, new.clone()).await?;
    audit::record(&txn, &state, entry).await?;
    state.commit(txn).await?;
    Ok((StatusCode::CREATED, Json(super::wire::comment(new))))
}

/// `PATCH /approvals/{id}` with `assignee`: the user who takes care of it, or `null` for nobody.
#[tracing::instrument(skip_all, fields(approval.id = %id))]
pub async fn assign(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    precondition: Precondition,
    body: RawBody,
) -> Result<(Tag, Json<Approval>), ApiError> {
    let reach = reach(&state, &caller, "write_subscriptions")?;
    let wanted = match body.value.get("assignee") {
        Some(Value::Null) => None,
        Some(Value::String(user)) => Some(user.clone()),
        _ => {
            let message = "`assignee` has to be the id of a user, or null.";
            return Err(ApiError::invalid("assignee", "type", message));
        }
    };
    let txn = state.db.write().await?;
    let found = store::find(&txn, &reach, &id)
        .await?
        .ok_or_else(|| not_found(&id))?;
    let request = store::lock_open(&txn, &found.subscription_id)
        .await?
        .filter(|request| request.id == id)
        .ok_or_else(super::routes::decided_already)?;
    let current = async || shown(&txn, &reach, &id).await.map(Some);
    precondition.check(current).await?;
    if let Some(user) = &wanted {
        let configuration = state.configuration();
        let user = users::store::find(&txn, user).await?;
        let may_decide = user.is_some_and(|user| {
            let (admin, _) = users::rules::rights(&configuration, &user.groups.0);
            let own = rules::Reach::of_user(&user, &configuration);
            user.disabled_at.is_none()
                && (admin || own.covers(&request.api_id, request.api_group.as_deref()))
        });
        if !may_decide {
            let message = "`assignee` has to be somebody who may decide this request.";
            return Err(ApiError::invalid("assignee", "unknown", message));
        }
    }
    let mut changed = request.clone();
    changed.assignee = wanted;
    let entry = Entry::new(caller.actor(), "approval", "assign")
        .about(&id)
        .with_data(about(&request))
        .was(&request)
        .becomes(&changed);
    store::update(&txn, changed).await?;
    audit::record(&txn, &state, entry).await?;
    let shown = shown(&txn, &reach, &id).await?;
    state.commit(txn).await?;
    Ok((etag(&shown), Json(shown)))
}

fn about(request: &row::Model) -> Value {
    json!({
        "applicationId": request.application_id, "apiId": request.api_id,
        "planId": request.plan_id,
    })
}
