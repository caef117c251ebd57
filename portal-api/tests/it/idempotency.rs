//! `Idempotency-Key` (portal-api B2).

use futures_util::future::join_all;
use serde_json::json;

use crate::{
    authorization::ALL_SCOPES,
    support::{ADMIN, Client, DEVELOPER, TestApi, on_both_databases},
};

fn keyed<'a>(api: &'a TestApi, user: &str, key: &str) -> Client<'a> {
    api.user(user, ALL_SCOPES).header("idempotency-key", key)
}

async fn count(api: &TestApi) -> u64 {
    let list = api
        .user(ADMIN, ALL_SCOPES)
        .get("/applications")
        .await
        .expect(200)
        .json();
    // The portal's own is always there.
    list["count"].as_u64().unwrap() - 1
}

on_both_databases! {
    async fn a_repetition_gets_the_same_answer_and_does_nothing(api: TestApi) {
        let body = json!({"id": "shop", "name": "Shop"});
        let first = keyed(&api, DEVELOPER, "k1").post("/applications", body.clone()).await.expect(201);
        assert_eq!(first.header("idempotency-replayed"), "");
        let second = keyed(&api, DEVELOPER, "k1").post("/applications", body.clone()).await.expect(201);
        assert_eq!(second.header("idempotency-replayed"), "true");
        assert_eq!(second.header("content-type"), first.header("content-type"));
        assert_eq!(second.json(), first.json());
        // Without the key it is a second request.
        api.user(DEVELOPER, ALL_SCOPES).post("/applications", body.clone()).await.expect(409);
        // Another body, or another address, is another request.
        let other = json!({"id": "shop", "name": "Other"});
        keyed(&api, DEVELOPER, "k1").post("/applications", other).await.expect(409);
        keyed(&api, DEVELOPER, "k1").post("/verifications", body.clone()).await.expect(409);
        // Keys of other callers are others.
        keyed(&api, ADMIN, "k1").post("/applications", body).await.expect(409);
        let body = json!({"id": "second", "name": "Second"});
        keyed(&api, ADMIN, "k2").post("/applications", body.clone()).await.expect(201);
        keyed(&api, DEVELOPER, "k2").post("/applications", body).await.expect(409);
        assert_eq!(count(&api).await, 2);
    }

    async fn of_many_at_once_one_is_carried_out(api: TestApi) {
        let body = json!({"email": "ada@example.org"});
        let calls = (0..10).map(|_| {
            let caller = keyed(&api, ADMIN, "at-once");
            let body = body.clone();
            async move { caller.post("/users", body).await }
        });
        let answers = join_all(calls).await;
        let first = answers[0].json();
        for answer in answers {
            assert_eq!(answer.status, 201, "{}", answer.text());
            assert_eq!(answer.json()["id"], first["id"]);
        }
    }

    async fn answers_survive_the_end_of_the_process(api: TestApi) {
        let body = json!({"id": "shop", "name": "Shop"});
        api.user(DEVELOPER, ALL_SCOPES).post("/applications", body).await.expect(201);
        let path = "/applications/shop/subscriptions";
        let body = json!({"application": "shop", "api": "petstore", "plan": "free"});
        let first = keyed(&api, DEVELOPER, "sub").post(path, body.clone()).await.expect(201);
        assert!(first.json()["apikey"].is_string());
        let api = api.restart().await;
        let again = keyed(&api, DEVELOPER, "sub").post(path, body).await.expect(201);
        assert_eq!(again.json(), first.json(), "with the secret that is shown once");
    }

    async fn refusals_are_kept_where_they_would_not_change(api: TestApi) {
        let wrong = json!({"id": "x", "name": "Too short"});
        for replayed in ["", "true"] {
            let answer = keyed(&api, DEVELOPER, "bad").post("/applications", wrong.clone()).await.expect(400);
            assert_eq!(answer.header("idempotency-replayed"), replayed);
        }
        // Rights may be given meanwhile.
        let path = format!("/users/{DEVELOPER}");
        let user = json!({"email": "new@example.org"});
        keyed(&api, DEVELOPER, "rights").post("/users", user.clone()).await.expect(403);
        api.user(ADMIN, ALL_SCOPES).patch(&path, json!({"groups": ["admin"]})).await.expect(200);
        keyed(&api, DEVELOPER, "rights").post("/users", user).await.expect(201);
        let long = "x".repeat(256);
        keyed(&api, ADMIN, &long).post("/users", json!({})).await.expect(400);
        // Nobody in particular is refused as always.
        let nobody = api.anonymous().header("idempotency-key", "k");
        nobody.post("/users", json!({})).await.expect(403);
        // Reads and other changes take no notice.
        keyed(&api, ADMIN, "k").get("/users").await.expect(200);
        keyed(&api, ADMIN, "k").patch(&path, json!({})).await.expect(200);
        keyed(&api, ADMIN, "k").patch(&path, json!({})).await.expect(200);
    }
}

#[tokio::test]
async fn two_instances_carry_it_out_once() {
    let Some(one) = TestApi::start_on_postgres().await else {
        return;
    };
    let two = one.another().await;
    for round in 0..5 {
        let key = format!("round-{round}");
        let body = json!({"id": format!("shop-{round}"), "name": "Shop"});
        let calls = [&one, &two, &one, &two].map(|api| {
            let caller = keyed(api, DEVELOPER, &key);
            let body = body.clone();
            async move { caller.post("/applications", body).await.status }
        });
        assert_eq!(join_all(calls).await, [201; 4]);
    }
    assert_eq!(count(&two).await, 5);
}
