//! Where an API is in its life (static-config 24.4).

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::read::Object;

/// What can be done with an API now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LifecycleState {
    /// A preview for administrators and the owner group; not on the gateway.
    Created,
    #[default]
    Published,
    /// Works; takes no new subscriptions.
    Deprecated,
    /// Hidden; the gateway answers 410.
    Retired,
}

impl LifecycleState {
    /// As it stands in `apis.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Published => "published",
            Self::Deprecated => "deprecated",
            Self::Retired => "retired",
        }
    }

    const CHOICES: &[(&str, Self)] = &[
        ("created", Self::Created),
        ("published", Self::Published),
        ("deprecated", Self::Deprecated),
        ("retired", Self::Retired),
    ];
}

/// Member `lifecycle` of an API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lifecycle {
    pub state: LifecycleState,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deprecated_on: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sunset_on: Option<NaiveDate>,
    /// Id of the API to use instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Lifecycle {
    /// What old clients know as `deprecated`.
    pub fn is_deprecated(&self) -> bool {
        matches!(
            self.state,
            LifecycleState::Deprecated | LifecycleState::Retired
        )
    }

    /// New subscriptions are possible.
    pub fn accepts_subscriptions(&self) -> bool {
        self.state == LifecycleState::Published
    }

    /// The gateway forwards calls.
    pub fn is_callable(&self) -> bool {
        matches!(
            self.state,
            LifecycleState::Published | LifecycleState::Deprecated
        )
    }

    pub(super) fn read(api: &Object) -> Self {
        let old_flag = if api.flag("deprecated") {
            LifecycleState::Deprecated
        } else {
            LifecycleState::Published
        };
        let Some(object) = api.object("lifecycle") else {
            return Self {
                state: old_flag,
                ..Self::default()
            };
        };
        Self {
            state: object
                .choice("state", LifecycleState::CHOICES)
                .unwrap_or(old_flag),
            deprecated_on: date(&object, "deprecatedOn"),
            sunset_on: date(&object, "sunsetOn"),
            successor: object.text("successor"),
            note: object.text("note"),
        }
    }
}

fn date(object: &Object, key: &str) -> Option<NaiveDate> {
    let text = object.text(key)?;
    let date = NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok();
    if date.is_none() {
        object.error(key, "a date is written YYYY-MM-DD");
    }
    date
}
