//! How often somebody may call (portal-api A7).

use std::num::NonZeroU32;

use portal_api::{RateLimits, Settings};
use serde_json::json;
use service::ServiceName;

use crate::{
    authorization::ALL_SCOPES,
    support::{ADMIN, DEVELOPER, TestApi, trust_this_machine},
};

fn few(settings: &mut Settings) {
    settings.rate_limits = RateLimits {
        caller: NonZeroU32::new(5),
        anonymous: NonZeroU32::new(3),
        sensitive: NonZeroU32::new(2),
    };
}

#[tokio::test]
async fn callers_are_told_how_they_stand_and_refused_when_it_is_too_much() {
    let api = TestApi::with(&[], |settings| {
        trust_this_machine(settings);
        few(settings);
    })
    .await;
    let dev = api.user_at_gateway(DEVELOPER, ALL_SCOPES);
    for remaining in (0..5).rev() {
        let answer = dev.get("/plans").await.expect(200);
        assert_eq!(answer.header("ratelimit-limit"), "5");
        assert_eq!(answer.header("ratelimit-remaining"), remaining.to_string());
        assert!(answer.header("ratelimit-reset").parse::<u64>().unwrap() <= 60);
        assert_eq!(answer.header("ratelimit-policy"), "5;w=60");
    }
    let refused = dev.get("/plans").await.expect(429);
    assert!(refused.header("retry-after").parse::<u64>().unwrap() <= 12);
    assert_eq!(refused.header("ratelimit-remaining"), "0");
    assert_eq!(refused.json()["status"], 429);
    // Others have budgets of their own.
    let admin = api.user_at_gateway(ADMIN, ALL_SCOPES);
    admin.get("/plans").await.expect(200);
    // Making users is worth more.
    for (number, status) in [(1, 201), (2, 201), (3, 429)] {
        let body = json!({"email": format!("user{number}@example.org")});
        let answer = admin.post("/users", body).await.expect(status);
        assert_eq!(answer.header("ratelimit-limit"), "2");
    }
    admin.get("/users").await.expect(200);
    // A component of wicked inside the network is not counted.
    let inside = api
        .anonymous()
        .header("x-authenticated-userid", format!("sub={ADMIN}"))
        .header("x-authenticated-scope", ALL_SCOPES);
    for _ in 0..10 {
        let answer = inside.get("/plans").await.expect(200);
        assert_eq!(answer.header("ratelimit-limit"), "");
    }
}

#[tokio::test]
async fn those_without_any_proof_are_counted_by_address_and_services_not_at_all() {
    let api = TestApi::with(&[], few).await;
    for _ in 0..3 {
        api.anonymous().get("/pools").await.expect(200);
    }
    api.anonymous().get("/pools").await.expect(429);
    let service = api.service(ServiceName::Portal);
    for _ in 0..10 {
        service.get("/plans").await.expect(200);
    }
    // For whom a service speaks is limited where it matters.
    let link = "https://portal.example.org/{{id}}";
    let body = json!({"type": "email", "email": "nobody@example.org", "link": link});
    let from = |address: &str| {
        api.service(ServiceName::AuthServer)
            .header("x-real-ip", address)
    };
    for status in [204, 204, 429] {
        let answer = from("192.0.2.1").post("/verifications", body.clone()).await;
        answer.expect(status);
    }
    from("192.0.2.2")
        .post("/verifications", body)
        .await
        .expect(204);
    for _ in 0..5 {
        from("192.0.2.1").get("/plans").await.expect(200);
    }
}
