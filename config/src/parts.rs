//! What a configuration consists of, in a form that can be kept and compared later: which parts
//! changed is known even when the earlier configuration was served by another process.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Catalog, Configuration, Entry, Rendered,
    apis::{Api, Lifecycle},
    globals::Viewer,
    openapi::Definition,
};

/// Digests of all parts. They are keyed by the caller, since some parts hold secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Parts {
    globals: String,
    content: String,
    templates: String,
    apis: BTreeMap<String, String>,
    plans: BTreeMap<String, String>,
    groups: BTreeMap<String, String>,
    auth_servers: BTreeMap<String, String>,
    pools: BTreeMap<String, String>,
    /// Where each API is in its life.
    lifecycles: BTreeMap<String, Lifecycle>,
}

/// Which parts of a configuration differ from those of another one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    pub globals: bool,
    /// Pages, and templates of mails and messages.
    pub content: bool,
    pub apis: Vec<String>,
    pub plans: Vec<String>,
    pub groups: Vec<String>,
    pub auth_servers: Vec<String>,
    pub pools: Vec<String>,
}

/// An API whose state or dates have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifecycleChange<'a> {
    pub api: &'a str,
    pub from: &'a Lifecycle,
    pub to: &'a Lifecycle,
}

impl Parts {
    /// `digest` should depend on a secret key.
    pub fn of(configuration: &Configuration, digest: impl Fn(&[u8]) -> String) -> Self {
        let digest = |texts: Vec<&[u8]>| {
            let mut whole = Vec::new();
            for text in texts {
                whole.extend(text.len().to_be_bytes());
                whole.extend(text);
            }
            digest(&whole)
        };
        let globals = configuration.globals.view(Viewer::TrustedPeer).to_string();
        Self {
            globals: digest(vec![globals.as_bytes()]),
            content: digest(content(configuration)),
            templates: digest(templates(configuration)),
            apis: each(&configuration.apis, |api| digest(parts_of_api(api))),
            plans: each(&configuration.plans.all, |plan| {
                digest(vec![text(&plan.rendered)])
            }),
            groups: each(&configuration.groups.all, |group| {
                digest(vec![format!("{group:?}").as_bytes()])
            }),
            auth_servers: each(&configuration.auth_servers, |server| {
                digest(vec![text(&server.full)])
            }),
            pools: each(&configuration.pools.all, |pool| {
                digest(vec![text(&pool.rendered)])
            }),
            lifecycles: configuration
                .apis
                .iter()
                .map(|api| (api.id.clone(), api.lifecycle.clone()))
                .collect(),
        }
    }

    /// What is different in `newer`.
    pub fn changes(&self, newer: &Self) -> Changes {
        Changes {
            globals: self.globals != newer.globals,
            content: self.content != newer.content || self.templates != newer.templates,
            apis: differing(&self.apis, &newer.apis),
            plans: differing(&self.plans, &newer.plans),
            groups: differing(&self.groups, &newer.groups),
            auth_servers: differing(&self.auth_servers, &newer.auth_servers),
            pools: differing(&self.pools, &newer.pools),
        }
    }

    /// APIs that are in both and whose state or dates differ.
    pub fn lifecycle_changes<'a>(
        &'a self,
        newer: &'a Self,
    ) -> impl Iterator<Item = LifecycleChange<'a>> {
        newer.lifecycles.iter().filter_map(|(api, to)| {
            let from = self.lifecycles.get(api)?;
            (from != to).then_some(LifecycleChange { api, from, to })
        })
    }
}

fn text(rendered: &Rendered) -> &[u8] {
    rendered.etag.as_bytes()
}

fn each<T: Entry>(all: &Catalog<T>, digest: impl Fn(&T) -> String) -> BTreeMap<String, String> {
    all.iter()
        .map(|entry| (entry.id().to_owned(), digest(entry)))
        .collect()
}

fn differing(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let gone = before.keys().filter(|id| !after.contains_key(*id));
    let other = after
        .iter()
        .filter(|(id, digest)| before.get(*id) != Some(*digest))
        .map(|(id, _)| id);
    let mut ids: Vec<String> = gone.chain(other).cloned().collect();
    ids.sort_unstable();
    ids
}

fn parts_of_api(api: &Api) -> Vec<&[u8]> {
    let mut parts = vec![text(&api.full), text(&api.config_full)];
    parts.push(api.description.as_deref().unwrap_or_default());
    parts.push(match &api.definition {
        Definition::Missing => b"",
        Definition::Local(definition) => text(definition),
        Definition::Remote { url, .. } => url.as_str().as_bytes(),
        Definition::Broken(reason) => reason.as_bytes(),
    });
    for (name, page) in &api.docs {
        parts.extend([name.as_bytes(), text(&page.page.source)]);
    }
    parts
}

fn content(configuration: &Configuration) -> Vec<&[u8]> {
    let content = &configuration.content;
    let mut parts: Vec<&[u8]> = Vec::new();
    if let Some(index) = &content.index {
        parts.push(text(&index.source));
        parts.extend(index.translations.values().map(|page| text(&page.source)));
    }
    parts.push(
        configuration
            .apis_description
            .as_deref()
            .unwrap_or_default(),
    );
    for (name, page) in &content.pages {
        parts.extend([name.as_bytes(), text(&page.source)]);
        for (language, page) in &page.translations {
            parts.extend([language.as_bytes(), text(&page.source)]);
        }
    }
    for (name, asset) in &content.assets {
        parts.extend([name.as_bytes(), text(asset)]);
    }
    parts
}

fn templates(configuration: &Configuration) -> Vec<&[u8]> {
    let templates = &configuration.templates;
    let mut parts = vec![text(&templates.rendered), text(&templates.auth_pages)];
    for name in templates.email_names() {
        let mail = templates.email(name).map(text).unwrap_or_default();
        parts.extend([name.as_bytes(), mail]);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::{Changes, Parts};
    use crate::{Configuration, Environment, Tree};

    fn parts(files: &[(&str, &str)]) -> Parts {
        let mut tree = Tree::sample();
        for (path, text) in files {
            tree.insert(*path, (*text).to_owned());
        }
        let loaded = Configuration::from_tree(&tree, "test", &Environment::default()).unwrap();
        Parts::of(&loaded.configuration, |bytes| hex::encode(bytes))
    }

    fn replaced(file: &str, from: &str, to: &str) -> String {
        let sample = Tree::sample();
        let text = sample.text(file).unwrap();
        assert!(text.contains(from));
        text.replacen(from, to, 1)
    }

    #[test]
    fn equal_configurations_have_equal_parts() {
        let (one, other) = (parts(&[]), parts(&[("last_commit", "commit abc")]));
        assert_eq!(one.changes(&other), Changes::default());
        let kept = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Parts>(&kept).unwrap(), one);
    }

    #[test]
    fn each_change_is_named() {
        let before = parts(&[]);
        let title = replaced("globals.json", "Wicketgate", "Other");
        let apis = replaced(
            "apis/apis.json",
            "\"id\": \"petstore\"",
            "\"id\": \"petstore\", \"deprecated\": true",
        );
        let after = parts(&[
            ("globals.json", &title),
            ("apis/apis.json", &apis),
            ("apis/orders/desc.md", "New text"),
            ("content/help.md", "New text"),
        ]);
        let changes = before.changes(&after);
        assert!(changes.globals && changes.content);
        assert_eq!(changes.apis, ["orders", "petstore"]);
        assert!(changes.plans.is_empty() && changes.groups.is_empty());
        let lifecycles: Vec<_> = before.lifecycle_changes(&after).collect();
        assert_eq!(lifecycles.len(), 1);
        assert_eq!(
            (lifecycles[0].api, lifecycles[0].to.is_deprecated()),
            ("petstore", true)
        );
    }

    #[test]
    fn what_is_gone_counts_as_changed() {
        let plans = r#"{"plans": []}"#;
        let apis = r#"{"apis": []}"#;
        let changes = parts(&[]).changes(&parts(&[
            ("plans/plans.json", plans),
            ("apis/apis.json", apis),
        ]));
        assert_eq!(
            changes.apis,
            ["orders", "petstore", "products", "timezones", "today"]
        );
        assert!(!changes.plans.is_empty());
    }
}
