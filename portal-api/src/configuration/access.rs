//! Who may read and change which files of the configuration (portal-api 29.3): administrators all of
//! them, the owners of an API what belongs to it. Nobody sees the configuration key.

use std::collections::BTreeMap;

use config::Configuration;
use sdk::types::configuration::ConfigEdit;
use serde_json::Value;

use crate::{
    ApiError,
    caller::{Caller, User},
};

/// Lists in which owners have entries of their own.
pub const SHARED: [&str; 2] = [APIS, PLANS];
const APIS: &str = "apis/apis.json";
const PLANS: &str = "plans/plans.json";
/// Files with settings of the whole installation; some hold secrets in clear.
const SENSITIVE: [&str; 3] = ["globals.json", "env/", "auth-servers/"];

/// The files that somebody may read and change.
#[derive(Debug)]
pub enum Reach {
    Everything,
    /// What belongs to these APIs, and new ones that are owned by one of these groups.
    Apis {
        own: Vec<String>,
        groups: Vec<String>,
    },
}

impl Reach {
    /// Refuses everybody who is neither administrator nor owner of an API.
    pub fn of<'c>(
        caller: &'c Caller,
        configuration: &Configuration,
    ) -> Result<(Self, &'c User), ApiError> {
        let user = caller.require_user()?;
        if user.admin {
            return Ok((Self::Everything, user));
        }
        let (own, groups): (Vec<_>, Vec<_>) = configuration
            .apis
            .iter()
            .filter_map(|api| {
                let group = api.owner_group.as_ref()?;
                user.has_group(group)
                    .then(|| (api.id.clone(), group.clone()))
            })
            .unzip();
        if own.is_empty() {
            return Err(ApiError::forbidden(
                "owners-only",
                "Only administrators and owners of an API may do this.",
            ));
        }
        Ok((Self::Apis { own, groups }, user))
    }

    /// Whether all of the API is within.
    pub fn covers(&self, api: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Apis { own, .. } => own.iter().any(|id| id == api),
        }
    }

    pub fn require_read(&self, path: &str, caller: &Caller) -> Result<(), ApiError> {
        let allowed = match self {
            Self::Everything => {
                let is_sensitive = SENSITIVE.iter().any(|place| path.starts_with(place));
                // Whoever may only read has no business with passwords of mail servers.
                !is_sensitive || caller.has_scope("write_apis")
            }
            Self::Apis { own, .. } => [APIS, PLANS].contains(&path) || is_below(own, path),
        };
        if allowed { Ok(()) } else { Err(refused(path)) }
    }

    /// Refuses edits outside. `text` gives a file as it was.
    pub fn require_change(
        &self,
        edits: &[ConfigEdit],
        text: impl Fn(&str) -> Option<String>,
        configuration: &Configuration,
    ) -> Result<(), ApiError> {
        let Self::Apis { own, groups } = self else {
            return Ok(());
        };
        let after = |path: &str| {
            let edit = edits.iter().find(|edit| edit.path == path)?;
            edit.content.clone()
        };
        let mut own = own.clone();
        own.extend(founded(
            groups,
            text(APIS).as_deref(),
            after(APIS).as_deref(),
        ));
        for edit in edits {
            let may = match edit.path.as_str() {
                APIS => only_own_entries(&own, text(APIS).as_deref(), edit.content.as_deref()),
                PLANS => only_own_plans(
                    &own,
                    configuration,
                    text(PLANS).as_deref(),
                    edit.content.as_deref(),
                ),
                path => is_below(&own, path),
            };
            if !may {
                return Err(refused(&edit.path));
            }
        }
        Ok(())
    }
}

/// Ids of entries that were not there before and belong to one of the groups.
fn founded(groups: &[String], before: Option<&str>, after: Option<&str>) -> Vec<String> {
    let (Some(before), Some(after)) = (listed(before, "apis"), listed(after, "apis")) else {
        return Vec::new();
    };
    let is_ours = |entry: &Value| {
        let group = entry.get("ownerGroup").and_then(Value::as_str);
        group.is_some_and(|group| groups.iter().any(|own| own == group))
    };
    let entries = after.entries.into_iter();
    entries
        .filter(|(id, entry)| !before.entries.contains_key(id) && is_ours(entry))
        .map(|(id, _)| id)
        .collect()
}

/// A path that names a file of the configuration, and not its key.
pub fn check_path(path: &str) -> Result<(), ApiError> {
    let is_plain = !path.is_empty()
        && path.len() <= 250
        && path
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_/. ".contains(&byte))
        && path
            .split('/')
            .all(|part| !matches!(part, "" | "." | ".." | ".git"));
    let is_key = path.contains("envkey");
    let is_metadata = matches!(path, "last_commit" | "build_date");
    if is_plain && !is_key && !is_metadata {
        return Ok(());
    }
    Err(ApiError::invalid(
        "path",
        "path",
        format!("`{path}` is no path of a configuration file."),
    ))
}

fn refused(path: &str) -> ApiError {
    ApiError::forbidden(
        "not-your-file",
        format!("You may not do this with `{path}`: it is not only about your APIs."),
    )
}

fn is_below(own: &[String], path: &str) -> bool {
    own.iter().any(|id| {
        path.strip_prefix("apis/")
            .and_then(|rest| rest.strip_prefix(id.as_str()))
            .is_some_and(|rest| rest.starts_with('/'))
    })
}

/// Entries of a list by id, and everything beside them.
struct Listed {
    entries: BTreeMap<String, Value>,
    others: Value,
}

fn listed(text: Option<&str>, list: &str) -> Option<Listed> {
    let mut others: Value = serde_json::from_str(text?).ok()?;
    let Value::Array(entries) = others.get_mut(list)?.take() else {
        return None;
    };
    let count = entries.len();
    let entries: BTreeMap<_, _> = entries
        .into_iter()
        .filter_map(|entry| Some((entry.get("id")?.as_str()?.to_owned(), entry)))
        .collect();
    (entries.len() == count).then_some(Listed { entries, others })
}

/// Ids whose entries differ; nothing if more than entries differs.
fn changed(before: Option<&str>, after: Option<&str>, list: &str) -> Option<Vec<String>> {
    let before = listed(before, list)?;
    let after = listed(after, list)?;
    if before.others != after.others {
        return None;
    }
    let ids = before.entries.keys().chain(after.entries.keys());
    let differing = ids.filter(|id| before.entries.get(*id) != after.entries.get(*id));
    Some(differing.cloned().collect())
}

/// Own entries stay, and stay one's own.
fn only_own_entries(own: &[String], before: Option<&str>, after: Option<&str>) -> bool {
    let owner = |listed: &Listed, id: &str| listed.entries.get(id)?.get("ownerGroup").cloned();
    let kept = || {
        let (before, after) = (listed(before, "apis")?, listed(after, "apis")?);
        let same = |id: &String| {
            !before.entries.contains_key(id) || owner(&before, id) == owner(&after, id)
        };
        Some(own.iter().all(same))
    };
    let is_kept = kept() == Some(true);
    let changed = changed(before, after, "apis");
    is_kept && changed.is_some_and(|changed| changed.iter().all(|id| own.contains(id)))
}

/// Plans that other APIs offer are not changed; new ones are nobody's yet.
fn only_own_plans(
    own: &[String],
    configuration: &Configuration,
    before: Option<&str>,
    after: Option<&str>,
) -> bool {
    let used_by_others = |plan: &String| {
        configuration
            .apis
            .iter()
            .any(|api| !own.contains(&api.id) && api.plans.contains(plan))
    };
    changed(before, after, "plans").is_some_and(|changed| !changed.iter().any(used_by_others))
}

#[cfg(test)]
mod tests {
    use super::{Reach, check_path};
    use config::{Configuration, Environment, Tree};
    use sdk::types::configuration::ConfigEdit;
    use serde_json::{Value, json};

    #[test]
    fn only_plain_paths_name_files_and_the_key_is_none() {
        for good in [
            "globals.json",
            "apis/a-b/docs/a b.md",
            "content/x.css.mustache",
        ] {
            assert!(check_path(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/x",
            "a//b",
            "../x",
            "a/../b",
            "deploy.envkey",
            ".git/config",
            "last_commit",
            "a\\b",
        ] {
            assert!(check_path(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn owners_change_what_is_theirs_alone() {
        let sample = Configuration::sample(&Environment::default())
            .unwrap()
            .configuration;
        let reach = Reach::Apis {
            own: vec!["petstore".to_owned()],
            groups: vec!["approvers".to_owned()],
        };
        let tree = Tree::sample();
        let text = |path: &str| tree.text(path).map(str::to_owned);
        let document =
            |path: &str| -> Value { serde_json::from_str(&text(path).unwrap()).unwrap() };
        let may = |path: &str, content: Option<String>| {
            let edit = ConfigEdit {
                path: path.to_owned(),
                content,
            };
            reach.require_change(&[edit], text, &sample).is_ok()
        };
        assert!(may("apis/petstore/desc.md", Some("x".to_owned())));
        assert!(!may("apis/petstore-2/desc.md", Some("x".to_owned())));
        assert!(!may("globals.json", None) && !may("apis/apis.json", None));

        let mut apis = document("apis/apis.json");
        apis["apis"][0]["desc"] = "Other".into();
        assert!(may("apis/apis.json", Some(apis.to_string())));
        apis["apis"][0]["ownerGroup"] = "dev".into();
        assert!(!may("apis/apis.json", Some(apis.to_string())));
        let mut apis = document("apis/apis.json");
        apis["apis"][1]["desc"] = "Other".into();
        assert!(!may("apis/apis.json", Some(apis.to_string())));

        let added = |group: &str| {
            let mut apis = document("apis/apis.json");
            let new = json!({"id": "new", "ownerGroup": group});
            apis["apis"].as_array_mut().unwrap().push(new);
            apis.to_string()
        };
        assert!(may("apis/apis.json", Some(added("approvers"))));
        assert!(!may("apis/apis.json", Some(added("admin"))));
        assert!(!may("apis/new/config.json", Some("{}".to_owned())));
        let with_files = ["apis/apis.json", "apis/new/config.json"].map(|path| ConfigEdit {
            path: path.to_owned(),
            content: Some(added("approvers")),
        });
        assert!(reach.require_change(&with_files, text, &sample).is_ok());

        let mut plans = document("plans/plans.json");
        plans["plans"]
            .as_array_mut()
            .unwrap()
            .push(json!({"id": "mine"}));
        assert!(may("plans/plans.json", Some(plans.to_string())));
        plans["plans"][0]["price"] = "free".into();
        let shared = sample
            .apis
            .iter()
            .filter(|api| api.plans.contains(&"free".to_owned()))
            .count()
            > 1;
        assert_eq!(may("plans/plans.json", Some(plans.to_string())), !shared);
    }
}
