//! Changes single places of a JSON text and leaves all other bytes as they are, so that a commit
//! shows what somebody did and not how a program writes JSON.
//!
//! Works on text that serde accepts; everything else is refused.

use std::ops::Range;

use serde_json::Value;

/// Longest value that stays on one line.
const LINE: usize = 80;

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
    check(text)?;
    set_at(text, path, value.clone())
}

/// Takes a value away; nothing happens where there is none.
pub fn remove(text: &str, path: &[Step]) -> Result<String, NoSuchPlace> {
    check(text)?;
    let (Some((last, parents)), Some(place)) = (path.split_last(), find(text, path)) else {
        return Ok(text.to_owned());
    };
    let parent = find(text, parents).ok_or(NoSuchPlace)?;
    let inside = Container::read(text, parent.start).ok_or(NoSuchPlace)?;
    let at = inside.position(text, last).ok_or(NoSuchPlace)?;
    debug_assert_eq!(inside.children[at].value, place);
    let cut = match (at.checked_sub(1), inside.children.get(at + 1)) {
        (_, Some(next)) => inside.children[at].whole.start..next.whole.start,
        (Some(before), None) => inside.children[before].whole.end..inside.children[at].whole.end,
        (None, None) => parent.start + 1..inside.close,
    };
    Ok(replaced(text, cut, ""))
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

fn check(text: &str) -> Result<(), NoSuchPlace> {
    serde_json::from_str::<&serde_json::value::RawValue>(text)
        .map(drop)
        .map_err(|_| NoSuchPlace)
}

fn set_at(text: &str, path: &[Step], value: Value) -> Result<String, NoSuchPlace> {
    if let Some(place) = find(text, path) {
        let is_same = serde_json::from_str::<Value>(&text[place.clone()]).is_ok_and(|v| v == value);
        if is_same {
            return Ok(text.to_owned());
        }
        let new = written(&value, &indent_at(text, place.start));
        return Ok(replaced(text, place, &new));
    }
    let (last, parents) = path.split_last().ok_or(NoSuchPlace)?;
    let Some(parent) = find(text, parents) else {
        let around = match last {
            Step::Key(key) => {
                let own_id = match parents.last() {
                    Some(Step::Id(id)) => Some(("id".to_owned(), Value::from(id.as_str()))),
                    _ => None,
                };
                let members = own_id.into_iter().chain([(key.clone(), value)]);
                members.collect()
            }
            Step::Id(_) => Value::Array(vec![value]),
        };
        return set_at(text, parents, around);
    };
    let inside = Container::read(text, parent.start).ok_or(NoSuchPlace)?;
    let is_list = text.as_bytes()[parent.start] == b'[';
    if is_list != matches!(last, Step::Id(_)) {
        return Err(NoSuchPlace);
    }
    Ok(inside.with(text, parent.start, last, &value))
}

/// Where the value at a place stands.
fn find(text: &str, path: &[Step]) -> Option<Range<usize>> {
    let start = skip_blanks(text, 0);
    let whole = start..skip_value(text, start)?;
    path.iter().try_fold(whole, |place, step| {
        let inside = Container::read(text, place.start)?;
        let at = inside.position(text, step)?;
        Some(inside.children[at].value.clone())
    })
}

/// An object or a list, and where its parts stand.
struct Container {
    children: Vec<Child>,
    /// The closing bracket.
    close: usize,
}

struct Child {
    key: Option<String>,
    whole: Range<usize>,
    value: Range<usize>,
}

impl Container {
    fn read(text: &str, open: usize) -> Option<Self> {
        let bytes = text.as_bytes();
        let is_object = match bytes.get(open)? {
            b'{' => true,
            b'[' => false,
            _ => return None,
        };
        let mut children = Vec::new();
        let mut at = skip_blanks(text, open + 1);
        while !matches!(bytes.get(at)?, b'}' | b']') {
            let start = at;
            let mut key = None;
            if is_object {
                let end = skip_string(text, at)?;
                key = Some(serde_json::from_str(&text[at..end]).ok()?);
                at = skip_blanks(text, skip_blanks(text, end) + 1);
            }
            let end = skip_value(text, at)?;
            children.push(Child {
                key,
                whole: start..end,
                value: at..end,
            });
            at = skip_blanks(text, end);
            if bytes.get(at)? == &b',' {
                at = skip_blanks(text, at + 1);
            }
        }
        Some(Self {
            children,
            close: at,
        })
    }

    fn position(&self, text: &str, step: &Step) -> Option<usize> {
        self.children.iter().position(|child| match step {
            Step::Key(key) => child.key.as_ref() == Some(key),
            Step::Id(id) => {
                let element = serde_json::from_str::<Value>(&text[child.value.clone()]);
                child.key.is_none() && element.is_ok_and(|element| element["id"] == **id)
            }
        })
    }

    /// The text with one part more, written as the parts before it are.
    fn with(&self, text: &str, open: usize, step: &Step, value: &Value) -> String {
        let head = match step {
            Step::Key(key) => format!("{}: ", Value::from(key.as_str())),
            Step::Id(_) => String::new(),
        };
        let Some(last) = self.children.last() else {
            let outer = indent_at(text, open);
            let inner = format!("{outer}  ");
            let new = format!("\n{inner}{head}{}\n{outer}", written(value, &inner));
            return replaced(text, open + 1..self.close, &new);
        };
        let is_on_one_line = !text[open..self.close].contains('\n');
        let new = if is_on_one_line {
            format!(", {head}{}", one_line(value))
        } else {
            let indent = indent_at(text, last.whole.start);
            format!(",\n{indent}{head}{}", written(value, &indent))
        };
        replaced(text, last.whole.end..last.whole.end, &new)
    }
}

fn replaced(text: &str, place: Range<usize>, new: &str) -> String {
    format!("{}{new}{}", &text[..place.start], &text[place.end..])
}

/// White space at the beginning of the line.
fn indent_at(text: &str, at: usize) -> String {
    let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let blank = text[line..]
        .bytes()
        .take_while(|byte| matches!(byte, b' ' | b'\t'));
    text[line..line + blank.count()].to_owned()
}

/// On one line if it fits and is no object with objects inside.
fn written(value: &Value, indent: &str) -> String {
    let line = one_line(value);
    let is_deep = match value {
        Value::Object(members) => members.values().any(Value::is_object) || members.len() > 3,
        Value::Array(elements) => elements.iter().any(|element| !is_plain(element)),
        _ => return line,
    };
    if !is_deep && line.len() <= LINE {
        return line;
    }
    let inner = format!("{indent}  ");
    let (open, close, parts): (_, _, Vec<String>) = match value {
        Value::Object(members) => {
            let part = |(key, value): (&String, &Value)| {
                format!("{}: {}", Value::from(key.as_str()), written(value, &inner))
            };
            ('{', '}', members.iter().map(part).collect())
        }
        Value::Array(elements) => {
            let part = |element| written(element, &inner);
            ('[', ']', elements.iter().map(part).collect())
        }
        _ => return line,
    };
    if parts.is_empty() {
        return line;
    }
    let parts = parts.join(&format!(",\n{inner}"));
    format!("{open}\n{inner}{parts}\n{indent}{close}")
}

fn is_plain(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

fn one_line(value: &Value) -> String {
    match value {
        Value::Object(members) if !members.is_empty() => {
            let part = |(key, value): (&String, &Value)| {
                format!("{}: {}", Value::from(key.as_str()), one_line(value))
            };
            let parts: Vec<_> = members.iter().map(part).collect();
            format!("{{ {} }}", parts.join(", "))
        }
        Value::Array(elements) => {
            let parts: Vec<_> = elements.iter().map(one_line).collect();
            format!("[{}]", parts.join(", "))
        }
        value => value.to_string(),
    }
}

fn skip_blanks(text: &str, mut at: usize) -> usize {
    let bytes = text.as_bytes();
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// Behind the string that begins here.
fn skip_string(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Behind the value that begins here.
fn skip_value(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut at = start;
    loop {
        match bytes.get(at) {
            Some(b'"') => at = skip_string(text, at)?,
            Some(b'{' | b'[') => {
                depth += 1;
                at += 1;
            }
            Some(b'}' | b']') if depth > 0 => {
                depth -= 1;
                at += 1;
            }
            None => return (depth == 0 && at > start).then_some(at),
            Some(b'}' | b']' | b',') if depth == 0 => return Some(at),
            Some(byte) if depth == 0 && byte.is_ascii_whitespace() => return Some(at),
            Some(_) => at += 1,
        }
        if depth == 0 && matches!(bytes[at - 1], b'}' | b']' | b'"') {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
                vec![r#"{ "id": "two", "plans": [], "version": "v2" }"#],
                vec![r#"{ "id": "two", "plans": [] }"#],
            ),
            (
                &["apis", "#one", "lifecycle", "state"],
                json!("created"),
                vec![
                    r#""settings": { "flag": true },"#,
                    r#""lifecycle": { "state": "created" }"#,
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
