//! Listeners and their queues, in and out.

use sdk::types::{
    Event,
    listeners::{Mode, Registration},
};
use sea_orm::{
    ActiveValue::Set,
    DatabaseTransaction, DbErr, QueryOrder,
    entity::prelude::*,
    sea_query::{OnConflict, Query},
};
use service::keys::Purpose;

use super::{
    deliver,
    row::{
        delivery, event,
        listener::{self, Filter},
    },
};
use crate::{ApiError, AppState};

const DEFAULT_BATCH: u32 = 100;
const MAX_BATCH: u32 = 500;
const DEFAULT_TIMEOUT_MS: u32 = 15_000;
/// Events that are shown of one queue at a time.
const MAX_SHOWN: u64 = 1000;

/// A registration whose members were checked.
pub struct Registered {
    pub id: String,
    pub url: String,
    mode: &'static str,
    batch_size: u32,
    timeout_ms: u32,
    events: Option<Filter>,
    sensitive: bool,
}

impl Registered {
    /// `trusted`: a component registers itself.
    pub fn check(id: &str, request: Registration, trusted: bool) -> Result<Self, ApiError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !id.chars().all(allowed) {
            return Err(ApiError::invalid(
                "id",
                "characters",
                "The id of a listener consists of letters, digits, `-` and `_`.",
            ));
        }
        if !(4..=20).contains(&id.len()) {
            return Err(ApiError::invalid(
                "id",
                "length",
                "The id of a listener has 4 to 20 characters.",
            ));
        }
        if request.id != id {
            return Err(ApiError::invalid(
                "id",
                "mismatch",
                "`id` has to equal the id in the address.",
            ));
        }
        let url = request.url.filter(|url| !url.is_empty()).ok_or_else(|| {
            ApiError::invalid(
                "url",
                "required",
                "`url` is missing: where should events be sent?",
            )
        })?;
        let mode = match request.mode.unwrap_or_default() {
            Mode::Explicit => "explicit",
            Mode::Ack => "ack",
            Mode::Pull => {
                return Err(ApiError::invalid(
                    "mode",
                    "unsupported",
                    "`mode` is `explicit` or `ack`.",
                ));
            }
        };
        let batch_size = request.batch_size.unwrap_or(DEFAULT_BATCH);
        if !(1..=MAX_BATCH).contains(&batch_size) {
            return Err(ApiError::invalid(
                "batchSize",
                "range",
                "`batchSize` is a number from 1 to 500.",
            ));
        }
        let timeout_ms = request.timeout_ms.unwrap_or(DEFAULT_TIMEOUT_MS);
        if !(1000..=60_000).contains(&timeout_ms) {
            return Err(ApiError::invalid(
                "timeoutMs",
                "range",
                "`timeoutMs` is a number from 1000 to 60000.",
            ));
        }
        Ok(Self {
            id: id.to_owned(),
            url,
            mode,
            batch_size,
            timeout_ms,
            events: request.events.map(Filter),
            sensitive: if trusted {
                request.sensitive.unwrap_or(id == "mailer")
            } else {
                false
            },
        })
    }
}

pub async fn find(db: &impl ConnectionTrait, id: &str) -> Result<Option<listener::Model>, DbErr> {
    listener::Entity::find_by_id(id).one(db).await
}

pub async fn listeners(db: &impl ConnectionTrait) -> Result<Vec<listener::Model>, DbErr> {
    listener::Entity::find()
        .order_by_asc(listener::Column::Id)
        .all(db)
        .await
}

/// Creates or replaces a listener. Its queue stays, and is due at once: who registers is there.
pub async fn register(txn: &DatabaseTransaction, registered: Registered) -> Result<(), DbErr> {
    let now = service::clock::now();
    let id = registered.id.clone();
    let row = listener::ActiveModel {
        id: Set(registered.id),
        url: Set(registered.url),
        mode: Set(registered.mode.to_owned()),
        batch_size: Set(registered.batch_size.cast_signed()),
        timeout_ms: Set(registered.timeout_ms.cast_signed()),
        events: Set(registered.events),
        sensitive: Set(registered.sensitive),
        enabled: Set(true),
        disabled_at: Set(None),
        disabled_reason: Set(None),
        created_at: Set(now),
        changed_at: Set(now),
    };
    let mut on_conflict = OnConflict::column(listener::Column::Id);
    on_conflict.update_columns([
        listener::Column::Url,
        listener::Column::Mode,
        listener::Column::BatchSize,
        listener::Column::TimeoutMs,
        listener::Column::Events,
        listener::Column::Sensitive,
        listener::Column::Enabled,
        listener::Column::DisabledAt,
        listener::Column::DisabledReason,
        listener::Column::ChangedAt,
    ]);
    listener::Entity::insert(row)
        .on_conflict(on_conflict)
        .exec_without_returning(txn)
        .await?;
    delivery::Entity::update_many()
        .col_expr(delivery::Column::NextAttemptAt, Expr::value(now))
        .filter(delivery::Column::ListenerId.eq(id))
        .filter(delivery::Column::State.eq("pending"))
        .exec(txn)
        .await?;
    Ok(())
}

pub async fn remove(txn: &DatabaseTransaction, id: &str) -> Result<bool, DbErr> {
    Ok(listener::Entity::delete_by_id(id)
        .exec(txn)
        .await?
        .rows_affected
        > 0)
}

/// Events that the listener has not acknowledged, oldest first.
pub async fn queue(state: &AppState, listener: &listener::Model) -> Result<Vec<Event>, ApiError> {
    use sea_orm::QuerySelect;
    let rows = event::Entity::find()
        .filter(event::Column::Seq.in_subquery(open_of(&listener.id)))
        .order_by_asc(event::Column::Seq)
        .limit(MAX_SHOWN)
        .all(state.db.read())
        .await?;
    let key = state.keys.derive(&Purpose::EventData)?;
    rows.iter()
        .map(|row| deliver::wire(row, listener, &key).map_err(ApiError::from))
        .collect()
}

fn open_of(listener: &str) -> sea_orm::sea_query::SelectStatement {
    Query::select()
        .column(delivery::Column::EventSeq)
        .from(delivery::Entity)
        .and_where(delivery::Column::ListenerId.eq(listener))
        .and_where(delivery::Column::State.is_in(["pending", "in_flight"]))
        .to_owned()
}

pub async fn acknowledge_all(txn: &DatabaseTransaction, listener: &str) -> Result<(), DbErr> {
    acknowledge_where(txn, listener, Expr::value(true)).await
}

/// Acknowledges the named events; unknown ones are no error.
pub async fn acknowledge(
    txn: &DatabaseTransaction,
    listener: &str,
    events: &[String],
) -> Result<(), DbErr> {
    let seqs = Query::select()
        .column(event::Column::Seq)
        .from(event::Entity)
        .and_where(event::Column::Id.is_in(events))
        .to_owned();
    acknowledge_where(txn, listener, delivery::Column::EventSeq.in_subquery(seqs)).await
}

async fn acknowledge_where(
    txn: &DatabaseTransaction,
    listener: &str,
    which: sea_orm::sea_query::SimpleExpr,
) -> Result<(), DbErr> {
    delivery::Entity::update_many()
        .col_expr(delivery::Column::State, Expr::value("acked"))
        .col_expr(
            delivery::Column::LeaseUntil,
            Expr::value(None::<DateTimeUtc>),
        )
        .filter(delivery::Column::ListenerId.eq(listener))
        .filter(delivery::Column::State.is_in(["pending", "in_flight"]))
        .filter(which)
        .exec(txn)
        .await?;
    Ok(())
}

/// How many events each listener has not acknowledged.
pub async fn queue_lengths(db: &impl ConnectionTrait) -> Result<Vec<(String, i64)>, DbErr> {
    use sea_orm::QuerySelect;
    delivery::Entity::find()
        .select_only()
        .column(delivery::Column::ListenerId)
        .column_as(delivery::Column::EventSeq.count(), "length")
        .filter(delivery::Column::State.is_in(["pending", "in_flight"]))
        .group_by(delivery::Column::ListenerId)
        .into_tuple()
        .all(db)
        .await
}
