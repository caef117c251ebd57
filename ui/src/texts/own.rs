//! Texts in the operator's words: files of the configuration by language, held against the texts
//! that there are.
//!
//! ```json
//! {
//!   "language": {"name": "Français", "direction": "ltr"},
//!   "shared": {"log_in": "Se connecter", "range": "{first}–{last} sur {total}"},
//!   "applications": {"subscription_count": ["{n} abonnement", "{n} abonnements"]}
//! }
//! ```

use std::{
    collections::{BTreeMap, HashMap},
    fmt::{Display, Write},
};

use serde_json::{Map, Value};

use super::{Entry, Forms, GROUPS};
use crate::{
    Lang,
    lang::{Base, Language},
};

/// The member of a file that is about the language itself.
const ABOUT: &str = "language";

/// Own texts by the key of the compiled ones.
pub type Own = HashMap<&'static str, Text>;

/// A text that was read and fits its place.
#[derive(Debug)]
pub enum Text {
    /// Without values.
    Plain(Box<str>),
    /// What is said, and names of values.
    Parts(Box<[Part]>),
    /// Singular and plural.
    Counted(Box<str>, Box<str>),
}

#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    Said(Box<str>),
    Value(Box<str>),
}

impl Text {
    pub fn plain(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Parts(_) | Self::Counted(..) => "",
        }
    }

    pub fn filled(&self, values: &[(&str, &dyn Display)]) -> String {
        let mut text = String::new();
        let parts = match self {
            Self::Parts(parts) => parts,
            Self::Plain(_) | Self::Counted(..) => return text,
        };
        for part in parts {
            match part {
                Part::Said(said) => text.push_str(said),
                Part::Value(name) => {
                    if let Some((_, value)) = values.iter().find(|(own, _)| **own == **name) {
                        let _ = write!(text, "{value}");
                    }
                }
            }
        }
        text
    }

    pub fn counted(&self, count: usize, number: &str) -> String {
        match self {
            Self::Counted(one, _) if count == 1 => one.replace("{n}", number),
            Self::Counted(_, many) => many.replace("{n}", number),
            Self::Plain(_) | Self::Parts(_) => String::new(),
        }
    }
}

/// Something wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Group and key, as far as they are known.
    pub place: Vec<String>,
    pub message: String,
}

/// What came of a file.
#[derive(Default)]
pub struct Read {
    /// Absent if the file as a whole says nothing.
    pub language: Option<Language>,
    pub faults: Vec<Fault>,
    /// How many texts a language of its own leaves to English.
    pub missing: usize,
}

fn compiled() -> impl Iterator<Item = &'static [Entry]> {
    GROUPS.iter().map(|entries| entries())
}

/// Whether a file can be called so: `de`, `pt-br`.
pub fn is_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let two = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_lowercase());
    parts.next().is_some_and(two) && parts.next().is_none_or(two) && parts.next().is_none()
}

/// Reads the file of a language.
pub fn read(tag: &str, file: &Value) -> Read {
    let mut reader = Reader::default();
    let Some(groups) = file.as_object() else {
        reader.fault(&[], "has to be an object of groups of texts");
        return reader.read;
    };
    let built_in = [Lang::EN, Lang::DE]
        .into_iter()
        .find(|lang| lang.tag() == tag);
    let about = reader.about(groups.get(ABOUT), built_in);
    let mut own = Own::new();
    for (group, texts) in groups.iter().filter(|(name, _)| *name != ABOUT) {
        reader.group(group, texts, &mut own);
    }
    if built_in.is_none() {
        let all: usize = compiled().map(<[Entry]>::len).sum();
        reader.read.missing = all - own.len();
    }
    let mut read = reader.read;
    read.language = about.map(|(name, right_to_left)| Language {
        tag: tag.to_owned().into(),
        name: name.into(),
        right_to_left,
        base: built_in.map_or(Base::En, Lang::base),
        own: Some(own),
    });
    read
}

/// All texts of a compiled language, as a file has them.
pub fn written(base: Base) -> Value {
    let pick = |texts: &[&'static str; 2]| texts[usize::from(base == Base::De)];
    let mut groups = BTreeMap::<String, Map<String, Value>>::new();
    for entry in compiled().flatten() {
        let text = match &entry.forms {
            Forms::Plain(texts) | Forms::With(_, texts) => pick(texts).into(),
            Forms::Counted(one, many) => vec![pick(one), pick(many)].into(),
        };
        groups
            .entry(group_of(entry))
            .or_default()
            .insert(key_of(entry).to_owned(), text);
    }
    let lang = match base {
        Base::En => Lang::EN,
        Base::De => Lang::DE,
    };
    let mut file = Map::new();
    file.insert(ABOUT.to_owned(), serde_json::json!({"name": lang.name()}));
    file.extend(groups.into_iter().map(|(name, texts)| (name, texts.into())));
    file.into()
}

/// The key as files write it: `log_in`.
fn key_of(entry: &Entry) -> &'static str {
    entry.key.split_once('.').map_or("", |(_, key)| key)
}

/// The group as files write it: `shared`.
fn group_of(entry: &Entry) -> String {
    let group = entry.key.split('.').next().unwrap_or_default();
    let mut name = String::new();
    for letter in group.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[derive(Default)]
struct Reader {
    read: Read,
}

impl Reader {
    fn fault(&mut self, place: &[&str], message: impl Into<String>) {
        self.read.faults.push(Fault {
            place: place.iter().map(|&step| step.to_owned()).collect(),
            message: message.into(),
        });
    }

    /// Name and direction of the language.
    fn about(&mut self, about: Option<&Value>, built_in: Option<Lang>) -> Option<(String, bool)> {
        let member = |name: &str| about.and_then(|about| about.get(name));
        let right_to_left = match member("direction").map(Value::as_str) {
            None | Some(Some("ltr")) => false,
            Some(Some("rtl")) => true,
            Some(_) => {
                self.fault(&[ABOUT, "direction"], "is `ltr` or `rtl`");
                false
            }
        };
        let name = member("name").and_then(Value::as_str);
        let name = name.filter(|name| !name.trim().is_empty());
        if name.is_none() && built_in.is_none() {
            let message = "names the language in itself, for the menu: `\"name\": \"Français\"`";
            self.fault(&[ABOUT, "name"], message);
        }
        let name = name.or(built_in.map(Lang::name))?;
        Some((name.to_owned(), right_to_left))
    }

    fn group(&mut self, group: &str, texts: &Value, own: &mut Own) {
        let entries = compiled().find(|entries| {
            let mut entries = entries.iter();
            entries.next().is_some_and(|entry| group_of(entry) == group)
        });
        let Some(entries) = entries else {
            let known = compiled().filter_map(|entries| entries.first());
            let known: Vec<_> = known.map(group_of).collect();
            let known = known.join(", ");
            self.fault(&[group], format!("is no group of texts; there are {known}"));
            return;
        };
        let Some(texts) = texts.as_object() else {
            self.fault(&[group], "has to be an object of texts by key");
            return;
        };
        for (key, text) in texts {
            let Some(entry) = entries.iter().find(|entry| key_of(entry) == key) else {
                let message = "there is no such text; `wicketgate config texts` prints all of them";
                self.fault(&[group, key], message);
                continue;
            };
            match fitting(entry, text) {
                Ok(text) => {
                    own.insert(entry.key, text);
                }
                Err(message) => self.fault(&[group, key], message),
            }
        }
    }
}

/// The text, if it is of the kind of the compiled one and has its values.
fn fitting(entry: &Entry, text: &Value) -> Result<Text, String> {
    match &entry.forms {
        Forms::Plain(_) => {
            let text = text.as_str().ok_or("has to be a text")?;
            Ok(Text::Plain(text.into()))
        }
        Forms::With(names, compiled) => {
            let text = text.as_str().ok_or("has to be a text")?;
            let parts = parts(text, names)?;
            // A value that one of the compiled texts does without can be left out.
            let has = |text: &str, name: &str| text.contains(&format!("{{{name}}}"));
            let needed = names
                .iter()
                .filter(|name| compiled.iter().all(|text| has(text, name)));
            for name in needed {
                if !has(text, name) {
                    return Err(format!("`{{{name}}}` is missing"));
                }
            }
            Ok(Text::Parts(parts.into()))
        }
        Forms::Counted(_, many) => {
            let list = text.as_array().map(Vec::as_slice);
            let [Some(one), Some(more)] = (match list {
                Some([one, more]) => [one.as_str(), more.as_str()],
                _ => [None, None],
            }) else {
                return Err(
                    "has to be a list of two texts: for one, and for any other number".to_owned(),
                );
            };
            parts(one, &["n"])?;
            parts(more, &["n"])?;
            if many[0].contains("{n}") && !more.contains("{n}") {
                return Err("`{n}` is missing in the second text".to_owned());
            }
            Ok(Text::Counted(one.into(), more.into()))
        }
    }
}

/// Takes a text with values in braces apart.
fn parts(text: &str, names: &[&str]) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(['{', '}']) {
        let known = || {
            let known = names.iter().map(|name| format!("`{{{name}}}`"));
            known.collect::<Vec<_>>().join(", ")
        };
        let (said, from) = rest.split_at(start);
        let value = from.strip_prefix('{').and_then(|from| from.split_once('}'));
        let Some((name, after)) = value.filter(|(name, _)| names.contains(name)) else {
            let (fragment, _) = from.split_at(from.find('}').map_or(from.len(), |end| end + 1));
            return Err(format!(
                "`{fragment}` is no value of this text; it has {}",
                known()
            ));
        };
        if !said.is_empty() {
            parts.push(Part::Said(said.into()));
        }
        parts.push(Part::Value(name.into()));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Said(rest.into()));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    fn faults(tag: &str, file: &Value) -> Vec<String> {
        let faults = read(tag, file).faults.into_iter();
        let told = faults.map(|fault| format!("{}: {}", fault.place.join("."), fault.message));
        told.collect()
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_place() {
        let file = json!({
            "shared": {
                "log_inn": "x",
                "log_in": 1,
                "range": "{first} von {total}",
                "account_of": "Konto von {nam}",
                "gate_text": "{title}}",
            },
            "applications": {"subscription_count": ["{n}", "viele"], "all_members": "{n}"},
            "birds": {},
            "search": "x",
            "language": {"direction": "up"},
        });
        let told = faults("de", &file);
        for (place, part) in [
            ("shared.log_inn", "no such text"),
            ("shared.log_in", "has to be a text"),
            ("shared.range", "`{last}` is missing"),
            (
                "shared.account_of",
                "`{nam}` is no value of this text; it has `{name}`",
            ),
            ("shared.gate_text", "`}` is no value"),
            (
                "applications.subscription_count",
                "`{n}` is missing in the second",
            ),
            ("applications.all_members", "a list of two texts"),
            ("birds", "is no group of texts; there are "),
            ("search", "an object of texts by key"),
            ("language.direction", "`ltr` or `rtl`"),
        ] {
            let found = told
                .iter()
                .find(|text| text.starts_with(&format!("{place}: ")));
            assert!(
                found.is_some_and(|text| text.contains(part)),
                "{place}: {told:#?}"
            );
        }
        assert_eq!(told.len(), 10, "{told:#?}");
    }

    #[test]
    fn a_language_of_its_own_has_a_name() {
        assert_eq!(faults("fr", &json!({})).len(), 1);
        assert!(read("fr", &json!({})).language.is_none());
        assert!(faults("fr", &json!({"language": {"name": "Français"}})).is_empty());
        assert_eq!(
            faults("fr", &json!([])),
            [": has to be an object of groups of texts"]
        );
    }

    #[test]
    fn the_compiled_texts_are_a_file_that_fits() {
        for base in [Base::En, Base::De] {
            let file = written(base);
            let read = read("xx", &file);
            assert_eq!(read.faults, [], "{base:?}");
            assert_eq!(read.missing, 0);
        }
    }

    #[test]
    fn no_two_texts_have_one_key() {
        let all = compiled().flatten();
        let keys: Vec<_> = all.map(|entry| entry.key).collect();
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
    }

    #[test]
    fn files_are_called_by_a_language() {
        for (tag, expected) in [
            ("de", true),
            ("pt-br", true),
            ("DE", false),
            ("deu", false),
            ("de-", false),
            ("de-at-x", false),
            ("", false),
            ("..", false),
        ] {
            assert_eq!(is_tag(tag), expected, "{tag}");
        }
    }
}
