//! The routes of the portal, from its sources: those of a router cannot be asked for.

use std::{collections::BTreeSet, fs, path::Path};

/// Method and path of each, below a folder of sources.
pub fn below(folder: &Path) -> BTreeSet<(&'static str, String)> {
    let mut routes = BTreeSet::new();
    collect(folder, &mut routes);
    routes
}

fn collect(folder: &Path, routes: &mut BTreeSet<(&'static str, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, routes);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for route in text.split(".route(").skip(1) {
            let mut parts = route.splitn(3, '"');
            let (Some(""), Some(path), Some(handlers)) =
                (parts.next().map(str::trim), parts.next(), parts.next())
            else {
                continue;
            };
            let end = handlers.find("\n}").unwrap_or(handlers.len());
            let end = handlers[..end].find(".layer").unwrap_or(end);
            for (word, method) in [("get(", "GET"), ("post(", "POST")] {
                if path.starts_with('/') && handlers[..end].contains(word) {
                    routes.insert((method, path.to_owned()));
                }
            }
        }
    }
}
