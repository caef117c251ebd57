//! Subscriptions and their approval (portal-api 14, 15).

use http::Method;
use serde_json::{Value, json};
use service::ServiceName;

use crate::{
    market::{APPROVER, CLOCK, Market, ORDERS, OTHER_APPROVER, Options, PETS},
    support::{ADMIN, DEVELOPER, PARTNER},
};

#[tokio::test]
async fn a_free_plan_gives_a_key_at_once_and_an_oauth_api_a_client() {
    for market in Market::on_each_database().await {
        market.application(DEVELOPER, "shop").await;
        market.listen().await;
        let pets = market
            .subscribe(DEVELOPER, "shop", PETS, "free")
            .await
            .expect(201);
        assert_eq!(pets.header("cache-control"), "no-store");
        let pets = pets.json();
        let key = pets["apikey"].as_str().unwrap();
        assert!(key.starts_with("wg_") && pets["approved"] == true && pets["clientId"].is_null());
        assert!(
            pets["changedDate"].is_i64(),
            "old clients read seconds here"
        );
        let orders = market
            .subscribe(DEVELOPER, "shop", ORDERS, "free")
            .await
            .expect(201)
            .json();
        assert_eq!(orders["clientId"].as_str().unwrap().len(), 40);
        assert!(orders["clientSecret"].is_string() && orders["apikey"].is_null());
        assert_eq!(
            orders["allowedScopesMode"], "none",
            "a client without users gets no scopes"
        );

        let read = market
            .get(DEVELOPER, "/applications/shop/subscriptions")
            .await
            .expect(200)
            .json();
        assert_eq!(read[0]["api"], ORDERS);
        assert_eq!(read[0]["clientSecret"], orders["clientSecret"]);
        assert_eq!(read[1]["apikey"], key);
        assert!(
            read[1]["changedDate"].is_string()
                && read[1]["_links"]["deleteSubscription"].is_object()
        );

        let kinds: Vec<_> = market
            .events()
            .await
            .into_iter()
            .map(|(kind, _)| kind)
            .collect();
        assert_eq!(kinds, ["subscription.add", "subscription.add"]);
        market
            .delete(DEVELOPER, "/applications/shop/subscriptions/petstore")
            .await
            .expect(204);
        market
            .delete(DEVELOPER, "/applications/shop/subscriptions/petstore")
            .await
            .expect(404);
        let deleted = market.events().await;
        assert_eq!(deleted[0].0, "subscription.delete");
        assert_eq!(deleted[0].1["auth"], "key-auth");
    }
}

#[tokio::test]
async fn subscribing_is_checked_in_the_order_of_the_contract() {
    let market = Market::start().await;
    market.application(DEVELOPER, "shop").await;
    market.role(DEVELOPER, "shop", PARTNER, "reader").await;
    market
        .subscribe(DEVELOPER, "shop", PETS, "free")
        .await
        .expect(201);
    let body = |application: &str, api: &str, plan: &str| json!({"application": application, "api": api, "plan": plan});
    let key = |key: &str| json!({"application": "shop", "api": ORDERS, "plan": "free", "apikey": key, "trusted": "x"});
    for (user, path, body, status, about) in [
        (
            "nobody",
            "none",
            body("x", "x", "x"),
            404,
            "the application comes first",
        ),
        (
            "nobody",
            "shop",
            body("x", "x", "x"),
            403,
            "then the caller",
        ),
        (
            PARTNER,
            "shop",
            body("x", "x", "x"),
            403,
            "readers do not subscribe",
        ),
        (
            DEVELOPER,
            "shop",
            body("x", PETS, "free"),
            400,
            "another application in the body",
        ),
        (
            DEVELOPER,
            "shop",
            body("shop", "x", "free"),
            400,
            "no such API",
        ),
        (
            DEVELOPER,
            "shop",
            body("shop", PETS, "x"),
            400,
            "no such plan",
        ),
        (
            DEVELOPER,
            "shop",
            body("shop", CLOCK, "free"),
            403,
            "group of the API",
        ),
        (
            DEVELOPER,
            "shop",
            body("shop", PETS, "unlimited"),
            403,
            "group of the plan",
        ),
        (
            DEVELOPER,
            "shop",
            body("shop", PETS, "free"),
            409,
            "subscribed already",
        ),
        (DEVELOPER, "shop", key("k"), 400, "a wrong type"),
        (DEVELOPER, "shop", json!([]), 400, "not an object"),
    ] {
        let answer = market
            .post(user, &format!("/applications/{path}/subscriptions"), body)
            .await;
        assert_eq!(answer.status, status, "{about}: {}", answer.text());
    }
}

#[tokio::test]
async fn of_two_identical_requests_at_once_one_subscribes() {
    for market in Market::on_each_database().await {
        market.application(DEVELOPER, "shop").await;
        let (a, b) = tokio::join!(
            market.subscribe(DEVELOPER, "shop", PETS, "free"),
            market.subscribe(DEVELOPER, "shop", PETS, "free"),
        );
        let mut statuses = [a.status, b.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
    }
}

#[tokio::test]
async fn a_chosen_key_is_strong_and_nobody_elses() {
    let market = Market::start().await;
    market.application(DEVELOPER, "shop").await;
    market.application(DEVELOPER, "tool").await;
    let with_key = async |user: &str, application: &str, key: &str| {
        let body = json!({"application": application, "api": PETS, "plan": "free", "apikey": key});
        market
            .post(
                user,
                &format!("/applications/{application}/subscriptions"),
                body,
            )
            .await
    };
    let key = "my-own-key-of-20-chars";
    with_key(DEVELOPER, "shop", "short").await.expect(400);
    let made = with_key(DEVELOPER, "shop", key).await.expect(201).json();
    assert_eq!(made["apikey"], key);
    with_key(DEVELOPER, "tool", key).await.expect(409);
    assert_eq!(
        with_key(ADMIN, "tool", "short").await.expect(201).json()["apikey"],
        "short"
    );
}

#[tokio::test]
async fn a_plan_with_approval_waits_until_somebody_of_the_group_decides() {
    for market in Market::on_each_database().await {
        market.application(PARTNER, "shop").await;
        market.listen().await;
        let pending = market
            .subscribe(PARTNER, "shop", CLOCK, "team")
            .await
            .expect(201)
            .json();
        assert_eq!(
            (&pending["approved"], &pending["apikey"]),
            (&json!(false), &Value::Null)
        );
        assert_eq!(pending["api_group"], "partners");
        let seen = async |user| market.get(user, "/approvals").await.expect(200).json();
        assert_eq!(seen(OTHER_APPROVER).await, json!([]), "not his group");
        let open = seen(APPROVER).await;
        assert_eq!(open[0]["user"]["id"], PARTNER);
        assert_eq!(
            open[0]["api"],
            json!({"id": CLOCK, "name": "Clock", "requiredGroup": "partners"})
        );
        market.get(DEVELOPER, "/approvals").await.expect(403);
        market.get("nobody", "/approvals").await.expect(403);
        let id = open[0]["id"].as_str().unwrap();
        market
            .get(APPROVER, &format!("/approvals/{id}"))
            .await
            .expect(200);
        market
            .get(OTHER_APPROVER, &format!("/approvals/{id}"))
            .await
            .expect(404);

        let path = "/applications/shop/subscriptions/timezones";
        let approve = json!({"approved": true});
        market
            .patch(PARTNER, path, approve.clone())
            .await
            .expect(403);
        market
            .patch(OTHER_APPROVER, path, approve.clone())
            .await
            .expect(403);
        market
            .patch(APPROVER, path, json!({"approved": true, "trusted": true}))
            .await
            .expect(403);
        let approved = market
            .patch(APPROVER, path, approve.clone())
            .await
            .expect(200)
            .json();
        assert_eq!(approved["approved"], true);
        assert!(
            approved["apikey"].is_null() && approved["apikeyHint"].is_string(),
            "approvers do not call"
        );
        market
            .patch(APPROVER, path, approve.clone())
            .await
            .expect(409);
        assert_eq!(seen(ADMIN).await, json!([]));
        let mine = market.get(PARTNER, path).await.expect(200).json();
        assert!(mine["apikey"].is_string());

        let events = market.events().await;
        let kinds: Vec<_> = events.iter().map(|(kind, _)| kind.as_str()).collect();
        let expected = [
            "subscription.add",
            "approval.add",
            "approval.delete",
            "subscription.update",
        ];
        assert_eq!(kinds, expected);
        assert_eq!(events[2].1["result"], "approved");
        assert_eq!(events[3].1["changes"], json!(["approved", "credentials"]));
    }
}

#[tokio::test]
async fn of_two_approvals_at_once_one_counts() {
    for market in Market::on_each_database().await {
        market.application(DEVELOPER, "shop").await;
        market
            .subscribe(DEVELOPER, "shop", PETS, "team")
            .await
            .expect(201);
        let path = "/applications/shop/subscriptions/petstore";
        let approve = || market.patch(ADMIN, path, json!({"approved": true}));
        let (a, b) = tokio::join!(approve(), approve());
        let mut statuses = [a.status, b.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
        let list = market
            .get(DEVELOPER, &format!("{path}/credentials"))
            .await
            .expect(200)
            .json();
        assert_eq!(list.as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn requests_are_decided_with_a_reason_and_stay_readable() {
    for market in Market::on_each_database().await {
        market.application(PARTNER, "shop").await;
        let request = async || {
            market
                .subscribe(PARTNER, "shop", CLOCK, "team")
                .await
                .expect(201);
            let open = market.get(APPROVER, "/approvals").await.json();
            open[0]["id"].as_str().unwrap().to_owned()
        };
        let id = request().await;
        market
            .post(APPROVER, &format!("/approvals/{id}/decline"), json!({}))
            .await
            .expect(400);
        market
            .post(
                OTHER_APPROVER,
                &format!("/approvals/{id}/approve"),
                json!({}),
            )
            .await
            .expect(404);
        let body = json!({"reason": "not now"});
        let declined = market
            .post(APPROVER, &format!("/approvals/{id}/decline"), body)
            .await;
        assert_eq!(declined.expect(200).json()["state"], "declined");
        market
            .get(PARTNER, "/applications/shop/subscriptions/timezones")
            .await
            .expect(404);
        let body = json!({"reason": "again"});
        market
            .post(APPROVER, &format!("/approvals/{id}/decline"), body)
            .await
            .expect(409);

        let id = request().await;
        let approved = market
            .post(
                APPROVER,
                &format!("/approvals/{id}/approve"),
                json!({"reason": "fine"}),
            )
            .await;
        assert_eq!(approved.expect(200).json()["decidedBy"], APPROVER);
        let all = market
            .get(APPROVER, "/approvals?state=all")
            .await
            .expect(200)
            .json();
        let states: Vec<_> = all
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["state"])
            .collect();
        assert_eq!(states, ["declined", "approved"]);
        assert_eq!(market.get(APPROVER, "/approvals").await.json(), json!([]));
    }
}

#[tokio::test]
async fn nobody_approves_his_own_request() {
    let market = Market::start().await;
    market.application(APPROVER, "shop").await;
    market
        .subscribe(APPROVER, "shop", CLOCK, "team")
        .await
        .expect(201);
    let path = "/applications/shop/subscriptions/timezones";
    let refused = market
        .patch(APPROVER, path, json!({"approved": true}))
        .await
        .expect(403)
        .json();
    assert!(refused["type"].as_str().unwrap().ends_with("self-approval"));
    market.delete(APPROVER, path).await.expect(204);
    let all = market.get(ADMIN, "/approvals?state=withdrawn").await.json();
    assert_eq!(all.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_wish_for_trust_waits_for_an_administrator() {
    let market = Market::start().await;
    market.application(DEVELOPER, "shop").await;
    let body = json!({"application": "shop", "api": ORDERS, "plan": "free", "trusted": true});
    let pending = market
        .post(DEVELOPER, "/applications/shop/subscriptions", body)
        .await
        .expect(201)
        .json();
    assert_eq!(
        (&pending["approved"], &pending["trusted"]),
        (&json!(false), &json!(false))
    );
    assert!(pending["allowedScopesMode"].is_null());
    let open = market.get(ADMIN, "/approvals").await.json();
    assert_eq!(open[0]["application"]["trusted"], true);
    let path = "/applications/shop/subscriptions/orders";
    let trusted = market
        .patch(ADMIN, path, json!({"approved": true, "trusted": true}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&trusted["trusted"], &trusted["allowedScopesMode"]),
        (&json!(true), &json!("all"))
    );
    let limited = market
        .patch(ADMIN, path, json!({"allowedScopesMode": "none"}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        limited["allowedScopesMode"], "all",
        "trusted ones are never limited"
    );
    let less =
        json!({"trusted": false, "allowedScopesMode": "select", "allowedScopes": ["read_orders"]});
    let less = market.patch(ADMIN, path, less).await.expect(200).json();
    assert_eq!(
        (&less["allowedScopesMode"], &less["allowedScopes"]),
        (&json!("select"), &json!(["read_orders"]))
    );
    for wrong in [
        json!({"allowedScopesMode": "some"}),
        json!({"allowedScopesMode": "select", "allowedScopes": "read_orders"}),
        json!({"allowedScopes": [{"a": 1}]}),
        json!({"approved": false}),
        json!({}),
    ] {
        market.patch(ADMIN, path, wrong).await.expect(400);
    }
}

#[tokio::test]
async fn a_wider_plan_waits_while_the_old_one_stays_in_force() {
    let market = Market::start().await;
    market.application(DEVELOPER, "shop").await;
    let key = market
        .subscribe(DEVELOPER, "shop", PETS, "free")
        .await
        .json()["apikey"]
        .clone();
    let path = "/applications/shop/subscriptions/petstore";
    market
        .patch(DEVELOPER, path, json!({"plan": "unlimited"}))
        .await
        .expect(403);
    let asked = market
        .patch(DEVELOPER, path, json!({"plan": "team"}))
        .await
        .expect(200)
        .json();
    assert_eq!(asked["plan"], "free");
    market
        .patch(DEVELOPER, path, json!({"plan": "team"}))
        .await
        .expect(409);
    let id = market.get(ADMIN, "/approvals").await.json()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    market
        .post(ADMIN, &format!("/approvals/{id}/approve"), json!({}))
        .await
        .expect(200);
    let wider = market.get(DEVELOPER, path).await.expect(200).json();
    assert_eq!((&wider["plan"], &wider["apikey"]), (&json!("team"), &key));
    let back = market
        .patch(DEVELOPER, path, json!({"plan": "free"}))
        .await
        .expect(200)
        .json();
    assert_eq!(back["plan"], "free");
}

#[tokio::test]
async fn approvers_without_a_role_see_hints_of_their_apis_only() {
    let market = Market::start().await;
    market.application(PARTNER, "shop").await;
    market
        .subscribe(PARTNER, "shop", CLOCK, "free")
        .await
        .expect(201);
    market
        .subscribe(PARTNER, "shop", PETS, "free")
        .await
        .expect(201);
    let seen = market
        .get(APPROVER, "/applications/shop/subscriptions")
        .await
        .expect(200)
        .json();
    assert_eq!(seen.as_array().unwrap().len(), 1);
    assert_eq!(seen[0]["api"], CLOCK);
    assert!(seen[0]["apikey"].is_null() && seen[0]["apikeyHint"].as_str().unwrap().len() == 4);
    market
        .delete(APPROVER, "/applications/shop/subscriptions/petstore")
        .await
        .expect(403);
    market
        .delete(APPROVER, "/applications/shop/subscriptions/timezones")
        .await
        .expect(204);
}

#[tokio::test]
async fn subscriptions_are_listed_over_all_applications_without_secrets() {
    for market in Market::on_each_database().await {
        market.application(PARTNER, "shop").await;
        let made = market
            .subscribe(PARTNER, "shop", ORDERS, "free")
            .await
            .expect(201)
            .json();
        market
            .subscribe(PARTNER, "shop", CLOCK, "free")
            .await
            .expect(201);
        let list = async |user: &str, query: &str| {
            market
                .get(user, &format!("/subscriptions?{query}"))
                .await
                .expect(200)
                .json()
        };
        let client_id = made["clientId"].as_str().unwrap();
        for filter in [
            json!({"clientId": client_id, "application": "SHOP"}),
            json!({"owner": "partner-user@", "api": "orders"}),
            json!({"approved": "true", "trusted": "false", "auth": "oauth2", "application_name": "shop"}),
        ] {
            let page = list(ADMIN, &format!("embed=1&filter={filter}")).await;
            assert_eq!(page["count"], 1, "{filter}: {page}");
            let item = &page["items"][0];
            assert_eq!(item["application_name"], "shop");
            assert_eq!(item["owner"], "partner-user@example.org");
            assert_eq!(item["clientId"], client_id);
            assert!(item["clientSecret"].is_null());
        }
        let own = list(APPROVER, "embed=1").await;
        assert_eq!(
            (&own["count"], &own["items"][0]["api"]),
            (&json!(1), &json!(CLOCK))
        );
        market.get(PARTNER, "/subscriptions").await.expect(403);
        let of_api = market
            .get(ADMIN, "/apis/orders/subscriptions")
            .await
            .expect(200)
            .json();
        assert_eq!(of_api["items"][0]["application"], "shop");
        assert!(of_api["items"][0]["clientSecret"].is_null());
        market
            .get(APPROVER, "/apis/orders/subscriptions")
            .await
            .expect(403);
    }
}

#[tokio::test]
async fn a_client_is_found_by_its_id_and_verified_by_its_secret() {
    for market in Market::on_each_database().await {
        market.application(DEVELOPER, "shop").await;
        let made = market
            .subscribe(DEVELOPER, "shop", ORDERS, "free")
            .await
            .expect(201)
            .json();
        let id = made["clientId"].as_str().unwrap();
        let auth_server = market.api.service(ServiceName::AuthServer);
        let found = auth_server
            .get(&format!("/subscriptions/{id}"))
            .await
            .expect(200)
            .json();
        assert_eq!(found["application"]["id"], "shop");
        assert!(
            found["subscription"]["clientSecret"].is_null(),
            "it asks us to compare"
        );
        let verify = async |client: &str, secret: &Value| {
            let body = json!({"clientSecret": secret});
            auth_server
                .send(
                    Method::POST,
                    &format!("/subscriptions/{client}/verify"),
                    Some(body),
                )
                .await
        };
        let verified = verify(id, &made["clientSecret"]).await.expect(200).json();
        assert!(verified["credentialId"].is_string());
        verify(id, &json!("wrong")).await.expect(403);
        verify(id, &Value::Null).await.expect(400);
        verify("unknown", &made["clientSecret"]).await.expect(404);
        let body = json!({"clientSecret": made["clientSecret"]});
        market
            .post(ADMIN, &format!("/subscriptions/{id}/verify"), body)
            .await
            .expect(403);
        market
            .get(DEVELOPER, &format!("/subscriptions/{id}"))
            .await
            .expect(403);
        market
            .delete(DEVELOPER, "/applications/shop")
            .await
            .expect(204);
        auth_server
            .get(&format!("/subscriptions/{id}"))
            .await
            .expect(404);
        verify(id, &made["clientSecret"]).await.expect(404);
    }
}

#[tokio::test]
async fn where_nothing_is_revealed_the_secret_is_shown_once() {
    let market = Market::with(Options {
        reveal: "never",
        ..Options::default()
    })
    .await;
    market.application(DEVELOPER, "shop").await;
    let made = market
        .subscribe(DEVELOPER, "shop", PETS, "free")
        .await
        .expect(201)
        .json();
    assert!(made["apikey"].is_string());
    let path = "/applications/shop/subscriptions/petstore";
    let read = market.get(DEVELOPER, path).await.expect(200).json();
    assert!(read["apikey"].is_null() && read["apikeyHint"].is_string());
    market
        .subscribe(DEVELOPER, "shop", ORDERS, "team")
        .await
        .expect(201);
    let path = "/applications/shop/subscriptions/orders";
    let approved = market
        .patch(ADMIN, path, json!({"approved": true}))
        .await
        .expect(200)
        .json();
    assert!(
        approved["clientId"].is_null(),
        "an application role makes the credential"
    );
    let made = market
        .post(
            DEVELOPER,
            &format!("{path}/credentials"),
            json!({"name": "ci"}),
        )
        .await;
    assert!(made.expect(201).json()["secret"].is_string());
}

#[tokio::test]
async fn all_subscriptions_of_a_deprecated_api_end_together() {
    for market in Market::on_each_database().await {
        for number in 0..25 {
            let id = format!("shop-{number}");
            market.application(DEVELOPER, &id).await;
            market
                .subscribe(DEVELOPER, &id, PETS, "free")
                .await
                .expect(201);
        }
        market.application(DEVELOPER, "waiting").await;
        market
            .subscribe(DEVELOPER, "waiting", PETS, "team")
            .await
            .expect(201);
        market
            .subscribe(DEVELOPER, "waiting", ORDERS, "free")
            .await
            .expect(201);
        let all = format!("/apis/{PETS}/subscriptions");
        market.delete(ADMIN, &all).await.expect(409);
        market
            .delete(ADMIN, "/apis/nothing/subscriptions")
            .await
            .expect(404);

        let market = market.deprecate(PETS).await;
        market.listen().await;
        market.delete(DEVELOPER, &all).await.expect(403);
        let ended = market.delete(ADMIN, &all).await.expect(200).json();
        assert_eq!(ended, json!({"deleted": 26, "failed": 0}));
        let kinds: Vec<_> = market
            .events()
            .await
            .into_iter()
            .map(|(kind, _)| kind)
            .collect();
        let ends = kinds.iter().filter(|kind| *kind == "subscription.delete");
        assert_eq!(ends.count(), 26, "{kinds:?}");
        let open = market.get(ADMIN, "/approvals").await.expect(200).json();
        assert_eq!(open, json!([]), "the request is closed as well");
        let left = market
            .get(DEVELOPER, "/applications/waiting/subscriptions")
            .await
            .expect(200)
            .json();
        assert_eq!(left.as_array().unwrap().len(), 1);
        assert_eq!(left[0]["api"], ORDERS);
    }
}
