//! Decisions about invitations, without I/O.

use chrono::TimeDelta;
use ring::digest::{SHA256, digest as sha256};
use sdk::types::{Role, invitations::NewInvitation};
use sea_orm::DbErr;

use crate::{
    ApiError,
    error::is_duplicate,
    owners::{self, Owner},
    users::email,
};

pub const LIFETIME: TimeDelta = TimeDelta::days(7);
/// Open invitations of one application.
pub const MOST: u64 = 100;

/// Longest text that may be a token.
const MAX_TOKEN: usize = 128;

/// What a token is found by. Tokens are 160 random bits, so nothing is gained by a key.
pub fn digest(token: &str) -> String {
    hex::encode(sha256(&SHA256, token.as_bytes()))
}

/// Refuses what cannot be a token; `field` is where it stood.
pub fn check_token(field: &str, token: &str) -> Result<(), ApiError> {
    if token.len() <= MAX_TOKEN {
        return Ok(());
    }
    let message = format!("`{field}` is longer than a token of an invitation.");
    Err(ApiError::invalid(field, "length", message))
}

/// The address of a request, as it is stored.
pub fn address(email: &str) -> Result<String, ApiError> {
    let address = email::fold(email);
    if email::is_valid(&address) {
        return Ok(address);
    }
    let message = "`email` is not a mail address such as name@example.org.";
    Err(ApiError::invalid("email", "format", message))
}

/// Refuses one more than `most` open invitations; `of` has so many.
pub fn check_count(of: &str, open: u64, most: u64) -> Result<(), ApiError> {
    if open < most {
        return Ok(());
    }
    let message = format!("{of} has at most {most} open invitations.");
    Err(ApiError::conflict("too-many-invitations", message))
}

/// What storing an invitation failed with.
pub fn not_stored(error: DbErr) -> ApiError {
    if is_duplicate(&error) {
        let message = "This address was invited already; send the invitation again.";
        return ApiError::conflict("already-invited", message);
    }
    error.into()
}

pub fn not_found() -> ApiError {
    ApiError::not_found("There is no such invitation; it may have ended.")
}

/// Address and role of a request.
pub fn check(request: &NewInvitation, members: &[Owner]) -> Result<(String, Role), ApiError> {
    let role = owners::role(&request.role).ok_or_else(|| {
        let message = "`role` has to be `owner`, `collaborator` or `reader`.";
        ApiError::invalid("role", "choice", message)
    })?;
    let address = address(&request.email)?;
    if members.iter().any(|member| member.email == address) {
        let message = "This user has a role on the application already.";
        return Err(ApiError::conflict("has-role", message));
    }
    Ok((address, role))
}
