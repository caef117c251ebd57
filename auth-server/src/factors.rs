//! What accounts of this installation can show beside a password, or instead of one: codes of an
//! authenticator app (RFC 6238), codes on paper for the day it is lost, and passkeys (`WebAuthn`).
//!
//! Whoever has set up an app gives a second proof at each log-in; a passkey will do, too. A passkey
//! that has checked its owner is enough by itself.

mod passkeys;
mod proof;
mod recovery;
mod row;
mod totp;
pub mod webauthn;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr};

pub use passkeys::{NewPasskey, Passkey};
pub use proof::{ACR_MULTI, ACR_SINGLE, Proof};
pub use totp::Enrolment;

use crate::state::AppState;

/// Most passkeys of one account.
pub const MAX_PASSKEYS: usize = 20;

/// Whether a log-in of this user has a second step.
pub async fn is_on(db: &impl ConnectionTrait, user_id: &str) -> Result<bool, DbErr> {
    totp::is_confirmed(db, user_id).await
}

/// Checks what somebody has typed in as his second proof: the code of the app, or one of paper, which
/// is used up.
pub async fn check_code(state: &AppState, user_id: &str, typed: &str) -> Result<bool, DbErr> {
    let typed: String = typed.chars().filter(char::is_ascii_alphanumeric).collect();
    let now = service::clock::now();
    if typed.len() == totp::DIGITS as usize && typed.bytes().all(|byte| byte.is_ascii_digit()) {
        return totp::use_up(state, user_id, &typed, now).await;
    }
    recovery::use_up(state, user_id, &typed).await
}

/// How many codes of paper are left.
pub use recovery::count as codes_left;
/// New codes for paper; the old ones end.
pub use recovery::renew as renew_codes;

pub use passkeys::{
    count as count_passkeys, delete as delete_passkey, find as find_passkey,
    insert as insert_passkey, list as list_passkeys, mark_used as mark_passkey_used,
};
pub use totp::{begin as begin_totp, confirm as confirm_totp, find as find_totp};

/// Switches the second step off: the app and the codes of paper. Passkeys stay.
pub async fn switch_off(txn: &DatabaseTransaction, user_id: &str) -> Result<(), DbErr> {
    totp::delete(txn, user_id).await?;
    recovery::delete(txn, user_id).await
}

/// Removes everything: the account is gone, or its owner has lost all of it.
pub async fn delete_of(txn: &DatabaseTransaction, user_id: &str) -> Result<(), DbErr> {
    switch_off(txn, user_id).await?;
    passkeys::delete_of(txn, user_id).await
}
