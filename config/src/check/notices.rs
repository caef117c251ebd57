//! What is accepted and has no effect, or another one than somebody who knows wicked expects
//! (static-config 22.2, 24.1, 24.3).

use std::collections::BTreeMap;

use serde_json::Value;

use super::theme;
use crate::{
    apis, content::asset_type, files, globals, path::JsonPath, plans, problem::Report, tree::Tree,
};

type Documents = BTreeMap<String, Value>;

pub fn check(tree: &Tree, documents: &Documents, report: &Report) {
    if let Some(document) = documents.get(globals::FILE) {
        stores(document, report);
        kong(document, report);
    }
    if let Some(document) = documents.get(apis::FILE) {
        hidden_credentials(document, report);
    }
    for (file, document) in documents {
        if !files::is_substituted(file, document) && is_ours(file) {
            variables(file, &JsonPath::default(), document, report);
        }
    }
    approvals_without_mail(documents, report);
    not_pools(tree, report);
    theme::check(tree, report);
    assets(tree, report);
    environments(documents, report);
}

fn stores(globals: &Value, report: &Report) {
    let root = JsonPath::default();
    let kind = |member: &str| {
        globals
            .pointer(&format!("/{member}/type"))
            .and_then(Value::as_str)
    };
    if globals.get("sessionStore").is_some_and(Value::is_object) {
        let message = match kind("sessionStore") {
            Some("redis") => {
                "sessions need no store; this Redis is used for rate limits that several \
                 gateways share, as long as it answers"
            }
            _ => "sessions need no store; this has no effect and may be removed",
        };
        report.warn(globals::FILE, &root.key("sessionStore"), message);
    }
    if globals.get("storage").is_some_and(Value::is_object) && kind("storage") != Some("postgres") {
        let message = "only `postgres` is a database here; SQLite in the data folder is used, and \
                       a folder of JSON files is read by `wicketgate import` alone";
        report.warn(globals::FILE, &root.key("storage").key("type"), message);
    }
}

/// What the repository cannot tell: how credentials were made until now.
fn kong(globals: &Value, report: &Report) {
    let is_kong = globals.pointer("/gateway/type").and_then(Value::as_str) == Some("kong");
    if is_kong {
        let message = "Kong is given keys and secrets in clear; credentials made while this was \
                       `embedded` are kept as fingerprints only and have to be rotated";
        let place = JsonPath::default().key("gateway").key("type");
        report.warn(globals::FILE, &place, message);
    }
}

fn hidden_credentials(document: &Value, report: &Report) {
    let list = document.get("apis").and_then(Value::as_array);
    for (index, api) in list.into_iter().flatten().enumerate() {
        if api.get("hide_credentials").is_some() {
            let id = api.get("id").and_then(Value::as_str).unwrap_or("<id>");
            let message = format!(
                "this has no effect here; write it to apis/{id}/config.json as \
                 `api.hide_credentials`"
            );
            let place = JsonPath::default().key("apis").index(index);
            report.warn(apis::FILE, &place.key("hide_credentials"), message);
        }
    }
}

/// Requests that nobody is told of.
fn approvals_without_mail(documents: &Documents, report: &Report) {
    let is_on = |globals: &Value| match globals.pointer("/mailer/useMailer") {
        Some(Value::Bool(is_on)) => *is_on,
        // A text may be a variable.
        Some(Value::String(text)) => text != "false",
        _ => false,
    };
    if documents.get(globals::FILE).is_some_and(is_on) {
        return;
    }
    let plans = documents.get(plans::FILE);
    let plans = plans.and_then(|document| document.get("plans")?.as_array());
    let waits = |plan: &Value| plan.get("needsApproval") == Some(&Value::Bool(true));
    if let Some(index) = plans.and_then(|plans| plans.iter().position(waits)) {
        let place = JsonPath::default().key("plans").index(index);
        let message = "nobody gets a mail about requests: `mailer.useMailer` is off";
        report.warn(plans::FILE, &place.key("needsApproval"), message);
    }
}

fn not_pools(tree: &Tree, report: &Report) {
    let paths = tree.below("pools/").map(|(path, _)| path);
    for path in paths.filter(|path| path.strip_suffix(".json").is_none()) {
        let message = "pools are JSON files; this has no effect";
        report.warn(&format!("pools/{path}"), &JsonPath::default(), message);
    }
}

/// Files in which somebody may expect variables to work.
fn is_ours(file: &str) -> bool {
    file.starts_with("pools/") || file.starts_with("content/") || file.starts_with("templates/")
}

fn variables(file: &str, path: &JsonPath, value: &Value, report: &Report) {
    match value {
        Value::String(text) if text.contains("${") => {
            let message = "variables are not replaced in this file; the text is used as it is";
            report.warn(file, path, message);
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                variables(file, &path.index(index), element, report);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                variables(file, &path.key(name), member, report);
            }
        }
        _ => {}
    }
}

fn assets(tree: &Tree, report: &Report) {
    const PAGES: [&str; 5] = ["md", "tmpl", "jade", "json", "mustache"];
    for (path, _) in tree.below("content/") {
        let name = path.rsplit('/').next().unwrap_or_default();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let is_known = asset_type(path).is_some() || PAGES.contains(&extension);
        if !is_known && !name.starts_with('.') {
            let message = "files of this kind are not served; possible are jpg, jpeg, png, gif, \
                           css and js, and pages in Markdown";
            report.warn(&format!("content/{path}"), &JsonPath::default(), message);
        }
    }
}

fn environments(documents: &Documents, report: &Report) {
    const FILE: &str = "kickstarter.json";
    let listed = documents
        .get(FILE)
        .and_then(|document| document.get("envs"));
    let listed = listed.and_then(Value::as_array).into_iter().flatten();
    for (index, name) in listed.filter_map(Value::as_str).enumerate() {
        if !documents.contains_key(&format!("env/{name}.json")) {
            let message = format!("environment `{name}` has no file env/{name}.json");
            let place = JsonPath::default().key("envs").index(index);
            report.warn(FILE, &place, message);
        }
    }
}
