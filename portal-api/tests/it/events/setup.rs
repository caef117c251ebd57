//! The installations that are walked through, and what operators do there.

use std::collections::BTreeMap;

use chrono::{Datelike, TimeZone, Utc};
use http::Method;
use portal_api::Settings;
use ring::hmac;
use serde_json::{Value, json};
use service::keys::Purpose;

use super::{DEVELOPER, Remote, Row, TestApi, Walk, row, walk::look};
use crate::{
    market::APPROVER,
    receiver::{Receiver, Reply},
    support::{ADMIN, Stopped, remote::HOOK_SECRET},
};

const APIS: &str = r#"{"apis": [
  {"id": "petstore", "name": "Pets", "auth": "key-auth",
   "plans": ["free", "team", "metered", "more"]},
  {"id": "orders", "name": "Orders", "auth": "oauth2", "plans": ["team", "metered"],
   "authMethods": ["default:local"],
   "settings": {"enable_client_credentials": true, "token_expiration": 3600,
     "scopes": {"read_orders": {}, "write_orders": {}}}},
  {"id": "timezones", "name": "Clock", "auth": "key-auth", "plans": ["team"],
   "requiredGroup": "partners"}
]}"#;

/// An installation for each database there is.
pub async fn apis() -> Vec<TestApi> {
    let (globals, plans) = (globals(), plans());
    let files = files(&globals, &plans);
    TestApi::on_each_database(&files, let_listeners_be_here).await
}

/// The same with the data of one that was stopped.
pub async fn start(stopped: Stopped) -> TestApi {
    let (globals, plans) = (globals(), plans());
    stopped.start_with(&files(&globals, &plans)).await
}

fn files<'f>(globals: &'f str, plans: &'f str) -> [(&'static str, &'f str); 3] {
    [
        ("globals.json", globals),
        ("plans/plans.json", plans),
        ("apis/apis.json", APIS),
    ]
}

fn let_listeners_be_here(settings: &mut Settings) {
    settings.events.networks = vec!["127.0.0.0/8".parse().unwrap()];
}

fn globals() -> String {
    let mut globals = sample("globals.json");
    let user = |id: &str, groups: &[&str]| json!({"id": id, "email": format!("{id}@example.org"), "groups": groups});
    globals["initialUsers"] = json!([
        user(ADMIN, &["admin"]),
        user(DEVELOPER, &["dev"]),
        user(crate::support::PARTNER, &["dev", "partners"]),
        user(APPROVER, &["approvers", "partners"]),
    ]);
    globals["credentials"]["reveal"] = "classic".into();
    globals.to_string()
}

/// Those of the sample, one that allows 10 calls a year, and one more that needs an approval.
fn plans() -> String {
    let mut plans = sample("plans/plans.json");
    let limit = json!([{"name": "rate-limiting", "config": {"year": 10}}]);
    plans["plans"].as_array_mut().unwrap().extend([
        json!({"id": "metered", "name": "Metered", "config": {"plugins": limit}}),
        json!({"id": "more", "name": "More", "needsApproval": true, "config": {"plugins": []}}),
    ]);
    plans.to_string()
}

fn sample(path: &str) -> Value {
    serde_json::from_slice(config::Tree::sample().get(path).unwrap()).unwrap()
}

/// Things that rows name and no answer tells.
pub fn known(api: &TestApi) -> BTreeMap<String, Value> {
    let key = api.keys().derive(&Purpose::Unsubscribe).unwrap();
    let client = api.portal_client();
    let now = service::clock::now();
    let end = Utc.with_ymd_and_hms(now.year() + 1, 1, 1, 0, 0, 0).unwrap();
    let end = end.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let token = sdk::unsubscribe::sign(&key, DEVELOPER, "welcome");
    [
        ("unsubscribe", Value::from(token)),
        ("portal-client", client.client_id.into()),
        ("portal-secret", client.client_secret.into()),
        ("minute", now.timestamp().into()),
        ("year-end", end.into()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// Everything that is no business of users.
pub fn rows() -> Vec<Row> {
    let announcement = json!({"subject": " Hello", "text": "World"});
    let told = json!([["announcement.add", {"announcementId": "<announcement>",
        "apiId": "petstore", "subject": "Hello", "text": "World", "userId": ADMIN}]]);
    let report = |revision: &str, in_sync: bool| {
        json!({"revision": revision, "problems": [], "nodes": [{"name": "a", "version": "2",
            "revision": revision, "inSync": in_sync, "appliedAt": "2026-01-01T00:00:00Z"}]})
    };
    let applied = |revision: &str, seq: u64| {
        json!([["gateway.applied", {"revision": revision, "seq": seq,
            "nodes": [{"name": "a", "appliedAt": "2026-01-01T00:00:00.000Z"}]}]])
    };
    let status = |body, events| row("gateway-adapter", "PUT /gateway/status", body, events);
    let lease = json!({"holder": "me", "ttlSeconds": 60});
    let own = json!({"clientSecret": "<portal-secret>"});
    vec![
        row(
            DEVELOPER,
            "PUT /users/dev-user/preferences",
            json!({"mails": {"announcement": false}}),
            json!([]),
        ),
        row(
            "nobody",
            "POST /unsubscribe",
            json!({"token": "<unsubscribe>"}),
            json!([]),
        ),
        row(
            ADMIN,
            "POST /apis/petstore/announcements",
            announcement,
            told,
        )
        .keep("announcement", "/id"),
        row(ADMIN, "PUT /setup", json!({"hidden": true}), json!([])),
        status(report("h.1", false), json!([])),
        status(report("h.1", true), applied("h.1", 1)),
        status(report("h.1", true), json!([])),
        status(report("h.2", true), applied("h.2", 2)),
        row(
            "gateway-adapter",
            "PUT /leases/kong-adapter",
            lease,
            json!([]),
        ),
        row(
            "gateway-adapter",
            "DELETE /leases/kong-adapter?holder=me",
            Value::Null,
            json!([]),
        ),
        row(
            "auth-server",
            "POST /subscriptions/<portal-client>/verify",
            own,
            json!([]),
        ),
        row(ADMIN, "POST /config/fetch", json!({}), json!([])),
        row(ADMIN, "POST /kill", json!({}), json!([])),
        row(ADMIN, "DELETE /auditlog/2001-01-01", Value::Null, json!([])),
    ]
}

/// Listeners of the installation and of an application: nothing that is done with them is an event.
pub async fn listeners(walk: &mut Walk<'_>) {
    let receiver = Receiver::start(|request| {
        // Everything but tests is refused for good.
        let events = request.events.iter();
        let failed = events.filter(|event| event["entity"] != "ping");
        let failed = failed.map(|event| json!({"id": event["id"], "retry": false}));
        Reply::json(&json!({"acked": ["none"], "failed": failed.collect::<Vec<_>>()}))
    })
    .await;
    let url = receiver.url.as_str().into();
    walk.known.insert("receiver".to_owned(), url);
    let refuser = json!({"id": "refuser", "url": "<receiver>", "mode": "ack",
        "events": ["application.*"]});
    walk.through(vec![
        row(ADMIN, "PUT /webhooks/listeners/refuser", refuser, json!([])),
        row(
            ADMIN,
            "POST /applications",
            json!({"id": "listening", "name": "x"}),
            json!([
            ["application.add", {"applicationId": "listening", "userId": ADMIN}]]),
        ),
        row(
            ADMIN,
            "POST /applications/listening/listeners",
            json!({"url": "<receiver>"}),
            json!([]),
        )
        .keep("own", "/listener/id"),
        row(
            ADMIN,
            "PUT /applications/listening/listeners/<own>",
            json!({"url": "<receiver>"}),
            json!([]),
        ),
    ])
    .await;
    one_listener(walk, "/webhooks", "/webhooks/listeners/refuser", "/refuser").await;
    let own = "/applications/listening/listeners/<own>";
    one_listener(walk, own, own, "").await;
    walk.through(vec![
        row(
            ADMIN,
            "DELETE /applications/listening/listeners/<own>",
            Value::Null,
            json!([]),
        ),
        row(
            ADMIN,
            "DELETE /webhooks/events/refuser/none",
            Value::Null,
            json!([]),
        ),
        row(
            ADMIN,
            "POST /webhooks/events/refuser/ack",
            json!({"ids": ["none"]}),
            json!([]),
        ),
        row(
            ADMIN,
            "DELETE /webhooks/events/refuser",
            Value::Null,
            json!([]),
        ),
        row(
            ADMIN,
            "DELETE /webhooks/listeners/refuser",
            Value::Null,
            json!([]),
        ),
    ])
    .await;
}

/// `queues`: where dead letters and replays are, which end in `id`.
async fn one_listener(walk: &mut Walk<'_>, queues: &str, listener: &str, id: &str) {
    let row = |call: String, body: Value| row(ADMIN, call, body, json!([]));
    let dead = format!("{queues}/dead{id}");
    // A dead letter.
    let one = || {
        [
            super::row(
                ADMIN,
                "PATCH /applications/listening",
                json!({"id": "listening", "name": "y"}),
                json!([
                ["application.update", {"applicationId": "listening", "userId": ADMIN}]]),
            ),
            look(ADMIN, format!("GET {dead}"))
                .keep("dead", "/items/0/event/id")
                .patient(),
        ]
    };
    let mut rows = vec![
        row(
            format!("POST {listener}/disable"),
            json!({"reason": "tired"}),
        ),
        row(format!("POST {listener}/enable"), json!({})),
        row(format!("POST {listener}/test"), json!({})),
        row(format!("POST {listener}/secret"), json!({})).keep("key", "/keyId"),
        row(format!("DELETE {listener}/secret/<key>"), Value::Null),
    ];
    rows.extend(one());
    rows.push(row(format!("POST {dead}/<dead>/retry"), json!({})));
    rows.extend(one());
    rows.push(row(format!("DELETE {dead}/<dead>"), Value::Null));
    rows.extend(one());
    rows.push(row(format!("POST {dead}/retry"), json!({})));
    rows.push(row(format!("DELETE {dead}"), Value::Null));
    rows.push(row(format!("POST {queues}/replay{id}"), json!({"from": 1})));
    walk.through(rows).await;
}

/// All data goes out and comes in again, the listeners with it.
pub async fn archive(walk: &mut Walk<'_>) {
    let operator = walk.client("portal-api");
    let archive = operator.post("/export", json!({})).await.expect(200);
    walk.did("POST", "/export", &json!([])).await;
    let (path, bytes) = ("/import?replace=true", archive.bytes().to_vec());
    operator
        .send_bytes(Method::POST, path, bytes)
        .await
        .expect(200);
    // `import.done` is ours: the words of the catalogue know no archive.
    let told = json!([
        ["import.done", {}],
        ["application.update", {"applicationId": "__portal"}],
    ]);
    walk.did("POST", "/import", &told).await;
}

/// An installation beside `api` whose configuration is in a repository.
pub async fn following(api: &TestApi) -> (Remote, TestApi) {
    let remote = Remote::new().bare();
    let mut apis = TestApi::on_each_database(&[], |settings| {
        let_listeners_be_here(settings);
        remote.followed()(settings);
    })
    .await;
    let wanted = |one: &TestApi| one.is_on_postgres() == api.is_on_postgres();
    let index = apis.iter().position(wanted).unwrap();
    (remote, apis.swap_remove(index))
}

/// New configurations, and what leads to one.
pub async fn configuration(walk: &mut Walk<'_>) {
    let body = json!({"ref": "refs/heads/main"});
    let key = hmac::Key::new(hmac::HMAC_SHA256, HOOK_SECRET.as_bytes());
    let digest = hmac::sign(&key, &serde_json::to_vec(&body).unwrap());
    let signature = format!("sha256={}", hex::encode(digest));
    let hash = walk.api.anonymous().get("/confighash").await.text();
    walk.known.insert("hash".to_owned(), hash.into());
    let draft = json!({"base": "<commit>", "files": [{"path": "content/a.md", "content": "A"}]});
    walk.through(vec![
        look(ADMIN, "GET /config/status").keep("commit", "/newest/commit"),
        look(ADMIN, "GET /config/files/apis/apis.json").keep_text("apis"),
        row(ADMIN, "PUT /config/draft", draft, json!([])),
        row(ADMIN, "DELETE /config/draft", Value::Null, json!([])),
        row("nobody", "POST /config/hook", body, json!([]))
            .header("x-hub-signature-256", signature),
        row(ADMIN, "POST /config/fetch", json!({}), json!([])),
    ])
    .await;
    let commit = |path: &str, content: &str| {
        json!({"base": "<commit>", "message": "A change",
            "files": [{"path": path, "content": content}]})
    };
    let mut apis: Value = serde_json::from_str(walk.known["apis"].as_str().unwrap()).unwrap();
    let nothing = json!({"globals": false, "content": false, "apis": [], "plans": [],
        "groups": [], "authServers": [], "pools": []});
    let updated = |changed: &[(&str, Value)]| {
        let mut parts = nothing.clone();
        for (part, value) in changed {
            parts[part] = value.clone();
        }
        json!(["config.updated", {"hash": "<+next-hash>", "previousHash": "<hash>",
            "commit": "<commit>", "changed": parts}])
    };
    let mut preview = commit("content/help.md", "Help");
    preview["dryRun"] = true.into();
    walk.step(&row(ADMIN, "POST /config/commits", preview, json!([])))
        .await;
    apis["apis"][0]["lifecycle"] = json!({"state": "deprecated", "deprecatedOn": "2026-01-01"});
    let deprecated = apis.to_string();
    apis["apis"][0]["lifecycle"] = json!({"state": "deprecated", "deprecatedOn": "2026-01-01",
        "sunsetOn": "2027-06-30", "successor": "orders"});
    let dated = apis.to_string();
    for (path, content, told) in [
        (
            "content/help.md",
            "Help",
            json!([updated(&[("content", true.into())])]),
        ),
        (
            "apis/petstore/desc.md",
            "Pets",
            json!([updated(&[("apis", json!(["petstore"]))])]),
        ),
        (
            "apis/apis.json",
            &deprecated,
            json!([
            updated(&[("apis", json!(["petstore"]))]),
            ["api.lifecycle", {"apiId": "petstore", "from": "published", "to": "deprecated",
                "deprecatedOn": "2026-01-01"}]]),
        ),
        (
            "apis/apis.json",
            &dated,
            json!([
            updated(&[("apis", json!(["petstore"]))]),
            ["api.lifecycle", {"apiId": "petstore", "from": "deprecated", "to": "deprecated",
                "deprecatedOn": "2026-01-01", "sunsetOn": "2027-06-30",
                "successor": "orders"}]]),
        ),
    ] {
        let row = row(ADMIN, "POST /config/commits", commit(path, content), told);
        walk.step(&row.keep("commit", "/commit").patient()).await;
        let hash = walk.api.anonymous().get("/confighash").await.text();
        assert_eq!(walk.known["next-hash"], hash.as_str());
        walk.known.insert("hash".to_owned(), hash.into());
    }
    // Each subscription would end with an event of its own.
    walk.step(&row(
        ADMIN,
        "DELETE /apis/petstore/subscriptions",
        Value::Null,
        json!([]),
    ))
    .await;
    walk.step(&row(ADMIN, "POST /kill", json!({}), json!([])))
        .await;
}
