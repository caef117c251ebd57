//! What services send is cleaned before it is stored: secrets never reach the log.

use serde_json::Value;

const MASK: &str = "***";

/// Members whose names sound like a secret are masked, at every depth. Numbers with a fraction
/// become texts, because databases write them in different ways and the hash covers them.
pub fn masked(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| {
                    let value = if is_secret(&name) && !value.is_null() {
                        MASK.into()
                    } else {
                        masked(value)
                    };
                    (name, value)
                })
                .collect(),
        ),
        Value::Array(entries) => entries.into_iter().map(masked).collect(),
        Value::Number(number) if number.is_f64() => number.to_string().into(),
        other => other,
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['_', '-'], "");
    [
        "password",
        "secret",
        "apikey",
        "token",
        "privatekey",
        "authorization",
        "cookie",
    ]
    .iter()
    .any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_masked_at_every_depth() {
        let sent =
            json!({"a": [{"client_secret": "x", "name": "y"}], "refreshToken": {"b": 1}, "n": 1.5});
        let kept = json!({"a": [{"client_secret": "***", "name": "y"}], "refreshToken": "***", "n": "1.5"});
        assert_eq!(masked(sent), kept);
    }
}
