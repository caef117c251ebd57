//! The same installation of wicked twice: as a database and as a file store.

use std::{fs, path::Path};

use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::Postgres;

/// `PORTAL_API_AESKEY` of the installation.
pub const KEY: &str = "correct-horse-battery-staple";
/// A plain bcrypt hash of `super$3cret!`.
const HASH: &str = "$2a$10$abcdefghijklmnopqrstuuuhKnzQaTe2LLOD4y9gzDlfJhKCnIvr6";
const PLAIN: &str = "0123456789abcdef0123456789abcdef01234567secret-api-key";
const CIPHER: &str = "1961fcd2629cee12d9058e7d26b6ed4dc0e6a79fda0ff84e215ec4634e1b764fe945c441a0ab13c2f48af08393340f9f06cf5010fb0b";

/// A short value as wicked encrypts it. Its key stream is always the same, so one known pair of
/// plain and encrypted text gives it.
fn encrypted(value: &str) -> String {
    let cipher = hex::decode(CIPHER).unwrap();
    let salted = format!("{}{value}", &PLAIN[..40]);
    let bytes: Vec<u8> = salted
        .bytes()
        .zip(PLAIN.bytes().zip(cipher))
        .map(|(new, (plain, cipher))| new ^ plain ^ cipher)
        .collect();
    format!("!{}", hex::encode(bytes))
}

fn users() -> Vec<Value> {
    vec![
        json!({"id": "ada", "email": "Ada@Example.org", "customId": null, "password": HASH, "validated": true, "groups": ["dev"], "firstName": "stale"}),
        json!({"id": "bob", "email": "bob@example.org", "customId": "google:7", "validated": true, "groups": [], "changedDate": "2020-01-01T00:00:00.000Z"}),
        json!({"id": "eve", "email": "ADA@example.org ", "groups": []}),
        json!({"id": "mal", "email": "no address", "groups": []}),
        json!({"id": "zoe", "email": "zoe@example.org", "customId": "google:7"}),
    ]
}

fn applications() -> Vec<Value> {
    vec![
        json!({"id": "__portal", "name": "Portal"}),
        json!({"id": "kiosk", "name": "Kiosk", "confidential": false, "changedDate": 1_577_836_800}),
        json!({"id": "shop", "name": "The Shop", "clientType": "confidential", "redirectUri": "https://shop.example/cb", "changedDate": "2020-01-01T00:00:00.000Z"}),
    ]
}

fn owners() -> Vec<Value> {
    vec![
        json!({"id": "o1", "appId": "__portal", "userId": "ada", "role": "owner", "email": "ada"}),
        json!({"id": "o2", "appId": "kiosk", "userId": "ada", "role": "owner", "email": "ada"}),
        json!({"id": "o3", "appId": "shop", "userId": "ada", "role": "owner", "email": "ada"}),
        json!({"id": "o4", "appId": "shop", "userId": "bob", "role": "reader", "email": "old"}),
        json!({"id": "o5", "appId": "shop", "userId": "ghost", "role": "owner", "email": "gone"}),
    ]
}

fn subscriptions() -> Vec<Value> {
    vec![
        json!({"id": "sub-portal", "application": "__portal", "api": "portal-api", "plan": "__internal_api_unlimited", "clientId": "old", "clientSecret": "old", "approved": true, "auth": "oauth2"}),
        json!({"id": "sub-pets", "application": "shop", "api": "petstore", "plan": "free", "apikey": encrypted("secret-api-key"), "auth": "key-auth", "approved": true, "changedDate": "2020-01-02T00:00:00.000Z"}),
        json!({"id": "sub-pets-older", "application": "shop", "api": "petstore", "plan": "free", "apikey": "older", "auth": "key-auth", "approved": true, "changedDate": "2019-01-02T00:00:00.000Z"}),
        json!({"id": "sub-orders", "application": "shop", "api": "orders", "plan": "free", "clientId": "client-1", "clientSecret": encrypted("hush-hush"), "auth": "oauth2", "approved": true, "allowedScopesMode": "select", "allowedScopes": ["read_orders"], "changedDate": "2020-01-02T00:00:00.000Z"}),
        json!({"id": "sub-wait", "application": "kiosk", "api": "petstore", "plan": "team", "auth": "key-auth", "approved": false, "changedDate": "2020-01-02T00:00:00.000Z"}),
        json!({"id": "sub-gone", "application": "kiosk", "api": "gone", "plan": "free", "apikey": "secret-api-key", "auth": "key-auth", "approved": true, "changedDate": "2019-01-02T00:00:00.000Z"}),
    ]
}

fn approvals() -> Vec<Value> {
    let about = |id: &str, subscription: &str, app: &str, api: &str| {
        json!({
            "id": id, "subscriptionId": subscription, "user": {"id": "ada", "email": "ada@example.org"},
            "api": {"id": api, "name": "Pets"}, "application": {"id": app, "name": "Kiosk"},
            "plan": {"id": "team", "name": "Team"}, "changedDate": "2020-01-02T00:00:00.000Z",
        })
    };
    vec![
        about("appr-1", "sub-wait", "kiosk", "petstore"),
        about("appr-2", "sub-pets", "shop", "petstore"),
    ]
}

fn registrations() -> Vec<Value> {
    vec![
        json!({"id": "r1", "poolId": "wicked", "userId": "ada", "namespace": null, "name": "Ada King", "changedDate": "2019-01-01T00:00:00.000Z"}),
        json!({"id": "r2", "poolId": "wicked", "userId": "ada", "namespace": null, "name": "Ada Lovelace", "changedDate": "2020-01-01T00:00:00.000Z"}),
        json!({"id": "r3", "poolId": "wicked", "userId": "eve", "namespace": null, "name": "Eve"}),
    ]
}

fn grants() -> Vec<Value> {
    let grants = json!([{"scope": "read_orders", "grantedDate": "2020-01-02T03:04:05.678Z"}]);
    vec![
        json!({"id": "g1", "userId": "bob", "apiId": "orders", "applicationId": "shop", "grants": grants, "changedDate": "2020-01-02T03:04:05.678Z"}),
        json!({"id": "g2", "userId": "bob", "apiId": "orders", "applicationId": "closed", "grants": grants}),
    ]
}

fn verifications() -> Vec<Value> {
    let now = service::clock::now().timestamp();
    let about = |id: &str, utc: i64| json!({"id": id, "userId": "bob", "type": "email", "email": "bob@example.org", "link": "https://portal.example/verification/{{id}}", "utc": utc});
    vec![about("verify-me", now - 60), about("too-late", now - 7200)]
}

fn namespaces() -> Vec<Value> {
    vec![
        json!({"id": "n1", "poolId": "tenants", "namespace": "acme", "description": "Acme", "color": "red"}),
    ]
}

/// A table, its columns with the members they hold, its records.
type Table = (
    &'static str,
    &'static [(&'static str, &'static str)],
    Vec<Value>,
);

/// Fills `database` as wicked does (portal-api 27.1).
pub async fn postgres(database: &Postgres) {
    let db = Database::connect(database.url().as_str()).await.unwrap();
    db.execute_unprepared(
        "create schema wicked;
         create table wicked.users (id varchar(64) primary key, email varchar(256) not null unique,
           custom_id varchar(256), data jsonb);
         create table wicked.applications (id varchar(128) primary key, data jsonb);
         create table wicked.owners (id varchar(128) primary key, users_id varchar(64),
           applications_id varchar(128), data jsonb);
         create table wicked.subscriptions (id varchar(128) primary key, applications_id varchar(128),
           plan_id varchar(128), api_id varchar(128), client_id varchar(256), api_group varchar(128),
           data jsonb);
         create table wicked.approvals (id varchar(128) primary key, subscriptions_id varchar(128), data jsonb);
         create table wicked.verifications (id varchar(128) primary key, users_id varchar(64), data jsonb);
         create table wicked.registrations (id varchar(128) primary key, pool_id varchar(128),
           users_id varchar(64), namespace varchar(128), name varchar(256), data jsonb);
         create table wicked.grants (id varchar(128) primary key, users_id varchar(64),
           api_id varchar(128), application_id varchar(128), data jsonb);
         create table wicked.namespaces (id varchar(128) primary key, pool_id varchar(128),
           namespace varchar(128), description varchar(255), data jsonb);
         create table wicked.webhook_listeners (id varchar(128) primary key, data jsonb);
         create table wicked.webhook_events (id varchar(128) primary key,
           webhook_listeners_id varchar(128), data jsonb);
         create table wicked.audit_log (id varchar(128) primary key,
           created_at timestamptz default now(), data jsonb);
         create table wicked.meta (id bigint primary key, data jsonb);
         insert into wicked.meta values (1, '{\"version\": 5}');
         insert into wicked.webhook_listeners values ('kong-adapter', '{\"url\": \"http://a:3002\"}');
         insert into wicked.webhook_events values ('e1', 'kong-adapter', '{}'), ('e2', 'kong-adapter', '{}');
         insert into wicked.audit_log (id, data) values ('a1', '{}');",
    )
    .await
    .unwrap();
    let tables: [Table; 9] = [
        (
            "users",
            &[("email", "email"), ("custom_id", "customId")],
            users(),
        ),
        ("applications", &[], applications()),
        (
            "owners",
            &[("users_id", "userId"), ("applications_id", "appId")],
            owners(),
        ),
        (
            "subscriptions",
            &[
                ("applications_id", "application"),
                ("plan_id", "plan"),
                ("api_id", "api"),
                ("client_id", "clientId"),
            ],
            subscriptions(),
        ),
        (
            "approvals",
            &[("subscriptions_id", "subscriptionId")],
            approvals(),
        ),
        ("verifications", &[("users_id", "userId")], verifications()),
        (
            "registrations",
            &[
                ("pool_id", "poolId"),
                ("users_id", "userId"),
                ("namespace", "namespace"),
                ("name", "name"),
            ],
            registrations(),
        ),
        (
            "grants",
            &[
                ("users_id", "userId"),
                ("api_id", "apiId"),
                ("application_id", "applicationId"),
            ],
            grants(),
        ),
        (
            "namespaces",
            &[
                ("pool_id", "poolId"),
                ("namespace", "namespace"),
                ("description", "description"),
            ],
            namespaces(),
        ),
    ];
    for (table, columns, records) in tables {
        for record in records {
            insert(&db, table, columns, record).await;
        }
    }
    db.close().await.unwrap();
}

async fn insert(
    db: &impl ConnectionTrait,
    table: &str,
    columns: &[(&str, &str)],
    mut record: Value,
) {
    let quoted = |value: &Value| match value {
        Value::String(text) => format!("'{}'", text.replace('\'', "''")),
        _ => "null".to_owned(),
    };
    let members = record.as_object_mut().unwrap();
    let mut names = vec!["id"];
    let mut values = vec![quoted(&members.shift_remove("id").unwrap())];
    for (column, member) in columns {
        names.push(column);
        values.push(quoted(&members.shift_remove(*member).unwrap_or_default()));
    }
    names.push("data");
    values.push(quoted(&record.to_string().into()));
    let (names, values) = (names.join(", "), values.join(", "));
    let sql = format!("insert into wicked.{table} ({names}) values ({values})");
    db.execute_unprepared(&sql).await.unwrap();
}

/// A file store on disk.
pub struct Store(TempDir);

impl Store {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn read(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path().join(name)).unwrap()).unwrap()
    }

    pub fn write(&self, name: &str, value: &Value) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, serde_json::to_string_pretty(value).unwrap()).unwrap();
    }
}

/// The records of `all` whose `member` is `value`, without the members that the store has no place for.
fn of(all: &[Value], member: &str, value: &Value, without: &[&str]) -> Value {
    let own = all.iter().filter(|one| one[member] == *value).map(|one| {
        let mut one = one.clone();
        for name in without {
            one.as_object_mut().unwrap().shift_remove(*name);
        }
        one
    });
    Value::Array(own.collect())
}

/// The installation as wicked's file store has it (portal-api 27.5).
pub fn folder() -> Store {
    let store = Store::new();
    store.write("meta.json", &json!({"dynamicVersion": 1}));
    store.write("users/_index.json", &json!([]));
    for user in users() {
        let id = user["id"].clone();
        let name = id.as_str().unwrap();
        store.write(&format!("users/{name}.json"), &user);
        let own = of(&registrations(), "userId", &id, &["id"]);
        store.write(&format!("registrations/{name}.json"), &own);
        store.write(
            &format!("grants/{name}.json"),
            &of(&grants(), "userId", &id, &["id"]),
        );
    }
    // An index, which is no data.
    store.write(
        "registrations/wicked.json",
        &json!([{"poolId": "wicked", "namespace": null, "userId": "ada"}]),
    );
    for mut application in applications() {
        let id = application["id"].clone();
        let name = id.as_str().unwrap().to_owned();
        application["owners"] = of(&owners(), "appId", &id, &["id", "appId"]);
        store.write(&format!("applications/{name}.json"), &application);
        store.write(
            &format!("subscriptions/{name}.subs.json"),
            &of(&subscriptions(), "application", &id, &[]),
        );
    }
    store.write(
        "subscription_index/client-1.json",
        &json!({"application": "shop", "api": "orders"}),
    );
    store.write("approvals/_index.json", &Value::Array(approvals()));
    store.write("verifications/_index.json", &Value::Array(verifications()));
    store.write(
        "namespaces/tenants.json",
        &of(
            &namespaces(),
            "poolId",
            &json!("tenants"),
            &["id", "poolId"],
        ),
    );
    store.write(
        "webhooks/_listeners.json",
        &json!([{"id": "kong-adapter", "url": "http://a:3002"}]),
    );
    fs::write(store.path().join("global.lock"), "").unwrap();
    store
}

/// An installation from before 1.0.
pub fn old_folder() -> Store {
    let store = Store::new();
    store.write("users/u7.json", &json!({"id": "u7", "email": "ada@example.org", "customId": "Github:7", "firstName": "Ada", "lastName": "Lovelace", "validated": true, "groups": []}));
    store.write(
        "users/u8.json",
        &json!({"id": "u8", "email": "bob@example.org", "customId": "8", "groups": []}),
    );
    for (id, owner) in [("MyShop", "u7"), ("Kiosk", "u8"), ("kiosk", "u8")] {
        let owners = json!([{"userId": owner, "email": "x", "role": "owner"}]);
        store.write(
            &format!("applications/{id}.json"),
            &json!({"id": id, "name": id, "owners": owners}),
        );
    }
    store
}
