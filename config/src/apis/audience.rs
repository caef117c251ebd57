use serde_json::Value;

use super::{Api, LifecycleState};

/// Who an API is shown to (static-config 24.4, portal-api 18.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience<'a> {
    /// Those who may see anything at all.
    Everybody,
    /// Members of this group, and administrators.
    Group(&'a str),
    /// Administrators only.
    Administrators,
}

impl Api {
    pub fn audience(&self) -> Audience<'_> {
        let is_preview = self.lifecycle.state == LifecycleState::Created;
        let required = self.required_group.as_deref().filter(|_| !self.partner);
        Audience::new(is_preview, self.owner_group.as_deref(), required)
    }
}

impl<'a> Audience<'a> {
    /// By an entry of `apis.json` as it is written, such as one of an earlier commit, of which nobody
    /// knows whether it is valid: what cannot be understood shows the API to fewer people.
    pub fn of_entry(entry: &'a Value) -> Self {
        let is_published = match &entry["lifecycle"]["state"] {
            Value::Null => true,
            state => ["published", "deprecated", "retired"]
                .iter()
                .any(|one| state == one),
        };
        let required = entry["requiredGroup"].as_str();
        let required = required.filter(|_| entry["partner"] != true);
        Self::new(!is_published, entry["ownerGroup"].as_str(), required)
    }

    /// A preview belongs to its owners.
    fn new(is_preview: bool, owners: Option<&'a str>, required: Option<&'a str>) -> Self {
        let named = |group: &&str| !group.is_empty();
        if is_preview {
            let owners = owners.filter(named);
            return owners.map_or(Self::Administrators, Self::Group);
        }
        required.filter(named).map_or(Self::Everybody, Self::Group)
    }
}
