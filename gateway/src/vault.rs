//! References to environment variables in the place of secrets (gateway 2.4): what is stored, answered
//! and compared is the reference; what it means is known where it is used.

use std::borrow::Cow;

use kong::schema::{Faults, reference};
use serde_json::{Map, Value};
use service::settings;

/// Beginnings of the names of our own settings, of which some are keys to everything: whoever writes a
/// configuration of the gateway must not have them sent to himself.
const OWN: [&str; 10] = [
    "AUTH_SERVER_",
    "DATABASE_",
    "GATEWAY_",
    "GIT_",
    "KONG_",
    "PG",
    "PORTAL_",
    "POSTGRES_",
    "WEBHOOK_",
    "WICKETGATE_",
];

/// What a text means: itself, or the variable that it refers to.
pub fn resolve(text: &str) -> Result<Cow<'_, str>, String> {
    if !reference::is_reference(text) {
        return Ok(Cow::Borrowed(text));
    }
    let name = reference::variable(text)?;
    if OWN.iter().any(|own| name.starts_with(own)) {
        return Err(format!(
            "{name} belongs to the settings, to which nothing may refer"
        ));
    }
    let value = settings::var(&name);
    let value = value.ok_or_else(|| format!("the gateway's environment has no {name}"))?;
    Ok(Cow::Owned(value))
}

/// Replaces all references in a configuration; those that mean nothing are faults, each at its field.
pub fn resolve_all(config: &mut Map<String, Value>) -> Result<(), Faults> {
    let mut faults = Faults::default();
    for (name, value) in config.iter_mut() {
        replace(name, value, &mut faults);
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

fn replace(path: &str, value: &mut Value, faults: &mut Faults) {
    match value {
        Value::String(text) => match resolve(text) {
            Ok(Cow::Borrowed(_)) => {}
            Ok(Cow::Owned(resolved)) => *text = resolved,
            Err(fault) => faults.field(path, fault),
        },
        Value::Array(list) => {
            for (position, value) in list.iter_mut().enumerate() {
                replace(&format!("{path}.{}", position + 1), value, faults);
            }
        }
        Value::Object(map) => {
            for (name, value) in map {
                replace(&format!("{path}.{name}"), value, faults);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_become_what_the_environment_says() {
        let config = json!({
            "redis": {"password": "{vault://env/path}", "host": "h"},
            "headers": [{"a": "{vault://env/PATH}"}, "b"], "minute": 5,
        });
        let Value::Object(mut config) = config else {
            unreachable!("it is one")
        };
        assert!(resolve_all(&mut config).is_ok());
        let path = settings::var("PATH").unwrap();
        let resolved = json!({
            "redis": {"password": path, "host": "h"},
            "headers": [{"a": path}, "b"], "minute": 5,
        });
        assert_eq!(Value::Object(config), resolved);
    }

    #[test]
    fn what_is_not_there_and_our_own_settings_are_faults() {
        for name in [
            "nobody-set-this",
            "wicketgate-master-key",
            "git_credentials",
        ] {
            let text = format!("{{vault://env/{name}}}");
            let mut config = Map::new();
            config.insert("redis".to_owned(), json!({"password": text}));
            let faults = resolve_all(&mut config).unwrap_err().into_fields();
            assert!(faults["redis"]["password"].is_string(), "{faults:?}");
        }
    }
}
