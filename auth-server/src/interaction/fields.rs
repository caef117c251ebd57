//! The properties of a pool as fields of a page.

use sdk::types::{
    Registration,
    pools::{CONSENT, Property},
};
use serde_json::{Map, Value};

use crate::pages::{PoolField, PoolFieldKind};

/// One field, with what was typed, or else what the user has said before.
pub fn field(
    property: &Property,
    typed: Option<&Map<String, Value>>,
    known: Option<&Registration>,
    portal_url: &str,
) -> PoolField {
    let value = match typed {
        // A box that is not ticked is not sent.
        Some(typed) => typed.get(&property.id).and_then(Value::as_str),
        None => known.and_then(|known| known.property(&property.id)),
    };
    PoolField {
        name: property.id.clone(),
        label: label(property),
        kind: kind(property, portal_url),
        value: value.unwrap_or_default().to_owned(),
        // A box for yes and no always says one of them.
        required: property.required && property.kind != "boolean",
        max_length: property.max_length.filter(|most| *most > 0).unwrap_or(255),
        pattern: property.pattern.clone().unwrap_or_default(),
        autocomplete: autocomplete(property),
    }
}

/// What a form says about a property; nothing if it says nothing.
pub fn answer(property: &Property, form: &Map<String, Value>) -> Option<String> {
    let given = form.get(&property.id).and_then(Value::as_str);
    match property.kind.as_str() {
        "boolean" => Some(given.unwrap_or("false").to_owned()),
        _ => given.map(|text| text.trim().to_owned()),
    }
}

fn kind(property: &Property, portal_url: &str) -> PoolFieldKind {
    match property.kind.as_str() {
        "boolean" => PoolFieldKind::Box {
            value: "true".to_owned(),
            link: None,
        },
        CONSENT => PoolFieldKind::Box {
            value: property.version.clone().unwrap_or_default(),
            link: property
                .link
                .as_deref()
                .map(|link| absolute(link, portal_url)),
        },
        "enum" => PoolFieldKind::Choice(property.values.clone()),
        "email" => PoolFieldKind::Input("email"),
        "url" => PoolFieldKind::Input("url"),
        "date" => PoolFieldKind::Input("date"),
        _ => PoolFieldKind::Input("text"),
    }
}

/// A path is one of the portal.
fn absolute(link: &str, portal_url: &str) -> String {
    match link.strip_prefix('/') {
        Some(path) => format!("{}/{path}", portal_url.trim_end_matches('/')),
        None => link.to_owned(),
    }
}

fn label(property: &Property) -> String {
    if property.description.is_empty() {
        property.id.clone()
    } else {
        property.description.clone()
    }
}

/// What a browser may fill in by itself.
fn autocomplete(property: &Property) -> &'static str {
    match property.oidc_claim.as_deref().unwrap_or(&property.id) {
        "name" => "name",
        "given_name" => "given-name",
        "family_name" => "family-name",
        "phone_number" => "tel",
        claim if claim.ends_with("company") => "organization",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn property(kind: &str) -> Property {
        Property {
            id: "field".to_owned(),
            kind: kind.to_owned(),
            version: Some("2".to_owned()),
            link: Some("/content/terms".to_owned()),
            ..Property::default()
        }
    }

    #[test]
    fn a_box_that_is_not_ticked_is_no_consent_and_a_no() {
        let empty = Map::new();
        assert_eq!(
            answer(&property("boolean"), &empty).as_deref(),
            Some("false")
        );
        assert_eq!(answer(&property(CONSENT), &empty), None);
        let ticked = json!({"field": "2"});
        let ticked = ticked.as_object().unwrap();
        assert_eq!(answer(&property(CONSENT), ticked).as_deref(), Some("2"));
    }

    #[test]
    fn an_older_consent_does_not_tick_the_box() {
        let mut known = Registration::default();
        known.properties.0.insert("field".to_owned(), "1".into());
        let field = field(&property(CONSENT), None, Some(&known), "https://p.example/");
        assert!(!field.is_ticked());
        let PoolFieldKind::Box { link, .. } = field.kind else {
            panic!("a box");
        };
        assert_eq!(link.as_deref(), Some("https://p.example/content/terms"));
    }
}
