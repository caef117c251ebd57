//! The properties of a registration pool as fields of a form.

use askama::Template;
use sdk::types::pools::{CONSENT, Property};

use crate::{Html, Icon, Lang, texts};

/// A property of the pool as a field. Its name comes from the configuration.
#[derive(Template)]
#[template(path = "component/registration_field.html")]
pub struct RegistrationField {
    /// The property's id, which is the name of the field, too.
    name: String,
    lang: Lang,
    error: Option<String>,
    autofocus: bool,
    label: String,
    kind: Kind,
    value: String,
    required: bool,
    max_length: u32,
    /// Empty for none.
    pattern: String,
    autocomplete: &'static str,
}

/// How a property is asked for.
enum Kind {
    /// An input of this type.
    Input(&'static str),
    Choice(Vec<String>),
    /// A box to tick, which then stands for this value. What is accepted can be read at `link`.
    Box {
        value: String,
        link: Option<String>,
    },
}

impl RegistrationField {
    /// A field that shows `value`.
    pub fn new(lang: Lang, property: &Property, value: Option<&str>, portal_url: &str) -> Self {
        Self {
            name: property.id.clone(),
            lang,
            error: None,
            autofocus: false,
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

    /// The field with what is wrong with it.
    #[must_use]
    pub fn with_error(mut self, error: Option<String>) -> Self {
        self.error = error;
        self
    }

    /// The field, in which one begins to type.
    #[must_use]
    pub fn focused(mut self) -> Self {
        self.autofocus = true;
        self
    }

    /// The field as HTML.
    pub fn html(&self) -> Html {
        Html::of(self)
    }

    fn is_ticked(&self) -> bool {
        matches!(&self.kind, Kind::Box { value, .. } if *value == self.value)
    }

    fn optional(&self) -> &'static str {
        texts::Shared(self.lang).optional()
    }
}

/// What a complete form says about a property; nothing if it says nothing.
pub fn registration_answer(property: &Property, given: Option<&str>) -> Option<String> {
    match property.kind.as_str() {
        "boolean" => Some(given.unwrap_or("false").to_owned()),
        _ => given.map(|text| text.trim().to_owned()),
    }
}

fn kind(property: &Property, portal_url: &str) -> Kind {
    match property.kind.as_str() {
        "boolean" => Kind::Box {
            value: "true".to_owned(),
            link: None,
        },
        CONSENT => Kind::Box {
            value: property.version.clone().unwrap_or_default(),
            link: property
                .link
                .as_deref()
                .map(|link| absolute(link, portal_url)),
        },
        "enum" => Kind::Choice(property.values.clone()),
        "email" => Kind::Input("email"),
        "url" => Kind::Input("url"),
        "date" => Kind::Input("date"),
        _ => Kind::Input("text"),
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
        let answer = |kind, given| registration_answer(&property(kind), given);
        assert_eq!(answer("boolean", None).as_deref(), Some("false"));
        assert_eq!(answer(CONSENT, None), None);
        assert_eq!(answer(CONSENT, Some("2")).as_deref(), Some("2"));
    }

    #[test]
    fn an_older_consent_does_not_tick_the_box() {
        let field = RegistrationField::new(
            Lang::EN,
            &property(CONSENT),
            Some("1"),
            "https://p.example/",
        );
        assert!(!field.is_ticked());
        assert!(
            field
                .html()
                .as_str()
                .contains("https://p.example/content/terms")
        );
    }
}
