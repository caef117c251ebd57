//! Devices without a browser (RFC 8628): the device shows a code, its owner types it in elsewhere and
//! agrees there, and the device asks again and again until it gets tokens.

mod authorization;
mod pages;
mod row;
mod store;
mod user_code;

use axum::{
    Router,
    routing::{get, post},
};
use chrono::{DateTime, TimeDelta, Utc};

use crate::state::AppState;

pub use pages::{deny, outcome};
pub use store::{consume, find, grant, note_poll};

/// How long a device waits.
pub const LIFETIME: TimeDelta = TimeDelta::minutes(10);
/// Seconds between two questions of a device, and how many more it has to wait after asking too fast.
const INTERVAL: i64 = 5;
/// A device keeps the pause by its own clock, and the network shortens it.
const TOLERANCE: TimeDelta = TimeDelta::seconds(1);

/// Below the base path.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/oauth2/device_authorization", post(authorization::begin))
        .route("/device", get(pages::show).post(pages::enter))
}

/// A device that waits, or waited.
#[derive(Clone, Debug)]
pub struct Device {
    /// Digest of the code that the device has.
    pub id: String,
    pub client_id: String,
    pub scope: Vec<String>,
    family: Option<String>,
    denied: bool,
    poll_seconds: i64,
    polled_at: Option<DateTime<Utc>>,
    expires_at: DateTime<Utc>,
    is_used: bool,
}

/// What a device is told that asks for its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Poll {
    Pending,
    TooFast,
    Denied,
    Expired,
    /// It has had its tokens.
    Used,
    /// Somebody agreed; the tokens are of this family.
    Granted(String),
}

impl Device {
    /// The answer at `now`.
    pub fn poll(&self, now: DateTime<Utc>) -> Poll {
        let pause = TimeDelta::seconds(self.poll_seconds) - TOLERANCE;
        match (&self.family, self.polled_at) {
            _ if self.is_used => Poll::Used,
            _ if self.expires_at <= now => Poll::Expired,
            _ if self.denied => Poll::Denied,
            (Some(family), _) => Poll::Granted(family.clone()),
            (None, Some(before)) if now - before < pause => Poll::TooFast,
            (None, _) => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_told_what_its_owner_did_and_when_it_asks_too_fast() {
        let at = |seconds: i64| DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap();
        let new = Device {
            id: String::new(),
            client_id: String::new(),
            scope: Vec::new(),
            family: None,
            denied: false,
            poll_seconds: 5,
            polled_at: None,
            expires_at: at(600),
            is_used: false,
        };
        assert_eq!(new.poll(at(0)), Poll::Pending);
        let asked = Device {
            polled_at: Some(at(10)),
            ..new.clone()
        };
        assert_eq!(asked.poll(at(13)), Poll::TooFast);
        assert_eq!(asked.poll(at(14)), Poll::Pending);
        let granted = Device {
            family: Some("f".to_owned()),
            ..asked.clone()
        };
        assert_eq!(granted.poll(at(11)), Poll::Granted("f".to_owned()));
        let denied = Device {
            denied: true,
            ..asked.clone()
        };
        assert_eq!(denied.poll(at(11)), Poll::Denied);
        assert_eq!(granted.poll(at(600)), Poll::Expired);
        let used = Device {
            is_used: true,
            ..granted
        };
        assert_eq!(used.poll(at(600)), Poll::Used);
    }
}
