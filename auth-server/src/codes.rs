//! Authorization codes: single use, short-lived, bound to client, redirect URI and challenge.

mod row;
mod store;

use chrono::{DateTime, TimeDelta, Utc};

pub use store::{NewCode, consume, find, insert};

/// How long a code may wait. RFC 6749 4.1.2 recommends ten minutes at most; one is enough for a
/// redirect and keeps a leaked code worthless.
pub const LIFETIME: TimeDelta = TimeDelta::seconds(60);

/// A code that was issued. Who and what it stands for is in its family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    pub family: String,
    pub redirect_uri: String,
    /// Encoded by the PKCE extension.
    pub challenge: Option<String>,
    pub expires_at: DateTime<Utc>,
    pub used_at: Option<DateTime<Utc>>,
    pub nonce: Option<String>,
    pub resource: Option<String>,
}
