//! Talking about requests (portal-api B4); deciding them is with the subscriptions.

use serde_json::json;

use crate::{
    market::{APPROVER, CLOCK, Market, OTHER_APPROVER, PETS},
    support::{ADMIN, DEVELOPER, PARTNER},
};

/// A request of a partner for the API of his group.
async fn request(market: &Market) -> String {
    market.application(PARTNER, "shop").await;
    market
        .subscribe(PARTNER, "shop", CLOCK, "team")
        .await
        .expect(201);
    let open = market.get(APPROVER, "/approvals").await.expect(200).json();
    format!("/approvals/{}", open[0]["id"].as_str().unwrap())
}

#[tokio::test]
async fn those_who_decide_comment_and_take_care_of_a_request() {
    for market in Market::on_each_database().await {
        let path = request(&market).await;
        let comments = format!("{path}/comments");
        let comment = market
            .post(APPROVER, &comments, json!({"text": "  Who is this?  "}))
            .await;
        let comment = comment.expect(201).json();
        assert_eq!(comment["text"], "Who is this?");
        assert_eq!(comment["user"]["email"], "approver-user@example.org");
        market
            .post(ADMIN, &comments, json!({"text": "A partner."}))
            .await
            .expect(201);
        for wrong in [
            json!({}),
            json!({"text": " "}),
            json!({"text": "x".repeat(1025)}),
            json!({"text": 1}),
        ] {
            market.post(ADMIN, &comments, wrong).await.expect(400);
        }
        for (user, status) in [(OTHER_APPROVER, 404), (PARTNER, 403), (DEVELOPER, 403)] {
            market
                .post(user, &comments, json!({"text": "Hello"}))
                .await
                .expect(status);
            market
                .patch(user, &path, json!({"assignee": null}))
                .await
                .expect(status);
        }
        let assigned = market
            .patch(ADMIN, &path, json!({"assignee": APPROVER}))
            .await
            .expect(200)
            .json();
        assert_eq!(assigned["assignee"], APPROVER);
        for wrong in [
            json!({}),
            json!({"assignee": OTHER_APPROVER}),
            json!({"assignee": "nobody"}),
            json!({"assignee": 1}),
        ] {
            market.patch(ADMIN, &path, wrong).await.expect(400);
        }
        let list = market.get(APPROVER, "/approvals").await.expect(200).json();
        assert_eq!(list[0]["comments"].as_array().unwrap().len(), 2);
        assert_eq!(list[0]["assignee"], APPROVER);
        let given_back = market
            .patch(APPROVER, &path, json!({"assignee": null}))
            .await
            .expect(200)
            .json();
        assert!(given_back.get("assignee").is_none());
        market
            .post(APPROVER, &format!("{path}/approve"), json!({}))
            .await
            .expect(200);
        market
            .patch(APPROVER, &path, json!({"assignee": APPROVER}))
            .await
            .expect(409);
        let read = market.get(APPROVER, &path).await.expect(200).json();
        assert_eq!(read["comments"][1]["text"], "A partner.");
    }
}

#[tokio::test]
async fn who_asked_sees_that_it_was_declined_and_why() {
    for market in Market::on_each_database().await {
        market.application(DEVELOPER, "shop").await;
        market.application(PARTNER, "kiosk").await;
        let ask = async || {
            let asked = market.subscribe(DEVELOPER, "shop", PETS, "team").await;
            asked.expect(201);
        };
        let told = async |user: &str| {
            let path = format!("/apis/{PETS}/context");
            let context = market.get(user, &path).await.expect(200).json();
            context["applications"][0]["declined"].clone()
        };
        ask().await;
        assert!(told(DEVELOPER).await.is_null(), "nobody decided yet");
        let open = market.get(ADMIN, "/approvals").await.expect(200).json();
        let path = format!("/approvals/{}/decline", open[0]["id"].as_str().unwrap());
        let reason = json!({"reason": "Too early."});
        market.post(ADMIN, &path, reason).await.expect(200);
        let declined = told(DEVELOPER).await;
        assert_eq!(
            (&declined["plan"], &declined["reason"]),
            (&json!("team"), &json!("Too early."))
        );
        assert!(declined["decidedAt"].is_string());
        assert!(told(PARTNER).await.is_null(), "it is not theirs");
        ask().await;
        assert!(told(DEVELOPER).await.is_null(), "they asked again");
    }
}

#[tokio::test]
async fn decided_requests_stay_readable_by_their_state() {
    for market in Market::on_each_database().await {
        market.application(DEVELOPER, "shop").await;
        for decision in ["approve", "decline", "withdraw"] {
            market
                .subscribe(DEVELOPER, "shop", PETS, "team")
                .await
                .expect(201);
            if decision != "withdraw" {
                let open = market
                    .get(ADMIN, "/approvals?state=open")
                    .await
                    .expect(200)
                    .json();
                let path = format!("/approvals/{}/{decision}", open[0]["id"].as_str().unwrap());
                market
                    .post(ADMIN, &path, json!({"reason": "because"}))
                    .await
                    .expect(200);
            }
            if decision != "decline" {
                market
                    .delete(DEVELOPER, "/applications/shop/subscriptions/petstore")
                    .await
                    .expect(204);
            }
        }
        let states = async |query: &str| {
            let found = market
                .get(ADMIN, &format!("/approvals{query}"))
                .await
                .expect(200)
                .json();
            let found = found.as_array().unwrap().clone();
            found
                .iter()
                .map(|one| one["state"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert!(states("").await.is_empty());
        assert_eq!(
            states("?state=all").await,
            ["approved", "declined", "withdrawn"]
        );
        assert_eq!(states("?state=declined").await, ["declined"]);
        market.get(ADMIN, "/approvals?state=lost").await.expect(400);
    }
}

#[tokio::test]
async fn nobody_decides_his_own_request() {
    let market = Market::start().await;
    market.application(APPROVER, "shop").await;
    market
        .subscribe(APPROVER, "shop", CLOCK, "team")
        .await
        .expect(201);
    let open = market.get(APPROVER, "/approvals").await.expect(200).json();
    let path = format!("/approvals/{}/approve", open[0]["id"].as_str().unwrap());
    market.post(APPROVER, &path, json!({})).await.expect(403);
    let body = json!({"approved": true});
    market
        .patch(APPROVER, "/applications/shop/subscriptions/timezones", body)
        .await
        .expect(403);
    market.post(ADMIN, &path, json!({})).await.expect(200);
}
