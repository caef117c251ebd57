//! The one user of methods of type `dummy` (F33): for development, behind a switch of the operator's.

use serde_json::Map;

use crate::federated::Identity;

pub fn identity() -> Identity {
    Identity {
        id: "1234567890".to_owned(),
        email: Some("dummy@hello.com".to_owned()),
        email_verified: true,
        groups: Vec::new(),
        claims: Map::new(),
        session: None,
    }
}
