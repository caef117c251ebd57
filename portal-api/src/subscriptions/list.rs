//! Lists of subscriptions over all applications (portal-api 14.8, 18.8).

use std::collections::HashMap;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use sdk::types::{Subscription, page::Id, subscriptions::SubscriptionWithOwners};
use sea_orm::{
    DbBackend, Order,
    entity::prelude::*,
    sea_query::{Expr, SimpleExpr},
};

use super::{
    people, row,
    wire::{self, Secrets, View},
};
use crate::{
    ApiError, AppState, applications,
    approvals::rules::Reach,
    caller::Caller,
    credentials::{self, secret::SecretKeys},
    paging::{self, Fields, ListQuery, Listed, Sort},
};

/// `GET /subscriptions`: approvers see those of the APIs they decide about.
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    query: ListQuery,
) -> Result<Response, ApiError> {
    caller.require_scope("read_subscriptions")?;
    if !caller.is_admin() {
        caller.require_user()?;
    }
    caller.require_admin_or_approver()?;
    let db = state.db.read();
    let reach = Reach::of(&caller, &state.configuration());
    let mut select = row::Entity::find();
    if reach != Reach::Everything {
        let column = |column| Expr::col((row::Entity, column));
        select = select
            .filter(reach.condition(column(row::Column::ApiId), column(row::Column::ApiGroup)));
    }
    let by_id = Sort::by(column(row::Column::Id), Order::Asc);
    let fields = fields(db.get_database_backend());
    if !query.embed {
        let (plain, id) = (query.plain(), column(row::Column::Id));
        let page = paging::page(db, select, &plain, &fields, by_id, id).await?;
        return Ok(page.map(|row| Id { id: row.id }).into_response());
    }
    let page = paging::page(db, select, &query, &fields, by_id, column(row::Column::Id)).await?;
    let ids: Vec<String> = page
        .items()
        .iter()
        .map(|row| row.application_id.clone())
        .collect();
    let names = applications::store::names(db, ids.clone()).await?;
    let mut people = people::of_applications(db, ids).await?;
    let page = with_hints(&state, page).await?;
    let page = page.map(|subscription| {
        let people = people
            .entry(subscription.application.clone())
            .or_default()
            .clone();
        SubscriptionWithOwners {
            application_name: names
                .get(&subscription.application)
                .cloned()
                .unwrap_or_default(),
            owner: people.emails,
            user: people.names,
            owner_data: people.registered,
            subscription,
        }
    });
    Ok(page.into_response())
}

/// `GET /apis/{api}/subscriptions`
pub async fn of_api(
    State(state): State<AppState>,
    caller: Caller,
    Path(api): Path<String>,
    query: ListQuery,
) -> Result<Listed<Subscription>, ApiError> {
    caller.require_scope("read_apis")?;
    caller.require_scope("read_subscriptions")?;
    caller.require_admin()?;
    let select = row::Entity::find().filter(row::Column::ApiId.eq(api));
    let by_application = Sort::by(column(row::Column::ApplicationId), Order::Asc);
    let (db, plain, id) = (state.db.read(), query.plain(), column(row::Column::Id));
    let fields = fields(db.get_database_backend());
    let page = paging::page(db, select, &plain, &fields, by_application, id).await?;
    with_hints(&state, page).await
}

/// The subscriptions of a page with client ids and hints, never with secrets (portal-api D12).
async fn with_hints(
    state: &AppState,
    page: Listed<row::Model>,
) -> Result<Listed<Subscription>, ApiError> {
    let ids: Vec<String> = page.items().iter().map(|row| row.id.clone()).collect();
    let credentials: HashMap<_, _> = credentials::store::list_many(state.db.read(), ids).await?;
    let view = View {
        configuration: &state.configuration(),
        keys: &SecretKeys::new(&state.keys)?,
        secrets: Secrets::Hints,
        deletable: false,
        now: service::clock::now(),
    };
    Ok(page.map(|row| {
        let own = credentials.get(&row.id).map_or(&[][..], Vec::as_slice);
        wire::subscription(&row, own, &view)
    }))
}

fn column(column: row::Column) -> SimpleExpr {
    Expr::col((row::Entity, column))
}

/// What may be filtered and ordered by, as texts.
fn fields(backend: DbBackend) -> Fields {
    let joined = |text: &str| match backend {
        DbBackend::Postgres => format!("string_agg({text}, ' ')"),
        _ => format!("group_concat({text}, ' ')"),
    };
    let emails = format!(
        "(select {} from application_roles o join users u on u.id = o.user_id \
         where o.application_id = subscriptions.application_id)",
        joined("u.email")
    );
    let names = format!(
        "(select {} from application_roles o join registrations r on r.user_id = o.user_id \
         where o.application_id = subscriptions.application_id)",
        joined("r.name")
    );
    let client_ids = format!(
        "(select {} from credentials c where c.subscription_id = subscriptions.id \
         and c.revoked_at is null)",
        joined("c.client_id")
    );
    let flag =
        |name: &str| format!("(case when subscriptions.{name} then 'true' else 'false' end)");
    Fields::new()
        .with("id", column(row::Column::Id))
        .with("application", column(row::Column::ApplicationId))
        .with("api", column(row::Column::ApiId))
        .with("plan", column(row::Column::PlanId))
        .with("api_group", column(row::Column::ApiGroup))
        .with("auth", column(row::Column::Auth))
        .with_time("changedDate", column(row::Column::ChangedAt))
        .with("clientId", Expr::cust(client_ids))
        .with("approved", Expr::cust(flag("approved")))
        .with("trusted", Expr::cust(flag("trusted")))
        .with(
            "application_name",
            Expr::cust(
                "(select a.name from applications a where a.id = subscriptions.application_id)",
            ),
        )
        .with("owner", Expr::cust(emails))
        .with("user", Expr::cust(names))
}
