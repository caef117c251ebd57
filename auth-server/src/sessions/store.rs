//! Rows of sessions.

use chrono::{DateTime, TimeDelta, Utc};
use migrations::Database;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    QueryFilter,
    sea_query::{Query, SelectStatement},
};
use service::random;

use crate::{
    factors::Proof,
    federated::Identity,
    secret::{self, Secret},
};

use super::{ABSOLUTE_LIFETIME, Login, OwnSession, Place, Session, row::login, row::session};

/// A busy session is written at most this often.
const TOUCH_EVERY: TimeDelta = TimeDelta::minutes(1);

/// The session of a cookie. Being seen keeps it alive for `idle` more.
pub async fn find(
    database: &Database,
    cookie: &str,
    idle: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Option<Session>, DbErr> {
    let found = session::Entity::find_by_id(secret::digest(cookie))
        .filter(session::Column::ExpiresAt.gt(now))
        .filter(session::Column::SeenAt.gt(now - idle))
        .find_with_related(login::Entity)
        .all(database.read())
        .await?;
    let Some((row, logins)) = found.into_iter().next() else {
        return Ok(None);
    };
    if row.seen_at <= now - TOUCH_EVERY {
        let txn = database.write().await?;
        session::Entity::update_many()
            .col_expr(session::Column::SeenAt, now.into())
            .filter(session::Column::IdHash.eq(&row.id_hash))
            .exec(&txn)
            .await?;
        txn.commit().await?;
    }
    Ok(Some(Session {
        sid: row.sid,
        logins: logins.into_iter().map(Login::from).collect(),
    }))
}

/// A new session with `login` and the other logins of the one before, which ends: whoever knew
/// the old cookie does not know the new one (F9).
pub async fn begin(
    txn: &DatabaseTransaction,
    previous: Option<&str>,
    new: Login,
    place: &Place,
    now: DateTime<Utc>,
) -> Result<(Secret, Session), DbErr> {
    let mut logins = match previous {
        Some(cookie) => end(txn, cookie, now).await?,
        None => Vec::new(),
    };
    // Another person at the same browser takes over all of it.
    let is_same = |login: &Login| !new.user_id.is_empty() && login.user_id == new.user_id;
    logins.retain(|login| login.method != new.method && is_same(login));
    logins.push(new);
    let cookie = Secret::generate();
    let mut sid = random::hex_id();
    sid.truncate(32);
    let row = session::Model {
        id_hash: cookie.digest(),
        sid,
        created_at: now,
        seen_at: now,
        expires_at: now + ABSOLUTE_LIFETIME,
        address: Some(place.address.clone()),
        agent: place.agent.clone(),
    };
    let sid = row.sid.clone();
    session::Entity::insert(row.into_active_model())
        .exec_without_returning(txn)
        .await?;
    let rows = logins.iter().map(|login| login::ActiveModel {
        session: Set(cookie.digest()),
        method: Set(login.method.clone()),
        user_id: Set(login.user_id.clone()),
        auth_time: Set(login.auth_time),
        identity: Set(login.identity.as_ref().map(Identity::to_text)),
        proof: Set(Some(login.proof.as_str().to_owned())),
    });
    login::Entity::insert_many(rows)
        .exec_without_returning(txn)
        .await?;
    Ok((cookie, Session { sid, logins }))
}

/// Ends the session of a cookie and says who was logged in.
pub async fn end(
    txn: &DatabaseTransaction,
    cookie: &str,
    now: DateTime<Utc>,
) -> Result<Vec<Login>, DbErr> {
    let id = secret::digest(cookie);
    let found = session::Entity::find_by_id(id.clone())
        .filter(session::Column::ExpiresAt.gt(now))
        .find_with_related(login::Entity)
        .all(txn)
        .await?;
    session::Entity::delete_by_id(id).exec(txn).await?;
    Ok(found
        .into_iter()
        .flat_map(|(_, logins)| logins)
        .map(Login::from)
        .collect())
}

/// The living sessions of a user, the one that was busy last first.
pub async fn list_of(
    db: &impl ConnectionTrait,
    user_id: &str,
    idle: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Vec<OwnSession>, DbErr> {
    let found = session::Entity::find()
        .filter(session::Column::IdHash.in_subquery(of_user(user_id)))
        .filter(session::Column::ExpiresAt.gt(now))
        .filter(session::Column::SeenAt.gt(now - idle))
        .find_with_related(login::Entity)
        .all(db)
        .await?;
    let mut list: Vec<OwnSession> = found
        .into_iter()
        .map(|(row, logins)| OwnSession {
            sid: row.sid,
            created_at: row.created_at,
            seen_at: row.seen_at,
            expires_at: row.expires_at,
            methods: logins.into_iter().map(|login| login.method).collect(),
            address: row.address,
            agent: row.agent,
        })
        .collect();
    list.sort_by_key(|session| std::cmp::Reverse(session.seen_at));
    Ok(list)
}

/// Ends the session of a user with this name. False: he has none.
pub async fn end_named(txn: &DatabaseTransaction, user_id: &str, sid: &str) -> Result<bool, DbErr> {
    let deleted = session::Entity::delete_many()
        .filter(session::Column::Sid.eq(sid))
        .filter(session::Column::IdHash.in_subquery(of_user(user_id)))
        .exec(txn)
        .await?;
    Ok(deleted.rows_affected > 0)
}

fn of_user(user_id: &str) -> SelectStatement {
    Query::select()
        .column(login::Column::Session)
        .from(login::Entity)
        .and_where(login::Column::UserId.eq(user_id))
        .to_owned()
}

/// Ends all sessions in which `user_id` is logged in.
pub async fn delete_of(txn: &DatabaseTransaction, user_id: &str) -> Result<(), DbErr> {
    session::Entity::delete_many()
        .filter(session::Column::IdHash.in_subquery(of_user(user_id)))
        .exec(txn)
        .await?;
    Ok(())
}

impl From<login::Model> for Login {
    fn from(row: login::Model) -> Self {
        Self {
            method: row.method,
            user_id: row.user_id,
            auth_time: row.auth_time,
            identity: row.identity.as_deref().and_then(Identity::parse),
            proof: Proof::parse(row.proof.as_deref()),
        }
    }
}
