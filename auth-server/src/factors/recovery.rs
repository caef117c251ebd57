//! Codes on paper, for the day the telephone is lost. Each is good once.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait,
    PaginatorTrait, QueryFilter,
};
use service::random;

use super::row::recovery_code as row;
use crate::{secret, state::AppState};

const CODES: usize = 10;
/// Without letters and digits that look alike; 32 of them, so each byte gives five bits.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// 80 bits: nobody who has the table only finds them.
const LENGTH: usize = 16;

/// New codes; those from before end.
pub async fn renew(
    txn: &DatabaseTransaction,
    user_id: &str,
    now: DateTime<Utc>,
) -> Result<Vec<String>, DbErr> {
    delete(txn, user_id).await?;
    let codes: Vec<String> = std::iter::repeat_with(generate).take(CODES).collect();
    let rows = codes.iter().map(|code| row::ActiveModel {
        code_hash: Set(digest(user_id, code)),
        user_id: Set(user_id.to_owned()),
        created_at: Set(now),
    });
    row::Entity::insert_many(rows)
        .exec_without_returning(txn)
        .await?;
    Ok(codes.iter().map(|code| shown(code)).collect())
}

pub async fn count(db: &impl ConnectionTrait, user_id: &str) -> Result<u64, DbErr> {
    row::Entity::find()
        .filter(row::Column::UserId.eq(user_id))
        .count(db)
        .await
}

/// Whether `typed`, without blanks and hyphens, is one of the codes. It is not a second time.
pub async fn use_up(state: &AppState, user_id: &str, typed: &str) -> Result<bool, DbErr> {
    if typed.len() != LENGTH {
        return Ok(false);
    }
    let hash = digest(user_id, &typed.to_ascii_lowercase());
    let txn = state.database.write().await?;
    let deleted = row::Entity::delete_many()
        .filter(row::Column::CodeHash.eq(hash))
        .filter(row::Column::UserId.eq(user_id))
        .exec(&txn)
        .await?;
    txn.commit().await?;
    Ok(deleted.rows_affected == 1)
}

pub async fn delete(txn: &DatabaseTransaction, user_id: &str) -> Result<(), DbErr> {
    row::Entity::delete_many()
        .filter(row::Column::UserId.eq(user_id))
        .exec(txn)
        .await?;
    Ok(())
}

fn digest(user_id: &str, code: &str) -> String {
    secret::digest(&format!("recovery/{user_id}/{code}"))
}

fn generate() -> String {
    let mut bytes = [0; LENGTH];
    random::fill(&mut bytes);
    let letter = |byte: u8| char::from(ALPHABET[usize::from(byte & 0x1f)]);
    bytes.into_iter().map(letter).collect()
}

/// In groups of four.
fn shown(code: &str) -> String {
    let letters: Vec<char> = code.chars().collect();
    let groups = letters
        .chunks(4)
        .map(|group| group.iter().collect::<String>());
    groups.collect::<Vec<_>>().join("-")
}
