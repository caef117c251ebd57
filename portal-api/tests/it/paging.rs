//! Lists by cursor (portal-api B1).

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};

use crate::{
    authorization::ALL_SCOPES,
    openapi::furnish,
    support::{ADMIN, DEVELOPER, TestApi, on_both_databases},
};

async fn create(api: &TestApi, id: &str, name: &str) {
    let body = json!({"id": id, "name": name, "description": null});
    api.user(DEVELOPER, ALL_SCOPES)
        .post("/applications", body)
        .await
        .expect(201);
}

async fn page(api: &TestApi, path: &str) -> Value {
    api.user(ADMIN, ALL_SCOPES)
        .get(path)
        .await
        .expect(200)
        .json()
}

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}

/// All ids of a list, page by page; `between` happens after each page.
async fn walk(api: &TestApi, query: &str, between: impl AsyncFn(usize)) -> Vec<String> {
    let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = page(api, &format!("{query}&cursor={cursor}")).await;
        seen.extend(ids(&page));
        between(pages).await;
        pages += 1;
        match page["next"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return seen,
        }
    }
}

on_both_databases! {
    async fn no_row_is_lost_or_shown_twice_while_others_write(api: TestApi) {
        for number in 0..23 {
            create(&api, &format!("app-{number:02}"), &format!("Name {:02}", 50 - number)).await;
        }
        let expected: Vec<String> = (0..23).map(|number| format!("app-{number:02}")).collect();
        for order in ["id%20ASC", "name%20ASC", "name%20DESC", "description%20ASC", "changedDate%20ASC", "changedDate%20DESC"] {
            let query = format!("/applications?embed=1&limit=5&order_by={order}");
            let tag = order.replace(|c: char| !c.is_ascii_alphanumeric(), "").to_lowercase();
            let seen = walk(&api, &query, async |number| {
                create(&api, &format!("new-{tag}-{number}"), "Name 30").await;
                // What a cursor points at may go.
                if number == 0 {
                    let id = format!("zzz-{tag}");
                    create(&api, &id, "Zzz").await;
                    api.user(DEVELOPER, ALL_SCOPES).delete(&format!("/applications/{id}")).await.expect(204);
                }
                assert!(number <= 20, "{order}: the list has no end");
            })
            .await;
            let unique: BTreeSet<&String> = seen.iter().collect();
            assert_eq!(unique.len(), seen.len(), "{order}: nothing twice");
            let old: BTreeSet<String> = seen.iter().filter(|id| id.starts_with("app-")).cloned().collect();
            assert_eq!(old, expected.iter().cloned().collect(), "{order}: nothing lost");
            for number in 0..20 {
                let path = format!("/applications/new-{tag}-{number}");
                api.user(ADMIN, ALL_SCOPES).delete(&path).await;
            }
        }
    }

    async fn no_row_is_lost_or_shown_twice_while_writers_never_pause(api: TestApi) {
        const ROWS: usize = 40;
        for number in 0..ROWS {
            create(&api, &format!("old-{number:02}"), &format!("Name {:02}", (number * 7) % 10)).await;
        }
        let expected: BTreeSet<String> = (0..ROWS).map(|number| format!("old-{number:02}")).collect();
        let walked = AtomicBool::new(false);
        // Each adds and removes rows all over the list until the walks are done.
        let writer = async |writer: usize| {
            for round in 0.. {
                if walked.load(Ordering::Relaxed) {
                    break;
                }
                let prefix = ["aaa", "old-10", "old-25", "zzz"][round % 4];
                let id = format!("{prefix}-{writer}-{round}");
                create(&api, &id, &format!("Name {:02}", round % 12)).await;
                if round % 2 == 0 {
                    api.user(DEVELOPER, ALL_SCOPES).delete(&format!("/applications/{id}")).await.expect(204);
                }
            }
        };
        let walks = async {
            for order in ["id%20ASC", "id%20DESC", "name%20ASC", "name%20DESC", "changedDate%20ASC", "changedDate%20DESC"] {
                let query = format!("/applications?embed=1&limit=4&order_by={order}");
                // Rows that come in at the end of the order could be followed for ever.
                let seen = walk(&api, &query, async |number| assert!(number < 2000, "{order}: the list has no end")).await;
                let unique: BTreeSet<String> = seen.iter().cloned().collect();
                assert_eq!(unique.len(), seen.len(), "{order}: nothing twice");
                assert!(expected.is_subset(&unique), "{order}: nothing lost");
            }
            walked.store(true, Ordering::Relaxed);
        };
        tokio::join!(walks, writer(0), writer(1), writer(2));
    }

    async fn filters_have_operators_over_a_closed_list(api: TestApi) {
        for (id, name) in [("shop-a", "Alpha"), ("shop-b", "Beta"), ("shop-c", "Gamma")] {
            create(&api, id, name).await;
        }
        let list = async |filter: &str| {
            ids(&page(&api, &format!("/applications?cursor=&filter={filter}")).await)
        };
        assert_eq!(list(r#"{"name":"a","id":"shop"}"#).await, ["shop-a", "shop-b", "shop-c"]);
        assert_eq!(list(r#"{"name":{"eq":"Beta"}}"#).await, ["shop-b"]);
        assert!(list(r#"{"name":{"eq":"beta"}}"#).await.is_empty());
        assert_eq!(list(r#"{"id":{"in":["shop-c","shop-a","x"]}}"#).await, ["shop-a", "shop-c"]);
        assert_eq!(list(r#"{"id":{"gt":"shop-a","lt":"shop-c"}}"#).await, ["shop-b"]);
        assert_eq!(list(r#"{"ownerUserId":{"eq":"dev-user"},"name":"alpha"}"#).await, ["shop-a"]);
        assert_eq!(list(r#"{"changedDate":{"gt":"2020-01-01"},"name":"alpha"}"#).await, ["shop-a"]);
        assert!(list(r#"{"changedDate":{"lt":"2020-01-01T00:00:00Z"}}"#).await.is_empty());
        let admin = api.user(ADMIN, ALL_SCOPES);
        for (query, field) in [
            (r#"filter={"shoe":"x"}"#, "filter"),
            (r#"filter={"name":{"like":"x"}}"#, "filter"),
            (r#"filter={"changedDate":{"gt":"' or 1=1"}}"#, "filter"),
            ("filter={", "filter"),
            ("order_by=shoe%20ASC", "order_by"),
            ("order_by=name", "order_by"),
            ("limit=0", "limit"),
            ("limit=501", "limit"),
            ("limit=99999999999999999999999", "limit"),
        ] {
            let answer = admin.get(&format!("/applications?cursor=&{query}")).await.expect(400).json();
            assert_eq!(answer["errors"][0]["field"], field, "{query}");
        }
        let answer = admin.get("/applications?cursor=bm9uc2Vuc2U").await.expect(400).json();
        assert_eq!(answer["errors"][0]["field"], "cursor");
        // The scope comes first.
        api.user(ADMIN, "").get("/applications?cursor=x").await.expect(403);
    }

    async fn every_list_goes_on_behind_its_cursor(api: TestApi) {
        furnish(&api).await;
        let admin = api.user(ADMIN, ALL_SCOPES);
        admin.put("/pools/tenants/namespaces/beta", json!({"description": "Acme"})).await.expect(204);
        admin.put(&format!("/registrations/pools/wicked/users/{DEVELOPER}"), json!({"name": "Admin"})).await.expect(204);
        let mail = json!({"type": "email", "email": "admin-user@example.org", "link": "https://p/{{id}}"});
        admin.post("/verifications", mail).await.expect(204);
        let waiting = json!({"application": "dev-app", "api": "orders", "plan": "team"});
        api.user(DEVELOPER, ALL_SCOPES).post("/applications/dev-app/subscriptions", waiting).await.expect(201);
        let listener = json!({"id": "crm-two", "url": "https://listener.example.org/"});
        admin.put("/webhooks/listeners/crm-two", listener).await.expect(200);
        admin.post("/applications/market/subscriptions/petstore/credentials", json!({"name": "two"})).await.expect(201);
        for path in [
            "/users",
            "/applications",
            "/applications?embed=1",
            "/subscriptions",
            "/subscriptions?embed=1",
            "/apis/petstore/subscriptions",
            "/registrations/pools/wicked",
            "/pools/tenants/namespaces",
            "/approvals",
            "/verifications",
            "/auditlog?embed=1",
            "/applications/market/subscriptions",
            "/applications/market/subscriptions/petstore/credentials",
            "/webhooks/listeners",
            "/apis",
            "/apis/petstore/plans",
            "/plans",
            "/groups",
            "/pools",
            "/auth-servers",
            "/applications/roles",
            "/content/toc",
            "/apis/petstore/docs",
        ] {
            let with = |query: &str| format!("{path}{}{query}", if path.contains('?') { "&" } else { "?" });
            let all = admin.get(&with("cursor=&limit=500")).await.expect(200).json();
            let all = all["items"].as_array().unwrap().clone();
            let least = if matches!(path, "/auth-servers" | "/apis/petstore/docs") { 1 } else { 2 };
            assert!(all.len() >= least, "{path} has {}", all.len());
            let (mut seen, mut next) = (Vec::new(), with("cursor=&limit=1"));
            while seen.len() < all.len() {
                let answer = admin.get(&next).await.expect(200);
                let body = answer.json();
                seen.extend(body["items"].as_array().unwrap().iter().cloned());
                let link = answer.header("link");
                if link.is_empty() {
                    assert!(body.get("next").is_none());
                    break;
                }
                assert!(link.ends_with("rel=\"next\""), "{link}");
                let query = link.trim_start_matches('<').split('>').next().unwrap();
                next = format!("{}{query}", path.split('?').next().unwrap());
            }
            // Reading goes on record, so the audit log has grown at its beginning.
            assert_eq!(seen, all, "{path}");
        }
    }
}
