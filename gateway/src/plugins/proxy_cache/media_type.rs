use std::collections::BTreeSet;

use mime::{Mime, STAR};

/// Whether a media type is what `pattern` says, where `*` stands for any type or subtype. All of it
/// has to be equal, the parameters too.
pub fn matches(pattern: &Mime, other: &Mime) -> bool {
    let is_subtype = pattern.subtype() == other.subtype() && pattern.suffix() == other.suffix();
    (pattern.type_() == STAR || pattern.type_() == other.type_())
        && (pattern.subtype() == STAR || is_subtype)
        && parameters(pattern) == parameters(other)
}

/// In any order and letters of any size.
fn parameters(of: &Mime) -> BTreeSet<(String, String)> {
    let lower = |name: mime::Name<'_>| name.as_str().to_ascii_lowercase();
    of.params()
        .map(|(name, value)| (lower(name), lower(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Mime, matches};

    #[test]
    fn types_match_with_all_their_parameters() {
        for (pattern, text, expected) in [
            ("application/json", "application/json", true),
            ("application/json", "Application/JSON", true),
            ("application/json", "application/json; charset=utf-8", false),
            (
                "application/json;charset=UTF-8",
                "application/json; charset=\"utf-8\"",
                true,
            ),
            ("text/*", "text/html", true),
            ("text/*", "text/html; charset=utf-8", false),
            ("*/*", "image/png", true),
            ("*/*", "image/svg+xml", true),
            ("text/plain", "text/html", false),
            ("application/json", "application/problem+json", false),
            ("image/svg", "image/svg+xml", false),
        ] {
            let parsed = |text: &str| text.parse::<Mime>().unwrap();
            assert_eq!(matches(&parsed(pattern), &parsed(text)), expected, "{text}");
        }
    }
}
