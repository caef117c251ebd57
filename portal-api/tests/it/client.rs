//! The typed client covers every operation: a route without a method in the sdk fails the test.

use std::{collections::BTreeSet, fs, path::Path};

use regex::Regex;

use crate::authorization::ROUTES;

/// Called by git hosts with their own signatures, or by a path that has no fixed form.
const FOREIGN: [(&str, &str); 5] = [
    ("POST", "/config/hook"),
    // `content`, `guide` and `config_file` put the segments of a path together.
    ("GET", "/apis/{api}/docs/{*path}"),
    ("GET", "/config/files/{*path}"),
    ("GET", "/content"),
    ("GET", "/content/{*path}"),
];

#[test]
fn the_client_has_a_method_for_every_route() {
    let called = called();
    let missing: Vec<_> = ROUTES
        .iter()
        .map(|(method, path, _)| (*method, *path))
        .filter(|route| !FOREIGN.contains(route))
        .filter(|(method, path)| !called.contains(&((*method).to_owned(), folded(path))))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Parameters are all the same here, whatever their name.
fn folded(path: &str) -> String {
    Regex::new(r"\{[^}]*\}")
        .unwrap()
        .replace_all(path, "{}")
        .into_owned()
}

/// Methods and paths as they stand in the client's source.
fn called() -> BTreeSet<(String, String)> {
    let call = Regex::new(r"(?s)(get|put|post|patch|delete|[a-z_]+_at)\(\s*&\[(.*?)\]").unwrap();
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../sdk/src/client"));
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let source = fs::read_to_string(entry.unwrap().path()).unwrap();
        for matched in call.captures_iter(&source) {
            // Helpers that take the segments as they are only read.
            let method = match &matched[1] {
                method @ ("get" | "put" | "post" | "patch" | "delete") => method.to_uppercase(),
                _ => "GET".to_owned(),
            };
            let segments = matched[2]
                .split(',')
                .map(str::trim)
                .filter(|one| !one.is_empty());
            let path: String = segments
                .map(
                    |one| match one.strip_prefix('"').and_then(|one| one.strip_suffix('"')) {
                        Some(fixed) => format!("/{fixed}"),
                        None => "/{}".to_owned(),
                    },
                )
                .collect();
            found.insert((method, path));
        }
    }
    found
}
