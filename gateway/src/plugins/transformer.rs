//! What the plugins that change requests and those that change answers have in common.

use http::{HeaderMap, HeaderName, HeaderValue};

/// In the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Remove,
    Rename,
    Replace,
    Add,
    Append,
}

/// A change of one header; the value is the new name where it is renamed.
pub struct HeaderChange {
    pub change: Change,
    pub name: HeaderName,
    value: Option<HeaderValue>,
}

impl HeaderChange {
    pub fn new(change: Change, entry: &str) -> Result<Self, String> {
        let (name, value) = split(change, entry);
        Ok(Self {
            change,
            name: super::header_name(name)?,
            value: match change {
                Change::Remove => None,
                _ => Some(super::header_value(value)?),
            },
        })
    }

    pub fn value(&self) -> Option<&HeaderValue> {
        self.value.as_ref()
    }

    pub fn apply(&self, headers: &mut HeaderMap) {
        self.apply_value(headers, self.value.as_ref());
    }

    /// With this value instead of its own.
    pub fn apply_value(&self, headers: &mut HeaderMap, value: Option<&HeaderValue>) {
        let name = &self.name;
        let Some(value) = value else {
            headers.remove(name);
            return;
        };
        match self.change {
            Change::Rename => {
                let values: Vec<HeaderValue> = headers.get_all(name).iter().cloned().collect();
                let Ok(target) = HeaderName::from_bytes(value.as_bytes()) else {
                    return;
                };
                if !values.is_empty() {
                    headers.remove(name);
                    headers.remove(&target);
                    for value in values {
                        headers.append(target.clone(), value);
                    }
                }
            }
            Change::Replace if headers.contains_key(name) => {
                headers.insert(name.clone(), value.clone());
            }
            Change::Add if !headers.contains_key(name) => {
                headers.insert(name.clone(), value.clone());
            }
            Change::Append => {
                headers.append(name.clone(), value.clone());
            }
            Change::Remove | Change::Replace | Change::Add => {}
        }
    }
}

/// Name, and value or new name.
pub fn split(change: Change, entry: &str) -> (&str, &str) {
    match change {
        Change::Remove => (entry, ""),
        _ => entry.split_once(':').unwrap_or((entry, "")),
    }
}
