//! JSON values as YAML: blocks for objects and lists, quoted texts. What this writes is a small and
//! unambiguous part of YAML 1.2.

use std::fmt::Write;

use serde_json::Value;

/// `value` as a YAML document.
pub fn write(value: &Value) -> String {
    let mut text = String::new();
    block(&mut text, value, 0);
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn block(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (index, (name, value)) in members.iter().enumerate() {
                if index > 0 {
                    indent(text, depth);
                }
                write!(text, "{}:", key(name)).expect("writing to a String");
                nested(text, value, depth);
            }
        }
        Value::Array(entries) if !entries.is_empty() => {
            for (index, value) in entries.iter().enumerate() {
                if index > 0 {
                    indent(text, depth);
                }
                text.push_str("- ");
                block(text, value, depth + 1);
                end_line(text);
            }
        }
        // Numbers, texts and empty lists are written as in JSON, which YAML contains.
        other => write!(text, "{other}").expect("writing to a String"),
    }
}

/// What stands behind the colon: on the same line, or as a block below it.
fn nested(text: &mut String, value: &Value, depth: usize) {
    let is_block = match value {
        Value::Object(members) => !members.is_empty(),
        Value::Array(entries) => !entries.is_empty(),
        _ => false,
    };
    if is_block {
        text.push('\n');
        indent(text, depth + 1);
        block(text, value, depth + 1);
    } else {
        text.push(' ');
        block(text, value, depth);
    }
    end_line(text);
}

fn end_line(text: &mut String) {
    if !text.ends_with('\n') {
        text.push('\n');
    }
}

fn indent(text: &mut String, depth: usize) {
    for _ in 0..depth {
        text.push_str("  ");
    }
}

/// Plain where nobody could read it as anything but a text.
fn key(name: &str) -> String {
    let is_plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !matches!(
            name,
            "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null"
        );
    if is_plain {
        name.to_owned()
    } else {
        Value::from(name).to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn blocks_are_indented_and_texts_quoted() {
        let value = json!({
            "openapi": "3.1.0", "/a": {"x": [], "list": [1, {"b": true, "c": ["d"]}]}, "on": null,
        });
        let expected = r#"openapi: "3.1.0"
"/a":
  x: []
  list:
    - 1
    - b: true
      c:
        - "d"
"on": null
"#;
        assert_eq!(super::write(&value), expected);
    }
}
