//! Paths of a log-in method's endpoints: templates with `{{name}}` and `{{api}}`, relative to the
//! base path of the auth server.

use serde_json::{Map, Value};

use crate::read::Object;

/// Member → template that is filled in when the configuration gives none.
const DEFAULTS: &[(&str, &str)] = &[
    ("authorizeEndpoint", "/{{name}}/api/{{api}}/authorize"),
    ("tokenEndpoint", "/{{name}}/api/{{api}}/token"),
    ("profileEndpoint", "/profile"),
    ("verifyEmailEndpoint", "/{{name}}/verifyemail"),
    ("grantsEndpoint", "/{{name}}/grants"),
];

/// The endpoint templates of one method.
#[derive(Clone, Debug)]
pub struct EndpointTemplates {
    pub authorize: String,
    pub token: String,
    pub profile: String,
    pub verify_email: String,
    pub grants: String,
}

impl EndpointTemplates {
    pub(super) fn read(config: &Object) -> Self {
        Self {
            authorize: config.text_or(DEFAULTS[0].0, DEFAULTS[0].1),
            token: config.text_or(DEFAULTS[1].0, DEFAULTS[1].1),
            profile: config.text_or(DEFAULTS[2].0, DEFAULTS[2].1),
            verify_email: config.text_or(DEFAULTS[3].0, DEFAULTS[3].1),
            grants: config.text_or(DEFAULTS[4].0, DEFAULTS[4].1),
        }
    }
}

/// Members that everybody may see.
pub(super) fn is_endpoint(key: &str) -> bool {
    DEFAULTS.iter().any(|(name, _)| *name == key)
}

/// Adds the missing templates to a method's `config`.
pub(super) fn complete(method: &mut Map<String, Value>) {
    let config = method.entry("config").or_insert_with(|| Map::new().into());
    if config.is_null() {
        *config = Map::new().into();
    }
    let Some(config) = config.as_object_mut() else {
        return;
    };
    for (key, template) in DEFAULTS {
        if config
            .get(*key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .is_empty()
        {
            config.insert((*key).to_owned(), (*template).into());
        }
    }
}

/// Fills `{{name}}` and `{{api}}`. These two are all that the templates of a configuration use, so
/// this is not a Mustache engine.
pub fn fill(template: &str, method: &str, api: &str) -> String {
    let mut filled = template.to_owned();
    for (key, value) in [("name", method), ("api", api)] {
        for form in [
            format!("{{{{{{{key}}}}}}}"),
            format!("{{{{{key}}}}}"),
            format!("{{{{ {key} }}}}"),
        ] {
            filled = filled.replace(&form, value);
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn both_names_are_filled_in_every_spelling() {
        let template = "/{{name}}/api/{{{api}}}/{{ name }}/authorize";
        assert_eq!(
            fill(template, "local", "orders"),
            "/local/api/orders/local/authorize"
        );
    }
}
