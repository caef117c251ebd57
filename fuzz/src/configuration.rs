//! A whole configuration out of one text.
//!
//! The first line has variables of the process (`NODE_ENV=k8s`) and, if wanted, the word `sample`:
//! then the files below replace those of the sample. Each file begins with a line `--- <path>`.

use config::{Configuration, Environment, JsonPath, Parts, Tree, apis::Flow, globals::Viewer};

const SEPARATOR: &[u8] = b"--- ";

/// Reads `input` as an administrator's repository. It is taken or refused; if it is taken, whatever
/// the services make of it works, too.
pub fn run(input: &[u8]) {
    let mut lines = input.split_inclusive(|byte| *byte == b'\n').peekable();
    let first = match lines.peek() {
        Some(line) if !line.starts_with(SEPARATOR) => lines.next().unwrap_or_default(),
        _ => &[],
    };
    let first = String::from_utf8_lossy(first);
    let words = || first.split_whitespace();
    let mut tree = if words().any(|word| word == "sample") {
        Tree::sample()
    } else {
        Tree::default()
    };
    let mut file: Option<(String, Vec<u8>)> = None;
    for line in lines {
        if let Some(path) = line.strip_prefix(SEPARATOR) {
            if let Some((path, bytes)) = file.take() {
                tree.insert(path, bytes);
            }
            let path = String::from_utf8_lossy(path).trim().to_owned();
            file = Some((path, Vec::new()));
        } else if let Some((_, bytes)) = &mut file {
            bytes.extend_from_slice(line);
        }
    }
    if let Some((path, bytes)) = file {
        tree.insert(path, bytes);
    }
    let variables = words().filter_map(|word| word.split_once('='));
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut environment = Environment::new(variables).with_local_ip([192, 0, 2, 1].into());
    if words().any(|word| word == "up") {
        environment.overrides.auth_server_url = Some("http://127.0.0.1:3010".to_owned());
        let network = &mut environment.overrides.network;
        network.insert("apiUrl".to_owned(), "http://127.0.0.1:3001".to_owned());
    }
    environment.hash_key = words().any(|word| word == "keyed").then_some([7; 32]);
    match Configuration::from_tree(&tree, "fuzz", &environment) {
        Ok(loaded) => {
            assert!(!loaded.notices.refuse(), "an error among the notices");
            look(&loaded.configuration);
        }
        Err(problems) => assert!(problems.refuse(), "refused without an error: {problems}"),
    }
}

fn look(configuration: &Configuration) {
    for viewer in [Viewer::Anonymous, Viewer::TrustedPeer] {
        configuration.globals_view(viewer);
    }
    for api in &configuration.apis {
        assert!(configuration.api(&api.id).is_some());
        for plan in &api.plans {
            assert!(configuration.plan_of(api, plan).is_some(), "{plan}");
        }
        assert!(api.auth != config::apis::Auth::OAuth2 || !api.auth_methods.is_empty());
        api.oauth2.allows(Flow::Implicit);
        api.lifecycle.is_callable();
    }
    for server in &configuration.auth_servers {
        server.base_path();
        for method in &server.methods {
            method.authorize_path("orders");
            method.token_path("orders");
            method.is_usable();
        }
    }
    for name in configuration.templates.email_names() {
        assert!(configuration.templates.email(name).is_some());
    }
    configuration.commit();
    configuration.notices.to_string();
    assert!(JsonPath::default().is_empty());
    let parts = Parts::of(configuration, |bytes| bytes.len().to_string());
    let same = parts.changes(&parts);
    assert!(same == config::Changes::default() && parts.lifecycle_changes(&parts).next().is_none());
}
