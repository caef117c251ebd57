//! What a change did to the definition of an API, on the page of its changes (portal-ui 21.4).

use askama::Template;
use sdk::{Client, Optional, types::configuration::ConfigCommit};
use serde_json::{Value, json, value::RawValue};
use ui::{Breakable, Html, Lang, texts};

use crate::{
    failure::Failure,
    reference::{Change, Definition, Difference, Place, What, compare},
    worker,
};

#[derive(Template)]
#[template(path = "difference.html")]
struct DifferencePage {
    t: texts::Publish,
    commit: String,
    version: Option<(String, String)>,
    breaking: usize,
    /// Differences that are not shown.
    more: usize,
    /// Method and path, and what happened there.
    groups: Vec<(String, String, Vec<Line>)>,
}

/// A sentence about a row.
struct Line {
    place: &'static str,
    name: String,
    text: String,
    is_breaking: bool,
}

/// A change of an API, compared with the one before.
pub struct Compared {
    commit: String,
    before: Option<String>,
    difference: Difference,
}

impl Compared {
    /// Reads both states of the definition. `commits` are those of the API, newest first.
    pub async fn read(
        client: &Client,
        api: &str,
        commits: &[ConfigCommit],
        commit: &str,
    ) -> Result<Self, Failure> {
        let mut after = commits.iter().skip_while(|one| one.commit != commit);
        let commit = after.next().ok_or(Failure::NotFound)?.commit.clone();
        let before = after.next().map(|one| one.commit.clone());
        let text = async |commit: Option<&String>| {
            let Some(commit) = commit else {
                return Ok(None);
            };
            let found = client.raw_api_definition_at(api, commit).await;
            found.optional()
        };
        let (old, new) = tokio::try_join!(text(before.as_ref()), text(Some(&commit)))?;
        let compared = worker::run(move || {
            let parsed = |text: Option<Box<RawValue>>| {
                Definition::parse(text.as_ref().map_or("", |text| text.get()))
            };
            compare(&parsed(old), &parsed(new))
        });
        Ok(Self {
            commit,
            before,
            difference: compared.await?,
        })
    }

    pub fn html(self, lang: Lang) -> Html {
        let t = texts::Publish(lang);
        let Difference {
            changes,
            count,
            breaking,
            version,
        } = self.difference;
        let more = count - changes.len();
        let mut groups: Vec<(String, String, Vec<Line>)> = Vec::new();
        for change in changes {
            let line = Line::new(&change, t);
            let (method, path) = change.operation;
            match groups.last_mut() {
                Some((m, p, lines)) if *m == method && *p == path => lines.push(line),
                _ => groups.push((method, path, vec![line])),
            }
        }
        Html::of(&DifferencePage {
            t,
            commit: self.commit.get(..7).unwrap_or(&self.commit).to_owned(),
            version,
            breaking,
            more,
            groups,
        })
    }

    /// The same for scripts.
    pub fn json(&self) -> Value {
        let changes = self.difference.changes.iter().map(|change| {
            let (method, path) = &change.operation;
            let (what, before, after) = match &change.what {
                What::Added => ("added", None, None),
                What::AddedRequired => ("added-required", None, None),
                What::Removed => ("removed", None, None),
                What::NowRequired => ("now-required", None, None),
                What::NowOptional => ("now-optional", None, None),
                What::Deprecated => ("deprecated", None, None),
                What::Type(before, after) => ("type", Some(before), Some(after)),
                What::Values(before, after) => ("values", Some(before), Some(after)),
            };
            json!({
                "method": method, "path": path, "place": change.place.as_str(), "name": change.name,
                "change": what, "before": before, "after": after, "breaking": change.is_breaking,
            })
        });
        json!({
            "commit": self.commit, "before": self.before, "version": self.difference.version,
            "count": self.difference.count, "breaking": self.difference.breaking,
            "changes": changes.collect::<Vec<_>>(),
        })
    }
}

impl Line {
    fn new(change: &Change, t: texts::Publish) -> Self {
        let text = match &change.what {
            What::Added => t.row_added().to_owned(),
            What::AddedRequired => t.row_added_required().to_owned(),
            What::Removed => t.row_removed().to_owned(),
            What::NowRequired => t.row_now_required().to_owned(),
            What::NowOptional => t.row_now_optional().to_owned(),
            What::Deprecated => t.row_deprecated().to_owned(),
            What::Type(before, after) => t.row_turned(or(before, "–"), or(after, "–")),
            What::Values(before, after) => {
                t.row_values(or(before, t.any_value()), or(after, t.any_value()))
            }
        };
        Self {
            place: match change.place {
                Place::Operation => t.place_operation(),
                Place::Parameter => t.place_parameter(),
                Place::Body => t.place_body(),
                Place::Answer => t.place_answer(),
            },
            name: change.name.clone(),
            text,
            is_breaking: change.is_breaking,
        }
    }
}

fn or<'a>(text: &'a str, other: &'a str) -> &'a str {
    if text.is_empty() { other } else { text }
}
