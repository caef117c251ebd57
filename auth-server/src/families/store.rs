//! Rows of families and their tokens.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait,
    IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, OnConflict},
};
use service::revocations::Revoked;

use crate::{
    backchannel, kong, records, revoked, scopes, secret, subject::KeptProfile, tokens::MAX_LIFETIME,
};

use super::{
    Family, Presented, RevokeReason, Verdict,
    row::{access_token, family, refresh_token},
};

/// How long a refresh token that was replaced is recognised, in a family that goes on for longer.
pub const REPLACED_KEPT: TimeDelta = TimeDelta::days(90);

/// The tokens of one answer.
pub struct NewTokens<'a> {
    /// Name and end of an access token that only our own list can revoke.
    pub access: Option<(&'a str, DateTime<Utc>)>,
    /// A refresh token and its generation.
    pub refresh: Option<(&'a str, i64)>,
}

/// Stores a new family.
pub async fn begin(
    txn: &DatabaseTransaction,
    new: &Family,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = family::Model {
        id: new.id.clone(),
        client_id: new.client_id.clone(),
        api: new.api.clone(),
        method: new.method.clone(),
        user_id: new.user_id.clone(),
        namespace: new.namespace.clone(),
        scope: scopes::join(&new.scope),
        sid: new.sid.clone(),
        auth_time: new.auth_time,
        created_at: now,
        expires_at: new.expires_at,
        revoked_at: None,
        revoked_reason: None,
        authenticated_userid: new.verbatim.clone(),
        profile: new.profile.as_ref().map(KeptProfile::to_text),
        proof: Some(new.proof.as_str().to_owned()),
    };
    family::Entity::insert(row.into_active_model())
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

pub async fn find(db: &impl ConnectionTrait, id: &str) -> Result<Option<Family>, DbErr> {
    Ok(family::Entity::find_by_id(id)
        .one(db)
        .await?
        .map(Family::from))
}

/// The family of one of our access tokens, by its name.
pub async fn find_by_access(db: &impl ConnectionTrait, jti: &str) -> Result<Option<Family>, DbErr> {
    let token = access_token::Entity::find_by_id(jti).one(db).await?;
    match token {
        Some(token) => find(db, &token.family).await,
        None => Ok(None),
    }
}

/// Remembers what a scope service said at a refresh.
pub async fn renew(txn: &DatabaseTransaction, renewed: &Family) -> Result<(), DbErr> {
    let text = renewed.verbatim.clone();
    family::Entity::update_many()
        .col_expr(
            family::Column::Scope,
            Expr::value(scopes::join(&renewed.scope)),
        )
        .col_expr(family::Column::AuthenticatedUserid, Expr::value(text))
        .filter(family::Column::Id.eq(&renewed.id))
        .exec(txn)
        .await?;
    Ok(())
}

/// The living families of a user at one API.
pub async fn list_living(
    db: &impl ConnectionTrait,
    user_id: &str,
    api: &str,
    now: DateTime<Utc>,
) -> Result<Vec<Family>, DbErr> {
    let rows = family::Entity::find()
        .filter(family::Column::UserId.eq(user_id))
        .filter(family::Column::Api.eq(api))
        .filter(family::Column::RevokedAt.is_null())
        .filter(family::Column::ExpiresAt.gt(now))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(Family::from).collect())
}

/// Lets a family live until `until`.
pub async fn extend(
    txn: &DatabaseTransaction,
    id: &str,
    until: DateTime<Utc>,
) -> Result<(), DbErr> {
    family::Entity::update_many()
        .col_expr(family::Column::ExpiresAt, Expr::value(until))
        .filter(family::Column::Id.eq(id))
        .exec(txn)
        .await?;
    Ok(())
}

/// Remembers the tokens of an answer.
pub async fn insert_tokens(
    txn: &DatabaseTransaction,
    family: &str,
    tokens: NewTokens<'_>,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    if let Some((jti, ends)) = tokens.access {
        access_token::Entity::insert(access_token::ActiveModel {
            jti: Set(jti.to_owned()),
            family: Set(family.to_owned()),
            expires_at: Set(ends),
        })
        .exec_without_returning(txn)
        .await?;
    }
    if let Some((token, generation)) = tokens.refresh {
        refresh_token::Entity::insert(refresh_token::ActiveModel {
            token_hash: Set(secret::digest(token)),
            family: Set(family.to_owned()),
            generation: Set(generation),
            created_at: Set(now),
            replaced_at: Set(None),
            repeated_at: Set(None),
        })
        // Of a repetition it is there already.
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    }
    Ok(())
}

/// Looks at a refresh token.
pub async fn present(
    db: &impl ConnectionTrait,
    token: &str,
) -> Result<Option<(Family, Presented)>, DbErr> {
    let found = refresh_token::Entity::find_by_id(secret::digest(token))
        .one(db)
        .await?;
    let Some(row) = found else {
        return Ok(None);
    };
    let newest: Option<i64> = refresh_token::Entity::find()
        .select_only()
        .column(refresh_token::Column::Generation)
        .filter(refresh_token::Column::Family.eq(&row.family))
        .order_by_desc(refresh_token::Column::Generation)
        .into_tuple()
        .one(db)
        .await?;
    let Some(family) = find(db, &row.family).await? else {
        return Ok(None);
    };
    let presented = Presented {
        generation: row.generation,
        newest: newest.unwrap_or(row.generation),
        replaced_at: row.replaced_at,
        repeated_at: row.repeated_at,
    };
    Ok(Some((family, presented)))
}

/// Marks a token as replaced, or as repeated. False: a parallel request was faster, so the
/// verdict has to be found anew.
pub async fn mark(
    txn: &DatabaseTransaction,
    token: &str,
    verdict: Verdict,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let column = match verdict {
        Verdict::Rotate => refresh_token::Column::ReplacedAt,
        Verdict::Repeat => refresh_token::Column::RepeatedAt,
        Verdict::Reused => return Ok(true),
    };
    let updated = refresh_token::Entity::update_many()
        .col_expr(column, Expr::value(Some(now)))
        .filter(refresh_token::Column::TokenHash.eq(secret::digest(token)))
        .filter(column.is_null())
        .exec(txn)
        .await?;
    Ok(updated.rows_affected == 1)
}

/// Ends a family: no refresh, and its unexpired access tokens are on the list of revocations, or on
/// that of tokens which Kong has to delete.
pub async fn revoke(
    txn: &DatabaseTransaction,
    id: &str,
    reason: RevokeReason,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let this = Condition::all().add(family::Column::Id.eq(id));
    let ended = revoke_where(txn, this, reason, now).await?;
    list_tokens(txn, &ended, now).await
}

/// Ends all that a user has.
pub async fn revoke_of_user(
    txn: &DatabaseTransaction,
    user_id: &str,
    reason: RevokeReason,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let of_user = Condition::all().add(family::Column::UserId.eq(user_id));
    let ended = revoke_where(txn, of_user, reason, now).await?;
    // One by one, too: tokens tell seconds only, and of those of this second some may be new.
    list_tokens(txn, &ended, now).await?;
    let is_gone = reason == RevokeReason::UserGone;
    list_user(txn, user_id, now.timestamp() + i64::from(is_gone), now).await
}

/// Ends what a user was given before `until`, and leaves what he got since: he had to log in anew.
/// `margin` covers clocks that differ a little.
pub async fn revoke_before(
    txn: &DatabaseTransaction,
    user_id: &str,
    until: DateTime<Utc>,
    margin: TimeDelta,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let before = until - margin;
    let of_no_login = Condition::all()
        .add(family::Column::AuthTime.is_null())
        .add(family::Column::CreatedAt.lt(before));
    let began = Condition::any()
        .add(family::Column::AuthTime.lt(before))
        .add(of_no_login);
    let older = Condition::all()
        .add(family::Column::UserId.eq(user_id))
        .add(began);
    let ended = revoke_where(txn, older, RevokeReason::PasswordChanged, now).await?;
    list_tokens(txn, &ended, now).await?;
    let not_before = until.timestamp().min(now.timestamp());
    list_user(txn, user_id, not_before, now).await
}

/// Ends all families that came out of a session.
pub async fn revoke_of_session(
    txn: &DatabaseTransaction,
    sid: &str,
    reason: RevokeReason,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let of_session = Condition::all().add(family::Column::Sid.eq(sid));
    if revoke_where(txn, of_session, reason, now).await?.is_empty() {
        return Ok(());
    }
    let sid = sid.to_owned();
    revoked::insert(txn, Revoked::Session { sid }, now + MAX_LIFETIME, now).await
}

/// What stands in the place of a log-in in families that a personal access token was exchanged for.
pub fn name_of_personal(id: &str) -> String {
    format!("personal-{id}")
}

/// Ends all families that a personal access token was exchanged for.
pub async fn revoke_of_personal(
    txn: &DatabaseTransaction,
    id: &str,
    reason: RevokeReason,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let of_token = Condition::all().add(family::Column::Sid.eq(name_of_personal(id)));
    let ended = revoke_where(txn, of_token, reason, now).await?;
    list_tokens(txn, &ended, now).await
}

/// Marks families as ended, and has Kong forget their tokens. Says which they were.
async fn revoke_where(
    txn: &DatabaseTransaction,
    which: Condition,
    reason: RevokeReason,
    now: DateTime<Utc>,
) -> Result<Vec<String>, DbErr> {
    let rows = family::Entity::find()
        .filter(which)
        .filter(family::Column::RevokedAt.is_null())
        .all(txn)
        .await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ended: Vec<Family> = rows.into_iter().map(Family::from).collect();
    let whose: BTreeSet<_> = ended
        .iter()
        .map(|family| (&family.user_id, &family.client_id))
        .collect();
    for (user, client) in whose {
        records::tokens::revoked(txn, Some(user), client, reason, now).await?;
    }
    if reason.ends_session() {
        backchannel::announce(txn, &ended, now).await?;
    }
    let ids: Vec<String> = ended.into_iter().map(|family| family.id).collect();
    family::Entity::update_many()
        .col_expr(family::Column::RevokedAt, Expr::value(Some(now)))
        .col_expr(
            family::Column::RevokedReason,
            Expr::value(Some(reason.as_str())),
        )
        .filter(family::Column::Id.is_in(&ids))
        .exec(txn)
        .await?;
    tracing::info!(
        families = ids.len(),
        reason = reason.as_str(),
        "token families revoked"
    );
    kong::end_of_families(txn, &ids, now).await?;
    Ok(ids)
}

/// Puts the access tokens of families on the list of revocations.
async fn list_tokens(
    txn: &DatabaseTransaction,
    families: &[String],
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    if families.is_empty() {
        return Ok(());
    }
    let living = access_token::Entity::find()
        .filter(access_token::Column::Family.is_in(families))
        .filter(access_token::Column::ExpiresAt.gt(now))
        .all(txn)
        .await?;
    for token in living {
        let what = Revoked::Token { jti: token.jti };
        revoked::insert(txn, what, token.expires_at, now).await?;
    }
    Ok(())
}

/// Puts everything that a user was given before `not_before` on the list, as long as there may be
/// something of it.
async fn list_user(
    txn: &DatabaseTransaction,
    user_id: &str,
    not_before: i64,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let last = DateTime::from_timestamp(not_before, 0).unwrap_or(now) + MAX_LIFETIME;
    if last <= now {
        return Ok(());
    }
    let sub = user_id.to_owned();
    revoked::insert(txn, Revoked::User { sub, not_before }, last, now).await
}
