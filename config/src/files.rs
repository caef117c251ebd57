//! From bytes to JSON documents: which files are parsed, which are substituted, where the key is.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{crypto::ConfigKey, path::JsonPath, problem::Report, tree::Tree};

/// All `*.json` files, parsed. Each one that is broken is reported with its line.
pub(crate) fn parse_all(tree: &Tree, report: &Report) -> BTreeMap<String, Value> {
    let mut documents = BTreeMap::new();
    for (path, bytes) in tree.iter().filter(|(path, _)| is_json(path)) {
        // Editors on Windows put a byte order mark in front.
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match serde_json::from_slice(text) {
            Ok(document) => drop(documents.insert(path.to_owned(), document)),
            Err(error) => report.error_at(path, error.line().max(1), reason(&error)),
        }
    }
    documents
}

/// What serde says, without the position that is shown separately.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    format!("this is no JSON: {text} (column {})", error.column())
}

fn is_json(path: &str) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, extension)| extension == "json")
}

/// Files in which variables are replaced. Definitions only if they point to another place.
pub(crate) fn is_substituted(path: &str, document: &Value) -> bool {
    const FILES: [&str; 4] = [
        "globals.json",
        "groups/groups.json",
        "plans/plans.json",
        "apis/apis.json",
    ];
    FILES.contains(&path)
        || path.starts_with("auth-servers/")
        || (path.starts_with("apis/") && path.ends_with("/config.json"))
        || (path.ends_with("/swagger.json") && document.get("href").is_some())
}

pub(crate) fn is_key_file(path: &str) -> bool {
    !path.contains('/') && path.contains("envkey")
}

/// The key of the configuration: the one of the process, else the first key file.
pub(crate) fn config_key(tree: &Tree, from_process: Option<ConfigKey>) -> Option<ConfigKey> {
    from_process.or_else(|| {
        let (path, _) = tree.iter().find(|(path, _)| is_key_file(path))?;
        ConfigKey::new(tree.text(path)?.trim())
    })
}

/// Files that must be there.
pub(crate) fn require(documents: &BTreeMap<String, Value>, tree: &Tree, report: &Report) {
    for file in [
        "globals.json",
        "env/default.json",
        "groups/groups.json",
        "plans/plans.json",
        "apis/apis.json",
    ] {
        // A broken file is there; it was reported already.
        if !documents.contains_key(file) && tree.get(file).is_none() {
            report.error(file, &JsonPath::default(), "the file is missing");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{config_key, parse_all};
    use crate::{problem::Report, tree::Tree};

    #[test]
    fn each_broken_file_is_named_with_its_line() {
        let mut tree = Tree::default();
        tree.insert("a.json", "{\n  \"a\": 1,\n  oops\n}");
        tree.insert("b/c.json", "[1,");
        tree.insert("good.json", "\u{feff}{}");
        let report = Report::default();
        assert_eq!(parse_all(&tree, &report).len(), 1);
        let problems = report.into_problems();
        let places: Vec<_> = problems.iter().map(|p| (p.file.as_str(), p.line)).collect();
        assert_eq!(places, [("a.json", Some(3)), ("b/c.json", Some(1))]);
    }

    #[test]
    fn the_key_file_is_read_without_the_line_end() {
        let mut tree = Tree::default();
        tree.insert("deploy.envkey", "abc\n");
        assert_eq!(config_key(&tree, None).unwrap().as_str(), "abc");
    }
}
