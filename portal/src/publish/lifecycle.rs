//! Version and life cycle of an API.

use axum::{extract::Path, response::Response};
use serde_json::Value;
use ui::{Html, texts};

use super::{
    desk::{APIS, Members},
    fields::{self, Choice},
    shell::{Opened, Tab},
};
use crate::{failure::Failure, form::Form, visitor::Visitor};

/// As they stand in the file, in the order of a life.
const STATES: [&str; 4] = ["created", "published", "deprecated", "retired"];

/// `GET /publish/apis/{api}/lifecycle`
pub async fn show(visitor: Visitor, path: Path<String>) -> Result<Response, Failure> {
    let mut opened = Opened::new(&visitor, path).await?;
    let t = texts::Publish(visitor.lang());
    let lang = visitor.lang();
    let lifecycle = opened.entry["lifecycle"].clone();
    let text = |member: &str| lifecycle[member].as_str().unwrap_or_default().to_owned();
    let state = state_of(&opened.entry);
    let successors = successors(&mut opened, t, &text("successor")).await?;
    let line =
        |name, label, hint| fields::optional(fields::line(name, label, text(name)), lang, hint);
    let parts = vec![
        fields::radios("state", t.state(), &states(t, state)),
        fields::optional(
            fields::line("version", t.version(), opened.text("version")),
            lang,
            Some(t.version_hint()),
        ),
        fields::optional(
            fields::line("family", t.family(), opened.text("family")),
            lang,
            Some(t.family_hint()),
        ),
        line("deprecatedOn", t.deprecated_on(), Some(t.date_hint())),
        line("sunsetOn", t.sunset_on(), Some(t.sunset_hint())),
        fields::select("successor", t.successor(), None, &successors),
        line("note", t.note(), Some(t.note_hint())),
    ];
    opened
        .page(&visitor, Tab::Lifecycle, parts, Html::default())
        .await
}

/// The state that an entry of the list is in.
pub fn state_of(entry: &Value) -> &'static str {
    let named = entry["lifecycle"]["state"].as_str();
    let found = STATES.into_iter().find(|state| Some(*state) == named);
    let is_deprecated = super::desk::is_true(&entry["deprecated"]);
    found.unwrap_or(if is_deprecated {
        "deprecated"
    } else {
        "published"
    })
}

/// The states in words.
pub fn states(t: texts::Publish, chosen: &str) -> [Choice; 4] {
    STATES.map(|state| {
        let (label, note) = match state {
            "created" => (t.created(), t.created_note()),
            "deprecated" => (t.deprecated(), t.deprecated_note()),
            "retired" => (t.retired(), t.retired_note()),
            _ => (t.published(), t.published_note()),
        };
        Choice::new(state, label, state == chosen).with_note(note)
    })
}

async fn successors(
    opened: &mut Opened,
    t: texts::Publish,
    chosen: &str,
) -> Result<Vec<Choice>, Failure> {
    let document = opened.desk.json(APIS).await?;
    let mut choices = vec![Choice::new("", t.nobody(), chosen.is_empty())];
    for entry in document["apis"].as_array().into_iter().flatten() {
        let id = entry["id"].as_str().unwrap_or_default();
        if id != opened.api {
            let name = entry["name"].as_str().unwrap_or(id);
            choices.push(Choice::new(id, name, id == chosen));
        }
    }
    Ok(choices)
}

/// `POST /publish/apis/{api}/lifecycle`: `state`, `version`, `family`, `deprecatedOn`, `sunsetOn`,
/// `successor`, `note`.
pub async fn save(visitor: Visitor, path: Path<String>, form: Form) -> Result<Response, Failure> {
    let mut opened = Opened::new(&visitor, path).await?;
    let before = state_of(&opened.entry);
    let mut members = Members::of_api(&mut opened.desk, &opened.api).await?;
    for member in ["version", "family"] {
        if form.has(member) {
            members.text(&[member], form.text(member)).await?;
        }
    }
    let state = form.optional("state").unwrap_or(before);
    if state != before {
        members
            .set(&["lifecycle", "state"], Some(state.into()))
            .await?;
        // The old flag would say something else.
        members.set(&["deprecated"], None).await?;
    }
    for member in ["deprecatedOn", "sunsetOn", "successor", "note"] {
        if form.has(member) {
            members
                .text(&["lifecycle", member], form.text(member))
                .await?;
        }
    }
    opened.saved(&visitor, Tab::Lifecycle).await
}
