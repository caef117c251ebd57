//! Reading values that configuration may hold as text, because they came out of an environment
//! variable: `"465"`, `"true"`. An empty text counts as absent.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A boolean, also as the texts `true` and `false`; absent, empty or anything else is `None`.
pub fn boolean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Bool(flag) => Some(flag),
        Value::String(text) => text.trim().to_ascii_lowercase().parse().ok(),
        _ => None,
    })
}

/// A map of booleans, each as [`boolean`] reads it; what is none is left out.
pub fn booleans<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<std::collections::BTreeMap<String, bool>, D::Error> {
    let members = Option::<serde_json::Map<String, Value>>::deserialize(deserializer)?;
    let members = members.unwrap_or_default().into_iter();
    Ok(members
        .filter_map(|(name, value)| Some((name, boolean(value).ok()??)))
        .collect())
}

/// A whole number, also as text. A number that does not fit is an error, not another number.
pub fn number<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    let number = match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        Value::String(text) => text.trim().parse().ok(),
        _ => return Ok(None),
    };
    number
        .and_then(|number| T::try_from(number).ok())
        .map(Some)
        .ok_or_else(|| serde::de::Error::custom("expected a whole number in range"))
}

/// `null` as the type's default, for members that old clients send as `null`.
pub fn null_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Whether a flag is absent or off, to leave it out of answers.
pub const fn is_false(flag: &bool) -> bool {
    !*flag
}
