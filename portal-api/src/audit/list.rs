//! `GET /auditlog` (portal-api 22.2): the old view, or the records themselves by `Accept`.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use http::HeaderMap;
use sdk::types::page::Id;
use sea_orm::{
    Order,
    entity::prelude::*,
    sea_query::{Expr, SimpleExpr},
};

use super::{
    export::{self, Format},
    row::{Column, Entity},
    wire,
};
use crate::{
    ApiError, AppState,
    caller::Caller,
    paging::{self, Fields, ListQuery, Sort},
};

/// For administrators, newest first.
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    query: ListQuery,
) -> Result<Response, ApiError> {
    caller.require_scope("read_auditlog")?;
    if !caller.is_admin_user() {
        caller.require_user()?;
        caller.require_admin()?;
    }
    if let Some(format) = Format::accepted(&headers) {
        let (select, query) = within(Entity::find(), query)?;
        return Ok(export::stream(
            &state,
            paging::filter(select, &query, &fields()),
            format,
        ));
    }
    let newest_first = Sort::by_time(column(Column::OccurredAt), Order::Desc);
    // Records of one moment in the order in which they were written.
    let id = column(Column::Seq);
    let db = state.db.read();
    if !query.embed {
        let plain = query.plain();
        let page = paging::page(db, Entity::find(), &plain, &fields(), newest_first, id).await?;
        return Ok(page.map(|row| Id { id: row.id }).into_response());
    }
    let (select, query) = within(Entity::find(), query)?;
    let page = paging::page(db, select, &query, &fields(), newest_first, id).await?;
    Ok(page.map(wire::entry).into_response())
}

fn column(column: Column) -> SimpleExpr {
    Expr::col((Entity, column))
}

/// Takes the period out of the filter; the rest compares texts.
pub fn within(
    mut select: Select<Entity>,
    mut query: ListQuery,
) -> Result<(Select<Entity>, ListQuery), ApiError> {
    if let Some(text) = query.filter.remove("startdate") {
        select = select.filter(Column::OccurredAt.gte(moment("startdate", &text)?));
    }
    if let Some(text) = query.filter.remove("enddate") {
        select = select.filter(Column::OccurredAt.lt(moment("enddate", &text)?));
    }
    // One orders by it, and filters by the two above.
    if query.filter.remove("created_at").is_some() {
        select = select.filter(Expr::val(false));
    }
    Ok((select, query))
}

/// A date (its beginning) or an ISO time, in UTC unless it says otherwise.
pub fn moment(field: &str, text: &str) -> Result<DateTime<Utc>, ApiError> {
    let text = text.trim();
    let date = || {
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        Some(date.and_time(NaiveTime::MIN).and_utc())
    };
    let time = || {
        let forms = [
            "%Y-%m-%dT%H:%M:%S%.f",
            "%Y-%m-%d %H:%M:%S%.f",
            "%Y-%m-%dT%H:%M",
        ];
        let read = |form: &&str| NaiveDateTime::parse_from_str(text, form).ok();
        Some(forms.iter().find_map(read)?.and_utc())
    };
    let with_zone = || Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc());
    date()
        .or_else(with_zone)
        .or_else(time)
        // What databases can store.
        .filter(|moment| (1970..=9999).contains(&chrono::Datelike::year(moment)))
        .ok_or_else(|| {
            let message = format!("`{field}` has to be a date such as 2026-01-31, or an ISO time.");
            ApiError::invalid(field, "format", message)
        })
}

/// What may be filtered and ordered by, as texts.
pub fn fields() -> Fields {
    let first = |names: [&str; 2]| {
        Expr::cust(format!(
            "coalesce(audit_log.{}, audit_log.{})",
            names[0], names[1]
        ))
    };
    Fields::new()
        .with(
            "activity",
            Expr::cust("(audit_log.action || ' ' || audit_log.entity)"),
        )
        .with("user", first(["user_name", "actor_name"]))
        .with("email", first(["user_email", "actor_email"]))
        .with("role", first(["user_role", "actor_role"]))
        .with("plan", column(Column::PlanId))
        .with("api", column(Column::ApiId))
        .with("application", column(Column::ApplicationId))
        .with_time("created_at", column(Column::OccurredAt))
        .with("action", column(Column::Action))
        .with("entity", column(Column::Entity))
        .with("entityId", column(Column::EntityId))
        .with("actorId", column(Column::ActorId))
        .with("actorEmail", column(Column::ActorEmail))
        .with("via", column(Column::Via))
        .with("outcome", column(Column::Outcome))
        .with("sourceAddress", column(Column::SourceAddress))
        .with("correlationId", column(Column::CorrelationId))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_in_their_usual_forms() {
        let read = |text: &str| {
            moment("startdate", text)
                .map(|moment| moment.to_rfc3339())
                .ok()
        };
        assert_eq!(read("2026-01-31").unwrap(), "2026-01-31T00:00:00+00:00");
        assert_eq!(
            read("2026-01-31T10:00:00Z").unwrap(),
            "2026-01-31T10:00:00+00:00"
        );
        assert_eq!(
            read("2026-01-31T10:00:00+01:00").unwrap(),
            "2026-01-31T09:00:00+00:00"
        );
        assert_eq!(
            read("2026-01-31 10:00:00.5").unwrap(),
            "2026-01-31T10:00:00.500+00:00"
        );
        for wrong in ["", "now", "2026-02-30", "1'; drop", "+99999-01-01"] {
            assert!(read(wrong).is_none(), "{wrong}");
        }
    }
}
