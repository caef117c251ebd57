//! Placeholders in values of `request-transformer` (gateway 7.13): the subset of Kong's that names
//! a value. There is no code to run.

/// Text with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Text(String),
    Value {
        source: Source,
        /// Stands for a value that is not there.
        fallback: String,
    },
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Header(String),
    Query(String),
    /// A named group of the route's pattern.
    CaptureName(String),
    /// A group by number, from 1 on; 0 is all that matched.
    CaptureNumber(usize),
    /// A claim of the token that was verified in this request.
    Claim(String),
    ConsumerUsername,
}

impl Template {
    /// Fails for placeholders that do not exist.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, placeholder)) = rest.split_once("$(") {
            let (value, after) = placeholder_of(placeholder)?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(value);
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// Whether it is the same for all requests.
    pub fn is_constant(&self) -> bool {
        self.0.iter().all(|part| matches!(part, Part::Text(_)))
    }
}

/// What follows `$(`, and the rest after `)`.
fn placeholder_of(text: &str) -> Result<(Part, &str), String> {
    let mut scanner = Scanner(text.trim_start());
    let kind = scanner.word();
    let source = match (kind, scanner.key()?) {
        ("headers", Key::Dotted(name)) => Source::Header(name.replace('_', "-")),
        ("headers", Key::Quoted(name)) => Source::Header(name.to_owned()),
        ("query_params", Key::Dotted(name) | Key::Quoted(name)) => Source::Query(name.to_owned()),
        ("uri_captures", Key::Number(number)) => Source::CaptureNumber(number),
        ("uri_captures", Key::Dotted(name) | Key::Quoted(name)) => {
            Source::CaptureName(name.to_owned())
        }
        ("consumer", Key::Dotted("username")) => Source::ConsumerUsername,
        ("shared", Key::Dotted("jwt")) => match scanner.key()? {
            Key::Dotted(name) | Key::Quoted(name) => Source::Claim(name.to_owned()),
            Key::Number(_) => return Err(unknown()),
        },
        _ => return Err(unknown()),
    };
    let mut fallback = "";
    scanner.skip_spaces();
    if let Some(rest) = scanner.0.strip_prefix("or ") {
        scanner.0 = rest.trim_start();
        fallback = scanner.quoted().ok_or_else(unknown)?;
        scanner.skip_spaces();
    }
    let rest = scanner.0.strip_prefix(')').ok_or_else(unknown)?;
    let fallback = fallback.to_owned();
    Ok((Part::Value { source, fallback }, rest))
}

fn unknown() -> String {
    "placeholders are $(headers.name), $(query_params.name), $(uri_captures.name), \
     $(uri_captures[1]), $(shared.jwt.claim) and $(consumer.username), each with an optional \
     or 'text'; names with other characters are written as [\"x-name\"]"
        .to_owned()
}

enum Key<'t> {
    Dotted(&'t str),
    Quoted(&'t str),
    Number(usize),
}

struct Scanner<'t>(&'t str);

impl<'t> Scanner<'t> {
    fn skip_spaces(&mut self) {
        self.0 = self.0.trim_start();
    }

    /// Letters, digits and `_`.
    fn word(&mut self) -> &'t str {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = self.0.find(|c| !is_word(c)).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        word
    }

    /// `.name`, `["name"]` or `[1]`.
    fn key(&mut self) -> Result<Key<'t>, String> {
        if let Some(rest) = self.0.strip_prefix('.') {
            self.0 = rest;
            return match self.word() {
                "" => Err(unknown()),
                name => Ok(Key::Dotted(name)),
            };
        }
        self.0 = self.0.strip_prefix('[').ok_or_else(unknown)?;
        let key = match self.quoted() {
            Some(name) => Key::Quoted(name),
            None => Key::Number(self.word().parse().map_err(|_| unknown())?),
        };
        self.0 = self.0.strip_prefix(']').ok_or_else(unknown)?;
        Ok(key)
    }

    /// A text in single or double quotes, without escapes.
    fn quoted(&mut self) -> Option<&'t str> {
        let quote = self.0.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (text, rest) = self.0[1..].split_once(quote)?;
        self.0 = rest;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(source: Source, fallback: &str) -> Part {
        Part::Value {
            source,
            fallback: fallback.to_owned(),
        }
    }

    #[test]
    fn placeholders_are_read() {
        let header = |name: &str| Source::Header(name.to_owned());
        for (text, parts) in [
            ("plain", vec![Part::Text("plain".to_owned())]),
            ("", vec![]),
            (
                "$(headers.user_agent)",
                vec![value(header("user-agent"), "")],
            ),
            ("$(headers[\"x-a_b\"])", vec![value(header("x-a_b"), "")]),
            (
                "a $( query_params['n'] or 'none)' ) b",
                vec![
                    Part::Text("a ".to_owned()),
                    value(Source::Query("n".to_owned()), "none)"),
                    Part::Text(" b".to_owned()),
                ],
            ),
            (
                "$(uri_captures[1])/$(uri_captures.id)",
                vec![
                    value(Source::CaptureNumber(1), ""),
                    Part::Text("/".to_owned()),
                    value(Source::CaptureName("id".to_owned()), ""),
                ],
            ),
            (
                "$(shared.jwt.sub)$(consumer.username)",
                vec![
                    value(Source::Claim("sub".to_owned()), ""),
                    value(Source::ConsumerUsername, ""),
                ],
            ),
        ] {
            assert_eq!(Template::parse(text).unwrap().parts(), parts, "{text}");
        }
    }

    #[test]
    fn code_and_unfinished_placeholders_are_refused() {
        for text in [
            "$(",
            "$()",
            "$(headers)",
            "$(headers.)",
            "$(headers.a",
            "$(headers[a])",
            "$(headers[\"a\")",
            "$(headers[1])",
            "$(os.execute('x'))",
            "$(headers.a .. 'b')",
            "$(headers.a or b)",
            "$(headers.a or 'b)",
            "$(consumer.password)",
            "$(shared.other)",
            "$(uri_captures[-1])",
        ] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
