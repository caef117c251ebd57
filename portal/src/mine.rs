//! The visitor's own applications and their subscriptions, which several pages show.

pub use sdk::types::applications::ApplicationOfUser as Mine;
use sdk::types::page::Walk;

use crate::{failure::Failure, visitor::Visitor};

/// How many calls to portal-api one page makes at the same time.
pub const PARALLEL: usize = 8;
/// Applications of one answer of portal-api.
const PAGE: u64 = 500;
/// Of people with more the first ones are shown, by id.
const MAX_APPLICATIONS: usize = 5_000;

/// All applications of the visitor with their subscriptions, which come without secrets: pages show
/// hints at most. A guest has none.
pub async fn all(visitor: &Visitor) -> Result<Vec<Mine>, Failure> {
    match visitor.user() {
        Some(user) => of(visitor, &user.id).await,
        None => Ok(Vec::new()),
    }
}

/// The same of a user, for himself and for administrators.
pub async fn of(visitor: &Visitor, user: &str) -> Result<Vec<Mine>, Failure> {
    let client = visitor.client();
    let mut walk = Walk {
        limit: PAGE,
        ..Walk::default()
    };
    let mut all = Vec::new();
    loop {
        let page = client.walk_applications_of_user(user, &walk).await?;
        all.extend(page.items);
        match page.next {
            Some(next) if all.len() < MAX_APPLICATIONS => walk.cursor = next,
            _ => return Ok(all),
        }
    }
}
