//! Brings older configurations to version 23 in memory; the files stay as they are.
//!
//! One function per version that still matters. Left out are the steps whose effect a newer rule
//! replaces: 1, 2, 4, 8, 12, 14, 16, 19 (files, variables and a database that now have defaults).

mod apis;
mod globals;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{path::JsonPath, problem::Report};

/// The newest version of the format.
pub const NEWEST: u64 = 23;

/// All parsed JSON files, by path.
pub(crate) type Documents = BTreeMap<String, Value>;

type UpgradeStep = fn(&mut Documents);

/// Version reached → step.
const STEPS: &[(u64, UpgradeStep)] = &[
    (3, apis::rename_rate_limit_options),
    (3, apis::default_oauth2_settings),
    (5, globals::add_layouts_and_views),
    (6, apis::request_path_to_uris),
    (7, apis::cors_origin_to_origins),
    (10, apis::scopes_to_map),
    (10, globals::add_portal_auth_methods),
    (11, globals::add_pool_of_portal_users),
    (13, apis::remove_http_if_terminated),
    (15, globals::name_database),
    (17, globals::default_password_strategy),
    (18, globals::default_groups_of_built_in_apis),
    (20, globals::database_literals_to_variables),
    (21, globals::hook_urls_to_targets),
    (22, globals::add_auditlog),
    (23, apis::uris_to_routes),
];

/// Runs the steps above the version in `globals.json` in ascending order.
pub(crate) fn upgrade(documents: &mut Documents, report: &Report) {
    let Some(globals) = documents.get("globals.json") else {
        return;
    };
    let version = globals.get("version").and_then(Value::as_u64).unwrap_or(0);
    if version > NEWEST {
        let message = format!(
            "version {version} is newer than {NEWEST}, the newest this program knows; new members \
             are ignored"
        );
        report.warn("globals.json", &JsonPath::default().key("version"), message);
    }
    if version >= NEWEST {
        warn_of_old_paths(documents, report);
        apis::uris_to_routes(documents);
        return;
    }
    tracing::info!(
        version,
        "configuration is upgraded to version {NEWEST} in memory"
    );
    for (_, step) in STEPS.iter().filter(|(reached, _)| *reached > version) {
        step(documents);
    }
    if let Some(globals) = object(documents, "globals.json") {
        globals.insert("version".to_owned(), NEWEST.into());
    }
}

/// The editor of wicked wrote `uris` into files of the newest version, and without `routes` its
/// adapter took them.
fn warn_of_old_paths(documents: &Documents, report: &Report) {
    for (file, document) in documents {
        let (api, place) = if file.starts_with("auth-servers/") {
            let place = JsonPath::default().key("config").key("api");
            (document.pointer("/config/api"), place)
        } else if file.starts_with("apis/") && file.ends_with("/config.json") {
            (document.get("api"), JsonPath::default().key("api"))
        } else {
            continue;
        };
        let Some(api) = api.filter(|api| api.get("uris").is_some()) else {
            continue;
        };
        let message = match api.get("routes") {
            Some(_) => "this has no effect beside `routes`; remove it",
            None => "this is the form before version 23; write `routes`",
        };
        report.warn(file, &place.key("uris"), message);
    }
}

/// The top level of a file, if it is there and an object.
fn object<'d>(documents: &'d mut Documents, file: &str) -> Option<&'d mut Map<String, Value>> {
    documents.get_mut(file)?.as_object_mut()
}

/// A member that becomes an empty object if it is missing; `None` if it is something else.
fn member<'m>(map: &'m mut Map<String, Value>, key: &str) -> Option<&'m mut Map<String, Value>> {
    map.entry(key)
        .or_insert_with(|| Map::new().into())
        .as_object_mut()
}

fn set_if_missing(map: &mut Map<String, Value>, key: &str, value: impl Into<Value>) {
    if map.get(key).is_none_or(Value::is_null) {
        map.insert(key.to_owned(), value.into());
    }
}

/// Gives a member another name and keeps its value.
fn rename(map: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = map.shift_remove(from) {
        map.insert(to.to_owned(), value);
    }
}

/// The JSON of a file of the sample configuration.
fn sample(file: &str) -> Value {
    let bytes = crate::sample::FILES
        .iter()
        .find(|(path, _)| *path == file)
        .map(|(_, bytes)| *bytes);
    bytes
        .and_then(|bytes| serde_json::from_slice(bytes).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Documents, NEWEST, upgrade};
    use crate::problem::Report;

    #[test]
    fn a_configuration_of_version_1_becomes_one_of_the_newest_version() {
        let mut documents = Documents::from([
            ("globals.json".to_owned(), json!({"version": 1, "api": {}})),
            (
                "apis/old/config.json".to_owned(),
                json!({"api": {"request_path": "/old", "strip_request_path": true}, "plugins": []}),
            ),
        ]);
        upgrade(&mut documents, &Report::default());
        assert_eq!(documents["globals.json"]["version"], NEWEST);
        assert_eq!(
            documents["apis/old/config.json"]["api"]["routes"],
            json!([{"paths": ["/old"], "strip_path": true}])
        );
    }

    #[test]
    fn a_newer_version_is_a_warning() {
        let mut documents =
            Documents::from([("globals.json".to_owned(), json!({"version": NEWEST + 1}))]);
        let report = Report::default();
        upgrade(&mut documents, &report);
        assert_eq!(documents["globals.json"]["version"], NEWEST + 1);
        assert_eq!(report.into_problems().len(), 1);
    }
}
