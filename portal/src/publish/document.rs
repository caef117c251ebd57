//! Changes single places of a JSON text and leaves all other bytes as they are, so that a commit
//! shows what somebody did and not how a program writes JSON.
//!
//! Works on text that serde accepts; everything else is refused.

use jsonc_parser::{
    ParseOptions,
    cst::{CstInputValue, CstNode, CstObjectProp, CstRootNode},
};
use serde_json::{Value, json};

/// One step into a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Key(String),
    /// The element of a list of objects with this `id`.
    Id(String),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

/// The text is no JSON, or has something else where the place should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchPlace;

/// Puts a value at a place. What leads there is made.
pub fn set(text: &str, path: &[Step], value: &Value) -> Result<String, NoSuchPlace> {
    let (root, mut node) = parse(text)?;
    for (number, step) in path.iter().enumerate() {
        let rest = &path[number + 1..];
        match child(&node, step)? {
            None => {
                append(&node, step, input(&around(step, rest, value)))?;
                return Ok(root.to_string());
            }
            Some(found) if rest.is_empty() && found.to_serde_value().as_ref() != Some(value) => {
                replace(&node, &found, step, input(value))?;
                return Ok(root.to_string());
            }
            Some(found) => node = found,
        }
    }
    Ok(text.to_owned())
}

/// Takes a value away; nothing happens where there is none.
pub fn remove(text: &str, path: &[Step]) -> Result<String, NoSuchPlace> {
    let (root, mut node) = parse(text)?;
    let Some((last, parents)) = path.split_last() else {
        return Ok(text.to_owned());
    };
    for step in parents {
        match child(&node, step)? {
            Some(found) => node = found,
            None => return Ok(text.to_owned()),
        }
    }
    let Some(found) = child(&node, last)? else {
        return Ok(text.to_owned());
    };
    match last {
        Step::Key(key) => property(&node, key)?.ok_or(NoSuchPlace)?.remove(),
        Step::Id(_) => found.remove(),
    }
    Ok(root.to_string())
}

/// The value at a place.
pub fn get(document: &Value, path: &[Step]) -> Option<Value> {
    let found = path.iter().try_fold(document, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Id(id) => value
            .as_array()?
            .iter()
            .find(|element| element["id"] == **id),
    });
    found.cloned()
}

/// The document, and its outermost value.
fn parse(text: &str) -> Result<(CstRootNode, CstNode), NoSuchPlace> {
    // Stricter than the other parser, and with a limit of depth.
    serde_json::from_str::<&serde_json::value::RawValue>(text).map_err(|_| NoSuchPlace)?;
    let root = CstRootNode::parse(text, &ParseOptions::default()).map_err(|_| NoSuchPlace)?;
    let node = root.value().ok_or(NoSuchPlace)?;
    Ok((root, node))
}

fn property(node: &CstNode, key: &str) -> Result<Option<CstObjectProp>, NoSuchPlace> {
    Ok(node.as_object().ok_or(NoSuchPlace)?.get(key))
}

fn child(node: &CstNode, step: &Step) -> Result<Option<CstNode>, NoSuchPlace> {
    match step {
        Step::Key(key) => Ok(property(node, key)?.and_then(|property| property.value())),
        Step::Id(id) => {
            let elements = node.as_array().ok_or(NoSuchPlace)?.elements();
            let has_id = |element: &CstNode| {
                let own = element.as_object()?.get("id")?.to_serde_value()?;
                Some(own == **id)
            };
            Ok(elements
                .into_iter()
                .find(|element| has_id(element) == Some(true)))
        }
    }
}

fn append(node: &CstNode, step: &Step, value: CstInputValue) -> Result<(), NoSuchPlace> {
    match step {
        Step::Key(key) => {
            node.as_object().ok_or(NoSuchPlace)?.append(key, value);
        }
        Step::Id(_) => {
            node.as_array().ok_or(NoSuchPlace)?.append(value);
        }
    }
    Ok(())
}

fn replace(
    node: &CstNode,
    found: &CstNode,
    step: &Step,
    value: CstInputValue,
) -> Result<(), NoSuchPlace> {
    match step {
        Step::Key(key) => property(node, key)?.ok_or(NoSuchPlace)?.set_value(value),
        Step::Id(_) => {
            let element = found.as_object().ok_or(NoSuchPlace)?;
            element.replace_with(value);
        }
    }
    Ok(())
}

/// What stands at `step` so that `value` is at the end of `rest`.
fn around(step: &Step, rest: &[Step], value: &Value) -> Value {
    let Some((next, after)) = rest.split_first() else {
        return value.clone();
    };
    let inner = around(next, after, value);
    match (step, next) {
        (_, Step::Id(_)) => Value::Array(vec![inner]),
        (Step::Id(id), Step::Key(key)) => json!({"id": id, key: inner}),
        (Step::Key(_), Step::Key(key)) => json!({key: inner}),
    }
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(value) => CstInputValue::Bool(*value),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(elements) => CstInputValue::Array(elements.iter().map(input).collect()),
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| (key.clone(), input(value));
            CstInputValue::Object(members.iter().map(member).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{
  "apis": [
    {
      "id": "one",
      "desc": "A \"{\" in a text",
      "plans": ["free", "team"],
      "settings": { "flag": true }
    },
    { "id": "two", "plans": [] }
  ]
}
"#;

    fn at(steps: &[&str]) -> Vec<Step> {
        let step = |text: &&str| match text.strip_prefix('#') {
            Some(id) => Step::Id(id.to_owned()),
            None => Step::from(*text),
        };
        steps.iter().map(step).collect()
    }

    /// Lines that are new, and lines that are gone.
    fn difference(after: &str) -> (Vec<&str>, Vec<&'static str>) {
        let new = after
            .lines()
            .filter(|line| !TEXT.lines().any(|old| old == *line));
        let gone = TEXT
            .lines()
            .filter(|line| !after.lines().any(|new| new == *line));
        (
            new.map(str::trim_start).collect(),
            gone.map(str::trim_start).collect(),
        )
    }

    #[test]
    fn nothing_but_the_place_changes() {
        for (path, value, new, gone) in [
            (
                &["apis", "#one", "desc"][..],
                json!("x"),
                vec![r#""desc": "x","#],
                vec![r#""desc": "A \"{\" in a text","#],
            ),
            (
                &["apis", "#one", "plans"],
                json!(["free"]),
                vec![r#""plans": ["free"],"#],
                vec![r#""plans": ["free", "team"],"#],
            ),
            (
                &["apis", "#two", "version"],
                json!("v2"),
                vec![
                    r#""id": "two","#,
                    r#""plans": [],"#,
                    r#""version": "v2""#,
                    "}",
                ],
                vec![r#"{ "id": "two", "plans": [] }"#],
            ),
            (
                &["apis", "#one", "lifecycle", "state"],
                json!("created"),
                vec![
                    r#""settings": { "flag": true },"#,
                    r#""lifecycle": {"#,
                    r#""state": "created""#,
                    "}",
                ],
                vec![r#""settings": { "flag": true }"#],
            ),
        ] {
            let after = set(TEXT, &at(path), &value).unwrap();
            assert_eq!(difference(&after), (new, gone), "{after}");
            let document: Value = serde_json::from_str(&after).unwrap();
            assert_eq!(get(&document, &at(path)), Some(value));
        }
        let same = set(
            TEXT,
            &at(&["apis", "#one", "plans"]),
            &json!(["free", "team"]),
        );
        assert_eq!(same.unwrap(), TEXT);
    }

    #[test]
    fn elements_are_added_and_taken_away() {
        let new = json!({"id": "three", "plans": ["free"], "a": 1, "b": {"c": 2}});
        let more = set(TEXT, &at(&["apis", "#three"]), &new).unwrap();
        assert!(more.contains("    {\n      \"id\": \"three\","), "{more}");
        let back = remove(&more, &at(&["apis", "#three"])).unwrap();
        assert_eq!(back, TEXT);
        for id in ["#one", "#two"] {
            let less = remove(TEXT, &at(&["apis", id])).unwrap();
            let document: Value = serde_json::from_str(&less).unwrap();
            assert_eq!(document["apis"].as_array().unwrap().len(), 1, "{less}");
        }
        let mut text = TEXT.to_owned();
        for member in ["settings", "id", "desc", "plans"] {
            text = remove(&text, &at(&["apis", "#one", member])).unwrap_or(text);
        }
        assert!(serde_json::from_str::<Value>(&text).is_ok(), "{text}");
        assert_eq!(remove(TEXT, &at(&["apis", "#four"])).unwrap(), TEXT);
        let first = set("{}", &at(&["plans", "#a"]), &json!({"id": "a"})).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&first).unwrap(),
            json!({"plans": [{"id": "a"}]})
        );
    }

    #[test]
    fn what_is_no_json_or_of_another_shape_is_refused() {
        for text in ["", "{", "{\"apis\": 5}", "[1, 2", "nonsense"] {
            assert_eq!(
                set(text, &at(&["apis", "#one", "x"]), &json!(1)),
                Err(NoSuchPlace),
                "{text}"
            );
        }
    }
}
