//! `GET /apis/{api}/context` (portal-api B6): what the page of an API needs, with one call.

use axum::{
    Json,
    extract::{Path, State},
};
use sdk::types::{
    Role,
    apis::{ApiContext, ApiRights, ApplicationOfContext, DeclinedRequest},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::{
    ApiError, AppState,
    apis::{access, scopes},
    applications,
    approvals::{self, rules::Reach},
    caller::Caller,
    credentials::{self, secret::SecretKeys},
    owners, subscriptions,
};

/// The API, the plans that the caller may take, his applications with their subscriptions (without
/// secrets), and what he may do.
pub async fn context(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ApiContext>, ApiError> {
    caller.require_scope("read_apis")?;
    let configuration = state.configuration();
    let api = access::visible(&configuration, &id, &caller)?;
    let plans: Vec<_> = api
        .plans
        .iter()
        .filter_map(|plan| configuration.plan_of(api, plan))
        .filter(|_| caller.user().is_some())
        .filter(|plan| {
            plan.required_group
                .as_ref()
                .is_none_or(|group| access::has_group(&caller, group))
        })
        .collect();
    let shown = scopes::shown(&state, api, caller.is_admin()).await;
    let owns = api
        .owner_group
        .as_ref()
        .is_some_and(|group| access::has_group(&caller, group));
    let accepts = api.lifecycle.accepts_subscriptions();
    let rights = ApiRights {
        subscribe: accepts
            && caller.user().is_some_and(|user| user.row.validated)
            && !plans.is_empty(),
        approve: Reach::of(&caller, &configuration).covers(&api.id, api.required_group.as_deref()),
        see_usage: caller.is_admin() || owns,
        announce: caller.is_admin() || owns,
        edit: caller.is_admin() || owns,
    };
    let api_id = api.id.clone();
    let read = |error: serde_json::Error| ApiError::from(anyhow::Error::from(error));
    Ok(Json(ApiContext {
        api: serde_json::from_slice(&shown.bytes).map_err(read)?,
        plans: plans
            .into_iter()
            .map(|plan| serde_json::from_slice(&plan.rendered.bytes).map_err(read))
            .collect::<Result<_, _>>()?,
        applications: applications_of(&state, &caller, &api_id).await?,
        rights,
    }))
}

async fn applications_of(
    state: &AppState,
    caller: &Caller,
    api: &str,
) -> Result<Vec<ApplicationOfContext>, ApiError> {
    let Some(user) = caller.user() else {
        return Ok(Vec::new());
    };
    let db = state.db.read();
    let roles = owners::store::of_user(db, user.id()).await?;
    let ids: Vec<String> = roles.iter().map(|(id, _)| id.clone()).collect();
    let mut known = applications::store::names_and_redirects(db, ids.clone()).await?;
    let mut declined = approvals::store::declined(db, api, ids.clone()).await?;
    let rows = subscriptions::row::Entity::find()
        .filter(subscriptions::row::Column::ApiId.eq(api))
        .filter(subscriptions::row::Column::ApplicationId.is_in(ids))
        .order_by_asc(subscriptions::row::Column::ApplicationId)
        .all(db)
        .await?;
    let credentials = rows.iter().map(|row| row.id.clone());
    let mut credentials = credentials::store::list_many(db, credentials).await?;
    let configuration = state.configuration();
    let view = subscriptions::wire::View {
        configuration: &configuration,
        keys: &SecretKeys::new(&state.keys)?,
        secrets: subscriptions::wire::Secrets::Hints,
        deletable: false,
        now: service::clock::now(),
    };
    Ok(roles
        .into_iter()
        .map(|(id, role)| {
            let row = rows.iter().find(|row| row.application_id == id);
            // An old refusal says nothing about a subscription that was made since.
            let declined = declined.remove(&id);
            let declined =
                declined.filter(|request| row.is_none_or(|row| row.id == request.subscription_id));
            let subscription = row.map(|row| {
                let own = credentials.remove(&row.id).unwrap_or_default();
                subscriptions::wire::subscription(row, &own, &view)
            });
            let (name, redirect_uris) = known.remove(&id).unwrap_or_default();
            ApplicationOfContext {
                name,
                redirect_uris,
                may_subscribe: role != Role::Reader,
                id,
                role,
                subscription,
                declined: declined.map(|request| DeclinedRequest {
                    plan: request.plan_id,
                    decided_at: request.decided_at.map(Into::into),
                    reason: request.reason,
                }),
            }
        })
        .collect())
}
