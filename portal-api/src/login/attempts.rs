//! The brake on guessing passwords: at most ten failed attempts per account and per source within
//! a quarter of an hour. Of one source only five count for an account: whoever guesses from one place is
//! locked out there, and the owner is not elsewhere. Kept in the database, so that it holds across instances and restarts.
//!
//! An attempt counts from its beginning and is forgotten when the password was right; otherwise
//! many attempts at once would all begin before the first one has failed.

use chrono::{DateTime, TimeDelta, Utc};
use ring::digest::{SHA256, digest};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, FromQueryResult};
use service::{clock, random};

use crate::{
    ApiError, AppState,
    caller::Caller,
    limits,
    sql::{self, statement},
};

const MOST: i64 = 10;
const MOST_OF_ONE_SOURCE: i64 = 5;
const WINDOW: TimeDelta = TimeDelta::minutes(15);

/// An attempt whose outcome is not known yet.
pub struct Attempt {
    id: String,
    account: String,
}

/// Counts an attempt, or refuses it with 429.
pub async fn begin(state: &AppState, caller: &Caller, email: &str) -> Result<Attempt, ApiError> {
    let account = format!("account:{}", hex::encode(digest(&SHA256, email.as_bytes())));
    // Components of wicked do not tell from where their users come; all of them would share one.
    let source = (!caller.is_trusted_peer()).then(|| limits::source(caller.source()));
    let attempt = Attempt {
        id: random::hex_id(),
        account,
    };
    let now = clock::now();
    let txn = state.db.write().await?;
    // The lock classes keep the order account, source, so two attempts cannot wait for each other.
    for (class, brake) in [Some(&attempt.account), source.as_ref()]
        .into_iter()
        .enumerate()
    {
        let Some(brake) = brake else { continue };
        lock(&txn, class, brake).await?;
        check(&txn, brake, (source.as_deref(), now)).await?;
        insert(&txn, &attempt.id, brake, now).await?;
    }
    state.commit(txn).await?;
    Ok(attempt)
}

/// One attempt per brake at a time on PostgreSQL; SQLite has one writer anyway.
async fn lock(txn: &DatabaseTransaction, class: usize, brake: &str) -> Result<(), DbErr> {
    const CLASSES: [i32; 2] = [7_776_002, 7_776_003];
    if txn.get_database_backend() == DbBackend::Postgres {
        let sql = "select pg_advisory_xact_lock($1, hashtext($2))";
        txn.query_one_raw(statement(txn, sql, [CLASSES[class].into(), brake.into()]))
            .await?;
    }
    Ok(())
}

#[derive(FromQueryResult)]
struct Counted {
    attempts: i64,
    oldest: Option<DateTime<Utc>>,
    source: Option<String>,
}

async fn check(
    txn: &DatabaseTransaction,
    brake: &str,
    (source, now): (Option<&str>, DateTime<Utc>),
) -> Result<(), ApiError> {
    // An attempt has one row per brake, with the same id. Peers that name no source have one only.
    let sql = "select count(*) as attempts, min(a.begun_at) as oldest, max(s.brake) as source \
               from login_attempts a \
               left join login_attempts s on s.id = a.id and s.brake <> a.brake \
               where a.brake = $1 and a.begun_at > $2 group by s.brake";
    let values = [brake.into(), (now - WINDOW).into()];
    let counted = Counted::find_by_statement(statement(txn, sql, values))
        .all(txn)
        .await?;
    let is_of_account = source != Some(brake);
    let attempts: i64 = counted
        .iter()
        .map(|one| match &one.source {
            Some(_) if is_of_account => one.attempts.min(MOST_OF_ONE_SOURCE),
            _ => one.attempts,
        })
        .sum();
    let oldest = counted.iter().filter_map(|one| one.oldest).min();
    let Some(oldest) = oldest.filter(|_| attempts >= MOST) else {
        return Ok(());
    };
    let seconds = (oldest + WINDOW - now).num_seconds().max(1);
    Err(ApiError::too_many(
        "Too many failed logins. Wait a while before the next attempt.",
        seconds.unsigned_abs(),
    ))
}

async fn insert(
    txn: &DatabaseTransaction,
    id: &str,
    brake: &str,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let sql = "insert into login_attempts (id, brake, begun_at) values ($1, $2, $3)";
    txn.execute_raw(statement(txn, sql, [id.into(), brake.into(), now.into()]))
        .await?;
    Ok(())
}

impl Attempt {
    /// The password was right: this attempt and the failed ones on the account no longer count.
    /// Those of the source do, or one own account would open the way to guess at others.
    pub async fn forget(&self, txn: &DatabaseTransaction) -> Result<(), DbErr> {
        let sql = "delete from login_attempts where id = $1 or brake = $2";
        let values = [self.id.as_str().into(), self.account.as_str().into()];
        sql::run(txn, sql, values).await?;
        Ok(())
    }
}
