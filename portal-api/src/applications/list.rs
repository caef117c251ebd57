//! `GET /applications` (portal-api 13.2).

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use sdk::types::page::Id;
use sea_orm::{
    Order,
    entity::prelude::*,
    sea_query::{Expr, SimpleExpr},
};

use super::{row, wire};
use crate::{
    ApiError, AppState,
    caller::Caller,
    owners,
    paging::{self, Fields, ListQuery, Sort},
};

pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    query: ListQuery,
) -> Result<Response, ApiError> {
    caller.require_scope("read_applications")?;
    if !caller.is_admin() {
        caller.require_user()?;
    }
    caller.require_admin_or_approver()?;
    let db = state.db.read();
    let select = row::Entity::find();
    let by_id = Sort::by(column(row::Column::Id), Order::Asc);
    if !query.embed {
        let (plain, id) = (query.plain(), column(row::Column::Id));
        let page = paging::page(db, select, &plain, &fields(), by_id, id).await?;
        return Ok(page.map(|row| Id { id: row.id }).into_response());
    }
    let page = paging::page(
        db,
        select,
        &query,
        &fields(),
        by_id,
        column(row::Column::Id),
    )
    .await?;
    let ids: Vec<String> = page.items().iter().map(|row| row.id.clone()).collect();
    let mut owners = owners::store::list_many(db, ids).await?;
    let page = page.map(|row| {
        let owners = owners.remove(&row.id).unwrap_or_default();
        let first = owners
            .into_iter()
            .find(|owner| owner.role == sdk::types::Role::Owner);
        let mut shown = wire::base(row);
        if let Some(owner) = first {
            shown.owner_user_id = Some(owner.user_id);
            shown.owner_email = Some(owner.email);
        }
        shown
    });
    Ok(page.into_response())
}

fn column(column: row::Column) -> SimpleExpr {
    Expr::col((row::Entity, column))
}

/// What may be filtered and ordered by.
pub fn fields() -> Fields {
    let first_owner = |column: &str| {
        Expr::cust(format!(
            "(select u.{column} from application_roles o join users u on u.id = o.user_id \
             where o.application_id = applications.id and o.role = 'owner' \
             order by o.added_at, o.user_id limit 1)"
        ))
    };
    // The list is stored as JSON; its text holds the first entry, which is what old clients mean.
    let redirect_uris = Expr::cust("cast(applications.redirect_uris as text)");
    Fields::new()
        .with("id", column(row::Column::Id))
        .with("name", column(row::Column::Name))
        .with("description", column(row::Column::Description))
        .with("mainUrl", column(row::Column::MainUrl))
        .with("redirectUri", redirect_uris)
        .with("team", column(row::Column::TeamId))
        .with("clientType", column(row::Column::ClientType))
        .with_time("changedDate", column(row::Column::ChangedAt))
        .with("ownerEmail", first_owner("email"))
        .with("owner_email", first_owner("email"))
        .with("ownerUserId", first_owner("id"))
        .with("owner_user_id", first_owner("id"))
}
