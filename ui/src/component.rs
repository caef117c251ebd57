//! Small parts that pages of both services use.

use askama::Template;

use crate::{Html, Icon, Lang, texts};

/// The arch with two letters that stands for an API.
#[derive(Template)]
#[template(
    source = r#"<span class="{{ class }} tint-{{ tint }}" aria-hidden="true">{{ letters }}</span>"#,
    ext = "html"
)]
pub struct Tile {
    class: &'static str,
    tint: u8,
    letters: String,
}

impl Tile {
    /// 38 wide, as in the catalogue.
    pub fn medium(id: &str, name: &str) -> Html {
        Self::of("tile", id, name)
    }

    /// 50 wide, beside a page title.
    pub fn large(id: &str, name: &str) -> Html {
        Self::of("tile tile-large", id, name)
    }

    /// 24 wide, in heads of cards and lists.
    pub fn small(id: &str, name: &str) -> Html {
        Self::of("tile tile-small", id, name)
    }

    fn of(class: &'static str, id: &str, name: &str) -> Html {
        Html::of(&Self {
            class,
            tint: tint(id),
            letters: monogram(name),
        })
    }
}

/// Two letters: the initials of two words, or the first two letters of one.
fn monogram(name: &str) -> String {
    let mut words = name
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    let first = words.next().unwrap_or("?");
    let mut letters: String = first.chars().take(1).flat_map(char::to_uppercase).collect();
    match words.next() {
        Some(second) => letters.extend(second.chars().take(1).flat_map(char::to_lowercase)),
        None => letters.extend(first.chars().skip(1).take(1).flat_map(char::to_lowercase)),
    }
    letters
}

/// One of the six tints, always the same for the same id.
pub fn tint(id: &str) -> u8 {
    let sum = id.bytes().fold(0_u32, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    u8::try_from(sum % 6).unwrap_or_default()
}

/// Initials of a person; of a mail address, the first two letters.
pub fn initials(name: &str) -> String {
    let local = name.split('@').next().unwrap_or_default();
    let words: Vec<&str> = local
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let letters: String = match words.as_slice() {
        [] => "?".to_owned(),
        [one] => one.chars().take(2).collect(),
        [first, .., last] => first.chars().take(1).chain(last.chars().take(1)).collect(),
    };
    letters.to_uppercase()
}

/// A text with a copy button, which shows up only where a script can copy.
#[derive(Template)]
#[template(path = "component/copyable.html")]
pub struct Copyable<'a> {
    t: texts::Shared,
    id: &'a str,
    /// A long URL breaks before its path.
    head: &'a str,
    tail: &'a str,
}

impl<'a> Copyable<'a> {
    /// `id` is unique on the page.
    pub fn html(lang: Lang, id: &'a str, text: &'a str) -> Html {
        let (head, tail) = text.split_at(path_start(text));
        let t = texts::Shared(lang);
        Html::of(&Self { t, id, head, tail })
    }
}

/// Where the path of a URL begins; the end of any other text.
fn path_start(text: &str) -> usize {
    let host = text.find("://").map(|scheme| scheme + 3);
    let path = host.and_then(|host| text[host..].find('/').map(|path| host + path));
    path.unwrap_or(text.len())
}

/// A long address that breaks where people read a pause: before the path of a URL, after the `@`
/// of a mail address.
#[derive(Template)]
#[template(source = "{{ head }}<wbr>{{ tail }}", ext = "html")]
pub struct Breakable<'a> {
    head: &'a str,
    tail: &'a str,
}

impl<'a> Breakable<'a> {
    /// The address as HTML.
    pub fn html(text: &'a str) -> Html {
        let at = text.find('@').map_or_else(|| path_start(text), |at| at + 1);
        let (head, tail) = text.split_at(at);
        Html::of(&Self { head, tail })
    }
}

/// What a field takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldKind {
    #[default]
    Text,
    Email,
    Password,
    /// Several lines.
    Area,
    /// Several lines that a program reads.
    Code,
}

impl FieldKind {
    fn input_type(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Password => "password",
            Self::Text | Self::Area | Self::Code => "text",
        }
    }
}

/// A labelled field. In a template: `{{ field.html()  }}`.
///
/// An error takes the place of the hint and is tied to the field for screen readers.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "component/field.html")]
pub struct Field {
    pub name: &'static str,
    pub label: String,
    pub kind: FieldKind,
    pub value: String,
    pub hint: Option<String>,
    pub error: Option<String>,
    /// Not needed to send the form; the word for it stands beside the label.
    pub optional: Option<&'static str>,
    pub autocomplete: &'static str,
    /// The word over a preview of Markdown.
    pub preview: Option<&'static str>,
    pub max_length: Option<u32>,
    pub autofocus: bool,
}

impl Field {
    /// A field that has to be filled in.
    pub fn required(name: &'static str, label: impl Into<String>) -> Self {
        Self {
            name,
            label: label.into(),
            ..Self::default()
        }
    }

    /// Prose grows as it is written; a document shows a good part of itself.
    fn rows(&self) -> usize {
        match self.kind {
            FieldKind::Code => self.value.lines().count().clamp(8, 24),
            _ => 3,
        }
    }

    /// The field as HTML.
    pub fn html(&self) -> Html {
        Html::of(self)
    }

    fn described(&self) -> bool {
        self.hint.is_some() || self.error.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_two_letters() {
        for (name, letters) in [
            ("Shipments", "Sh"),
            ("Pickup points", "Pp"),
            ("x", "X"),
            ("", "?"),
        ] {
            assert_eq!(monogram(name), letters, "{name}");
        }
        for (name, letters) in [
            ("Lena Brandt", "LB"),
            ("ada@example.org", "AD"),
            ("a.b@x.org", "AB"),
            ("", "?"),
        ] {
            assert_eq!(initials(name), letters, "{name}");
        }
    }

    #[test]
    fn an_error_replaces_the_hint_and_describes_the_field() {
        let field = Field {
            hint: Some("A hint".into()),
            error: Some("Use <https>".into()),
            value: "\"quoted\"".into(),
            ..Field::required("uri", "Redirect URI")
        };
        let html = field.html().to_string();
        assert!(html.contains("Use &#60;https&#62;"), "{html}");
        assert!(
            html.contains(r#"aria-describedby="uri-note""#) && html.contains(r#"id="uri-note""#)
        );
        assert!(!html.contains("A hint") && html.contains(r#"aria-invalid="true""#));
    }
}
