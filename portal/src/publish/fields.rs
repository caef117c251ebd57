//! Parts of the forms.

use askama::Template;
use ui::{Field, FieldKind, Html, Icon, Lang, texts};

/// A line of text.
pub fn line(name: &'static str, label: &str, value: String) -> Field {
    Field {
        value,
        max_length: Some(1000),
        autocomplete: "off",
        ..Field::required(name, label)
    }
}

/// Several lines.
pub fn area(name: &'static str, label: &str, value: String) -> Field {
    Field {
        kind: FieldKind::Area,
        value,
        ..Field::required(name, label)
    }
}

/// A document that a program reads.
pub fn code(name: &'static str, label: &str, value: String) -> Field {
    Field {
        kind: FieldKind::Code,
        ..area(name, label, value)
    }
}

/// Several lines of Markdown, with a preview where scripts run.
pub fn markdown(name: &'static str, label: &str, value: String, lang: Lang) -> Field {
    Field {
        preview: Some(texts::Shared(lang).preview()),
        ..area(name, label, value)
    }
}

/// A file in the place of a text: the field `file`. Where scripts run it goes into the field for its text.
#[derive(Template)]
#[template(path = "publish/file.html")]
struct FileChooser<'a> {
    label: &'a str,
    into: &'a str,
    accept: &'a str,
}

pub fn file(label: &str, into: &str, accept: &str) -> Html {
    Html::of(&FileChooser {
        label,
        into,
        accept,
    })
}

/// A field with a sentence below, which may stay empty.
pub fn optional(field: Field, lang: Lang, hint: Option<&str>) -> Html {
    Field {
        hint: hint.map(str::to_owned),
        optional: Some(texts::Shared(lang).optional()),
        ..field
    }
    .html()
}

/// A field with a sentence below.
pub fn with_hint(field: Field, hint: &str) -> Html {
    Field {
        hint: Some(hint.to_owned()),
        ..field
    }
    .html()
}

/// One of several, or some of them.
pub struct Choice {
    pub value: String,
    pub label: String,
    /// Behind the label.
    pub note: String,
    pub is_chosen: bool,
}

impl Choice {
    pub fn new(value: impl Into<String>, label: impl Into<String>, is_chosen: bool) -> Self {
        Self {
            value: value.into(),
            label: label.into(),
            note: String::new(),
            is_chosen,
        }
    }

    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

/// A list that opens.
#[derive(Template)]
#[template(path = "publish/select.html")]
struct Select<'a> {
    name: &'a str,
    label: &'a str,
    hint: Option<&'a str>,
    choices: &'a [Choice],
}

pub fn select(name: &str, label: &str, hint: Option<&str>, choices: &[Choice]) -> Html {
    Html::of(&Select {
        name,
        label,
        hint,
        choices,
    })
}

/// All choices at once.
#[derive(Template)]
#[template(path = "publish/choices.html")]
struct Several<'a> {
    name: &'a str,
    label: &'a str,
    hint: Option<&'a str>,
    kind: &'static str,
    choices: &'a [Choice],
}

/// One of them.
pub fn radios(name: &str, label: &str, choices: &[Choice]) -> Html {
    Html::of(&Several {
        name,
        label,
        hint: None,
        kind: "radio",
        choices,
    })
}

/// Any of them.
pub fn checks(name: &str, label: &str, hint: Option<&str>, choices: &[Choice]) -> Html {
    Html::of(&Several {
        name,
        label,
        hint,
        kind: "checkbox",
        choices,
    })
}

/// Words separated by commas or line ends.
pub fn words(text: &str) -> Vec<String> {
    let words = text.split([',', '\n']).map(str::trim);
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}
