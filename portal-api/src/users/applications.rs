//! `GET /users/{user}/applications`: what pages show of somebody's applications, with one call.

use axum::{
    extract::{Path, State},
    response::Response,
};
use sdk::types::{Role, applications::ApplicationOfUser};

use super::{read, store};
use crate::{
    ApiError, AppState,
    applications::{
        self,
        access::{Application, Standing},
    },
    caller::Caller,
    credentials::{self, secret::SecretKeys},
    owners,
    paging::{self, Parameters},
    subscriptions::{
        self, is_deletable,
        wire::{Secrets, View},
    },
};

/// Four statements, however many applications there are.
#[tracing::instrument(skip_all, fields(user.id = %id))]
pub async fn list(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    caller.require_scope("read_applications")?;
    caller.require_scope("read_subscriptions")?;
    caller.require_self_or_admin(&id)?;
    let db = state.db.read();
    if store::find(db, &id).await?.is_none() {
        return Err(read::not_found(&id));
    }
    let roles = owners::store::of_user(db, &id).await?;
    let page = paging::short(roles, &parameters, |(application, _): &(String, Role)| {
        application
    })?;
    let ids: Vec<String> = page.items().iter().map(|(id, _)| id.clone()).collect();
    let mut rows = applications::store::find_many(db, ids.clone()).await?;
    let mut owners = owners::store::list_many(db, ids.clone()).await?;
    let mut lists = subscriptions::store::list_many(db, ids.clone()).await?;
    let mut credentials = credentials::store::of_applications(db, ids).await?;
    let configuration = state.configuration();
    let keys = SecretKeys::new(&state.keys)?;
    let now = service::clock::now();
    let page = page.filter_map(|(id, role)| {
        let row = rows.remove(&id)?;
        let standing = if caller.is_admin() {
            Standing::Admin
        } else {
            Standing::Member(role)
        };
        let view = View {
            configuration: &configuration,
            keys: &keys,
            secrets: Secrets::Hints,
            deletable: is_deletable(standing),
            now,
        };
        let subscriptions = lists.remove(&id).unwrap_or_default();
        let subscriptions = subscriptions.iter().map(|row| {
            let own = credentials.remove(&row.id).unwrap_or_default();
            subscriptions::wire::subscription(row, &own, &view)
        });
        let subscriptions = subscriptions.collect();
        let application = applications::wire::with_links(Application {
            row,
            owners: owners.remove(&id).unwrap_or_default(),
            standing,
        });
        Some(ApplicationOfUser {
            application,
            subscriptions,
        })
    });
    Ok(page.into_array_response())
}
