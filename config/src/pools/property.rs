//! One field of a pool and what may be filled in. All values are texts, those of yes and no too.

use regex::{Regex, RegexBuilder};
use url::Url;

use crate::read::Object;

const DEFAULT_MAX_LENGTH: usize = 255;
/// More choices belong into another kind of page.
const MOST_VALUES: usize = 500;
/// Compiled size of a pattern, far above what a field needs.
const MAX_PATTERN: usize = 1 << 20;

#[derive(Debug)]
pub struct PoolProperty {
    pub id: String,
    /// Label of the field.
    pub description: String,
    pub kind: Kind,
    pub required: bool,
    pub min_length: usize,
    pub max_length: usize,
    /// Claim that fills the field and is filled from it.
    pub oidc_claim: Option<String>,
}

/// What a field takes.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Any text, or one that matches as a whole.
    Text(Option<Regex>),
    /// `true` or `false`.
    Boolean,
    /// One of these.
    Enum(Vec<String>),
    Email,
    /// With `http` or `https`.
    Url,
    /// `YYYY-MM-DD`
    Date,
    Consent(Consent),
}

/// A text that somebody accepts; the value is the version that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    pub version: String,
    /// Where the text can be read.
    pub link: Option<String>,
}

#[derive(Clone, Copy)]
enum Named {
    Text,
    Boolean,
    Enum,
    Email,
    Url,
    Date,
    Consent,
}

impl PoolProperty {
    pub const fn is_consent(&self) -> bool {
        matches!(self.kind, Kind::Consent(_))
    }
}

pub(super) fn read(object: &Object) -> Option<PoolProperty> {
    let id = object.required("id")?;
    let kinds = [
        ("string", Named::Text),
        ("boolean", Named::Boolean),
        ("enum", Named::Enum),
        ("email", Named::Email),
        ("url", Named::Url),
        ("date", Named::Date),
        ("consent", Named::Consent),
    ];
    let named = object.choice("type", &kinds).unwrap_or(Named::Text);
    if id == "name" && !matches!(named, Named::Text) {
        object.error("type", "the name of a user is a `string`");
    }
    // The editor of wicked offered 0 as "no limit", which then refused every value.
    let max_length = object.number("maxLength").filter(|length| *length > 0);
    let length = |number: Option<u64>| number.and_then(|number| usize::try_from(number).ok());
    Some(PoolProperty {
        description: object.text_or("description", &id),
        kind: read_kind(named, object),
        required: object.flag("required"),
        min_length: length(object.number("minLength")).unwrap_or(0),
        max_length: length(max_length).unwrap_or(DEFAULT_MAX_LENGTH),
        oidc_claim: object.text("oidcClaim"),
        id,
    })
}

fn read_kind(named: Named, object: &Object) -> Kind {
    for (member, takes_it, kind) in [
        ("pattern", matches!(named, Named::Text), "string"),
        ("values", matches!(named, Named::Enum), "enum"),
        ("version", matches!(named, Named::Consent), "consent"),
        ("link", matches!(named, Named::Consent), "consent"),
    ] {
        if !takes_it && object.get(member).is_some() {
            object.warn(
                member,
                format!("this has an effect with type `{kind}` only"),
            );
        }
    }
    match named {
        Named::Text => Kind::Text(
            object
                .text("pattern")
                .and_then(|text| pattern(&text, object)),
        ),
        Named::Boolean => Kind::Boolean,
        Named::Enum => Kind::Enum(values(object)),
        Named::Email => Kind::Email,
        Named::Url => Kind::Url,
        Named::Date => Kind::Date,
        Named::Consent => Kind::Consent(Consent {
            version: version(object),
            link: link(object),
        }),
    }
}

/// A regular expression that has to match the whole text, as in a form.
fn pattern(text: &str, object: &Object) -> Option<Regex> {
    let whole = format!("^(?:{text})$");
    let compiled = RegexBuilder::new(&whole).size_limit(MAX_PATTERN).build();
    compiled
        .inspect_err(|_| {
            let message = "this is no regular expression, or one that takes too much memory";
            object.error("pattern", message);
        })
        .ok()
}

fn values(object: &Object) -> Vec<String> {
    object.require_list("values");
    let values = object.texts("values");
    let mut seen = std::collections::BTreeSet::new();
    for (index, value) in values.iter().enumerate() {
        if value.is_empty() {
            object.error_at("values", index, "a choice has to be a text");
        } else if !seen.insert(value) {
            object.error_at("values", index, "this choice is given twice");
        }
    }
    if object.get("values").is_some() && values.is_empty() {
        object.error("values", "there has to be something to choose");
    }
    if values.len() > MOST_VALUES {
        object.error(
            "values",
            format!("at most {MOST_VALUES} choices are offered"),
        );
    }
    values
}

fn version(object: &Object) -> String {
    let version = object.required("version").unwrap_or_default();
    // Forms send these two for a box that is ticked or not.
    if ["true", "false"].contains(&version.as_str()) || version.len() > 64 {
        object.error(
            "version",
            "the version of a text is a short text such as `2026-11`, but not `true` or `false`",
        );
    }
    version
}

/// An address, or a path of the portal.
fn link(object: &Object) -> Option<String> {
    let link = object.text("link")?;
    let is_web = Url::parse(&link).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    let is_path = link.starts_with('/') && !link.starts_with("//");
    if !is_web && !is_path {
        object.error(
            "link",
            "this is neither an http(s) address nor a path such as `/content/terms`",
        );
        return None;
    }
    Some(link)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::problem::Report;

    fn read_one(property: &Value) -> (Option<PoolProperty>, usize) {
        let report = Report::default();
        let read = {
            let object = Object::root("pools/wicked.json", property, &report).unwrap();
            read(&object)
        };
        (read, report.into_problems().len())
    }

    #[test]
    fn each_type_has_what_it_needs() {
        for good in [
            json!({"id": "phone", "pattern": "\\+?[0-9 ]{5,20}"}),
            json!({"id": "news", "type": "boolean"}),
            json!({"id": "size", "type": "enum", "values": ["small", "large"]}),
            json!({"id": "billing", "type": "email"}),
            json!({"id": "site", "type": "url"}),
            json!({"id": "since", "type": "date"}),
            json!({"id": "terms", "type": "consent", "version": "2026-11", "link": "/content/terms"}),
        ] {
            assert_eq!(read_one(&good).1, 0, "{good}");
        }
        for bad in [
            json!({"id": "phone", "pattern": "("}),
            json!({"id": "phone", "pattern": "(a{1000}){1000}"}),
            json!({"id": "size", "type": "enum"}),
            json!({"id": "size", "type": "enum", "values": []}),
            json!({"id": "size", "type": "enum", "values": ["a", "a"]}),
            json!({"id": "terms", "type": "consent"}),
            json!({"id": "terms", "type": "consent", "version": "true"}),
            json!({"id": "terms", "type": "consent", "version": "1", "link": "javascript:x"}),
            json!({"id": "name", "type": "boolean"}),
            json!({"id": "size", "type": "number"}),
            json!({"id": "phone", "values": ["a"]}),
        ] {
            assert!(read_one(&bad).1 > 0, "{bad}");
        }
    }

    #[test]
    fn a_pattern_matches_the_whole_text() {
        let (read, _) = read_one(&json!({"id": "zip", "pattern": "[0-9]{5}|none"}));
        let Kind::Text(Some(pattern)) = read.unwrap().kind else {
            panic!("a text with a pattern");
        };
        assert!(pattern.is_match("12345") && pattern.is_match("none"));
        assert!(!pattern.is_match("123456") && !pattern.is_match("12345\n"));
    }
}
