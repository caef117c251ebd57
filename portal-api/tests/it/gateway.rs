//! Snapshot, status and leases (portal-api 29.3, 29.4).

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use service::ServiceName;

use crate::{
    market::{Market, ORDERS, Options, PETS},
    support::{ADMIN, DEVELOPER, TestApi},
};

async fn snapshot(market: &Market, query: &str) -> Value {
    let adapter = market.api.service(ServiceName::GatewayAdapter);
    adapter
        .get(&format!("/gateway/snapshot{query}"))
        .await
        .expect(200)
        .json()
}

#[tokio::test]
async fn the_snapshot_has_the_scopes_that_another_service_defines() {
    let scopes = || async { axum::Json(json!({"orders:read": {"description": "Reads"}})) };
    let app = axum::Router::new().route("/scopes/orders", axum::routing::get(scopes));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let helper = format!("http://{}/scopes", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let away = "http://127.0.0.1:9/scopes";
    let apis = json!({"apis": [
        {"id": "petstore", "name": "Pets", "auth": "key-auth", "plans": ["free", "team", "unlimited"],
            "scopeLookupUrl": away, "settings": {"scopes": {"written": {}}}},
        {"id": "orders", "name": "Orders", "auth": "none", "plans": [], "scopeLookupUrl": helper}
    ]});
    let api = TestApi::with_files(&[("apis/apis.json", &apis.to_string())]).await;
    let adapter = api.service(ServiceName::GatewayAdapter);
    let snapshot = adapter.get("/gateway/snapshot").await.expect(200).json();
    let scopes = |position: usize| snapshot["apis"][position]["settings"]["scopes"].clone();
    assert_eq!(scopes(1), json!({"orders:read": {"description": "Reads"}}));
    // What is written holds as long as nobody has answered.
    assert_eq!(scopes(0), json!({"written": {}}));
}

fn of_shop(snapshot: &Value) -> Vec<&Value> {
    let all = snapshot["subscriptions"].as_array().unwrap().iter();
    all.filter(|subscription| subscription["application"] == "shop")
        .collect()
}

#[tokio::test]
async fn the_snapshot_holds_what_is_approved_and_valid() {
    for market in Market::on_each_database().await {
        market.application(DEVELOPER, "shop").await;
        market.application(DEVELOPER, "tool").await;
        let key = market
            .subscribe(DEVELOPER, "shop", PETS, "free")
            .await
            .expect(201)
            .json();
        let client = market
            .subscribe(DEVELOPER, "shop", ORDERS, "free")
            .await
            .expect(201)
            .json();
        market
            .subscribe(DEVELOPER, "tool", PETS, "team")
            .await
            .expect(201);
        let path = "/applications/shop/subscriptions/petstore/credentials";
        let revoked = market
            .post(DEVELOPER, path, json!({"name": "x"}))
            .await
            .expect(201)
            .json();
        market
            .delete(
                DEVELOPER,
                &format!("{path}/{}", revoked["id"].as_str().unwrap()),
            )
            .await
            .expect(204);

        let shown = snapshot(&market, "").await;
        let own = of_shop(&shown);
        assert_eq!(own.len(), 2);
        assert_eq!(own[0]["clientId"], client["clientId"]);
        let credentials = own[1]["credentials"].as_array().unwrap();
        assert_eq!(credentials.len(), 1, "revoked ones are left out");
        assert_eq!(credentials[0]["digest"].as_str().unwrap().len(), 64);
        let text = shown.to_string();
        for secret in [&key["apikey"], &client["clientSecret"]] {
            assert!(
                !text.contains(secret.as_str().unwrap()),
                "the embedded gateway gets digests"
            );
        }
        assert!(
            !text.contains("\"tool\",\"api\""),
            "pending ones are left out"
        );
        let clock = &shown["apis"]
            .as_array()
            .unwrap()
            .iter()
            .find(|api| api["id"] == PETS)
            .unwrap();
        assert!(clock["config"]["api"]["routes"].is_array());
        assert!(
            shown["globals"]["network"].is_object() && shown["globals"].get("mailer").is_none()
        );
        assert!(
            shown["plans"]
                .as_array()
                .unwrap()
                .iter()
                .any(|plan| plan["id"] == "free")
        );
        assert!(shown["groups"].is_array() && shown["authServers"].is_array());
        let typed: sdk::types::Snapshot = serde_json::from_value(shown.clone()).unwrap();
        assert_eq!(typed.seq, shown["seq"].as_i64().unwrap());

        let part = snapshot(&market, "?application=tool").await;
        assert_eq!(part["applications"].as_array().unwrap().len(), 1);
        assert_eq!(part["subscriptions"], json!([]));
    }
}

#[tokio::test]
async fn the_revision_changes_with_applications_and_subscriptions_only() {
    let market = Market::start().await;
    let revision = async || {
        snapshot(&market, "").await["revision"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let first = revision().await;
    assert!(first.starts_with(&format!("{}.", market.api.configuration.hash)));
    market
        .post(
            ADMIN,
            "/users",
            json!({"email": "new@example.org", "groups": []}),
        )
        .await
        .expect(201);
    assert_eq!(revision().await, first);
    let adapter = || market.api.service(ServiceName::GatewayAdapter);
    let known = adapter().header("if-none-match", format!("\"{first}\""));
    known.get("/gateway/snapshot").await.expect(304);
    market.application(DEVELOPER, "shop").await;
    let changed = known.get("/gateway/snapshot").await.expect(200);
    assert_eq!(changed.header("etag"), format!("\"{}\"", revision().await));
    market.get(ADMIN, "/gateway/snapshot").await.expect(403);
    market
        .api
        .service(ServiceName::Mailer)
        .get("/gateway/snapshot")
        .await
        .expect(403);
}

#[tokio::test]
async fn kong_is_given_keys_in_clear() {
    let market = Market::with(Options {
        gateway: "kong",
        reveal: "never",
    })
    .await;
    market.application(DEVELOPER, "shop").await;
    let made = market
        .subscribe(DEVELOPER, "shop", PETS, "free")
        .await
        .expect(201)
        .json();
    let shown = snapshot(&market, "").await;
    assert_eq!(of_shop(&shown)[0]["credentials"][0]["key"], made["apikey"]);
    let read = market
        .get(DEVELOPER, "/applications/shop/subscriptions/petstore")
        .await
        .json();
    assert!(read["apikey"].is_null(), "nobody else sees it again");
}

#[tokio::test]
async fn the_status_is_what_the_adapter_reported_last() {
    for market in Market::on_each_database().await {
        market.listen().await;
        let adapter = market.api.service(ServiceName::GatewayAdapter);
        let report = |revision: &str, in_sync: bool| {
            json!({"revision": revision, "problems": [{"kind": "api", "id": "x", "message": "m"}],
                "lastReconcile": "2026-01-01T00:00:00Z",
                "nodes": [{"name": "a", "version": "2", "revision": revision, "inSync": in_sync,
                    "appliedAt": "2026-01-01T00:00:00Z", "callsPerSecond": 1.5}]})
        };
        for (revision, in_sync) in [("h.1", false), ("h.1", true), ("h.1", true), ("h.2", true)] {
            let body = Some(report(revision, in_sync));
            adapter
                .send(Method::PUT, "/gateway/status", body)
                .await
                .expect(204);
        }
        let status = market
            .get(ADMIN, "/gateway/status")
            .await
            .expect(200)
            .json();
        assert_eq!(status["nodes"][0]["revision"], "h.2");
        assert_eq!(status["problems"][0]["id"], "x");
        market.get(DEVELOPER, "/gateway/status").await.expect(403);
        let body = report("h.3", true);
        market
            .call(ADMIN, Method::PUT, "/gateway/status", body)
            .await
            .expect(403);
        let events = market.events().await;
        let seqs: Vec<_> = events
            .iter()
            .map(|(kind, data)| (kind.as_str(), data["seq"].as_i64()))
            .collect();
        assert_eq!(
            seqs,
            [("gateway.applied", Some(1)), ("gateway.applied", Some(2))]
        );
    }
}

#[tokio::test]
async fn the_system_health_says_since_when_a_revision_is_everywhere() {
    let often = Duration::from_millis(20);
    let api = TestApi::with(&[], |settings| settings.health_interval = often).await;
    let adapter = api.service(ServiceName::GatewayAdapter);
    let node = |name: &str, revision: &str, minute: u8| {
        json!({"name": name, "revision": revision, "inSync": true,
            "appliedAt": format!("2026-01-01T00:0{minute}:00.000Z")})
    };
    let report = async |nodes: Value| {
        let body = json!({"revision": "h.2", "nodes": nodes, "problems": []});
        let answer = adapter.send(Method::PUT, "/gateway/status", Some(body));
        answer.await.expect(204);
    };
    let shown = async || loop {
        let health = api
            .user(ADMIN, "health")
            .get("/systemhealth")
            .await
            .expect(200)
            .json();
        let entries = health.as_array().unwrap().clone();
        if let Some(kong) = entries.iter().find(|entry| entry["name"] == "kong") {
            return kong["gateway"].clone();
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(shown().await, Value::Null);
    report(json!([node("a", "h.2", 1), node("b", "h.1", 0)])).await;
    let waiting = shown().await;
    assert_eq!(
        (&waiting["nodes"], &waiting["nodesInSync"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(waiting["appliedAt"], Value::Null);
    report(json!([node("a", "h.2", 1), node("b", "h.2", 3)])).await;
    let applied = shown().await;
    assert_eq!(applied["revision"], "h.2");
    assert_eq!(applied["appliedAt"], "2026-01-01T00:03:00.000Z");
}

#[tokio::test]
async fn a_lease_has_one_holder_until_it_is_given_back() {
    for market in Market::on_each_database().await {
        let adapter = market.api.service(ServiceName::GatewayAdapter);
        let take = async |holder: &str| {
            let body = json!({"holder": holder, "ttlSeconds": 60});
            adapter
                .send(Method::PUT, "/leases/kong-adapter", Some(body))
                .await
        };
        let (a, b) = tokio::join!(take("a"), take("b"));
        let mut statuses = [a.status, b.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
        let holder = a.json()["holder"].as_str().unwrap().to_owned();
        assert_eq!(b.json()["holder"], holder, "the loser is told who has it");
        let before = take(&holder).await.expect(200).json()["lastSeq"].as_i64();
        market.application(DEVELOPER, "counted").await;
        let after = take(&holder).await.expect(200).json()["lastSeq"].as_i64();
        assert!(before < after, "{before:?} {after:?}");
        let other = if holder == "a" { "b" } else { "a" };
        let give = async |holder: &str| {
            adapter
                .send(
                    Method::DELETE,
                    &format!("/leases/kong-adapter?holder={holder}"),
                    None,
                )
                .await
        };
        give(other).await.expect(409);
        give(&holder).await.expect(204);
        take(other).await.expect(200);
        let body = Some(json!({"holder": "a", "ttlSeconds": 60}));
        adapter
            .send(Method::PUT, "/leases/mailer", body)
            .await
            .expect(403);
    }
}
