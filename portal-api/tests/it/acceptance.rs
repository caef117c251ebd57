//! The acceptance checks of portal-api 30, each by the number it has there, made as the programs of
//! wicked make their calls: bare headers from a trusted address.

mod applications;
mod people;
mod subscriptions;
mod surface;

use serde_json::{Value, json};

use crate::support::{ADMIN, Answer, Client, DEVELOPER, PARTNER, TestApi, trust_this_machine};

/// Decides about APIs of the group `partners`.
const APPROVER: &str = "approver-user";
/// Decides about nothing here.
const OTHER_APPROVER: &str = "other-approver";
const UNVALIDATED: &str = "unvalidated-user";

const ALL_SCOPES: &str = "read_plans read_groups read_content health read_templates \
    read_auth_servers read_apis read_users write_users login read_applications \
    write_applications read_subscriptions write_subscriptions read_auditlog write_auditlog \
    read_approvals read_verifications write_verifications webhooks read_registrations \
    write_registrations read_namespaces write_namespaces read_grants write_grants restart_api";

const APIS: &str = r#"{"apis": [
  {"id": "petstore", "name": "Pets", "auth": "key-auth", "plans": ["free", "team", "unlimited"]},
  {"id": "orders", "name": "Orders", "auth": "oauth2", "plans": ["free", "team"],
   "authMethods": ["default:local"],
   "settings": {"enable_client_credentials": true, "token_expiration": 3600,
     "scopes": {"read_orders": {"description": "Read"}, "write_orders": {}}}},
  {"id": "timezones", "name": "Clock", "auth": "key-auth", "plans": ["free", "team"],
   "requiredGroup": "partners"}
]}"#;

/// A wicked configuration: nothing in it says what becomes of credentials.
fn globals() -> String {
    let tree = config::Tree::sample();
    let mut globals: Value = serde_json::from_slice(tree.get("globals.json").unwrap()).unwrap();
    let user = |id: &str, groups: &[&str]| json!({"id": id, "email": format!("{id}@example.org"), "groups": groups});
    globals["initialUsers"] = json!([
        user(ADMIN, &["admin"]),
        user(DEVELOPER, &["dev"]),
        user(PARTNER, &["dev", "partners"]),
        user(APPROVER, &["approvers", "partners"]),
        user(OTHER_APPROVER, &["approvers"]),
    ]);
    globals.as_object_mut().unwrap().remove("credentials");
    globals["passwordStrategy"] = "PW_6_24".into();
    globals.to_string()
}

/// An installation on each database there is.
async fn installations() -> Vec<TestApi> {
    let globals = globals();
    let files = [("globals.json", globals.as_str()), ("apis/apis.json", APIS)];
    TestApi::on_each_database(&files, trust_this_machine).await
}

/// A caller as wicked's portal or adapters are, with every scope.
fn old<'a>(api: &'a TestApi, user: &str) -> Client<'a> {
    with_scopes(api, user, ALL_SCOPES)
}

fn with_scopes<'a>(api: &'a TestApi, user: &str, scopes: &str) -> Client<'a> {
    api.anonymous()
        .header("x-authenticated-userid", format!("sub={user}"))
        .header("x-authenticated-scope", scopes)
}

async fn application(api: &TestApi, owner: &str, id: &str) {
    let body = json!({"id": id, "name": id, "clientType": "confidential"});
    old(api, owner)
        .post("/applications", body)
        .await
        .expect(201);
}

async fn role(api: &TestApi, application: &str, user: &str, role: &str) {
    let body = json!({"email": format!("{user}@example.org"), "role": role});
    old(api, ADMIN)
        .post(&format!("/applications/{application}/owners"), body)
        .await
        .expect(201);
}

async fn subscribe(api: &TestApi, user: &str, app: &str, to: &str, plan: &str) -> Answer {
    let body = json!({"application": app, "api": to, "plan": plan});
    old(api, user)
        .post(&format!("/applications/{app}/subscriptions"), body)
        .await
}

/// The ids of a list.
fn ids(list: &Value) -> Vec<&str> {
    let entries = list.as_array().unwrap();
    entries
        .iter()
        .map(|entry| entry["id"].as_str().unwrap())
        .collect()
}

/// Begins to keep events for a listener.
async fn listen(api: &TestApi, listener: &str) {
    let body = json!({"id": listener, "url": "https://listener.example.org/"});
    old(api, ADMIN)
        .put(&format!("/webhooks/listeners/{listener}"), body)
        .await
        .expect(200);
}

/// The events since [`listen`] or the last call.
async fn events(api: &TestApi, listener: &str) -> Vec<(String, Value)> {
    let path = format!("/webhooks/events/{listener}");
    let admin = old(api, ADMIN);
    let events = admin.get(&path).await.expect(200).json();
    admin.delete(&path).await.expect(204);
    let kind = |event: &Value| {
        let part = |name: &str| event[name].as_str().unwrap().to_owned();
        (
            format!("{}.{}", part("entity"), part("action")),
            event["data"].clone(),
        )
    };
    events.as_array().unwrap().iter().map(kind).collect()
}
