//! Reading the subscriptions of an application (portal-api 14.4, 14.5).

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use sdk::types::Subscription;
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde_json::json;

use super::{
    not_found, row, store,
    wire::{self, Secrets, View},
};
use crate::{
    ApiError, AppState,
    applications::access::{self, Demand, Right, Standing},
    approvals::rules::Reach,
    audit,
    caller::Caller,
    conditional::{Tag, etag},
    credentials::{self, secret::SecretKeys},
    paging::{self, Parameters},
};

const LIST: Demand = Demand {
    scope: "read_subscriptions",
    right: Right::ReadOrApprove,
    caller_first: false,
    validated: false,
    refusal: "Only users with a role on this application may see its subscriptions.",
};

const READ: Demand = Demand {
    right: Right::Read,
    ..LIST
};

/// `GET /applications/{application}/subscriptions`
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let application = access::open(&state, &caller, &id, LIST).await?;
    let configuration = state.configuration();
    let db = state.db.read();
    let mut rows = store::list(db, &id).await?;
    if application.standing == Standing::Approver {
        let reach = Reach::of(&caller, &configuration);
        rows.retain(|row| reach.covers(&row.api_id, row.api_group.as_deref()));
    }
    let ids = rows.iter().map(|row| row.id.clone());
    let mut credentials = credentials::store::list_many(db, ids).await?;
    let view = View {
        configuration: &configuration,
        keys: &SecretKeys::new(&state.keys)?,
        // Whoever only wants to know what there is leaves the secrets where they are.
        secrets: match parameters.get("secrets") {
            Some("false") => Secrets::Hints,
            _ => secrets_for(application.standing),
        },
        deletable: is_deletable(application.standing),
        now: service::clock::now(),
    };
    let with_credentials = parameters.is_on("credentials") && application.standing.sees_secrets();
    let shown: Vec<_> = rows
        .iter()
        .map(|row| {
            let own = credentials.remove(&row.id).unwrap_or_default();
            let mut shown = wire::subscription(row, &own, &view);
            if with_credentials {
                let all = own.into_iter();
                let all = all.map(|row| credentials::wire::credential(row, None));
                shown.credentials = Some(all.collect());
            }
            shown
        })
        .collect();
    record_reveal(&state, &caller, &shown).await?;
    paging::array(shown, &parameters, |one| &one.api)
}

/// `GET /applications/{application}/subscriptions/{api}`
pub async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, api)): Path<(String, String)>,
) -> Result<Json<Subscription>, ApiError> {
    let application = access::open(&state, &caller, &id, READ).await?;
    let db = state.db.read();
    let row = store::find(db, &id, &api)
        .await?
        .ok_or_else(|| not_found(&id, &api))?;
    let shown = shown(db, &state, &row, application.standing).await?;
    record_reveal(&state, &caller, std::slice::from_ref(&shown)).await?;
    Ok(Json(shown))
}

/// The subscription as [`read`] shows it to somebody of this standing.
pub async fn shown(
    db: &impl ConnectionTrait,
    state: &AppState,
    row: &row::Model,
    standing: Standing,
) -> Result<Subscription, ApiError> {
    let credentials = credentials::store::list(db, &row.id).await?;
    let view = View {
        configuration: &state.configuration(),
        keys: &SecretKeys::new(&state.keys)?,
        secrets: secrets_for(standing),
        deletable: is_deletable(standing),
        now: service::clock::now(),
    };
    Ok(wire::subscription(row, &credentials, &view))
}

/// The validator of the subscription as it is stored now.
pub async fn etag_now(
    txn: &DatabaseTransaction,
    state: &AppState,
    row: &row::Model,
    standing: Standing,
) -> Result<Tag, ApiError> {
    let now = store::find(txn, &row.application_id, &row.api_id).await?;
    let now = now.as_ref().unwrap_or(row);
    Ok(etag(&shown(txn, state, now, standing).await?))
}

/// Approvers without a role decide; they do not call.
pub const fn secrets_for(standing: Standing) -> Secrets {
    if standing.sees_secrets() {
        Secrets::Readable
    } else {
        Secrets::Hints
    }
}

/// The right of [`super::delete`]: approvers decline by deleting.
pub const fn is_deletable(standing: Standing) -> bool {
    standing.edits() || matches!(standing, Standing::Approver)
}

/// Who saw which secret is on record (portal-api D12).
pub async fn record_reveal(
    state: &AppState,
    caller: &Caller,
    shown: &[Subscription],
) -> Result<(), ApiError> {
    let revealed = |one: &&Subscription| one.apikey.is_some() || one.client_secret.is_some();
    if !shown.iter().any(|one| revealed(&one)) {
        return Ok(());
    }
    let txn = state.db.write().await?;
    for subscription in shown.iter().filter(revealed) {
        let data = json!({
            "applicationId": subscription.application,
            "apiId": subscription.api,
            "planId": subscription.plan,
        });
        let entry = audit::Entry::new(caller.actor(), "subscription", "reveal");
        let entry = entry.about(&subscription.id).with_data(data);
        audit::record(&txn, state, entry).await?;
    }
    state.commit(txn).await
}
