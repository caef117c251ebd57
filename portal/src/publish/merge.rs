//! Brings one's own edits onto a newer version of the files. JSON is merged member by member, so two
//! people who work on different APIs of one list do not meet; of other texts the whole is one's own
//! or the other's.

use serde_json::Value;

use super::document::{self, Step};

/// One file on top of the newer version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// Where both changed the same, one's own stands. Nothing: the file is removed.
    pub mine: Option<String>,
    /// Where both changed the same, the other's stands.
    pub theirs: Option<String>,
    /// Places that both changed; a whole file is an empty place.
    pub conflicts: Vec<String>,
}

impl Merged {
    fn clean(text: Option<String>) -> Self {
        Self {
            mine: text.clone(),
            theirs: text,
            conflicts: Vec::new(),
        }
    }
}

/// `base` is what the edits were made on; nothing stands for no file.
pub fn merge(base: Option<&str>, mine: Option<&str>, theirs: Option<&str>) -> Merged {
    if theirs == base || theirs == mine {
        return Merged::clean(mine.map(str::to_owned));
    }
    let merged = match (base, mine, theirs) {
        (Some(base), Some(mine), Some(theirs)) => merge_json(base, mine, theirs),
        _ => None,
    };
    merged.unwrap_or_else(|| Merged {
        mine: mine.map(str::to_owned),
        theirs: theirs.map(str::to_owned),
        conflicts: vec![String::new()],
    })
}

/// `mine` without its changes at a place and below; nothing if one of them is no JSON.
pub fn without(base: &str, mine: &str, place: &[Step]) -> Option<String> {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    let own = changes(&read(base)?, &read(mine)?);
    let mut others = own.iter().filter(|change| !change.path.starts_with(place));
    others.try_fold(base.to_owned(), |text, change| change.apply(&text))
}

/// Nothing if one of them is no JSON.
fn merge_json(base: &str, mine: &str, theirs: &str) -> Option<Merged> {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    let base = read(base)?;
    let own = changes(&base, &read(mine)?);
    let others = changes(&base, &read(theirs)?);
    let mut merged = Merged::clean(Some(theirs.to_owned()));
    for change in &own {
        let apply = |text: &Option<String>| change.apply(text.as_deref()?);
        merged.mine = Some(apply(&merged.mine)?);
        if others.iter().any(|other| change.contradicts(other)) {
            merged.conflicts.push(change.place());
        } else {
            merged.theirs = Some(apply(&merged.theirs)?);
        }
    }
    Some(merged)
}

/// Another value for a place; nothing takes it away.
#[derive(Debug)]
struct Change {
    path: Vec<Step>,
    value: Option<Value>,
}

impl Change {
    fn apply(&self, text: &str) -> Option<String> {
        match &self.value {
            Some(value) => document::set(text, &self.path, value),
            None => document::remove(text, &self.path),
        }
        .ok()
    }

    fn contradicts(&self, other: &Self) -> bool {
        let meets = self.path.starts_with(&other.path) || other.path.starts_with(&self.path);
        meets && !(self.path == other.path && self.value == other.value)
    }

    /// For people, such as `apis[petstore].desc`.
    fn place(&self) -> String {
        let mut text = String::new();
        for step in &self.path {
            match step {
                Step::Key(key) if text.is_empty() => text.push_str(key),
                Step::Key(key) => text.extend([".", key]),
                Step::Id(id) => text.extend(["[", id, "]"]),
            }
        }
        text
    }
}

fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    compare(before, after, &mut Vec::new(), &mut found);
    found
}

fn compare(before: &Value, after: &Value, path: &mut Vec<Step>, found: &mut Vec<Change>) {
    if before == after {
        return;
    }
    let parts = match (before, after) {
        (Value::Object(_), Value::Object(_)) => Some((members(before), members(after))),
        _ => elements(before).zip(elements(after)),
    };
    let Some((before, after)) = parts else {
        found.push(Change {
            path: path.clone(),
            value: Some(after.clone()),
        });
        return;
    };
    let value = |parts: &[(Step, Value)], step: &Step| {
        let part = parts.iter().find(|(known, _)| known == step);
        part.map(|(_, value)| value.clone())
    };
    let new = after
        .iter()
        .filter(|(step, _)| value(&before, step).is_none());
    for (step, _) in before.iter().chain(new) {
        path.push(step.clone());
        match (value(&before, step), value(&after, step)) {
            (Some(before), Some(after)) => compare(&before, &after, path, found),
            (_, value) => found.push(Change {
                path: path.clone(),
                value,
            }),
        }
        path.pop();
    }
}

fn members(value: &Value) -> Vec<(Step, Value)> {
    let members = value.as_object().into_iter().flatten();
    members
        .map(|(key, value)| (Step::Key(key.clone()), value.clone()))
        .collect()
}

/// Of a list in which every object has an id of its own.
fn elements(value: &Value) -> Option<Vec<(Step, Value)>> {
    let mut known: Vec<(Step, Value)> = Vec::new();
    for element in value.as_array()? {
        let step = Step::Id(element.get("id")?.as_str()?.to_owned());
        if known.iter().any(|(other, _)| *other == step) {
            return None;
        }
        known.push((step, element.clone()));
    }
    Some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = r#"{
  "apis": [
    { "id": "one", "name": "One", "plans": ["free"] },
    { "id": "two", "name": "Two", "plans": [] }
  ]
}"#;

    fn changed(from: &str, to: &str) -> String {
        assert!(BASE.contains(from));
        BASE.replace(from, to)
    }

    #[test]
    fn two_people_who_change_different_members_do_not_meet() {
        let mine = changed("\"Two\"", "\"Zwei\"");
        let theirs = changed(
            "\"One\", \"plans\": [\"free\"]",
            "\"Eins\", \"plans\": [\"team\"]",
        );
        let merged = merge(Some(BASE), Some(&mine), Some(&theirs));
        assert_eq!(merged.conflicts, [""; 0]);
        let text = merged.mine.unwrap();
        assert!(
            text.contains("Zwei") && text.contains("Eins") && text.contains("team"),
            "{text}"
        );
        assert_eq!(merged.theirs, Some(text));
    }

    #[test]
    fn what_both_change_is_named_and_nobody_wins_by_himself() {
        let mine = changed("\"One\"", "\"Mine\"").replace("\"Two\"", "\"Zwei\"");
        let theirs = changed("\"One\"", "\"Theirs\"");
        let merged = merge(Some(BASE), Some(&mine), Some(&theirs));
        assert_eq!(merged.conflicts, ["apis[one].name"]);
        let (mine, theirs) = (merged.mine.unwrap(), merged.theirs.unwrap());
        assert!(mine.contains("Mine") && mine.contains("Zwei"));
        assert!(theirs.contains("Theirs") && theirs.contains("Zwei"));
    }

    #[test]
    fn an_entry_that_others_took_away_is_a_conflict() {
        let mine = changed("\"Two\"", "\"Zwei\"");
        let theirs = changed(
            ",\n    { \"id\": \"two\", \"name\": \"Two\", \"plans\": [] }",
            "",
        );
        let merged = merge(Some(BASE), Some(&mine), Some(&theirs));
        assert_eq!(merged.conflicts, ["apis[two].name"]);
    }

    #[test]
    fn of_other_texts_the_whole_is_mine_or_theirs() {
        let merged = merge(Some("a"), Some("b"), Some("c"));
        assert_eq!(merged.conflicts, [""]);
        assert_eq!(
            (merged.mine.as_deref(), merged.theirs.as_deref()),
            (Some("b"), Some("c"))
        );
        for (base, mine, theirs, all) in [
            (Some("a"), Some("b"), Some("a"), Some("b")),
            (Some("a"), None, Some("a"), None),
            (None, Some("b"), Some("b"), Some("b")),
        ] {
            let merged = merge(base, mine, theirs);
            assert_eq!((merged.mine.as_deref(), merged.conflicts.len()), (all, 0));
        }
        assert_eq!(merge(Some("a"), None, Some("c")).conflicts, [""]);
    }
}
