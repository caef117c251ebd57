//! Codes of an authenticator app (RFC 6238): six digits, new every 30 seconds, each good once.

use chrono::{DateTime, Utc};
use ring::hmac;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter,
    sea_query::{Expr, OnConflict},
};
use service::{
    keys::{Key, Purpose},
    random,
};
use subtle::ConstantTimeEq;

use super::row::totp as row;
use crate::state::AppState;

pub const DIGITS: u32 = 6;
const STEP: i64 = 30;
/// Clocks of telephones differ: one step in each direction.
const DRIFT: i64 = 1;
const SECRET_BYTES: usize = 20;

/// The app of an account.
#[derive(Clone, Debug)]
pub struct Totp {
    pub confirmed_at: Option<DateTime<Utc>>,
    secret: String,
}

/// What an app has to be told.
#[derive(Clone, Debug)]
pub struct Enrolment {
    /// For typing in.
    pub secret: String,
    /// For a QR code.
    pub uri: String,
}

/// The app of an account, confirmed or not.
pub async fn find(db: &impl ConnectionTrait, user_id: &str) -> Result<Option<Totp>, DbErr> {
    let row = row::Entity::find_by_id(user_id).one(db).await?;
    Ok(row.map(|row| Totp {
        confirmed_at: row.confirmed_at,
        secret: row.secret,
    }))
}

pub async fn is_confirmed(db: &impl ConnectionTrait, user_id: &str) -> Result<bool, DbErr> {
    let found = find(db, user_id).await?;
    Ok(found.is_some_and(|totp| totp.confirmed_at.is_some()))
}

impl Totp {
    /// What the app of `email` is told.
    pub fn enrolment(&self, state: &AppState, user_id: &str, email: &str) -> Option<Enrolment> {
        let secret = open(&key(state)?, &self.secret, user_id)?;
        let secret = base32(&secret);
        let title = &state.configuration().title;
        let escape = |text: &str| {
            let escaped: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
            escaped.replace('+', "%20")
        };
        let (issuer, email) = (escape(title), escape(email));
        let uri = format!("otpauth://totp/{issuer}:{email}?secret={secret}&issuer={issuer}");
        Some(Enrolment { secret, uri })
    }
}

/// A new secret, which counts once it is confirmed. A confirmed one stays as it is.
pub async fn begin(
    state: &AppState,
    txn: &DatabaseTransaction,
    user_id: &str,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let mut secret = [0; SECRET_BYTES];
    random::fill(&mut secret);
    let key = key(state).ok_or_else(|| DbErr::Custom("there is no key for secrets".to_owned()))?;
    let new = row::ActiveModel {
        user_id: Set(user_id.to_owned()),
        secret: Set(key.seal(&secret, user_id.as_bytes())),
        last_step: Set(0),
        created_at: Set(now),
        confirmed_at: Set(None),
    };
    row::Entity::delete_many()
        .filter(row::Column::UserId.eq(user_id))
        .filter(row::Column::ConfirmedAt.is_null())
        .exec(txn)
        .await?;
    let conflict = OnConflict::column(row::Column::UserId)
        .do_nothing()
        .to_owned();
    row::Entity::insert(new)
        .on_conflict(conflict)
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

/// Takes a new secret into use, if `typed` is its code.
pub async fn confirm(
    state: &AppState,
    txn: &DatabaseTransaction,
    user_id: &str,
    typed: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let Some(row) = row::Entity::find_by_id(user_id).one(txn).await? else {
        return Ok(false);
    };
    let Some(step) = right_step(state, &row, typed, now) else {
        return Ok(false);
    };
    let updated = row::Entity::update_many()
        .col_expr(row::Column::ConfirmedAt, Expr::value(now))
        .col_expr(row::Column::LastStep, Expr::value(step))
        .filter(row::Column::UserId.eq(user_id))
        .filter(row::Column::ConfirmedAt.is_null())
        .filter(row::Column::Secret.eq(&row.secret))
        .exec(txn)
        .await?;
    Ok(updated.rows_affected == 1)
}

/// Whether `typed` is the code of now. It is not a second time.
pub async fn use_up(
    state: &AppState,
    user_id: &str,
    typed: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let row = row::Entity::find_by_id(user_id)
        .one(state.database.read())
        .await?;
    let Some(row) = row.filter(|row| row.confirmed_at.is_some()) else {
        return Ok(false);
    };
    let Some(step) = right_step(state, &row, typed, now) else {
        return Ok(false);
    };
    let txn = state.database.write().await?;
    let updated = row::Entity::update_many()
        .col_expr(row::Column::LastStep, Expr::value(step))
        .filter(row::Column::UserId.eq(user_id))
        .filter(row::Column::LastStep.lt(step))
        .exec(&txn)
        .await?;
    txn.commit().await?;
    Ok(updated.rows_affected == 1)
}

pub async fn delete(txn: &DatabaseTransaction, user_id: &str) -> Result<(), DbErr> {
    row::Entity::delete_by_id(user_id).exec(txn).await?;
    Ok(())
}

fn right_step(state: &AppState, row: &row::Model, typed: &str, now: DateTime<Utc>) -> Option<i64> {
    let secret = open(&key(state)?, &row.secret, &row.user_id)?;
    let typed: String = typed.chars().filter(char::is_ascii_digit).collect();
    step_of(&secret, &typed, now.timestamp(), row.last_step)
}

/// The step whose code was typed, if it is near and later than `last`.
fn step_of(secret: &[u8], typed: &str, seconds: i64, last: i64) -> Option<i64> {
    let current = seconds.div_euclid(STEP);
    let mut found = None;
    // All of them are compared, whichever is right.
    for step in current - DRIFT..=current + DRIFT {
        let is_right = bool::from(code(secret, step).as_bytes().ct_eq(typed.as_bytes()));
        if is_right && step > last {
            found = Some(step);
        }
    }
    found
}

fn code(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[tag.len() - 1] & 0x0f);
    let word: [u8; 4] = tag[offset..offset + 4]
        .try_into()
        .expect("the offset is at most 15 of 20");
    let number = (u32::from_be_bytes(word) & 0x7fff_ffff) % 10_u32.pow(DIGITS);
    format!("{number:0width$}", width = DIGITS as usize)
}

fn key(state: &AppState) -> Option<Key> {
    state.settings.keys.derive(&Purpose::Credential).ok()
}

fn open(key: &Key, sealed: &str, user_id: &str) -> Option<Vec<u8>> {
    let opened = key.open(sealed, user_id.as_bytes());
    if let Err(error) = &opened {
        tracing::error!(
            user.id = user_id,
            "the secret of an app cannot be read: {error}"
        );
    }
    opened.ok()
}

/// RFC 4648, without padding, as apps want it.
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::new();
    for chunk in bytes.chunks(5) {
        let mut block = [0; 8];
        block[3..3 + chunk.len()].copy_from_slice(chunk);
        let number = u64::from_be_bytes(block);
        let letters = (chunk.len() * 8).div_ceil(5);
        for index in 0..letters {
            let five = (number >> (35 - 5 * index)) & 0x1f;
            text.push(char::from(
                ALPHABET[usize::try_from(five).expect("five bits")],
            ));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B (the last six digits).
        let secret = b"12345678901234567890";
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(secret, seconds / STEP), expected, "{seconds}");
        }
    }

    #[test]
    fn a_code_counts_once_and_for_a_minute_and_a_half() {
        let secret = b"12345678901234567890";
        let typed = code(secret, 1000);
        let at = |seconds, last| step_of(secret, &typed, seconds, last);
        for seconds in [1000 * STEP - STEP, 1000 * STEP, 1001 * STEP + 29] {
            assert_eq!(at(seconds, 0), Some(1000), "{seconds}");
        }
        assert_eq!(at(999 * STEP - 1, 0), None);
        assert_eq!(at(1002 * STEP, 0), None);
        assert_eq!(at(1000 * STEP, 1000), None);
        assert_eq!(step_of(secret, "", 1000 * STEP, 0), None);
    }

    #[test]
    fn secrets_are_written_in_the_letters_of_apps() {
        // RFC 4648, section 10.
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("foob", "MZXW6YQ"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }
}
