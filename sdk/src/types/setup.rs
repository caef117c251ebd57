//! First steps of a new installation (portal-api 29.3).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Answer of `GET /setup`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Setup {
    pub steps: Vec<SetupStep>,
    /// Whether somebody has put the list away.
    pub hidden: bool,
}

/// `own-account`, `own-configuration`, `mail-server`, `publish-api`, `first-application` or
/// `first-subscription`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SetupStep {
    pub id: String,
    pub done: bool,
}

/// Body of `PUT /setup`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PutSetup {
    pub hidden: bool,
}
