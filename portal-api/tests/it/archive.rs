//! All data in one encrypted file, and back (portal-api B14).

use http::Method;
use serde_json::{Value, json};
use service::ServiceName;

use crate::{
    authorization::ALL_SCOPES,
    openapi::furnish,
    support::{ADMIN, Answer, DEVELOPER, TestApi},
};

async fn export(api: &TestApi) -> Vec<u8> {
    let operator = api.service(ServiceName::PortalApi);
    let answer = operator.post("/export", json!({})).await.expect(200);
    answer.bytes().to_vec()
}

async fn import(api: &TestApi, path: &str, archive: &[u8]) -> Answer {
    let operator = api.service(ServiceName::PortalApi);
    operator
        .send_bytes(Method::POST, path, archive.to_vec())
        .await
}

/// What people see of an installation.
async fn seen(api: &TestApi) -> Vec<Value> {
    let mut seen = Vec::new();
    let admin = api.user(ADMIN, ALL_SCOPES);
    for path in [
        "/users?cursor=",
        "/users/dev-user",
        "/applications?cursor=&embed=1",
        "/applications/market",
        "/applications/market/subscriptions",
        "/applications/market/subscriptions/orders/credentials",
        "/approvals",
        "/teams/crew",
        "/grants/admin-user",
        "/registrations/users/admin-user",
        "/pools/tenants/namespaces",
        "/webhooks/listeners?detail=true",
        "/users/admin-user/preferences",
    ] {
        seen.push(admin.get(path).await.expect(200).json());
    }
    seen
}

/// Events that a listener has not acknowledged.
async fn queue(api: &TestApi) -> Vec<Value> {
    let admin = api.user(ADMIN, ALL_SCOPES);
    let queue = admin.get("/webhooks/events/crm-sync").await.expect(200);
    let ids = queue.json().as_array().unwrap().clone().into_iter();
    ids.map(|event| event["id"].clone()).collect()
}

/// The records of the audit log from before the move, as their chain has them.
async fn log(api: &TestApi) -> Vec<Value> {
    let admin = api.user(ADMIN, ALL_SCOPES);
    let admin = admin.header("accept", "application/x-ndjson");
    let log = admin.get("/auditlog").await.expect(200).text();
    log.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn data_moves_to_the_other_database_and_back() {
    let first = TestApi::start().await;
    furnish(&first).await;
    let before = seen(&first).await;
    let archive = export(&first).await;
    let text = String::from_utf8_lossy(&archive);
    assert!(!text.contains("market") && !text.contains("example.org"));
    let records = log(&first).await;
    let waiting = queue(&first).await;
    assert!(!waiting.is_empty());
    let Some(second) = first.beside(true).await else {
        return;
    };
    let answer = import(&second, "/import", &archive)
        .await
        .expect(200)
        .json();
    assert_eq!(answer["rows"]["teams"], 1);
    assert_eq!(seen(&second).await, before);
    let still_waiting = queue(&second).await;
    assert_eq!(still_waiting[..waiting.len()], waiting);
    let moved = log(&second).await;
    assert_eq!(moved[..records.len()], records, "the chain goes on");
    assert_eq!(moved.len(), records.len() + 1);
    // It works on: new numbers, new rows.
    let admin = second.user(ADMIN, ALL_SCOPES);
    let body = json!({"id": "later", "name": "Later"});
    admin.post("/applications", body).await.expect(201);
    admin.delete("/applications/later").await.expect(204);
    let before = seen(&second).await;
    let archive = export(&second).await;
    import(&first, "/import", &archive).await.expect(409);
    import(&first, "/import?replace=true", &archive)
        .await
        .expect(200);
    assert_eq!(seen(&first).await, before);
    let third = first.beside(false).await.unwrap();
    import(&third, "/import", &archive).await.expect(200);
    assert_eq!(seen(&third).await, before);
    let body = json!({"id": "later", "name": "Later"});
    let dev = third.user(DEVELOPER, ALL_SCOPES);
    dev.post("/applications", body).await.expect(201);
}

#[tokio::test]
async fn an_archive_that_is_not_whole_or_not_ours_changes_nothing() {
    let source = TestApi::start().await;
    furnish(&source).await;
    let archive = export(&source).await;
    let foreign = TestApi::start().await;
    furnish(&foreign).await;
    let mut targets = vec![source.beside(false).await.unwrap()];
    targets.extend(source.beside(true).await);
    for target in targets {
        furnish(&target).await;
        let before = (seen(&target).await, log(&target).await);
        let mut changed = archive.clone();
        changed[archive.len() / 2] ^= 1;
        for broken in [
            Vec::new(),
            b"{}".to_vec(),
            archive[..archive.len() - 1].to_vec(),
            archive[..archive.len() / 2].to_vec(),
            changed,
            [archive.as_slice(), b"x"].concat(),
            export(&foreign).await,
        ] {
            let answer = import(&target, "/import?replace=true", &broken).await;
            assert_eq!(answer.status, 400, "{}", answer.text());
        }
        assert_eq!((seen(&target).await, log(&target).await), before);
    }
    for who in [ServiceName::GatewayAdapter, ServiceName::Portal] {
        let service = source.service(who);
        service.post("/export", json!({})).await.expect(403);
        service.post("/import", json!({})).await.expect(403);
    }
}

#[tokio::test]
async fn listeners_and_gateways_are_told_that_everything_is_new() {
    let source = TestApi::start().await;
    furnish(&source).await;
    let listener = json!({"id": "told", "url": "https://l.example.org/", "events": ["*"]});
    let admin = source.user(ADMIN, ALL_SCOPES);
    admin
        .put("/webhooks/listeners/told", listener)
        .await
        .expect(200);
    let archive = export(&source).await;
    let target = source.beside(false).await.unwrap();
    let adapter = target.service(ServiceName::GatewayAdapter);
    let tag = async || {
        let snapshot = adapter.get("/gateway/snapshot").await.expect(200);
        snapshot.header("etag").to_owned()
    };
    let before = tag().await;
    import(&target, "/import", &archive).await.expect(200);
    assert_ne!(tag().await, before);
    let admin = target.user(ADMIN, ALL_SCOPES);
    let events = admin.get("/webhooks/events/told").await.expect(200).json();
    let text = |event: &Value, member: &str| event[member].as_str().unwrap().to_owned();
    let events = events.as_array().unwrap().iter();
    let kinds: Vec<String> = events
        .map(|event| format!("{}.{}", text(event, "entity"), text(event, "action")))
        .collect();
    assert_eq!(kinds, ["import.done", "application.update"]);
}
