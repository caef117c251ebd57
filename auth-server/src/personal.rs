//! Personal access tokens (`wgp_…`): for a user's own programs. One is no access token itself; the
//! portal exchanges it for a short one of its user (RFC 8693), with the scopes that he named.

mod exchange;
mod row;
mod store;

use chrono::{DateTime, Utc};

pub use exchange::exchange;
pub use store::{delete, delete_of, insert, list};

use crate::secret::Secret;

/// What they begin with, so that they are found where they leaked.
const PREFIX: &str = "wgp_";
/// At a time, per user.
pub const MAX_PER_USER: usize = 50;

/// A personal access token, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonalToken {
    pub id: String,
    pub user_id: String,
    pub name: String,
    pub last4: String,
    pub scope: Vec<String>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A new token's text; whoever made it sees it once.
fn generate() -> String {
    format!("{PREFIX}{}", Secret::generate().expose())
}

fn is_personal(token: &str) -> bool {
    token.starts_with(PREFIX)
}
