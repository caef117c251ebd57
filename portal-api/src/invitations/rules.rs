//! Decisions about invitations, without I/O.

use chrono::TimeDelta;
use ring::digest::{SHA256, digest as sha256};
use sdk::types::{Role, invitations::NewInvitation};

use crate::{
    ApiError,
    owners::{self, Owner},
    users::email,
};

pub const LIFETIME: TimeDelta = TimeDelta::days(7);
/// Open invitations of one application.
pub const MOST: u64 = 100;

/// Longest text that may be a token.
pub const MAX_TOKEN: usize = 128;

/// What a token is found by. Tokens are 160 random bits, so nothing is gained by a key.
pub fn digest(token: &str) -> String {
    hex::encode(sha256(&SHA256, token.as_bytes()))
}

/// Address and role of a request.
pub fn check(request: &NewInvitation, members: &[Owner]) -> Result<(String, Role), ApiError> {
    let role = owners::role(&request.role).ok_or_else(|| {
        let message = "`role` has to be `owner`, `collaborator` or `reader`.";
        ApiError::invalid("role", "choice", message)
    })?;
    let address = email::fold(&request.email);
    if !email::is_valid(&address) {
        let message = "`email` is not a mail address such as name@example.org.";
        return Err(ApiError::invalid("email", "format", message));
    }
    if members.iter().any(|member| member.email == address) {
        let message = "This user has a role on the application already.";
        return Err(ApiError::conflict("has-role", message));
    }
    Ok((address, role))
}
