//! Applications and roles (portal-api 13).

use http::Method;
use serde_json::{Value, json};

use crate::{
    market::{APPROVER, Market, ORDERS, PETS},
    support::{ADMIN, DEVELOPER, PARTNER},
};

const OUTSIDER: &str = APPROVER;

#[tokio::test]
async fn an_application_is_created_read_changed_and_deleted() {
    for market in Market::on_each_database().await {
        market.listen().await;
        let body = json!({
            "id": "shop", "name": "x".repeat(200), "redirectUris": ["", "https://a.example/cb"],
            "description": null, "clientType": "confidential", "confidential": false,
        });
        let made = market
            .post(DEVELOPER, "/applications", body)
            .await
            .expect(201)
            .json();
        assert_eq!(made["name"].as_str().unwrap().len(), 128);
        assert_eq!(made["redirectUri"], "https://a.example/cb");
        assert_eq!(made["confidential"], true);
        assert_eq!(made["owners"][0]["role"], "owner");
        assert!(made.get("description").is_none() && made["owners"][0].get("_links").is_none());

        let read = market
            .get(DEVELOPER, "/applications/shop")
            .await
            .expect(200)
            .json();
        assert!(read["_links"]["deleteApplication"].is_object());
        assert!(
            read["owners"][0]["_links"].get("deleteOwner").is_none(),
            "the only owner stays"
        );

        let body = json!({"id": "shop", "name": "Shop", "redirectUris": []});
        let changed = market
            .patch(DEVELOPER, "/applications/shop", body)
            .await
            .expect(200)
            .json();
        assert_eq!(changed["name"], "Shop");
        assert_eq!(
            changed["redirectUri"], "https://a.example/cb",
            "an empty list changes nothing"
        );

        market
            .subscribe(DEVELOPER, "shop", ORDERS, "free")
            .await
            .expect(201);
        market
            .subscribe(DEVELOPER, "shop", PETS, "team")
            .await
            .expect(201);
        market
            .delete(DEVELOPER, "/applications/shop")
            .await
            .expect(204);
        market
            .get(DEVELOPER, "/applications/shop")
            .await
            .expect(404);

        let events = market.events().await;
        let kinds: Vec<_> = events.iter().map(|(kind, _)| kind.as_str()).collect();
        let expected = [
            "application.add",
            "application.update",
            "subscription.add",
            "subscription.add",
            "approval.add",
            "approval.delete",
            "application.delete",
        ];
        assert_eq!(kinds, expected);
        let deleted = &events[6].1["subscriptions"];
        assert_eq!(deleted[0]["api"], ORDERS);
        assert!(deleted[0]["clientId"].is_string() && deleted[0].get("clientSecret").is_none());
        assert_eq!(events[5].1["result"], "withdrawn");
    }
}

#[tokio::test]
async fn creating_an_application_is_checked_in_the_order_of_the_contract() {
    let market = Market::start().await;
    market.application(DEVELOPER, "taken").await;
    let good = json!({"id": "shop", "name": "Shop"});
    let with = |changes: Value| {
        let mut body = good.clone();
        body.as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        body
    };
    for (user, body, status, kind) in [
        ("nobody", good.clone(), 403, "unknown-user"),
        (
            DEVELOPER,
            with(json!({"redirectUri": "http://localhost.example.org", "name": ""})),
            400,
            "invalid-request",
        ),
        (
            DEVELOPER,
            with(json!({"redirectUris": "x"})),
            400,
            "invalid-request",
        ),
        (
            DEVELOPER,
            with(json!({"redirectUris": [1]})),
            400,
            "invalid-request",
        ),
        (
            DEVELOPER,
            with(json!({"name": " "})),
            400,
            "invalid-request",
        ),
        (
            DEVELOPER,
            with(json!({"id": "abc"})),
            400,
            "invalid-request",
        ),
        (
            DEVELOPER,
            with(json!({"id": "roles"})),
            400,
            "invalid-request",
        ),
        (DEVELOPER, json!({"name": "Shop"}), 400, "invalid-request"),
        (
            DEVELOPER,
            with(json!({"clientType": "other"})),
            400,
            "invalid-request",
        ),
        (
            DEVELOPER,
            with(json!({"id": "taken"})),
            409,
            "application-exists",
        ),
    ] {
        let answer = market.post(user, "/applications", body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        let problem = answer.json();
        assert!(
            problem["type"].as_str().unwrap().ends_with(kind),
            "{body}: {problem}"
        );
    }
}

#[tokio::test]
async fn a_user_with_an_unconfirmed_address_creates_nothing() {
    let market = Market::start().await;
    let body = json!({"email": "new@example.org", "validated": false, "groups": []});
    let user = market.post(ADMIN, "/users", body).await.expect(201).json();
    let id = user["id"].as_str().unwrap();
    let body = json!({"id": "shop", "name": "Shop"});
    let refused = market
        .post(id, "/applications", body)
        .await
        .expect(403)
        .json();
    assert!(refused["type"].as_str().unwrap().ends_with("not-validated"));
}

type Case = (Method, &'static str, Value, [u16; 4]);

/// Every operation on an application, and what an owner, a reader, an approver without a role and
/// an unknown user get.
fn rights() -> Vec<Case> {
    let patch = json!({"id": "shop", "name": "New"});
    let owner = json!({"email": "nobody@example.org", "role": "reader"});
    vec![
        (
            Method::GET,
            "/applications/shop",
            Value::Null,
            [200, 200, 403, 403],
        ),
        (
            Method::GET,
            "/applications/none",
            Value::Null,
            [404, 404, 404, 403],
        ),
        (
            Method::PATCH,
            "/applications/shop",
            patch.clone(),
            [200, 403, 403, 403],
        ),
        (
            Method::PATCH,
            "/applications/none",
            patch,
            [404, 404, 404, 404],
        ),
        (
            Method::PATCH,
            "/applications/shop",
            json!({"id": "other"}),
            [400, 403, 403, 403],
        ),
        (
            Method::POST,
            "/applications/shop/owners",
            owner.clone(),
            [400, 403, 403, 403],
        ),
        (
            Method::POST,
            "/applications/none/owners",
            owner,
            [404, 404, 404, 403],
        ),
        (
            Method::DELETE,
            "/applications/shop/owners?userEmail=x@y.z",
            Value::Null,
            [400, 403, 403, 403],
        ),
        (
            Method::GET,
            "/applications/shop/subscriptions",
            Value::Null,
            [200, 200, 200, 403],
        ),
        (
            Method::GET,
            "/applications/none/subscriptions",
            Value::Null,
            [404, 404, 404, 404],
        ),
        (
            Method::GET,
            "/applications/shop/subscriptions/petstore",
            Value::Null,
            [404, 404, 403, 403],
        ),
        (
            Method::GET,
            "/applications/shop/usage",
            Value::Null,
            [200, 200, 403, 403],
        ),
        (
            Method::GET,
            "/applications",
            Value::Null,
            [403, 403, 200, 403],
        ),
        (
            Method::DELETE,
            "/applications/none",
            Value::Null,
            [404, 404, 404, 404],
        ),
    ]
}

#[tokio::test]
async fn each_role_may_do_exactly_what_the_contract_says() {
    let market = Market::start().await;
    market.application(DEVELOPER, "shop").await;
    market.role(DEVELOPER, "shop", PARTNER, "reader").await;
    for (method, path, body, expected) in rights() {
        for (user, status) in [DEVELOPER, PARTNER, OUTSIDER, "nobody"]
            .into_iter()
            .zip(expected)
        {
            let answer = market.call(user, method.clone(), path, body.clone()).await;
            assert_eq!(
                answer.status,
                status,
                "{method} {path} as {user}: {}",
                answer.text()
            );
        }
        let answer = market
            .api
            .user(ADMIN, "read_plans")
            .send(method.clone(), path, None)
            .await;
        assert_eq!(
            answer.json()["code"],
            403,
            "{method} {path} without its scope"
        );
    }
    market
        .delete(PARTNER, "/applications/shop")
        .await
        .expect(403);
    market.delete(ADMIN, "/applications/shop").await.expect(204);
}

#[tokio::test]
async fn the_last_owner_stays_and_others_may_leave() {
    for market in Market::on_each_database().await {
        market.application(DEVELOPER, "shop").await;
        let take = |user: &str| format!("/applications/shop/owners?userEmail={user}@Example.org");
        market.delete(DEVELOPER, &take(DEVELOPER)).await.expect(409);
        market
            .role(DEVELOPER, "shop", PARTNER, "collaborator")
            .await;
        let again = json!({"email": "partner-user@example.org", "role": "owner"});
        market
            .post(DEVELOPER, "/applications/shop/owners", again)
            .await
            .expect(409);
        market.delete(DEVELOPER, &take(DEVELOPER)).await.expect(409);
        market.delete(DEVELOPER, &take(OUTSIDER)).await.expect(200);
        let left = market
            .delete(PARTNER, &take(PARTNER))
            .await
            .expect(200)
            .json();
        assert_eq!(left["owners"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn two_owners_who_take_each_others_role_at_once_leave_one() {
    for market in Market::on_each_database().await {
        market.application(DEVELOPER, "shop").await;
        market.role(DEVELOPER, "shop", PARTNER, "owner").await;
        let take = |user: &str| format!("/applications/shop/owners?userEmail={user}@example.org");
        let (path_a, path_b) = (take(PARTNER), take(DEVELOPER));
        let (a, b) = tokio::join!(
            market.delete(DEVELOPER, &path_a),
            market.delete(PARTNER, &path_b)
        );
        assert!(
            a.status == 200 || b.status == 200,
            "{} {}",
            a.text(),
            b.text()
        );
        let shop = market
            .get(ADMIN, "/applications/shop")
            .await
            .expect(200)
            .json();
        assert_eq!(shop["owners"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn an_application_says_what_it_is_as_an_oauth_client() {
    for market in Market::on_each_database().await {
        let oauth = json!({
            "postLogoutRedirectUris": ["https://a.example/bye"],
            "backchannelLogoutUri": "https://a.example/told",
            "jwks": {"keys": [{"kty": "EC", "crv": "P-256", "kid": "1", "x": "a", "y": "b"}]},
        });
        let body = json!({"id": "shop", "name": "Shop", "oauth": oauth});
        let made = market.post(DEVELOPER, "/applications", body).await;
        assert_eq!(made.expect(201).json()["oauth"], oauth);
        let read = async || {
            let read = market.get(DEVELOPER, "/applications/shop").await;
            read.expect(200).json()["oauth"].clone()
        };
        assert_eq!(read().await, oauth);
        let body = json!({"id": "shop", "name": "Shop 2"});
        let path = "/applications/shop";
        market.patch(DEVELOPER, path, body).await.expect(200);
        assert_eq!(read().await, oauth, "what is not named stays");
        let without = json!({"postLogoutRedirectUris": ["https://a.example/bye"]});
        let body = json!({"id": "shop", "oauth": without});
        market.patch(DEVELOPER, path, body).await.expect(200);
        assert_eq!(read().await, without, "it is replaced as a whole");
        for wrong in [
            json!({"postLogoutRedirectUris": ["http://a.example/"]}),
            json!({"backchannelLogoutUri": "https://a.example/#x"}),
            json!({"jwks": {"keys": [{"kty": "oct", "k": "secret"}]}}),
            json!({"jwksUri": "https://a.example/"}),
        ] {
            let body = json!({"id": "shop", "oauth": wrong});
            market.patch(DEVELOPER, path, body).await.expect(400);
        }
    }
}

#[tokio::test]
async fn a_merge_patch_clears_and_an_old_patch_does_not() {
    let market = Market::start().await;
    let body =
        json!({"id": "shop", "name": "Shop", "description": "Old", "mainUrl": "https://a.example"});
    market
        .post(DEVELOPER, "/applications", body)
        .await
        .expect(201);
    let body = json!({"id": "shop", "description": null, "mainUrl": null});
    let kept = market
        .patch(DEVELOPER, "/applications/shop", body.clone())
        .await
        .expect(200)
        .json();
    assert_eq!(kept["description"], "Old");
    let client = market.api.user(DEVELOPER, "write_applications");
    let client = client.header("content-type", "application/merge-patch+json");
    let cleared = client
        .send(Method::PATCH, "/applications/shop", Some(body))
        .await;
    let cleared = cleared.expect(200).json();
    assert!(cleared.get("description").is_none() && cleared.get("mainUrl").is_none());
}

#[tokio::test]
async fn applications_are_listed_with_filter_order_and_pages() {
    for market in Market::on_each_database().await {
        for id in ["shop-a", "shop-b", "tool_c"] {
            market.application(DEVELOPER, id).await;
        }
        let list = async |query: &str| {
            let page = market
                .get(ADMIN, &format!("/applications?{query}"))
                .await
                .expect(200)
                .json();
            let ids = page["items"].as_array().unwrap().iter();
            let ids = ids.map(|item| item["id"].as_str().unwrap().to_owned());
            (
                ids.filter(|id| id != "__portal").collect::<Vec<_>>(),
                page["count"].as_u64().unwrap(),
            )
        };
        assert_eq!(
            list("embed=1&filter={\"name\":\"SHOP\"}").await,
            (vec!["shop-a".into(), "shop-b".into()], 2)
        );
        assert_eq!(
            list("embed=1&filter={\"name\":\"_\",\"id\":\"tool\"}")
                .await
                .0,
            ["tool_c"]
        );
        assert_eq!(
            list("embed=1&filter={\"name\":\"shop\"}&order_by=id%20DESC&limit=1").await,
            (vec!["shop-b".into()], 2)
        );
        assert_eq!(
            list("embed=1&filter={\"ownerEmail\":\"DEV-USER\"}").await.1,
            3
        );
        assert_eq!(list("embed=1&filter={\"unknown\":\"x\"}").await.1, 0);
        assert_eq!(
            list("filter={\"name\":\"shop\"}").await.0.len(),
            3,
            "filters need embed"
        );
        let page = market
            .get(ADMIN, "/applications?embed=1&filter={\"id\":\"shop-a\"}")
            .await
            .json();
        assert_eq!(page["items"][0]["ownerUserId"], DEVELOPER);
        assert!(page["items"][0].get("owners").is_none());
    }
}
