//! Every operation that takes a body, against bodies that are wrong in every way: refused with 4xx
//! and the name of the member, never 5xx, and nothing of it is stored.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};
use service::ServiceName;

use crate::{
    authorization::{ALL_SCOPES, filled},
    openapi::furnish,
    support::{ADMIN, Client, TestApi, on_both_databases},
};

/// An operation with a body, ready to be called with success.
struct Operation {
    method: Method,
    address: String,
    name: String,
    by_service: bool,
    example: Value,
    schema: Value,
}

impl Operation {
    fn caller<'a>(&self, api: &'a TestApi) -> Client<'a> {
        if self.by_service {
            let service = if self.name.contains("verify") {
                ServiceName::AuthServer
            } else {
                ServiceName::GatewayAdapter
            };
            api.service(service)
        } else {
            api.user(ADMIN, ALL_SCOPES)
        }
    }
}

/// What the contract says is taken in any form, cut, or told without naming the member.
const LENIENT: &[(&str, &str)] = &[
    // Its truth counts; whatever else it is makes the body one that changes nothing.
    (
        "PATCH /applications/{application}/subscriptions/{api}",
        "trusted",
    ),
    (
        "PATCH /applications/{application}/subscriptions/{api}",
        "approved",
    ),
    (
        "PATCH /applications/{application}/subscriptions/{api}",
        "rotate",
    ),
];

/// Texts that are cut or compared instead of refused for their length.
const CUT: &[(&str, &str)] = &[
    ("POST /applications", "name"),
    ("POST /applications", "description"),
    ("PATCH /applications/{application}", "name"),
    ("PATCH /applications/{application}", "description"),
    // A wrong address or password, however long, is just wrong.
    ("POST /login", "email"),
    ("POST /login", "username"),
    ("POST /login", "password"),
    ("POST /verifications/consume", "token"),
    ("POST /subscriptions/{client_id}/verify", "clientSecret"),
    // What is looked at before: the right to choose an id, whether there is such a verification.
    ("POST /users", "id"),
    ("POST /users/machine", "id"),
    ("POST /verifications/consume", "password"),
    // Not changeable in this form, so ignored.
    ("PATCH /applications/{application}", "mainUrl"),
    // Counts together with `disabled` only.
    ("PATCH /users/{user}", "reason"),
    // Not a member that a caller sets.
    ("PUT /webhooks/listeners/{listener}", "disabledReason"),
    (
        "POST /applications/{application}/listeners",
        "disabledReason",
    ),
    (
        "PUT /applications/{application}/listeners/{listener}",
        "disabledReason",
    ),
    // Made by the server, or standing in the address.
    ("POST /applications/{application}/listeners", "id"),
    ("PUT /applications/{application}/listeners/{listener}", "id"),
];

/// Members without which an operation cannot be carried out.
const MANDATORY: &[(&str, &[&str])] = &[
    ("POST /users", &["email"]),
    ("POST /users/machine", &["email", "customId"]),
    ("POST /login", &["email", "password"]),
    ("POST /verifications", &["type", "email", "link"]),
    ("POST /applications", &["id", "name"]),
    ("POST /teams", &["id", "name"]),
    ("PUT /teams/{team}/members/{user}", &["role"]),
    ("PATCH /applications/{application}", &["id"]),
    (
        "POST /applications/{application}/owners",
        &["email", "role"],
    ),
    (
        "POST /applications/{application}/subscriptions",
        &["application", "api", "plan"],
    ),
    (
        "POST /applications/{application}/subscriptions/{api}/credentials",
        &["name"],
    ),
    ("POST /approvals/{id}/decline", &["reason"]),
    ("PUT /registrations/pools/{pool}/users/{user}", &["name"]),
    ("PUT /pools/{pool}/namespaces/{namespace}", &["description"]),
    (
        "PUT /grants/{user}/applications/{application}/apis/{api}",
        &["grants"],
    ),
    ("PUT /webhooks/listeners/{listener}", &["id", "url"]),
    ("POST /applications/{application}/listeners", &["url"]),
    (
        "PUT /applications/{application}/listeners/{listener}",
        &["url"],
    ),
    ("POST /webhooks/events/{listener}/ack", &["ids"]),
    ("PUT /leases/{name}", &["holder", "ttlSeconds"]),
    ("POST /usage/records", &["batchId", "node", "cells"]),
    ("POST /subscriptions/{client_id}/verify", &["clientSecret"]),
];

async fn operations(api: &TestApi) -> Vec<Operation> {
    let document = portal_api::openapi::document();
    let admin = api.user(ADMIN, ALL_SCOPES);
    let text = async |path: &str, pointer: &str| {
        let answer = admin.get(path).await.expect(200).json();
        answer
            .pointer(pointer)
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned()
    };
    let approval = text("/approvals", "/0/id").await;
    let client = text("/applications/market/subscriptions/orders", "/clientId").await;
    let credential = text(
        "/applications/market/subscriptions/petstore/credentials",
        "/0/id",
    )
    .await;
    let listener = text("/applications/market/listeners", "/0/id").await;
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let content = &operation["requestBody"]["content"]["application/json"];
            // A notice of a git host is proved by its signature before anything else.
            if content.is_null() || path == "/config/hook" {
                continue;
            }
            let address = if path.starts_with("/approvals") {
                path.replace("{id}", &approval)
            } else if path.starts_with("/applications/{application}/listeners") {
                path.replace("{listener}", &listener)
            } else if path.contains("/credentials/") {
                path.replace("{id}", &credential)
            } else if path.starts_with("/grants") {
                path.replace("{api}", "orders")
            } else if path.starts_with("/leases") {
                path.replace("{name}", "kong-adapter")
            } else {
                path.replace("{client_id}", &client)
            };
            let description = operation["description"].as_str().unwrap();
            all.push(Operation {
                method: method.to_uppercase().parse().unwrap(),
                address: filled(&address),
                name: format!("{} {path}", method.to_uppercase()),
                by_service: description.starts_with("For our own services"),
                example: fitting(path, content["example"].clone()),
                schema: resolved(&document, &content["schema"]),
            });
        }
    }
    assert!(all.len() > 25, "{} operations take bodies", all.len());
    all
}

/// The example with names of things that exist in the test.
fn fitting(path: &str, mut example: Value) -> Value {
    if path == "/applications/{application}" {
        example["id"] = "market".into();
    } else if path == "/applications/{application}/subscriptions" {
        example["application"] = "market".into();
    } else if path == "/applications/{application}/owners" {
        example["email"] = "dev-user@example.org".into();
    }
    example
}

/// The schema of an object, references followed.
fn resolved(document: &Value, schema: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#')).unwrap();
        return resolved(document, target);
    }
    let mut schema = schema.clone();
    for part in schema["allOf"].as_array().cloned().into_iter().flatten() {
        let part = resolved(document, &part);
        for (name, property) in part["properties"].as_object().into_iter().flatten() {
            schema["properties"][name] = property.clone();
        }
    }
    schema
}

/// The type a member has, beside null.
fn type_of(document: &Value, property: &Value) -> String {
    let property = if property["$ref"].is_string() {
        resolved(document, property)
    } else if let Some(choices) = property["oneOf"].as_array() {
        let choice = choices.iter().find(|choice| choice["type"] != "null");
        resolved(document, choice.unwrap())
    } else {
        property.clone()
    };
    match &property["type"] {
        Value::String(name) => name.clone(),
        Value::Array(names) => {
            let name = names.iter().find(|name| **name != "null");
            name.and_then(Value::as_str).unwrap_or_default().to_owned()
        }
        _ => String::new(),
    }
}

/// Sends a raw body; fails on 5xx and on anything that came of a refusal.
struct Checker<'a> {
    api: &'a TestApi,
    wrong: Vec<String>,
}

impl Checker<'_> {
    /// Fails if refused bodies of `operation` have left something behind.
    async fn expect_nothing_stored(&mut self, operation: &Operation, before: usize) {
        if self.events().await != before {
            self.wrong.push(format!(
                "{}: refused, but something was stored",
                operation.name
            ));
        }
    }

    async fn events(&self) -> usize {
        let admin = self.api.user(ADMIN, ALL_SCOPES);
        let queue = admin
            .get("/webhooks/events/witness")
            .await
            .expect(200)
            .json();
        queue.as_array().unwrap().len()
    }

    /// Refused with 4xx; `field` has to be named, if one is given.
    async fn refuses(
        &mut self,
        operation: &Operation,
        body: Vec<u8>,
        field: Option<&str>,
        what: &str,
    ) {
        let caller = operation
            .caller(self.api)
            .header("content-type", "application/json");
        let answer = caller
            .send_bytes(operation.method.clone(), &operation.address, body)
            .await;
        let name = &operation.name;
        if !(400..500).contains(&answer.status) {
            self.wrong.push(format!(
                "{name} {what}: {} {}",
                answer.status,
                answer.text()
            ));
            return;
        }
        let named = answer.json()["errors"][0]["field"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if let Some(field) = field
            && !named.split(['.', '[', ']']).any(|part| part == field)
        {
            self.wrong.push(format!(
                "{name} {what}: `{field}` is not named: {}",
                answer.text()
            ));
        }
    }

    /// Not 5xx.
    async fn survives(&mut self, operation: &Operation, body: &Value, what: &str) {
        let caller = operation.caller(self.api);
        let answer = caller
            .send(
                operation.method.clone(),
                &operation.address,
                Some(body.clone()),
            )
            .await;
        if answer.status >= 500 {
            self.wrong
                .push(format!("{} {what}: {}", operation.name, answer.text()));
        }
    }
}

fn is_listed(list: &[(&str, &str)], operation: &Operation, field: &str) -> bool {
    list.iter()
        .any(|(name, member)| *name == operation.name && *member == field)
}

/// The first object of a body: itself, or the first entry of an array.
fn with(example: &Value, field: &str, value: Value) -> Value {
    let mut body = example.clone();
    match &mut body {
        Value::Array(entries) => entries[0][field] = value,
        other => other[field] = value,
    }
    body
}

fn without(example: &Value, field: &str) -> Value {
    let mut body = example.clone();
    body.as_object_mut().unwrap().remove(field);
    body
}

async fn installation(api: &TestApi) {
    furnish(api).await;
    let body = json!({"id": "witness", "url": "https://listener.example.org/", "events": ["*"]});
    api.user(ADMIN, ALL_SCOPES)
        .put("/webhooks/listeners/witness", body)
        .await
        .expect(200);
}

on_both_databases! {
    async fn members_of_wrong_types_are_refused_by_name(api: TestApi) {
        installation(&api).await;
        let document = portal_api::openapi::document();
        let mut checker = Checker { api: &api, wrong: Vec::new() };
        let mut tried = 0;
        for operation in operations(&api).await {
            let before = checker.events().await;
            let schema = match operation.schema["type"].as_str() {
                Some("array") => resolved(&document, &operation.schema["items"]),
                _ => operation.schema.clone(),
            };
            for (field, property) in schema["properties"].as_object().cloned().into_iter().flatten() {
                let others: &[Value] = match type_of(&document, &property).as_str() {
                    "string" => &[json!(7), json!(true), json!([]), json!({"a": 1})],
                    "boolean" => &[json!("yes"), json!(7), json!([])],
                    "integer" | "number" => &[json!("many"), json!({}), json!(1e300), json!(-1e300)],
                    "array" => &[json!("x"), json!(7), json!({"a": 1})],
                    _ => &[],
                };
                for other in others {
                    let what = format!("with {field} = {other}");
                    let body = with(&operation.example, &field, other.clone());
                    let lenient = is_listed(LENIENT, &operation, &field);
                    if lenient {
                        checker.survives(&operation, &body, &what).await;
                    } else {
                        let body = body.to_string().into_bytes();
                        checker.refuses(&operation, body, Some(&field), &what).await;
                    }
                    tried += 1;
                }
            }
            if !LENIENT.iter().any(|(name, _)| *name == operation.name) {
                checker.expect_nothing_stored(&operation, before).await;
            }
        }
        assert!(checker.wrong.is_empty(), "{}", checker.wrong.join("\n"));
        assert!(tried > 250, "{tried} bodies were tried");
    }

    async fn missing_members_are_named(api: TestApi) {
        installation(&api).await;
        let mut checker = Checker { api: &api, wrong: Vec::new() };
        let all = operations(&api).await;
        let names: BTreeSet<&str> = all.iter().map(|operation| operation.name.as_str()).collect();
        for (name, fields) in MANDATORY {
            assert!(names.contains(name), "{name}");
            let operation = all.iter().find(|operation| operation.name == *name).unwrap();
            let before = checker.events().await;
            for field in *fields {
                for body in [
                    without(&operation.example, field),
                    with(&operation.example, field, Value::Null),
                ] {
                    let what = format!("without {field}");
                    let body = body.to_string().into_bytes();
                    checker.refuses(operation, body, Some(field), &what).await;
                }
            }
            checker.expect_nothing_stored(operation, before).await;
        }
        assert!(checker.wrong.is_empty(), "{}", checker.wrong.join("\n"));
    }

    async fn texts_that_are_too_long_are_refused_by_name(api: TestApi) {
        installation(&api).await;
        let document = portal_api::openapi::document();
        let mut checker = Checker { api: &api, wrong: Vec::new() };
        for operation in operations(&api).await {
            if operation.schema["type"] == "array" {
                continue;
            }
            for (field, property) in operation.schema["properties"].as_object().cloned().into_iter().flatten() {
                if type_of(&document, &property) != "string" {
                    continue;
                }
                let what = format!("with a long {field}");
                let body = with(&operation.example, &field, "x".repeat(20_000).into());
                if is_listed(CUT, &operation, &field) {
                    checker.survives(&operation, &body, &what).await;
                } else {
                    let body = body.to_string().into_bytes();
                    checker.refuses(&operation, body, Some(&field), &what).await;
                }
            }
        }
        assert!(checker.wrong.is_empty(), "{}", checker.wrong.join("\n"));
    }

    async fn broken_json_is_refused_where_it_breaks(api: TestApi) {
        installation(&api).await;
        let mut checker = Checker { api: &api, wrong: Vec::new() };
        for operation in operations(&api).await {
            let before = checker.events().await;
            let field = match &operation.example {
                Value::Object(members) => members.keys().next().unwrap().clone(),
                _ => "action".to_owned(),
            };
            let inner = |value: &[u8]| [b"{\"", field.as_bytes(), b"\":", value, b"}"].concat();
            let twice = format!("{{\"{field}\":1,\"{field}\":2}}").into_bytes();
            let deep = inner("[".repeat(5000).as_bytes());
            for (body, what) in [
                (inner(b"\"\xff\xfe\""), "bad UTF-8"),
                (inner(b"1e999"), "a number without end"),
                (inner(b"\"\\ud800\""), "half a character"),
                (inner(b"\"\\u0000\""), "U+0000"),
                (inner(b"nope"), "no value"),
                (twice, "a name given twice"),
                (deep, "endless nesting"),
            ] {
                checker.refuses(&operation, body, Some(&field), what).await;
            }
            for (body, what) in [
                (&b"{"[..], "an open end"),
                (b"\"text\"", "a text"),
                (b"7", "a number"),
                (b"\xff\xfe\x00", "no text"),
            ] {
                checker.refuses(&operation, body.to_vec(), None, what).await;
            }
            let large = format!("{{\"{field}\":\"{}\"}}", "x".repeat(9 << 20)).into_bytes();
            checker.refuses(&operation, large, None, "9 MiB").await;
            checker.expect_nothing_stored(&operation, before).await;
        }
        assert!(checker.wrong.is_empty(), "{}", checker.wrong.join("\n"));
    }

    async fn texts_that_are_meant_to_break_something_break_nothing(api: TestApi) {
        installation(&api).await;
        let document = portal_api::openapi::document();
        let mut checker = Checker { api: &api, wrong: Vec::new() };
        for operation in operations(&api).await {
            let schema = match operation.schema["type"].as_str() {
                Some("array") => resolved(&document, &operation.schema["items"]),
                _ => operation.schema.clone(),
            };
            for (field, property) in schema["properties"].as_object().cloned().into_iter().flatten() {
                if type_of(&document, &property) != "string" {
                    continue;
                }
                for text in [
                    "' or '1'='1",
                    "\"; drop table users; --",
                    "$1",
                    "%00%",
                    "x\r\nSet-Cookie: a=b",
                    "../../globals",
                    "{{id}}",
                    "\u{202e}\u{feff}\u{1f4a9}",
                ] {
                    let body = with(&operation.example, &field, text.into());
                    checker.survives(&operation, &body, &format!("with {field} = {text:?}")).await;
                }
            }
        }
        assert!(checker.wrong.is_empty(), "{}", checker.wrong.join("\n"));
        // Everything is still there, and only headers of ours were sent.
        let admin = api.user(ADMIN, ALL_SCOPES);
        let answer = admin.get("/users").await.expect(200);
        assert_eq!(answer.header("set-cookie"), "");
    }

    async fn addresses_and_headers_of_any_shape_break_nothing(api: TestApi) {
        installation(&api).await;
        let document = portal_api::openapi::document();
        let mut wrong = Vec::new();
        let texts = ["%00", "%2e%2e%2fglobals", "%27%20or%201=1", "%ff%fe", "%0d%0aX:%20y", "~%25"];
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                let method: Method = method.to_uppercase().parse().unwrap();
                for text in texts {
                    let address: Vec<&str> = path
                        .split('/')
                        .map(|segment| if segment.starts_with('{') { text } else { segment })
                        .collect();
                    let query = format!("?limit={text}&offset={text}&filter={text}&order_by={text}&cursor={text}&from={text}&state={text}&namespace={text}&userEmail={text}&reason={text}");
                    let address = format!("{}{query}", address.join("/"));
                    let body = (method != Method::GET).then(|| json!({}));
                    let answer = api
                        .user(ADMIN, ALL_SCOPES)
                        .header("if-match", "\"'; drop table users; --\"")
                        .header("if-none-match", "W/*")
                        .header("idempotency-key", "' or 1=1")
                        .header("correlation-id", "a b\t\"")
                        .header("x-config-hash-other", "x")
                        .send(method.clone(), &address, body)
                        .await;
                    if answer.status >= 500 {
                        wrong.push(format!("{method} {address}: {}", answer.text()));
                    }
                    // Addresses that cannot be read are refused in the form of all refusals.
                    if answer.status >= 400 && !answer.header("content-type").contains("json") {
                        wrong.push(format!("{method} {address}: {} {}", answer.status, answer.text()));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
