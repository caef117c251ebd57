//! `/wicketgate/revocations`: access tokens that ended before their time (auth-server, Part 4).

use std::sync::Arc;

use kong::ApiError;
use serde_json::{Value, json};
use service::revocations::Feed;

use super::{Admin, Answer, Reply, body::Input};

/// Longest issuer.
const MAX_ISSUER: usize = 2048;

/// `GET /wicketgate/revocations`: how far the lists go. Their entries are nobody's business.
pub fn show(admin: &Arc<Admin>) -> Reply {
    let list = admin.shared.live.revoked.load();
    let issuers: Vec<Value> = list
        .ages(service::clock::now().timestamp())
        .map(|(issuer, entries, age)| {
            json!({
                "issuer": issuer, "seq": list.seq(issuer), "entries": entries, "age_seconds": age,
            })
        })
        .collect();
    Reply::ok(json!({ "issuers": issuers }))
}

/// `PUT /wicketgate/revocations`: adds to the list of an issuer. 409 if something is missing between
/// what is known and what the body begins with; a body with `after` 0 has everything.
pub async fn put(admin: &Arc<Admin>, input: Input) -> Answer {
    let Input::Json(fields) = input else {
        return Err(ApiError::plain(415, "expected application/json"));
    };
    let feed: Feed = serde_json::from_value(Value::Object(fields))
        .map_err(|error| ApiError::plain(400, format!("not a list of revocations: {error}")))?;
    if feed.issuer.is_empty() || feed.issuer.len() > MAX_ISSUER {
        let message = format!("issuer: has to have 1 to {MAX_ISSUER} bytes");
        return Err(ApiError::plain(400, message));
    }
    admin.revocations.clone().put(feed).await?;
    Ok(Reply::no_content())
}
