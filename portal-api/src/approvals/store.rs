//! Rows of `approvals`, in and out.

use std::collections::HashMap;

use sea_orm::{
    DatabaseTransaction, DbErr, IntoActiveModel, Order, PaginatorTrait, QueryOrder, QuerySelect,
    entity::prelude::*, sea_query::Expr,
};

use super::{row, rules::Reach};
use crate::{
    ApiError,
    paging::{self, Fields, ListQuery, Listed, Sort},
};

/// State of a request that waits.
pub const OPEN: &str = "open";

/// Requests within `reach`, the oldest first; `state` absent for those of all states.
pub async fn list(
    db: &impl ConnectionTrait,
    reach: &Reach,
    state: Option<&str>,
    query: &ListQuery,
) -> Result<Listed<row::Model>, ApiError> {
    let mut select = within(reach);
    if let Some(state) = state {
        select = select.filter(row::Column::State.eq(state));
    }
    let column = |column: row::Column| Expr::col(column);
    let fields = Fields::new()
        .with("id", column(row::Column::Id))
        .with("state", column(row::Column::State))
        .with("user", column(row::Column::UserId))
        .with("application", column(row::Column::ApplicationId))
        .with("api", column(row::Column::ApiId))
        .with("plan", column(row::Column::PlanId))
        .with_time("requestedAt", column(row::Column::RequestedAt))
        .with_time("decidedAt", column(row::Column::DecidedAt));
    let oldest_first = Sort::by_time(column(row::Column::RequestedAt), Order::Asc);
    // In the contract the list has neither pages nor a filter.
    let id = column(row::Column::Id);
    paging::page(db, select, &query.whole(), &fields, oldest_first, id).await
}

/// The request with this id, if it is within `reach`.
pub async fn find(
    db: &impl ConnectionTrait,
    reach: &Reach,
    id: &str,
) -> Result<Option<row::Model>, DbErr> {
    within(reach).filter(row::Column::Id.eq(id)).one(db).await
}

/// The last request of each of these applications for an API, where it was declined.
pub async fn declined(
    db: &impl ConnectionTrait,
    api: &str,
    applications: Vec<String>,
) -> Result<HashMap<String, row::Model>, DbErr> {
    let requests = row::Entity::find()
        .filter(row::Column::ApiId.eq(api))
        .filter(row::Column::ApplicationId.is_in(applications))
        .order_by_asc(row::Column::RequestedAt)
        .all(db)
        .await?;
    let by_application = requests.into_iter();
    let mut last: HashMap<_, _> = by_application
        .map(|request| (request.application_id.clone(), request))
        .collect();
    last.retain(|_, request| request.state == "declined");
    Ok(last)
}

fn within(reach: &Reach) -> Select<row::Entity> {
    let api = Expr::col(row::Column::ApiId);
    let group = Expr::col(row::Column::ApiGroup);
    match reach {
        Reach::Nothing => row::Entity::find().filter(Expr::val(false)),
        _ => row::Entity::find().filter(reach.condition(api, group)),
    }
}

/// The open request of a subscription, kept from other deciders until the transaction ends.
pub async fn lock_open(
    txn: &DatabaseTransaction,
    subscription_id: &str,
) -> Result<Option<row::Model>, DbErr> {
    row::Entity::find()
        .filter(row::Column::SubscriptionId.eq(subscription_id))
        .filter(row::Column::State.eq(OPEN))
        .lock_exclusive()
        .one(txn)
        .await
}

pub async fn insert(txn: &DatabaseTransaction, new: row::Model) -> Result<(), DbErr> {
    row::Entity::insert(new.into_active_model())
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

/// Writes all members of `approval`.
pub async fn update(txn: &DatabaseTransaction, approval: row::Model) -> Result<(), DbErr> {
    approval.into_active_model().reset_all().update(txn).await?;
    Ok(())
}

pub async fn insert_comment(
    txn: &DatabaseTransaction,
    new: row::comment::Model,
) -> Result<(), DbErr> {
    row::comment::Entity::insert(new.into_active_model())
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

pub async fn count_comments(db: &impl ConnectionTrait, approval: &str) -> Result<u64, DbErr> {
    row::comment::Entity::find()
        .filter(row::comment::Column::ApprovalId.eq(approval))
        .count(db)
        .await
}

/// The comments on these requests, the oldest first, by request.
pub async fn comments_of(
    db: &impl ConnectionTrait,
    approvals: impl IntoIterator<Item = String>,
) -> Result<HashMap<String, Vec<row::comment::Model>>, DbErr> {
    let found = row::comment::Entity::find()
        .filter(row::comment::Column::ApprovalId.is_in(approvals))
        .order_by_asc(row::comment::Column::CreatedAt)
        .order_by_asc(row::comment::Column::Id)
        .all(db)
        .await?;
    let mut lists = HashMap::<String, Vec<_>>::new();
    for comment in found {
        lists
            .entry(comment.approval_id.clone())
            .or_default()
            .push(comment);
    }
    Ok(lists)
}
