/// `type/subtype; name=value …`; `*` stands for any type or subtype.
#[derive(Debug, PartialEq, Eq)]
pub struct MediaType {
    kind: String,
    subtype: String,
    /// In order of their names.
    parameters: Vec<(String, String)>,
}

impl MediaType {
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        if kind.is_empty() || subtype.is_empty() || subtype.contains('/') {
            return None;
        }
        let parameters = parts.filter(|part| !part.is_empty()).map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim().trim_matches('"');
            (name.trim().to_ascii_lowercase(), value.to_ascii_lowercase())
        });
        let mut parameters: Vec<(String, String)> = parameters.collect();
        parameters.sort_unstable();
        Some(Self {
            kind: kind.to_ascii_lowercase(),
            subtype: subtype.to_ascii_lowercase(),
            parameters,
        })
    }

    /// All of it has to be equal, the parameters too.
    pub fn matches(&self, other: &Self) -> bool {
        let fits = |pattern: &str, text: &str| pattern == "*" || pattern == text;
        fits(&self.kind, &other.kind)
            && fits(&self.subtype, &other.subtype)
            && self.parameters == other.parameters
    }
}

#[cfg(test)]
mod tests {
    use super::MediaType;

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
            ("text/plain", "text/html", false),
            ("application/json", "application/problem+json", false),
        ] {
            let (pattern, other) = (MediaType::parse(pattern), MediaType::parse(text));
            assert_eq!(
                pattern.unwrap().matches(&other.unwrap()),
                expected,
                "{text}"
            );
        }
        for text in ["", "json", "/json", "text/", "a/b/c"] {
            assert_eq!(MediaType::parse(text), None, "{text}");
        }
    }
}
