//! Limits that the backend counts, robots, redirects, answers that echo.

use axum::{Router, body::Body, response::Response, routing::get};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Backend, TestGateway, serve};

#[tokio::test]
async fn the_backend_says_what_an_answer_costs() {
    let gateway = TestGateway::start().await;
    let app = Router::new().route(
        "/",
        get(async |headers: axum::http::HeaderMap| {
            let left = headers["x-ratelimit-remaining-videos"]
                .to_str()
                .unwrap()
                .to_owned();
            Response::builder()
                .header("x-kong-limit", "videos=2, unknown=9")
                .body(Body::from(left))
                .unwrap()
        }),
    );
    let service = gateway.publish("videos", serve(app).await, "/videos").await;
    gateway
        .plugin(
            "response-ratelimiting",
            Some(&service),
            None,
            json!({"limits": {"videos": {"year": 3}}, "limit_by": "ip"}),
        )
        .await;
    for (before, after) in [("3", "1"), ("1", "0")] {
        let answer = gateway.get("/videos").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["x-ratelimit-limit-videos-year"], "3");
        assert_eq!(answer.headers()["x-ratelimit-remaining-videos-year"], after);
        assert!(!answer.headers().contains_key("x-kong-limit"));
        assert_eq!(answer.text().await.unwrap(), before);
    }
    let refused = gateway.get("/videos").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.text().await.unwrap(), "");
}

#[tokio::test]
async fn robots_stay_outside_unless_they_are_allowed() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("open", backend.address, "/open").await;
    gateway
        .plugin(
            "bot-detection",
            Some(&service),
            None,
            json!({"allow": ["Googlebot"], "deny": ["^bad"]}),
        )
        .await;
    for (agent, status) in [
        ("curl/8.0", 200),
        ("Googlebot/2.1", 200),
        ("bingbot/2.0", 403),
        ("bad agent", 403),
    ] {
        let answer = gateway
            .get("/open")
            .header("user-agent", agent)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status, "{agent}");
    }
}

#[tokio::test]
async fn redirects_lead_to_the_configured_host_only() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("old", backend.address, "/old").await;
    gateway
        .plugin(
            "redirect",
            Some(&service),
            None,
            json!({"location": "https://new.example/base", "keep_incoming_path": true, "status_code": 308}),
        )
        .await;
    let answer = gateway
        .get("/old/x?y=1")
        .header("host", "evil.example")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(
        answer.headers()["location"],
        "https://new.example/old/x?y=1"
    );
}

#[tokio::test]
async fn an_echo_shows_the_request_without_its_secrets() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("echo", backend.address, "/echo").await;
    gateway
        .plugin(
            "request-termination",
            Some(&service),
            None,
            json!({"echo": true, "status_code": 404, "trigger": "x-echo"}),
        )
        .await;
    let answer = gateway
        .http
        .post(format!("http://{}/echo?a=1", gateway.proxy))
        .header("x-echo", "1")
        .header("authorization", "Bearer secret")
        .json(&json!({"b": 2}))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["request"]["body"]["b"], 2);
    assert_eq!(body["request"]["query"]["a"], "1");
    assert_eq!(body["matched_service"]["name"], "echo");
    assert!(!body.to_string().contains("secret"));
    assert_eq!(
        gateway.get("/echo").send().await.unwrap().status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn bodies_of_requests_change() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("open", backend.address, "/open").await;
    gateway
        .plugin(
            "request-transformer",
            Some(&service),
            None,
            json!({
                "remove": {"body": ["secret"]},
                "rename": {"body": ["old:new"]},
                "add": {"body": ["from:$(query_params.q)"]},
            }),
        )
        .await;
    let answer = gateway
        .http
        .post(format!("http://{}/open?q=here", gateway.proxy))
        .json(&json!({"secret": 1, "old": [1], "kept": true}))
        .send()
        .await
        .unwrap();
    let seen: Value = answer.json().await.unwrap();
    let body: Value = seen["body"].as_str().unwrap().parse().unwrap();
    assert_eq!(body, json!({"kept": true, "new": [1], "from": "here"}));
    assert_eq!(
        seen["headers"]["content-length"],
        seen["body"].as_str().unwrap().len().to_string()
    );
}
