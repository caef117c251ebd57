//! Users as messages name them (events-and-adapters D1, E1).

use serde::{Deserialize, Serialize};

use super::{Client, Error, Optional};
use crate::types::{Registration, pools::PORTAL_POOL};

/// A user with the name to show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    pub id: String,
    pub email: String,
    /// From the user's only registration in the portal's pool, else the mail address.
    pub name: String,
    pub first_name: String,
    pub last_name: String,
}

impl Person {
    /// `registrations` are those in the portal's pool.
    pub fn new(id: String, email: String, registrations: &[Registration]) -> Self {
        let registration = match registrations {
            [only] => Some(only),
            _ => None,
        };
        let property = |names: [&str; 2]| {
            names
                .into_iter()
                .find_map(|name| registration?.property(name))
                .map(str::to_owned)
        };
        let registered = registration.and_then(|registration| registration.name());
        let (first, rest) = registered
            .and_then(|name| name.split_once(' '))
            .unwrap_or((registered.unwrap_or_default(), ""));
        Self {
            id,
            name: registered.unwrap_or(&email).to_owned(),
            first_name: property(["firstName", "firstname"]).unwrap_or_else(|| first.to_owned()),
            last_name: property(["lastName", "lastname"]).unwrap_or_else(|| rest.trim().to_owned()),
            email,
        }
    }

    /// Somebody of whom only the address is known.
    pub fn unknown(email: &str) -> Self {
        Self {
            email: email.to_owned(),
            name: email.to_owned(),
            ..Self::default()
        }
    }
}

impl Client {
    /// The user with his name; nothing when he does not exist (any more).
    pub async fn person(&self, user_id: &str) -> Result<Option<Person>, Error> {
        let Some(user) = self.user(user_id).await.optional()? else {
            return Ok(None);
        };
        // A missing name is no reason to leave a message unsent.
        let registrations = self
            .registrations(PORTAL_POOL, user_id)
            .await
            .unwrap_or_default();
        Ok(Some(Person::new(user.id, user.email, &registrations)))
    }
}
