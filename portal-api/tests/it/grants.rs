//! Grants (portal-api 16).

use serde_json::{Value, json};

use crate::support::{ADMIN, DEVELOPER, PARTNER, TestApi, on_both_databases};

const SCOPES: &str = "read_grants write_grants write_applications";

async fn application(api: &TestApi) {
    let body = json!({"id": "shop", "name": "Shop"});
    api.user(PARTNER, SCOPES)
        .post("/applications", body)
        .await
        .expect(201);
}

fn path(user: &str) -> String {
    format!("/grants/{user}/applications/shop/apis/orders")
}

fn scopes(scopes: &[&str]) -> Value {
    json!({"grants": scopes.iter().map(|scope| json!({"scope": scope})).collect::<Vec<_>>()})
}

on_both_databases! {
    async fn scopes_that_stay_keep_their_date(api: TestApi) {
        application(&api).await;
        let own = api.user(DEVELOPER, SCOPES);
        let path = path(DEVELOPER);
        own.get(&path).await.expect(404);
        own.delete(&path).await.expect(404);
        own.put(&path, scopes(&["read_orders", "read_orders"])).await.expect(204);
        let first = own.get(&path).await.expect(200).json();
        assert_eq!(first["grants"].as_array().unwrap().len(), 1);
        own.put(&path, scopes(&["write_orders", "read_orders"])).await.expect(204);
        let second = own.get(&path).await.expect(200).json();
        assert_eq!(second["id"], first["id"]);
        assert_eq!(second["grants"][1], first["grants"][0]);
        let all = own.get(&format!("/grants/{DEVELOPER}")).await.expect(200).json();
        assert_eq!(all["count"], 1);
        assert_eq!(all["items"][0]["applicationId"], "shop");
        own.delete(&path).await.expect(204);
        own.put(&path, scopes(&["read_orders"])).await.expect(204);
        own.delete(&format!("/grants/{DEVELOPER}")).await.expect(204);
        own.delete(&format!("/grants/{DEVELOPER}")).await.expect(204);
        assert_eq!(own.get(&format!("/grants/{DEVELOPER}")).await.json()["count"], 0);
    }

    async fn what_ends_by_itself_is_gone_then(api: TestApi) {
        application(&api).await;
        let own = api.user(DEVELOPER, SCOPES);
        let path = path(DEVELOPER);
        let end = service::clock::now() + chrono::TimeDelta::milliseconds(1500);
        let end = end.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let brief = json!({"scope": "read_orders", "expiresDate": end});
        own.put(&path, json!({"grants": [brief, {"scope": "write_orders"}]})).await.expect(204);
        let both = own.get(&path).await.expect(200).json();
        assert_eq!(both["grants"][0]["expiresDate"], end);
        assert!(both["grants"][1].get("expiresDate").is_none());
        let scopes_of = |grant: &Value| grant["grants"].as_array().unwrap().len();
        while scopes_of(&own.get(&path).await.expect(200).json()) == 2 {
            tokio::task::yield_now().await;
        }
        let left = own.get(&path).await.expect(200).json();
        assert_eq!(left["grants"], json!([both["grants"][1]]));

        let end = service::clock::now() + chrono::TimeDelta::milliseconds(1500);
        let brief = json!({"scope": "read_orders", "expiresDate": end});
        own.put(&path, json!({"grants": [brief]})).await.expect(204);
        while own.get(&path).await.status == 200 {
            tokio::task::yield_now().await;
        }
        own.get(&path).await.expect(404);
        assert_eq!(own.get(&format!("/grants/{DEVELOPER}")).await.json()["count"], 0);
        own.delete(&path).await.expect(404);
        // What has ended is no obstacle for whoever is asked anew.
        own.put(&path, scopes(&["read_orders"])).await.expect(204);
        let past = json!({"grants": [{"scope": "read_orders", "expiresDate": "2020-01-01T00:00:00Z"}]});
        own.put(&path, past).await.expect(400);
    }

    async fn grants_go_with_their_application(api: TestApi) {
        application(&api).await;
        let own = api.user(DEVELOPER, SCOPES);
        own.put(&path(DEVELOPER), scopes(&["read_orders"])).await.expect(204);
        api.user(PARTNER, SCOPES).delete("/applications/shop").await.expect(204);
        own.get(&path(DEVELOPER)).await.expect(404);
    }
}

#[tokio::test]
async fn only_the_user_and_administrators_may_touch_a_grant() {
    let api = TestApi::start().await;
    application(&api).await;
    let body = || scopes(&["read_orders"]);
    for (caller, user, status) in [
        (PARTNER, DEVELOPER, 403),
        ("unknown", "unknown", 403),
        (ADMIN, "unknown", 404),
        (ADMIN, DEVELOPER, 204),
        (DEVELOPER, DEVELOPER, 204),
    ] {
        let answer = api.user(caller, SCOPES).put(&path(user), body()).await;
        assert_eq!(answer.status, status, "{caller} {user}: {}", answer.text());
    }
    api.user(PARTNER, SCOPES)
        .get(&path(DEVELOPER))
        .await
        .expect(403);
    api.user(PARTNER, SCOPES)
        .delete(&path(DEVELOPER))
        .await
        .expect(403);
    api.user(PARTNER, SCOPES)
        .delete(&format!("/grants/{DEVELOPER}"))
        .await
        .expect(403);
}

#[tokio::test]
async fn consent_to_what_does_not_exist_is_refused() {
    let api = TestApi::start().await;
    application(&api).await;
    let own = api.user(DEVELOPER, SCOPES);
    let at = |application: &str, api: &str| {
        format!("/grants/{DEVELOPER}/applications/{application}/apis/{api}")
    };
    for (path, body, status) in [
        (at("shop", "unknown"), json!({}), 404),
        (at("Shop", "orders"), json!({}), 400),
        (at("unknown", "orders"), json!({}), 404),
        (at("shop", "orders"), json!({}), 400),
        (at("shop", "orders"), json!({"grants": "read_orders"}), 400),
        (
            at("shop", "orders"),
            json!({"grants": ["read_orders"]}),
            400,
        ),
        (at("shop", "orders"), json!({"grants": [{}]}), 400),
        (at("shop", "orders"), scopes(&["fly"]), 400),
        (at("shop", "petstore"), scopes(&["read_orders"]), 400),
        (at("shop", "petstore"), scopes(&[]), 204),
    ] {
        let answer = own.put(&path, body.clone()).await;
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.text());
    }
}
