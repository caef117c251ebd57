//! What may be filled into one field of a pool.

use chrono::NaiveDate;
use config::pools::{Consent, Kind, PoolProperty};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;
use url::Url;

use crate::{ApiError, users::email};

/// The text to keep of what was sent; nothing if nothing was. `earlier` is what is kept now.
pub fn checked(
    property: &PoolProperty,
    value: Option<&Value>,
    earlier: Option<&str>,
) -> Result<Option<String>, ApiError> {
    let id = &property.id;
    if let Kind::Consent(consent) = &property.kind {
        return accepted(property, consent, value, earlier);
    }
    let refuse = |rule, message: String| Err(ApiError::invalid(id, rule, message));
    let text = match value {
        None if property.required => return refuse("required", format!("`{id}` is missing.")),
        None => return Ok(None),
        Some(Value::String(text)) => text.nfc().collect::<String>(),
        Some(Value::Bool(flag)) if matches!(property.kind, Kind::Boolean) => flag.to_string(),
        Some(_) => return refuse("type", format!("`{id}` has to be a text.")),
    };
    if property.required && text.is_empty() {
        return refuse(
            "required",
            format!("`{id}` is empty, but has to be filled in."),
        );
    }
    let length = text.chars().count();
    if !text.is_empty() && length < property.min_length {
        let least = property.min_length;
        return refuse(
            "min-length",
            format!("`{id}` needs at least {least} characters."),
        );
    }
    if length > property.max_length {
        let most = property.max_length;
        return refuse(
            "max-length",
            format!("`{id}` has {length} characters, at most {most} are allowed."),
        );
    }
    if !text.is_empty() && !fits(&property.kind, &text) {
        return refuse(rule(&property.kind), wanted(property));
    }
    Ok(Some(text))
}

fn fits(kind: &Kind, text: &str) -> bool {
    match kind {
        Kind::Text(pattern) => pattern
            .as_ref()
            .is_none_or(|pattern| pattern.is_match(text)),
        Kind::Boolean => matches!(text, "true" | "false"),
        Kind::Enum(values) => values.iter().any(|value| value == text),
        Kind::Email => email::is_valid(&email::fold(text)),
        Kind::Url => Url::parse(text)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()),
        // The parser alone takes years of more or fewer digits, and signs.
        Kind::Date => text.len() == 10 && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok(),
        Kind::Consent(_) => true,
    }
}

const fn rule(kind: &Kind) -> &'static str {
    match kind {
        Kind::Text(_) => "pattern",
        Kind::Boolean | Kind::Enum(_) => "choice",
        Kind::Email | Kind::Url | Kind::Date | Kind::Consent(_) => "format",
    }
}

fn wanted(property: &PoolProperty) -> String {
    let id = &property.id;
    match &property.kind {
        Kind::Boolean => format!("`{id}` has to be `true` or `false`."),
        Kind::Enum(_) => format!("`{id}` is none of the values that can be chosen."),
        Kind::Email => format!("`{id}` is not a mail address such as name@example.org."),
        Kind::Url => format!("`{id}` is not an address such as https://example.org."),
        Kind::Date => format!("`{id}` is not a date such as 2026-11-21."),
        Kind::Text(_) | Kind::Consent(_) => {
            format!("`{id}` does not have the form it has to have.")
        }
    }
}

/// The version that the user accepts: `true` is the one of today. One that was accepted earlier
/// stays, unless the field is mandatory; then the user has to accept the new text.
fn accepted(
    property: &PoolProperty,
    consent: &Consent,
    value: Option<&Value>,
    earlier: Option<&str>,
) -> Result<Option<String>, ApiError> {
    let (id, version) = (&property.id, consent.version.as_str());
    let refuse = |rule, message: String| Err(ApiError::invalid(id, rule, message));
    let is_given = match value {
        None | Some(Value::Bool(false)) => false,
        Some(Value::Bool(true)) => true,
        Some(Value::String(text)) if matches!(text.as_str(), "" | "false") => false,
        Some(Value::String(text)) if text == "true" || text == version => true,
        Some(Value::String(text)) if earlier == Some(text) && !property.required => {
            return Ok(Some(text.clone()));
        }
        Some(Value::String(_)) => {
            let message = format!("`{id}`: the text is version {version} now; accept that one.");
            return refuse("version", message);
        }
        Some(_) => {
            return refuse(
                "type",
                format!("`{id}` has to be true, false or a version."),
            );
        }
    };
    match is_given {
        true => Ok(Some(version.to_owned())),
        false if property.required => refuse("required", format!("`{id}` has to be accepted.")),
        false => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn property(kind: Kind, required: bool) -> PoolProperty {
        PoolProperty {
            id: "field".to_owned(),
            description: "Field".to_owned(),
            kind,
            required,
            min_length: 0,
            max_length: 50,
            oidc_claim: None,
        }
    }

    fn kept(kind: &Kind, value: &Value) -> Option<String> {
        checked(&property(kind.clone(), false), Some(value), None).unwrap()
    }

    fn refused(kind: &Kind, value: &Value) -> bool {
        checked(&property(kind.clone(), false), Some(value), None).is_err()
    }

    #[test]
    fn each_type_takes_its_own() {
        let choice = Kind::Enum(vec!["small".to_owned(), "large".to_owned()]);
        for (kind, good, bad) in [
            (Kind::Boolean, json!("true"), json!("yes")),
            (Kind::Boolean, json!(false), json!(0)),
            (choice, json!("large"), json!("Large")),
            (Kind::Email, json!("a@example.org"), json!("a@")),
            (
                Kind::Url,
                json!("https://example.org/x"),
                json!("example.org"),
            ),
            (
                Kind::Url,
                json!("http://example.org"),
                json!("javascript:x"),
            ),
            (Kind::Date, json!("2024-02-29"), json!("2026-02-29")),
            (Kind::Date, json!("1999-12-31"), json!("31.12.1999")),
        ] {
            assert!(kept(&kind, &good).is_some(), "{good}");
            assert!(refused(&kind, &bad), "{bad}");
            assert_eq!(kept(&kind, &json!("")).as_deref(), Some(""), "left empty");
        }
        assert_eq!(kept(&Kind::Boolean, &json!(true)).as_deref(), Some("true"));
    }

    #[test]
    fn consents_are_to_a_version() {
        let terms = Kind::Consent(Consent {
            version: "2".to_owned(),
            link: None,
        });
        let outcome = |required, value: Option<Value>| {
            let property = property(terms.clone(), required);
            checked(&property, value.as_ref(), Some("1")).map_err(drop)
        };
        let two = Ok(Some("2".to_owned()));
        for yes in [json!(true), json!("true"), json!("2")] {
            assert_eq!(outcome(true, Some(yes)), two);
        }
        for no in [None, Some(json!(false)), Some(json!(""))] {
            assert_eq!(outcome(false, no.clone()), Ok(None));
            assert_eq!(outcome(true, no), Err(()));
        }
        assert_eq!(outcome(false, Some(json!("1"))), Ok(Some("1".to_owned())));
        assert_eq!(
            outcome(true, Some(json!("1"))),
            Err(()),
            "has to be renewed"
        );
        assert_eq!(outcome(false, Some(json!("3"))), Err(()), "never was");
    }
}
