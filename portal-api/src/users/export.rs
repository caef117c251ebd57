//! `GET /users/{user}/export` (portal-api B7): everything that is stored about one user.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::header;
use sdk::types::{Role, users::UserExport};
use sea_orm::{QueryOrder, QuerySelect, entity::prelude::*};

use super::{read, store, wire};
use crate::{
    ApiError, AppState, applications, approvals,
    audit::{self, Entry},
    caller::Caller,
    grants, owners, registrations, teams,
};

/// Records of what the user did that go along.
const MAX_RECORDS: u64 = 10_000;

/// For the user himself and for administrators. Secrets are not part of it.
#[tracing::instrument(skip_all, fields(user.id = %id))]
pub async fn export(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
) -> Result<Response, ApiError> {
    caller.require_scope("read_users")?;
    caller.require_self_or_admin(&id)?;
    let db = state.db.read();
    let user = store::find(db, &id)
        .await?
        .ok_or_else(|| read::not_found(&id))?;
    let has_password = user.password_hash.is_some();
    let created_at = user.created_at;
    let teams = teams::of_user(db, &user).await?;
    let mut shown = wire::full(db, &state.configuration(), user).await?;
    shown.has_password = has_password.then_some(true);
    let requests = approvals::row::Entity::find()
        .filter(approvals::row::Column::UserId.eq(id.as_str()))
        .order_by_asc(approvals::row::Column::RequestedAt)
        .limit(MAX_RECORDS)
        .all(db)
        .await?;
    let export = UserExport {
        created_at: created_at.into(),
        registrations: registrations::store::of_user(db, &id, None)
            .await?
            .into_iter()
            .map(registrations::wire::registration)
            .collect(),
        applications: applications(&state, &id).await?,
        teams,
        grants: grants::store::of_user(db, &id, service::clock::now())
            .await?
            .into_iter()
            .map(grants::routes::shown)
            .collect(),
        requests: requests
            .into_iter()
            .map(|row| approvals::wire::approval(row, Vec::new()))
            .collect(),
        activity: audit::of_user(db, &id, MAX_RECORDS).await?,
        user: shown,
    };
    let txn = state.db.write().await?;
    let entry = Entry::new(caller.actor(), "user", "export").about(&id);
    audit::record(&txn, &state, entry).await?;
    state.commit(txn).await?;
    let name = [(
        header::CONTENT_DISPOSITION,
        "attachment; filename=\"user.json\"",
    )];
    Ok((name, Json(export)).into_response())
}

/// The applications in which the user has a role, with that role as the only owner shown: others
/// have their own data.
async fn applications(
    state: &AppState,
    id: &str,
) -> Result<Vec<sdk::types::Application>, ApiError> {
    let db = state.db.read();
    let roles = owners::store::of_user(db, id).await?;
    let ids: Vec<String> = roles
        .iter()
        .map(|(application, _)| application.clone())
        .collect();
    let rows = applications::row::Entity::find()
        .filter(applications::row::Column::Id.is_in(ids))
        .order_by_asc(applications::row::Column::Id)
        .all(db)
        .await?;
    let email = store::find(db, id)
        .await?
        .map(|user| user.email)
        .unwrap_or_default();
    Ok(rows
        .into_iter()
        .map(|row| {
            let role = roles
                .iter()
                .find(|(application, _)| *application == row.id)
                .map_or(Role::Reader, |(_, role)| *role);
            let own = owners::Owner {
                user_id: id.to_owned(),
                email: email.clone(),
                role,
                by_team: false,
            };
            applications::wire::with_owners(row, vec![own])
        })
        .collect())
}
