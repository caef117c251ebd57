//! Checks 11 to 15: subscriptions, approvals, trust, scopes, look-up by client id.

use serde_json::json;

use super::*;

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
async fn check_11_plans_decide_whether_somebody_has_to_approve() {
    for api in installations().await {
        let (admin, dev) = (old(&api, ADMIN), old(&api, DEVELOPER));
        application(&api, DEVELOPER, "shop").await;
        application(&api, PARTNER, "partner-app").await;
        let key = subscribe(&api, DEVELOPER, "shop", "petstore", "free")
            .await
            .expect(201)
            .json();
        assert!(
            key["apikey"].is_string() && key["clientId"].is_null() && key["clientSecret"].is_null()
        );
        assert_eq!(
            (&key["approved"], &key["auth"]),
            (&json!(true), &json!("key-auth"))
        );
        assert!(key["changedDate"].is_number());
        let links = json!({
            "self": {"href": "/applications/shop/subscriptions/petstore"},
            "application": {"href": "/applications/shop"},
            "apis": {"href": "/apis"}, "plans": {"href": "/plans"},
            "deleteSubscription": {"href": "/applications/shop/subscriptions/petstore", "method": "DELETE"},
        });
        assert_eq!(key["_links"], links);
        let client = subscribe(&api, DEVELOPER, "shop", "orders", "free")
            .await
            .expect(201)
            .json();
        assert!(client["clientId"].is_string() && client["clientSecret"].is_string());
        assert_eq!(
            (&client["apikey"], &client["allowedScopesMode"]),
            (&json!(null), &json!("none"))
        );
        // Shown again to whoever has a role, and to administrators.
        for caller in [&dev, &admin] {
            let again = caller
                .get("/applications/shop/subscriptions/petstore")
                .await
                .expect(200)
                .json();
            assert_eq!(again["apikey"], key["apikey"]);
            assert!(again["changedDate"].is_string());
        }
        let waiting = subscribe(&api, PARTNER, "partner-app", "timezones", "team")
            .await
            .expect(201)
            .json();
        assert_eq!(
            (&waiting["approved"], &waiting["apikey"]),
            (&json!(false), &json!(null))
        );
        assert_eq!(waiting["api_group"], "partners");
        let at_once = subscribe(&api, ADMIN, "partner-app", "petstore", "team")
            .await
            .expect(201)
            .json();
        assert_eq!(at_once["approved"], true);
        assert!(at_once["apikey"].is_string());
        let approvals = async |user: &str| old(&api, user).get("/approvals").await;
        let seen = approvals(ADMIN).await.expect(200).json();
        assert_eq!(seen.as_array().unwrap().len(), 1);
        let approval = &seen[0];
        assert_eq!(
            approval["user"],
            json!({"id": PARTNER, "email": "partner-user@example.org"})
        );
        assert_eq!(
            approval["api"],
            json!({"id": "timezones", "name": "Clock", "requiredGroup": "partners"})
        );
        assert_eq!(approval["application"]["id"], "partner-app");
        assert_eq!(approval["plan"], json!({"id": "team", "name": "Team"}));
        assert_eq!(approval["subscriptionId"], waiting["id"]);
        let path = format!("/approvals/{}", approval["id"].as_str().unwrap());
        assert_eq!(
            approvals(APPROVER)
                .await
                .expect(200)
                .json()
                .as_array()
                .unwrap()
                .len(),
            1
        );
        assert_eq!(
            approvals(OTHER_APPROVER).await.expect(200).json(),
            json!([])
        );
        old(&api, APPROVER).get(&path).await.expect(200);
        old(&api, OTHER_APPROVER).get(&path).await.expect(404);
        approvals(DEVELOPER).await.expect(403);
        approvals("nobody").await.expect(403);
        // It disappears on approval, on deletion of the subscription, and of the application.
        let subscription = "/applications/partner-app/subscriptions/timezones";
        old(&api, OTHER_APPROVER)
            .patch(subscription, json!({"approved": true}))
            .await
            .expect(403);
        old(&api, APPROVER)
            .patch(subscription, json!({"approved": true}))
            .await
            .expect(200);
        assert_eq!(approvals(ADMIN).await.json(), json!([]));
        admin
            .patch(subscription, json!({"approved": true}))
            .await
            .expect(409);
        let approved = old(&api, PARTNER)
            .get(subscription)
            .await
            .expect(200)
            .json();
        assert!(approved["apikey"].is_string());
        let partner = old(&api, PARTNER);
        partner.delete(subscription).await.expect(204);
        subscribe(&api, PARTNER, "partner-app", "timezones", "team")
            .await
            .expect(201);
        old(&api, APPROVER).delete(subscription).await.expect(204);
        assert_eq!(approvals(ADMIN).await.json(), json!([]));
        subscribe(&api, PARTNER, "partner-app", "timezones", "team")
            .await
            .expect(201);
        partner
            .delete("/applications/partner-app")
            .await
            .expect(204);
        assert_eq!(approvals(ADMIN).await.json(), json!([]));
        // Refusals, in the order of the contract.
        for (user, body, status) in [
            ("nobody", json!({}), 403),
            (PARTNER, json!({}), 403),
            (DEVELOPER, json!({"application": "other"}), 400),
            (
                DEVELOPER,
                json!({"application": "shop", "api": "unknown", "plan": "x"}),
                400,
            ),
            (
                DEVELOPER,
                json!({"application": "shop", "api": "timezones", "plan": "unlimited"}),
                400,
            ),
            (
                DEVELOPER,
                json!({"application": "shop", "api": "timezones", "plan": "free"}),
                403,
            ),
            (
                DEVELOPER,
                json!({"application": "shop", "api": "petstore", "plan": "unlimited"}),
                403,
            ),
            (
                DEVELOPER,
                json!({"application": "shop", "api": "petstore", "plan": "free"}),
                409,
            ),
        ] {
            old(&api, user)
                .post("/applications/shop/subscriptions", body.clone())
                .await
                .expect(status);
        }
        old(&api, "nobody")
            .post("/applications/unknown/subscriptions", json!({}))
            .await
            .expect(404);
        dev.get("/applications/shop/subscriptions/unknown")
            .await
            .expect(404);
    }
}

#[tokio::test]
async fn check_12_of_two_equal_requests_one_subscribes() {
    for api in installations().await {
        application(&api, DEVELOPER, "shop").await;
        let (one, two) = tokio::join!(
            subscribe(&api, DEVELOPER, "shop", "petstore", "free"),
            subscribe(&api, DEVELOPER, "shop", "petstore", "free"),
        );
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
        let list = old(&api, DEVELOPER)
            .get("/applications/shop/subscriptions")
            .await
            .expect(200)
            .json();
        assert_eq!(list.as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn check_13_trust_is_given_by_administrators() {
    for api in installations().await {
        application(&api, PARTNER, "shop").await;
        let body =
            json!({"application": "shop", "api": "timezones", "plan": "free", "trusted": true});
        let waiting = old(&api, PARTNER)
            .post("/applications/shop/subscriptions", body)
            .await
            .expect(201)
            .json();
        assert_eq!(
            (&waiting["approved"], &waiting["trusted"]),
            (&json!(false), &json!(false))
        );
        let approvals = old(&api, ADMIN).get("/approvals").await.expect(200).json();
        assert_eq!(approvals[0]["application"]["trusted"], true);
        let path = "/applications/shop/subscriptions/timezones";
        let body = json!({"approved": true, "trusted": true});
        old(&api, PARTNER)
            .patch(path, body.clone())
            .await
            .expect(403);
        old(&api, APPROVER)
            .patch(path, body.clone())
            .await
            .expect(403);
        let trusted = old(&api, ADMIN).patch(path, body).await.expect(200).json();
        assert_eq!(
            (&trusted["approved"], &trusted["trusted"]),
            (&json!(true), &json!(true))
        );
        assert!(trusted["apikey"].is_string() && trusted["changedDate"].is_number());
        // A wish without approval of it is not fulfilled by itself.
        subscribe(&api, PARTNER, "shop", "orders", "free")
            .await
            .expect(201);
        let path = "/applications/shop/subscriptions/orders";
        let trusted = old(&api, ADMIN)
            .patch(path, json!({"trusted": true}))
            .await
            .expect(200)
            .json();
        assert_eq!(trusted["allowedScopesMode"], "all");
        let same = json!({"allowedScopesMode": "none"});
        let still = old(&api, ADMIN).patch(path, same).await.expect(200).json();
        assert_eq!(
            (&still["allowedScopesMode"], &still["allowedScopes"]),
            (&json!("all"), &json!([]))
        );
    }
}

#[tokio::test]
async fn check_14_administrators_limit_scopes() {
    for api in installations().await {
        application(&api, DEVELOPER, "shop").await;
        subscribe(&api, DEVELOPER, "shop", "orders", "free")
            .await
            .expect(201);
        let (admin, path) = (old(&api, ADMIN), "/applications/shop/subscriptions/orders");
        let body = json!({"allowedScopesMode": "select", "allowedScopes": ["read_orders"]});
        let limited = admin.patch(path, body).await.expect(200).json();
        assert_eq!(limited["allowedScopesMode"], "select");
        assert_eq!(limited["allowedScopes"], json!(["read_orders"]));
        for body in [
            json!({"allowedScopesMode": "some"}),
            json!({"allowedScopes": "read_orders"}),
            json!({"allowedScopes": [{"scope": "read_orders"}]}),
            json!({}),
            json!({"approved": false}),
        ] {
            admin.patch(path, body).await.expect(400);
        }
        let again = old(&api, DEVELOPER).get(path).await.expect(200).json();
        assert_eq!(again["allowedScopes"], json!(["read_orders"]));
        let emptied = admin
            .patch(path, json!({"allowedScopesMode": "all"}))
            .await
            .expect(200)
            .json();
        assert_eq!(emptied["allowedScopes"], json!([]));
        admin
            .patch("/applications/shop/subscriptions/unknown", json!({}))
            .await
            .expect(404);
        old(&api, DEVELOPER)
            .patch(path, json!({"approved": true}))
            .await
            .expect(403);
        // Approvers cannot change scopes.
        application(&api, PARTNER, "partner-app").await;
        subscribe(&api, PARTNER, "partner-app", "timezones", "free")
            .await
            .expect(201);
        let path = "/applications/partner-app/subscriptions/timezones";
        old(&api, APPROVER)
            .patch(path, json!({"allowedScopesMode": "all"}))
            .await
            .expect(400);
    }
}

#[tokio::test]
async fn check_15_a_client_is_found_by_its_id() {
    for api in installations().await {
        application(&api, DEVELOPER, "shop").await;
        let made = subscribe(&api, DEVELOPER, "shop", "orders", "free")
            .await
            .expect(201)
            .json();
        let path = format!("/subscriptions/{}", made["clientId"].as_str().unwrap());
        let admin = with_scopes(&api, ADMIN, "");
        let found = admin.get(&path).await.expect(200).json();
        assert_eq!(found["subscription"]["clientSecret"], made["clientSecret"]);
        assert_eq!(found["application"]["id"], "shop");
        assert_eq!(found["application"]["owners"][0]["userId"], DEVELOPER);
        old(&api, DEVELOPER).get(&path).await.expect(403);
        old(&api, "nobody").get(&path).await.expect(403);
        api.user_at_gateway(ADMIN, ALL_SCOPES)
            .get(&path)
            .await
            .expect(403);
        old(&api, ADMIN)
            .delete("/applications/shop/subscriptions/orders")
            .await
            .expect(204);
        admin.get(&path).await.expect(404);
        let made = subscribe(&api, DEVELOPER, "shop", "orders", "free")
            .await
            .expect(201)
            .json();
        let path = format!("/subscriptions/{}", made["clientId"].as_str().unwrap());
        admin.get(&path).await.expect(200);
        // Lists over all applications hold ids and hints, no secrets.
        for path in ["/subscriptions?embed=1", "/apis/orders/subscriptions"] {
            let list = old(&api, ADMIN).get(path).await.expect(200).json();
            let listed = list["items"]
                .as_array()
                .unwrap()
                .iter()
                .find(|one| one["application"] == "shop")
                .unwrap();
            assert_eq!(listed["clientId"], made["clientId"]);
            assert!(listed["clientSecret"].is_null());
        }
        old(&api, DEVELOPER)
            .delete("/applications/shop")
            .await
            .expect(204);
        admin.get(&path).await.expect(404);
    }
}
