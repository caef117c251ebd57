//! The only place that asks the operating system for the time.
//! Rules take `now` as an argument; whoever does not, calls [`now`].

use chrono::{DateTime, SubsecRound, Utc};

/// The current time in UTC, cut to microseconds so that it survives a round trip through
/// PostgreSQL unchanged.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that may ask the clock"
)]
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}
