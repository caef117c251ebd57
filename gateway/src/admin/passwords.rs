//! Passwords of `basic-auth` are hashed before they are stored, away from the thread that stores.

use kong::{ApiError, Kind};
use serde_json::{Map, Value};

use crate::plugins::password;

/// The fields with the hash in the place of a password.
pub async fn hash(
    kind: Kind,
    mut fields: Map<String, Value>,
) -> Result<Map<String, Value>, ApiError> {
    if kind != Kind::BasicAuth {
        return Ok(fields);
    }
    let Some(Value::String(given)) = fields.get("password") else {
        return Ok(fields);
    };
    // Tools write back what they have read.
    if given.is_empty() || password::is_hash(given) {
        return Ok(fields);
    }
    let given = given.clone();
    let hashed = tokio::task::spawn_blocking(move || password::hash(&given))
        .await
        .map_err(|_| ApiError::plain(500, "the password could not be hashed"))?;
    fields.insert("password".to_owned(), hashed.into());
    Ok(fields)
}
