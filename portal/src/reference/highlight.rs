//! Colours for samples: strings, keys, numbers and keywords. No more, so that any language fits.

use std::fmt::Write;

use askama::filters::{Html as Escaper, escape};
use serde_json::Value;
use ui::Html;

use super::Language;

/// The classes that are given.
pub const CLASSES: [&str; 4] = ["tok-k", "tok-n", "tok-s", "tok-w"];

/// A sample in a language.
pub fn code(language: Language, text: &str) -> Html {
    paint(text, language.keywords(), language == Language::Json)
}

/// A JSON value, indented.
pub fn json(value: &Value) -> Html {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    paint(&text, &["true", "false", "null"], true)
}

/// Text without colours.
pub fn plain(text: &str) -> Html {
    let shown = escape(text, Escaper);
    Html::trusted(shown.map(|safe| safe.to_string()).unwrap_or_default())
}

fn paint(text: &str, keywords: &[&str], keys: bool) -> Html {
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        // A port or a part of a path is not a number that one would change.
        let (token, class) = match token(rest, first, keywords, keys) {
            (token, Some("tok-n")) if matches!(before, ':' | '/' | '.' | '-') => (token, None),
            other => other,
        };
        before = token.chars().next_back().unwrap_or(' ');
        let shown = escape(token, Escaper)
            .map(|safe| safe.to_string())
            .unwrap_or_default();
        let _ = match class {
            Some(class) => write!(out, r#"<span class="{class}">{shown}</span>"#),
            None => out.write_str(&shown),
        };
        rest = &rest[token.len()..];
    }
    Html::trusted(out)
}

/// The next token of `rest` and its class; never empty.
fn token<'a>(
    rest: &'a str,
    first: char,
    keywords: &[&str],
    keys: bool,
) -> (&'a str, Option<&'static str>) {
    match first {
        '"' | '\'' | '`' => {
            let token = &rest[..string_end(rest, first)];
            let is_key = keys && rest[token.len()..].trim_start().starts_with(':');
            (token, Some(if is_key { "tok-k" } else { "tok-s" }))
        }
        c if c.is_ascii_digit() => {
            let end = rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '.'))
                .unwrap_or(rest.len());
            (&rest[..end], Some("tok-n"))
        }
        c if c.is_alphabetic() || c == '_' => {
            let end = rest
                .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                .unwrap_or(rest.len());
            let word = &rest[..end];
            (word, keywords.contains(&word).then_some("tok-w"))
        }
        c => (&rest[..c.len_utf8()], None),
    }
}

/// Behind the closing quote, or the end of the text if there is none.
fn string_end(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (index, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return index + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_shown_is_escaped() {
        let html = json(&json!({"a<b": "</script>", "n": 1.5})).to_string();
        assert!(
            !html.contains("</script>") && html.contains("&#60;/script&#62;"),
            "{html}"
        );
        assert!(
            html.contains(r#"<span class="tok-k">"#)
                && html.contains(r#"<span class="tok-n">1.5</span>"#)
        );
        assert!(
            code(Language::Python, "import 'unclosed \\")
                .to_string()
                .contains("tok-w")
        );
    }
}
