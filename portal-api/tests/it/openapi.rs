//! The description of this API: complete, current, and what the service really answers.

mod schema;

use std::{collections::BTreeSet, fs};

use http::Method;
use serde_json::{Value, json};
use service::{ServiceName, settings};

use crate::{
    authorization::{ALL_SCOPES, filled, written},
    support::{ADMIN, Client, DEVELOPER, TestApi},
};

/// The file from which the portal shows this API to those who want to call it.
const SHIPPED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../config/src/builtin/portal-api.json"
);

/// Method, path and description of every operation.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push((method.to_uppercase(), path.clone(), operation));
        }
    }
    all
}

#[test]
fn every_route_is_described() {
    let document = portal_api::openapi::document();
    let described: BTreeSet<(String, String)> = operations(&document)
        .into_iter()
        .map(|(method, path, _)| (method, path))
        .collect();
    let routes: BTreeSet<(String, String)> = written()
        .into_iter()
        .map(|(method, path)| (method, path.replace("{*", "{")))
        .collect();
    assert_eq!(described, routes);
}

#[test]
fn the_description_that_is_shipped_is_current() {
    let mut text = serde_json::to_string_pretty(&portal_api::openapi::document()).unwrap();
    text.push('\n');
    if settings::var("WICKETGATE_UPDATE").is_some() {
        fs::write(SHIPPED, &text).unwrap();
    }
    let shipped = fs::read_to_string(SHIPPED).unwrap();
    assert!(
        shipped == text,
        "run this test with WICKETGATE_UPDATE=1 and look at what changed in {SHIPPED}"
    );
}

#[test]
fn the_description_is_sound() {
    let document = portal_api::openapi::document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap().to_owned();
        assert!(ids.insert(id.clone()), "{id} twice");
        assert!(operation["summary"].is_string(), "{method} {path}");
        let named: BTreeSet<&str> = path
            .split('/')
            .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
            .collect();
        let described: BTreeSet<&str> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        assert_eq!(named, described, "{method} {path}");
        if method == "POST" || method == "PUT" || method == "PATCH" {
            let body = &operation["requestBody"]["content"]["application/json"];
            if !body.is_null() {
                schema::check(&document, &body["schema"], &body["example"])
                    .unwrap_or_else(|fault| panic!("example of {method} {path}: {fault}"));
            }
        }
    }
    // Every reference leads somewhere.
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

#[tokio::test]
async fn it_is_served_as_json_and_as_yaml() {
    let api = TestApi::start().await;
    let json = api.anonymous().get("/openapi.json").await.expect(200);
    assert_eq!(json.json(), portal_api::openapi::document());
    let yaml = api.anonymous().get("/openapi.yaml").await.expect(200);
    assert!(yaml.header("content-type").starts_with("application/yaml"));
    assert!(yaml.text().starts_with("openapi: \"3.1.0\""));
    // The portal shows the same, with address and security as the gateway has them.
    let shown = api
        .user(DEVELOPER, "read_apis")
        .get("/apis/portal-api/swagger")
        .await
        .expect(200)
        .json();
    assert_eq!(operations(&shown).len(), operations(&json.json()).len());
}

/// Something of every kind, so that answers are not empty.
pub async fn furnish(api: &TestApi) {
    let admin = api.user(ADMIN, ALL_SCOPES);
    let application = json!({"id": "market", "name": "Market", "redirectUri": "https://m.example"});
    admin.post("/applications", application).await.expect(201);
    let listener = json!({"url": "https://listener.example.org/"});
    let path = "/applications/market/listeners";
    admin.post(path, listener).await.expect(201);
    let team = json!({"id": "crew", "name": "Crew"});
    admin.post("/teams", team).await.expect(201);
    for (to, plan) in [("petstore", "free"), ("orders", "free")] {
        let body = json!({"application": "market", "api": to, "plan": plan});
        admin
            .post("/applications/market/subscriptions", body)
            .await
            .expect(201);
    }
    let dev = api.user(DEVELOPER, ALL_SCOPES);
    dev.post("/applications", json!({"id": "dev-app", "name": "Dev"}))
        .await
        .expect(201);
    let waiting = json!({"application": "dev-app", "api": "petstore", "plan": "team"});
    dev.post("/applications/dev-app/subscriptions", waiting)
        .await
        .expect(201);
    let path = format!("/registrations/pools/wicked/users/{ADMIN}");
    admin.put(&path, json!({"name": "Admin"})).await.expect(204);
    let namespace = json!({"description": "Acme"});
    admin
        .put("/pools/tenants/namespaces/acme", namespace)
        .await
        .expect(204);
    let grant = format!("/grants/{ADMIN}/applications/market/apis/orders");
    let scopes = json!({"grants": [{"scope": "read_orders"}]});
    admin.put(&grant, scopes).await.expect(204);
    let listener = json!({"id": "crm-sync", "url": "https://listener.example.org/"});
    admin
        .put("/webhooks/listeners/crm-sync", listener)
        .await
        .expect(200);
    let mail =
        json!({"type": "email", "email": "dev-user@example.org", "link": "https://p/{{id}}"});
    admin.post("/verifications", mail).await.expect(204);
}

#[tokio::test]
async fn real_answers_are_as_described() {
    let api = TestApi::start().await;
    furnish(&api).await;
    let admin = api.user(ADMIN, ALL_SCOPES);
    let document = portal_api::openapi::document();
    let id_of = async |path: &str, pointer: &str| {
        let answer = admin.get(path).await.expect(200).json();
        answer
            .pointer(pointer)
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned()
    };
    let approval = id_of("/approvals", "/0/id").await;
    let verification = id_of("/verifications", "/0/id").await;
    let client = id_of("/applications/market/subscriptions/orders", "/clientId").await;
    let event = id_of("/webhooks/events/crm-sync", "/0/id").await;
    let listener = id_of("/applications/market/listeners", "/0/id").await;
    let deliveries = format!("/applications/market/listeners/{listener}/deliveries");
    let told = id_of(&deliveries, "/items/0/eventId").await;
    let draft = json!({"base": "3f78", "files": [{"path": "content/help.md", "content": "Help"}]});
    admin.put("/config/draft", draft).await.expect(204);
    let (mut seen, mut faults) = (0, Vec::new());
    for (method, path, operation) in operations(&document) {
        if method != "GET" {
            continue;
        }
        let address = match path.as_str() {
            "/approvals/{id}" => format!("/approvals/{approval}"),
            "/verifications/{id}" => format!("/verifications/{verification}"),
            "/subscriptions/{client_id}" => format!("/subscriptions/{client}"),
            // Never ends.
            "/webhooks/stream/{listener}" => continue,
            "/webhooks/deliveries/{listener}/{event}" => {
                format!("/webhooks/deliveries/crm-sync/{event}")
            }
            "/content/{path}" => "/content/help".to_owned(),
            "/apis/{api}/docs/{path}" => "/apis/petstore/docs/answers".to_owned(),
            "/config/files/{path}" => "/config/files/plans/plans.json".to_owned(),
            other if other.starts_with("/applications/{application}/listeners") => {
                let other = other.replace("{listener}", &listener);
                filled(&other.replace("{event}", &told))
            }
            other if other.starts_with("/grants") => filled(&other.replace("{api}", "orders")),
            other => filled(other),
        };
        for query in ["", "?embed=1", "?cursor="] {
            let caller = caller_for(&api, operation);
            let answer = caller.get(&format!("{address}{query}")).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            let content = operation["responses"]["200"]["content"]
                .as_object()
                .unwrap();
            let (media_type, content) = content.iter().next().unwrap();
            let given = answer
                .header("content-type")
                .split(';')
                .next()
                .unwrap()
                .to_owned();
            assert_eq!(given, *media_type, "{path}");
            if media_type == "application/json"
                && let Err(fault) = schema::check(&document, &content["schema"], &answer.json())
            {
                faults.push(format!("{path}{query}: {fault}"));
            }
            seen += 1;
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen > 100, "{seen} answers were compared");
}

/// Somebody who may do it.
fn caller_for<'a>(api: &'a TestApi, operation: &Value) -> Client<'a> {
    let for_services = operation["security"] == json!([{"service": []}]);
    let by_user = operation["description"].as_str().unwrap_or_default();
    if for_services && by_user.starts_with("For our own services") {
        api.service(ServiceName::GatewayAdapter)
    } else {
        api.user(ADMIN, ALL_SCOPES)
    }
}

#[tokio::test]
async fn every_refusal_is_described() {
    let api = TestApi::start().await;
    let document = portal_api::openapi::document();
    let problem = json!({"$ref": "#/components/schemas/Problem"});
    for (method, path, operation) in operations(&document) {
        let verb: Method = method.parse().unwrap();
        let body = operation.get("requestBody").map(|_| json!({}));
        for caller in [
            api.anonymous(),
            api.user(DEVELOPER, ""),
            api.user(DEVELOPER, ALL_SCOPES),
            api.user("nobody", ALL_SCOPES),
            api.user(ADMIN, ALL_SCOPES),
        ] {
            let address = filled(&path).replace("{path}", "unknown");
            let address = address
                .replace("market", "unknown")
                .replace("petstore", "unknown");
            let answer = caller.send(verb.clone(), &address, body.clone()).await;
            if answer.status < 400 {
                continue;
            }
            let status = answer.status.to_string();
            assert!(
                operation["responses"].get(&status).is_some(),
                "{method} {path} answers {status}: {}",
                answer.text()
            );
            schema::check(&document, &problem, &answer.json())
                .unwrap_or_else(|fault| panic!("{method} {path}: {fault}"));
        }
    }
}
