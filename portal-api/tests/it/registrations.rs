//! Registrations and namespaces (portal-api 11, 12).

use serde_json::{Value, json};

use crate::support::{ADMIN, DEVELOPER, PARTNER, TestApi, on_both_databases};

const SCOPES: &str = "read_registrations write_registrations read_namespaces write_namespaces";

async fn put(api: &TestApi, user: &str, body: Value) {
    let path = format!("/registrations/pools/wicked/users/{user}");
    api.user(user, SCOPES).put(&path, body).await.expect(204);
}

async fn names(api: &TestApi, query: &str) -> Vec<String> {
    let path = format!("/registrations/pools/wicked?{query}");
    let page = api.user(ADMIN, SCOPES).get(&path).await.expect(200).json();
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .collect()
}

on_both_databases! {
    async fn a_registration_is_replaced_as_a_whole(api: TestApi) {
        put(&api, DEVELOPER, json!({"name": "Ada", "company": "Analytical", "shoe": 7})).await;
        let path = format!("/registrations/pools/wicked/users/{DEVELOPER}");
        let own = api.user(DEVELOPER, SCOPES);
        let first = own.get(&path).await.expect(200).json();
        assert_eq!(first["count"], 1);
        assert_eq!(first["items"][0]["company"], "Analytical");
        assert_eq!(first["items"][0]["email"], format!("{DEVELOPER}@example.org"));
        assert!(first["items"][0].get("shoe").is_none());
        assert!(first["items"][0].get("namespace").is_none());
        assert!(first.get("offset").is_none());
        put(&api, DEVELOPER, json!({"name": "Ada L.", "userId": PARTNER})).await;
        let second = own.get(&path).await.expect(200).json();
        assert_eq!(second["items"][0]["id"], first["items"][0]["id"]);
        assert_eq!(second["items"][0]["name"], "Ada L.");
        assert!(second["items"][0].get("company").is_none());
        let all = own.get(&format!("/registrations/users/{DEVELOPER}")).await.expect(200).json();
        assert_eq!(all["pools"]["wicked"][0]["name"], "Ada L.");
        own.delete(&path).await.expect(204);
        own.delete(&path).await.expect(204);
        assert_eq!(own.get(&path).await.expect(200).json()["count"], 0);
        let all = own.get(&format!("/registrations/users/{DEVELOPER}")).await.expect(200).json();
        assert_eq!(all, json!({"pools": {}}));
    }

    async fn lists_are_filtered_and_ordered(api: TestApi) {
        put(&api, ADMIN, json!({"name": "Carol", "company": "100% Orders"})).await;
        put(&api, DEVELOPER, json!({"name": "alice", "company": "Acme"})).await;
        put(&api, PARTNER, json!({"name": "Bob", "company": "Acme_2"})).await;
        assert_eq!(names(&api, "embed=1&order_by=name%20DESC&limit=1&offset=2").await.len(), 1);
        assert_eq!(names(&api, "order_by=company%20DESC").await, ["Bob", "alice", "Carol"]);
        assert_eq!(names(&api, "order_by=company%20ASC").await, ["Carol", "alice", "Bob"]);
        assert_eq!(names(&api, r#"filter={"company":"ACME","name":"B"}"#).await, ["Bob"]);
        assert_eq!(names(&api, r#"filter={"name":"LIC"}"#).await, ["alice"]);
        assert_eq!(names(&api, r#"filter={"company":"_"}"#).await, ["Bob"]);
        assert_eq!(names(&api, r#"filter={"company":"0%25"}"#).await, ["Carol"]);
        assert_eq!(names(&api, r#"filter={"unknown":"a"}"#).await.len(), 0);
        assert_eq!(names(&api, r#"filter={"name":7}"#).await.len(), 3);
        assert_eq!(names(&api, "filter={broken&order_by=company").await.len(), 3);
        let hostile = r#"filter={"name'; drop table users; --":"x"}&order_by=id;drop%20ASC"#;
        assert_eq!(names(&api, hostile).await.len(), 0);
        let page = api.user(ADMIN, SCOPES).get("/registrations/pools/wicked?limit=1").await.json();
        assert_eq!(page["count"], 3);
    }

    async fn two_namespaces_live_side_by_side(api: TestApi) {
        // The tenants' pool is part of every test configuration.
        let admin = api.user(ADMIN, SCOPES);
        let own = api.user(DEVELOPER, SCOPES);
        let path = format!("/registrations/pools/tenants/users/{DEVELOPER}");
        for (namespace, status) in [(json!(null), 400), (json!("ACME"), 400), (json!("acme"), 400)] {
            let body = json!({"name": "Ada", "namespace": namespace});
            own.put(&path, body).await.expect(status);
        }
        for namespace in ["acme", "umbrella"] {
            let body = json!({"description": namespace, "vat": "DE1"});
            admin.put(&format!("/pools/tenants/namespaces/{namespace}"), body).await.expect(204);
            own.put(&path, json!({"name": "Ada", "namespace": namespace})).await.expect(204);
        }
        assert_eq!(own.get(&path).await.expect(200).json()["count"], 2);
        admin.get("/registrations/pools/tenants").await.expect(400);
        let page = admin.get("/registrations/pools/tenants?namespace=acme").await.expect(200).json();
        assert_eq!(page["items"][0]["namespace"], "acme");
        let list = admin.get("/pools/tenants/namespaces?limit=1").await.expect(200).json();
        assert_eq!(list["count"], 2);
        assert_eq!(list["items"][0]["namespace"], "acme");
        assert_eq!(list["items"][0]["vat"], "DE1");
        let found = admin.get(r#"/pools/tenants/namespaces?filter={"vat":"de","namespace":"umb"}"#).await;
        assert_eq!(found.expect(200).json()["items"][0]["description"], "umbrella");
        admin.delete("/pools/tenants/namespaces/acme").await.expect(409);
        admin.delete("/pools/tenants/namespaces/acme?cascade=true").await.expect(204);
        admin.get("/pools/tenants/namespaces/acme").await.expect(404);
        assert_eq!(own.get(&path).await.expect(200).json()["count"], 1);
        own.delete(&format!("{path}?namespace=umbrella")).await.expect(204);
        admin.delete("/pools/tenants/namespaces/umbrella").await.expect(204);
        admin.delete("/pools/tenants/namespaces/umbrella").await.expect(204);
        own.get("/pools/tenants/namespaces").await.expect(403);
        admin.get("/pools/wicked/namespaces").await.expect(400);
        admin.get("/pools/unknown/namespaces").await.expect(404);
    }
}

#[tokio::test]
async fn refusals_come_in_the_order_of_the_contract() {
    let api = TestApi::start().await;
    for (caller, pool, user, body, status) in [
        (DEVELOPER, "Wicked", PARTNER, json!({}), 400),
        (DEVELOPER, "unknown", PARTNER, json!({}), 404),
        (
            DEVELOPER,
            "wicked",
            DEVELOPER,
            json!({"name": "Ada", "namespace": "acme"}),
            400,
        ),
        (DEVELOPER, "wicked", PARTNER, json!({}), 403),
        ("unknown", "wicked", "unknown", json!({}), 403),
        (ADMIN, "wicked", "unknown", json!({}), 404),
        (ADMIN, "wicked", PARTNER, json!({}), 400),
        (DEVELOPER, "wicked", DEVELOPER, json!({"name": ""}), 400),
        (
            DEVELOPER,
            "wicked",
            DEVELOPER,
            json!({"name": ["Ada"]}),
            400,
        ),
        (
            DEVELOPER,
            "wicked",
            DEVELOPER,
            json!({"name": "x".repeat(256)}),
            400,
        ),
        (
            DEVELOPER,
            "wicked",
            DEVELOPER,
            json!({"name": "Ada", "company": null}),
            204,
        ),
        (ADMIN, "wicked", PARTNER, json!({"name": "Bob"}), 204),
    ] {
        let path = format!("/registrations/pools/{pool}/users/{user}");
        let answer = api.user(caller, SCOPES).put(&path, body.clone()).await;
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.text());
    }
    api.user(DEVELOPER, SCOPES)
        .get("/registrations/pools/wicked")
        .await
        .expect(403);
    api.user(DEVELOPER, SCOPES)
        .get(&format!("/registrations/users/{PARTNER}"))
        .await
        .expect(403);
}
