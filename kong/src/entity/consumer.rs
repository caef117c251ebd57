use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::entity;

/// The identity of a client. At least one of `username` and `custom_id` is set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Consumer {
    pub id: Uuid,
    pub username: Option<String>,
    pub custom_id: Option<String>,
    pub tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<i64>,
    #[serde(skip_serializing)]
    pub updated_at: Option<i64>,
}

entity!(Consumer, Consumer, |consumer| consumer.username.as_deref());
