//! Browser sessions: who logged in, when and by which method. Nothing else is kept in them
//! (F2), so no request can inherit what another one found out.

mod row;
mod store;

use chrono::{DateTime, TimeDelta, Utc};

use crate::{factors::Proof, federated::Identity};

pub use store::{begin, delete_of, end, end_named, find, list_of};

/// How long a session lives at most, however busy it is.
pub const ABSOLUTE_LIFETIME: TimeDelta = TimeDelta::hours(12);

/// A living session.
#[derive(Clone, Debug)]
pub struct Session {
    /// The name of the session in tokens.
    pub sid: String,
    pub logins: Vec<Login>,
}

/// A user who is logged in by one method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    pub method: String,
    /// Empty for somebody whom an API passes through, and who has no account.
    pub user_id: String,
    pub auth_time: DateTime<Utc>,
    /// What a provider said, where one was asked.
    pub identity: Option<Identity>,
    pub proof: Proof,
}

/// Where somebody logged in, as far as it shows.
#[derive(Clone, Debug, Default)]
pub struct Place {
    pub address: String,
    /// `User-Agent`
    pub agent: Option<String>,
}

/// A session as its owner sees it.
#[derive(Clone, Debug)]
pub struct OwnSession {
    pub sid: String,
    pub created_at: DateTime<Utc>,
    pub seen_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub methods: Vec<String>,
    pub address: Option<String>,
    pub agent: Option<String>,
}

impl Session {
    /// The login by `method`, if it is not older than `after`.
    pub fn login(&self, method: &str, after: Option<DateTime<Utc>>) -> Option<&Login> {
        self.logins
            .iter()
            .find(|login| login.method == method)
            .filter(|login| after.is_none_or(|after| login.auth_time >= after))
    }
}
