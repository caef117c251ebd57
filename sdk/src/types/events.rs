//! Events and their catalogue (events-and-adapters A2, A3, B8).

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// The kinds every listener gets that does not ask for others.
pub const STANDARD_KINDS: [&str; 18] = [
    "application.add",
    "application.update",
    "application.delete",
    "owner.add",
    "owner.delete",
    "subscription.add",
    "subscription.update",
    "subscription.delete",
    "approval.add",
    "user.add",
    "user.update",
    "user.delete",
    "user.password",
    "user.validated",
    "registration.add",
    "verification_email.add",
    "verification_lostpassword.add",
    "verification.delete",
];

/// Something that happened. `Debug` shows no `data`: verification events carry their secret there.
#[derive(Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(examples(json!({
    "id": "0192f0c4-1f3b-7c7e-8d5a-3b1f0a9c2d11", "seq": 17, "utc": 1_795_249_800, "action": "add",
    "entity": "application", "data": {"applicationId": "web-shop"}
})))]
/// Something that has happened, as listeners are told.
pub struct Event {
    pub id: String,
    /// Ascending in the order of commits; absent from servers without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
    /// Unix seconds of creation.
    #[serde(default)]
    pub utc: i64,
    pub action: String,
    pub entity: String,
    #[serde(default, deserialize_with = "super::lenient::null_default")]
    #[schema(value_type = Object)]
    pub data: Map<String, Value>,
    /// Sent again on request.
    #[serde(default, skip_serializing_if = "super::lenient::is_false")]
    pub replay: bool,
}

impl Event {
    /// `<entity>.<action>`.
    pub fn kind(&self) -> String {
        format!("{}.{}", self.entity, self.action)
    }

    /// Whether the event is of this kind (`subscription.add`).
    pub fn is(&self, kind: &str) -> bool {
        kind.split_once('.') == Some((&self.entity, &self.action))
    }

    /// A member of `data` with a text that is not empty.
    pub fn text(&self, member: &str) -> Option<&str> {
        self.data
            .get(member)?
            .as_str()
            .filter(|text| !text.is_empty())
    }

    /// What changed, in `subscription.update`: `approved`, `trusted`, `scopes`, `plan`,
    /// `credentials`.
    pub fn changes(&self) -> impl Iterator<Item = &str> {
        let changes = self.data.get("changes").and_then(Value::as_array);
        changes.into_iter().flatten().filter_map(Value::as_str)
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event({} {})", self.kind(), self.id)
    }
}

/// Whether a filter entry (`<entity>.<action>`, `*` for either part) names the kind.
pub fn matches(pattern: &str, entity: &str, action: &str) -> bool {
    let part = |pattern: &str, text: &str| pattern == "*" || pattern == text;
    match pattern.split_once('.') {
        Some((wanted_entity, wanted_action)) => {
            part(wanted_entity, entity) && part(wanted_action, action)
        }
        None => pattern == "*",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_match_whole_parts() {
        assert!(matches("subscription.*", "subscription", "add"));
        assert!(matches("*.delete", "user", "delete"));
        assert!(!matches("user.*", "user_group", "add"));
        assert!(!matches("user", "user", "add"));
    }

    #[test]
    fn debug_output_holds_no_data() {
        let event: Event = serde_json::from_str(
            r#"{"id": "1", "action": "add", "entity": "verification_email", "data": {"id": "hush"}}"#,
        )
        .unwrap();
        assert_eq!(format!("{event:?}"), "Event(verification_email.add 1)");
    }
}
