//! From attributes to claims: the operator's templates (static-config 14.2).

use std::{fmt, sync::Arc};

use sdk::template::Template;
use serde_json::{Map, Value};

use crate::federated::{Identity, groups_of};

use super::assertion::Assertion;
use crate::configuration::SamlSettings;

/// What a claim is made of.
#[derive(Clone)]
pub enum Source {
    /// Filled in with the first value of each attribute, by its name in small letters.
    Text(Arc<Template>),
    /// A flag or number, as it is.
    Literal(Value),
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text",
            Self::Literal(_) => "Literal",
        })
    }
}

/// Who the assertion is about; nothing without an id and a mail address.
pub fn identity(settings: &SamlSettings, assertion: &Assertion) -> Option<Identity> {
    let model = model(assertion);
    let mut claims = Map::new();
    for (claim, source) in &settings.profile {
        let value = match source {
            Source::Text(template) => Value::from(template.render_text(&model).trim()),
            Source::Literal(value) => value.clone(),
        };
        if value != "" {
            claims.insert(claim.clone(), value);
        }
    }
    let mut identity = Identity::of_profile(&claims)?;
    identity.email.as_ref()?;
    identity.email_verified |= settings.trust_users;
    let theirs: Vec<&str> = assertion
        .attributes
        .iter()
        .filter(|(name, _)| settings.group_field.as_deref() == Some(name))
        .flat_map(|(_, values)| values.iter().map(String::as_str))
        .collect();
    identity.groups = groups_of(&settings.default_groups, &theirs);
    Some(identity)
}

/// What templates see. Dots in a template lead downwards, so names with dots are laid out like that.
fn model(assertion: &Assertion) -> Value {
    let mut model = Value::Object(Map::new());
    let name_id = assertion.name_id.as_ref();
    let name_id = name_id.map(|name| ("name_id".to_owned(), name.value.as_str()));
    let attributes = assertion.attributes.iter().filter_map(|(name, values)| {
        let first = values.first()?;
        Some((name.to_lowercase(), first.as_str()))
    });
    for (name, value) in name_id.into_iter().chain(attributes) {
        put(&mut model, &name, value);
    }
    model
}

fn put(model: &mut Value, name: &str, value: &str) {
    let mut place = model;
    for part in name.split('.') {
        if !place.is_object() {
            // Another attribute's name is the beginning of this one's; the first is kept.
            return;
        }
        place = &mut place[part];
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
    }
    if place.as_object().is_some_and(Map::is_empty) {
        *place = value.into();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_with_dots_are_found_by_their_templates() {
        let attributes = [
            (
                "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailAddress",
                "a@b.c",
            ),
            ("urn:oid:2.5.4.42", "Ada"),
            ("urn:oid:2.5.4.4", "Lovelace"),
            ("Mail", "first"),
            ("mail", "second"),
        ];
        let mut model = json!({});
        for (name, value) in attributes {
            put(&mut model, &name.to_lowercase(), value);
        }
        let filled = |template: &str| Template::parse(template).unwrap().render_text(&model);
        assert_eq!(
            filled("{{{http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress}}}"),
            "a@b.c"
        );
        assert_eq!(
            filled("{{urn:oid:2.5.4.42}} {{urn:oid:2.5.4.4}}"),
            "Ada Lovelace"
        );
        assert_eq!(filled("{{mail}}{{none}}"), "first");
    }
}
