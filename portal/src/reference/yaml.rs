//! JSON as YAML 1.2, in blocks. Texts that YAML could read as something else stand in double quotes
//! as JSON writes them, which YAML reads alike.

use std::fmt::Write;

use serde_json::Value;

const INDENT: usize = 2;

/// The whole document.
pub fn write(value: &Value) -> String {
    let mut text = String::new();
    match inline(value) {
        Some(short) => {
            let _ = writeln!(text, "{short}");
        }
        None => block(&mut text, value, 0),
    }
    text
}

fn block(out: &mut String, value: &Value, depth: usize) {
    let blanks = " ".repeat(depth * INDENT);
    let mut line = |name: &str, value: &Value| {
        if let Some(short) = inline(value) {
            let _ = writeln!(out, "{blanks}{name} {short}");
        } else {
            let _ = writeln!(out, "{blanks}{name}");
            block(out, value, depth + 1);
        }
    };
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                line(&format!("{}:", text(name)), value);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| line("-", item)),
        _ => {}
    }
}

/// What stands behind the name; nothing for blocks.
fn inline(value: &Value) -> Option<String> {
    match value {
        Value::Object(members) if members.is_empty() => Some("{}".to_owned()),
        Value::Array(items) if items.is_empty() => Some("[]".to_owned()),
        Value::Object(_) | Value::Array(_) => None,
        Value::String(own) => Some(text(own)),
        other => Some(other.to_string()),
    }
}

fn text(own: &str) -> String {
    if is_plain(own) {
        own.to_owned()
    } else {
        Value::from(own).to_string()
    }
}

/// Whether a text is nothing else without quotes: some letters that have no other meaning, and no word
/// that old readers take for a truth value, nothing or a number.
fn is_plain(own: &str) -> bool {
    const WORDS: [&str; 11] = [
        "true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf",
    ];
    let begins = own.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '$'));
    let is_known = |c: char| c.is_ascii_alphanumeric() || "-_./$() ".contains(c);
    begins
        && !own.ends_with(' ')
        && own.chars().all(|c| is_known(c) || matches!(c, '{' | '}'))
        && !WORDS.contains(&own.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn blocks_are_indented_and_empty_ones_short() {
        let value = json!({
            "openapi": "3.1.0",
            "paths": {"/pets/{id}": {"get": {"tags": ["pets", "one"], "parameters": []}}},
            "servers": [{"url": "https://x.example/v1"}, [1, [2.5, null]]],
        });
        assert_eq!(
            write(&value),
            "openapi: \"3.1.0\"\npaths:\n  /pets/{id}:\n    get:\n      tags:\n        - pets\n        - one\n      \
             parameters: []\nservers:\n  -\n    url: \"https://x.example/v1\"\n  -\n    - 1\n    -\n      - 2.5\n      - null\n"
        );
        assert_eq!(write(&json!({})), "{}\n");
        assert_eq!(write(&json!("x")), "x\n");
    }

    #[test]
    fn texts_stay_texts() {
        for own in [
            "",
            "true",
            "No",
            "null",
            "~",
            "12",
            "1e3",
            ".5",
            "- a",
            "a: b",
            "a #b",
            "*x",
            "&x",
            "!x",
            "a\nb",
            " a",
            "a ",
            "%a",
            "@a",
            "`a`",
            "{a}",
            "[a]",
            "'a'",
            "\"a\"",
            "ä",
            "\u{85}",
            "2026-11-22",
        ] {
            let written = write(&json!(own));
            assert!(written.starts_with('"'), "{own:?}: {written}");
            let read: String = serde_json::from_str(&written).unwrap();
            assert_eq!(read, own);
        }
    }
}
