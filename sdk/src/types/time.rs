//! Time stamps in the forms of portal-api 3.5.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// A moment as ISO 8601 text in UTC with milliseconds, the form of `grantedDate` and `created_at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-21T08:30:00.000Z")]
pub struct Timestamp(pub DateTime<Utc>);

impl From<DateTime<Utc>> for Timestamp {
    fn from(moment: DateTime<Utc>) -> Self {
        Self(moment)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DateTime::<Utc>::deserialize(deserializer).map(Self)
    }
}

/// `changedDate`: ISO text when read back, Unix seconds in the answer of some writes. Clients
/// accept both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ChangedDate {
    Seconds(i64),
    Iso(Timestamp),
}

impl ChangedDate {
    /// The moment; nothing for a number that is no time.
    pub fn moment(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Seconds(seconds) => DateTime::from_timestamp(seconds, 0),
            Self::Iso(timestamp) => Some(timestamp.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_with_milliseconds_and_both_forms_are_read() {
        let moment = DateTime::from_timestamp(1_546_300_800, 1_000_000).unwrap();
        let text = serde_json::to_string(&ChangedDate::Iso(moment.into())).unwrap();
        assert_eq!(text, r#""2019-01-01T00:00:00.001Z""#);
        let iso: ChangedDate = serde_json::from_str(&text).unwrap();
        assert_eq!(iso.moment(), Some(moment));
        let seconds: ChangedDate = serde_json::from_str("1546300800").unwrap();
        assert_eq!(seconds.moment(), DateTime::from_timestamp(1_546_300_800, 0));
    }
}
