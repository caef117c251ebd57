use serde_json::json;

use super::*;
use crate::store::Tables;

const DOCUMENT: &str = r#"
_format_version: "3.0"
_comment: for a test
services:
- name: orders
  url: http://orders.example/api
  tags: [a]
  routes:
  - name: orders.0
    paths: [/orders]
    plugins:
    - name: cors
  plugins:
  - name: rate-limiting
    config: {minute: 5}
consumers:
- username: shop
  keyauth_credentials:
  - {key: secret, ttl: 600}
  basicauth_credentials:
  - {username: shop, password: word}
  acls:
  - group: users
upstreams:
- name: up.example
  targets:
  - target: 10.0.0.1
plugins:
- name: acl
  service: orders
  config: {allow: [users]}
"#;

fn loaded(tables: &mut Tables, text: &str) -> Result<usize, Faulty> {
    let document = Document::new(parse(text).unwrap());
    load(tables, document, 1_000_000).map(|loaded| loaded.rows.len())
}

#[test]
fn children_are_lifted_out_of_their_parents() {
    let mut tables = Tables::default();
    assert_eq!(loaded(&mut tables, DOCUMENT).ok(), Some(11));
    let service = tables
        .by_unique(Kind::Service, "name", "orders")
        .unwrap()
        .clone();
    assert_eq!(service.value("path"), "/api");
    let children = tables.children((Kind::Service, service.id), Kind::Plugin);
    assert_eq!(children.count(), 2);
    let target = tables.all(Kind::Target, None).next().unwrap();
    assert_eq!(target.text("target").as_deref(), Some("10.0.0.1:8000"));
}

#[test]
fn what_has_not_changed_stays() {
    let mut tables = Tables::default();
    loaded(&mut tables, DOCUMENT).ok().unwrap();
    tables.take_changes();
    // Only the hash of the password is another one each time.
    loaded(&mut tables, DOCUMENT).ok().unwrap();
    assert_eq!(tables.take_changes().len(), 1);
    loaded(&mut tables, &DOCUMENT.replace("minute: 5", "minute: 6"))
        .ok()
        .unwrap();
    assert_eq!(tables.take_changes().len(), 2);
    loaded(&mut tables, "_format_version: '3.0'").ok().unwrap();
    assert!(tables.is_empty());
}

#[test]
fn a_written_document_can_be_read_again() {
    let (mut first, mut second) = (Tables::default(), Tables::default());
    loaded(&mut first, DOCUMENT).ok().unwrap();
    loaded(&mut second, &write(&first, 1500)).ok().unwrap();
    // The later it is written, the less is left of the key's time; loading starts that anew.
    assert_eq!(write(&first, 1500), write(&second, 1000));
}

#[test]
fn each_fault_names_its_entity() {
    let mut tables = Tables::default();
    loaded(&mut tables, DOCUMENT).ok().unwrap();
    tables.take_changes();
    let text = DOCUMENT
        .replace("minute: 5", "minute: many")
        .replace("service: orders", "service: nobody")
        .replace("_comment: for a test", "_info: {}");
    let error = loaded(&mut tables, &text).unwrap_err().error(true);
    assert_eq!(error.fields.keys().collect::<Vec<_>>(), ["_info"]);
    let about: Vec<_> = error
        .flattened_errors
        .iter()
        .map(|entity| {
            (
                entity["entity_name"].as_str(),
                entity["errors"][0]["field"].as_str(),
            )
        })
        .collect();
    assert!(
        about.contains(&(Some("rate-limiting"), Some("config.minute"))),
        "{about:?}"
    );
    assert!(about.contains(&(Some("acl"), Some("service"))), "{about:?}");
    assert!(tables.changes().is_empty());
    let error = loaded(&mut tables, &text).unwrap_err().error(false);
    let tree = json!({"fields": *error.fields});
    assert!(
        tree["fields"]["services"][0]["plugins"][0]["config"]["minute"].is_string(),
        "{tree}"
    );
}

#[test]
fn paths_of_older_formats_are_converted() {
    let mut tables = Tables::default();
    let text =
        r#"{"_format_version": "2.1", "routes": [{"name": "r", "paths": ["/a/%7Eb", "/a/\\d+"]}]}"#;
    loaded(&mut tables, text).ok().unwrap();
    let route = tables.by_unique(Kind::Route, "name", "r").unwrap();
    assert_eq!(route.value("paths"), json!(["/a/~b", "~/a/\\d+"]));
}
