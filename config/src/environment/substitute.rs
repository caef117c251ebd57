//! Replaces references to variables in text (static-config 3.3).

/// At most this many replacements per text; protects from variables that contain themselves.
const LIMIT: usize = 10;

/// A text after substitution.
#[derive(Debug, PartialEq, Eq)]
pub struct Substituted {
    pub text: String,
    /// The variable that stopped substitution, because it is not defined or empty.
    pub missing: Option<String>,
    /// Whether references are left because the limit was reached.
    pub exhausted: bool,
}

/// Replaces `$NAME` (the whole text) and `…${NAME}…` until nothing is left to replace. `lookup`
/// gives the value of a variable; empty values count as undefined.
pub fn substitute<'v>(text: &str, lookup: impl Fn(&str) -> Option<&'v str>) -> Substituted {
    let mut text = text.to_owned();
    for _ in 0..LIMIT {
        let Some(reference) = first_reference(&text) else {
            return Substituted {
                text,
                missing: None,
                exhausted: false,
            };
        };
        let name = reference.name(&text).to_owned();
        let Some(value) = lookup(&name).filter(|value| !value.is_empty()) else {
            return Substituted {
                text,
                missing: Some(name),
                exhausted: false,
            };
        };
        match reference {
            Reference::Whole => value.clone_into(&mut text),
            Reference::Inline { start, end } => text.replace_range(start..end, value),
        }
    }
    let exhausted = first_reference(&text).is_some();
    Substituted {
        text,
        missing: None,
        exhausted,
    }
}

/// Whether a name could be that of a variable; otherwise a text with `$` was probably meant
/// literally.
pub fn is_variable_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

enum Reference {
    /// `$NAME`: everything behind the `$` is the name.
    Whole,
    /// `${NAME}` from `start` up to `end`.
    Inline { start: usize, end: usize },
}

impl Reference {
    fn name<'t>(&self, text: &'t str) -> &'t str {
        match self {
            Self::Whole => &text[1..],
            Self::Inline { start, end } => &text[start + 2..end - 1],
        }
    }
}

fn first_reference(text: &str) -> Option<Reference> {
    if text.starts_with('$') && !text.starts_with("${") {
        return Some(Reference::Whole);
    }
    let mut from = 0;
    while let Some(offset) = text[from..].find("${") {
        let start = from + offset;
        let name_length = text[start + 2..]
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            .count();
        let end = start + 2 + name_length;
        if name_length > 0 && text.as_bytes().get(end) == Some(&b'}') {
            return Some(Reference::Inline {
                start,
                end: end + 1,
            });
        }
        from = start + 2;
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::{first_reference, substitute};

    fn lookup(name: &str) -> Option<&'static str> {
        match name {
            "HOST" => Some("api.example.org"),
            "PORT" => Some("8000"),
            "URL" => Some("http://${HOST}:${PORT}"),
            "PASSWORD" => Some("pa$$word$&"),
            "EMPTY" => Some(""),
            "ODD name" => Some("odd"),
            "LOOP" => Some("x${LOOP}"),
            _ => None,
        }
    }

    #[test]
    fn references_are_replaced() {
        for (text, expected) in [
            ("$HOST", "api.example.org"),
            ("$URL", "http://api.example.org:8000"),
            ("${URL}/v1", "http://api.example.org:8000/v1"),
            ("$ODD name", "odd"),
            ("a $HOST", "a $HOST"),
            ("${not a name} ${PORT}", "${not a name} 8000"),
            ("costs 5$", "costs 5$"),
            // wicked swallowed a dollar here
            ("x${PASSWORD}", "xpa$$word$&"),
        ] {
            assert_eq!(substitute(text, lookup).text, expected, "{text}");
        }
    }

    #[test]
    fn an_undefined_or_empty_variable_stays_and_blocks_the_rest() {
        for name in ["MISSING", "EMPTY"] {
            let text = format!("${{{name}}} ${{PORT}}");
            let result = substitute(&text, lookup);
            assert_eq!(result.text, text);
            assert_eq!(result.missing.as_deref(), Some(name));
        }
    }

    #[test]
    fn a_variable_that_contains_itself_ends_after_ten_rounds() {
        let result = substitute("${LOOP}", lookup);
        assert!(result.exhausted);
        assert_eq!(result.text, format!("{}${{LOOP}}", "x".repeat(10)));
    }

    /// A text that is no reference and cannot become part of one.
    fn plain() -> impl Strategy<Value = String> {
        "[a-zA-Z0-9 .:/%&#äß€-]{0,12}"
    }

    /// A reference or plain text, and what it stands for.
    fn part() -> impl Strategy<Value = (String, String)> {
        let variable = (
            "[A-Z][A-Z0-9_]{0,8}",
            "[a-z0-9$&{}]{0,3}[a-z]{1,8}[$&]{0,2}",
        );
        prop_oneof![plain().prop_map(|text| (String::new(), text)), variable,]
    }

    proptest! {
        #[test]
        fn text_without_references_stays_as_it_is(text in "[^$]*") {
            prop_assert_eq!(substitute(&text, |_| Some("x")).text, text);
        }

        #[test]
        fn every_reference_gets_its_value_and_nothing_else_changes(
            parts in proptest::collection::vec(part(), 0..9),
        ) {
            let mut variables = BTreeMap::new();
            for (name, value) in parts.iter().filter(|(name, _)| !name.is_empty()) {
                variables.insert(name.as_str(), value.as_str());
            }
            // Behind plain text, so that no value becomes `$NAME` as a whole.
            let (mut text, mut expected) = (String::from("_"), String::from("_"));
            for (name, plain) in &parts {
                if name.is_empty() {
                    text += plain;
                    expected += plain;
                } else {
                    text += &["${", name.as_str(), "}"].concat();
                    expected += variables[name.as_str()];
                }
            }
            // Values that happen to make a new reference are another matter.
            prop_assume!(first_reference(&expected).is_none());
            let result = substitute(&text, |name| variables.get(name).copied());
            prop_assert_eq!(result.text, expected);
            prop_assert!(result.missing.is_none() && !result.exhausted);
        }

        #[test]
        fn it_ends_whatever_the_variables_hold(
            text in "[$]?([$]?[{]?[AB]?[}]?[$ x]?){0,6}",
            a in "([$][{][AB][}]|[$][AB]|x){0,3}",
            b in "([$][{][AB][}]|[$][AB]|x){0,3}",
        ) {
            let lookup = |name: &str| match name {
                "A" => Some(a.as_str()),
                "B" => Some(b.as_str()),
                _ => None,
            };
            let result = substitute(&text, lookup);
            let is_left = first_reference(&result.text).is_some();
            prop_assert_eq!(is_left, result.missing.is_some() || result.exhausted);
            if let Some(name) = result.missing {
                prop_assert!(lookup(&name).is_none_or(str::is_empty));
            }
        }
    }
}
