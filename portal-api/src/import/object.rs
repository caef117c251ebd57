//! A record of the source: a JSON object whose members may have any form.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

/// A member that is missing, `null` or of another type counts as absent.
#[derive(Clone, Debug, Default)]
pub struct Object(pub Map<String, Value>);

impl Object {
    /// The record's id; empty if it has none.
    pub fn id(&self) -> &str {
        self.text("id").unwrap_or_default()
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        let text = self.0.get(name)?.as_str()?;
        Some(text).filter(|text| !text.is_empty())
    }

    /// A text cut to the length that is stored.
    pub fn text_up_to(&self, name: &str, most: usize) -> Option<String> {
        Some(self.text(name)?.chars().take(most).collect())
    }

    pub fn is(&self, name: &str) -> bool {
        match self.0.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => text == "true",
            _ => false,
        }
    }

    pub fn texts(&self, name: &str) -> Vec<String> {
        let entries = self.0.get(name).and_then(Value::as_array);
        let texts = entries.into_iter().flatten().filter_map(Value::as_str);
        texts
            .filter(|text| !text.trim().is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// A member that is an object itself.
    pub fn object(&self, name: &str) -> Self {
        let members = self.0.get(name).and_then(Value::as_object);
        Self(members.cloned().unwrap_or_default())
    }

    pub fn objects(&self, name: &str) -> Vec<Self> {
        let entries = self.0.get(name).and_then(Value::as_array);
        let objects = entries.into_iter().flatten().filter_map(Value::as_object);
        objects.cloned().map(Self).collect()
    }

    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// A time as ISO text or as Unix seconds, with the milliseconds that are kept.
    pub fn moment(&self, name: &str) -> Option<DateTime<Utc>> {
        let moment = match self.0.get(name)? {
            Value::String(text) => DateTime::parse_from_rfc3339(text).ok()?.to_utc(),
            Value::Number(number) => {
                #[expect(clippy::cast_possible_truncation, reason = "seconds since 1970")]
                let seconds = number
                    .as_i64()
                    .or(number.as_f64().map(|seconds| seconds as i64))?;
                DateTime::from_timestamp(seconds, 0)?
            }
            _ => return None,
        };
        DateTime::from_timestamp_millis(moment.timestamp_millis())
    }

    /// When it was changed last; the beginning of time if nobody knows.
    pub fn changed_at(&self) -> DateTime<Utc> {
        self.moment("changedDate").unwrap_or(DateTime::UNIX_EPOCH)
    }

    pub fn changed_by(&self) -> Option<String> {
        self.text("changedBy")
            .filter(|id| id.len() <= 64)
            .map(str::to_owned)
    }
}

/// An id for a record that has none, the same at each import.
pub fn derived_id(parts: &[&str]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, parts.join("\n").as_bytes());
    hex::encode(&digest.as_ref()[..20])
}

/// The newest of several records with one key first; stable, so that an import can be repeated.
pub fn newest_first(records: &mut [Object]) {
    records.sort_by_key(|record| std::cmp::Reverse((record.changed_at(), record.id().to_owned())));
}
