//! Requests and answers that plugins change.

use axum::{Router, body::Body, http::StatusCode, response::Response, routing::get};
use serde_json::{Value, json};

use crate::support::{Backend, TestGateway, key_auth, serve};

const PLUGIN: &str = "response-transformer";

#[tokio::test]
async fn headers_and_json_change_on_the_way_to_the_client() {
    let gateway = TestGateway::start().await;
    let app = Router::new().route(
        "/",
        get(async || {
            Response::builder()
                .header("content-type", "application/json; charset=utf-8")
                .header("x-internal", "db-7")
                .header("x-old", "1")
                .body(Body::from(r#"{"secret": 1, "name": "x"}"#))
                .unwrap()
        }),
    );
    let service = gateway.publish("shop", serve(app).await, "/shop").await;
    gateway
        .plugin(
            PLUGIN,
            Some(&service),
            None,
            json!({
                "remove": {"headers": ["x-internal"], "json": ["secret"]},
                "rename": {"headers": ["x-old:x-new"]},
                "replace": {"headers": ["x-none:1"]},
                "add": {"headers": ["x-new:2", "deprecation:@1"], "json": ["n:7"], "json_types": ["number"]},
                "append": {"headers": ["vary:accept", "vary:origin"]},
            }),
        )
        .await;
    let answer = gateway.get("/shop").send().await.unwrap();
    let headers = answer.headers();
    assert!(!headers.contains_key("x-internal") && !headers.contains_key("x-old"));
    assert!(!headers.contains_key("x-none"));
    assert_eq!(headers["x-new"], "1");
    assert_eq!(headers["deprecation"], "@1");
    assert_eq!(headers.get_all("vary").iter().count(), 2);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body, json!({"name": "x", "n": 7}));
}

#[tokio::test]
async fn placeholders_stand_for_values_of_the_request_as_it_came() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway
        .publish("shop", backend.address, "~/shop/(?<kind>[a-z]+)/(\\d+)")
        .await;
    let config = json!({
        "remove": {"headers": ["x-a"]},
        "replace": {"uri": "/$(uri_captures.kind)s/$(query_params.under)/$(uri_captures[2])"},
        "add": {
            "headers": [
                "x-b:$(headers.x_a)", "x-c:[$(headers['x-a'] or 'none')]", "x-d:$(headers.x_no or 'none')",
                "x-who:$(consumer.username)"
            ],
            "querystring": ["from:$(headers.host)$(query_params.n)"],
        },
    });
    gateway
        .plugin("request-transformer", Some(&service), None, config)
        .await;
    let sent = gateway.get("/shop/pet/7?n=1&n=2&under=..%2F..%2Fa%20b%3F%0d%0a");
    let sent = sent.header("x-a", "one").header("x-a", "two");
    let seen: Value = sent.send().await.unwrap().json().await.unwrap();
    let headers = &seen["headers"];
    assert!(headers["x-a"].is_null());
    assert_eq!(headers["x-b"], "one,two");
    assert_eq!(headers["x-c"], "[one,two]");
    assert_eq!(headers["x-d"], "none");
    assert_eq!(headers["x-who"], "");
    let (path, query) = seen["uri"].as_str().unwrap().split_once('?').unwrap();
    assert_eq!(path, "/a%20b%3F/7");
    assert!(
        query.ends_with(&format!("from={}1%2C2", gateway.proxy).replace(':', "%3A")),
        "{query}"
    );
}

#[tokio::test]
async fn answers_of_the_gateway_change_too() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("shop", backend.address, "/shop").await;
    gateway
        .plugin("key-auth", Some(&service), None, key_auth())
        .await;
    let config = json!({"add": {"headers": ["x-help:docs"], "json": ["help:docs"]}});
    gateway
        .plugin(PLUGIN, Some(&service), None, config.clone())
        .await;
    let consumer = gateway.consumer("special").await;
    gateway.key(&consumer, "special").await;
    let own = json!({"add": {"headers": ["x-help:special"]}});
    gateway.plugin(PLUGIN, None, Some(&consumer), own).await;
    let refused = gateway.get("/shop").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(refused.headers()["x-help"], "docs");
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["help"], "docs");
    assert!(body["request_id"].is_string());
    let served = gateway.get("/shop").header("apikey", "special");
    let served = served.send().await.unwrap();
    assert_eq!(served.status(), StatusCode::OK);
    assert_eq!(served.headers()["x-help"], "special");
}

#[tokio::test]
async fn what_is_too_large_or_no_json_stays_as_it_is() {
    let gateway = TestGateway::start().await;
    let large = format!("{{\"text\": \"{}\"}}", "x".repeat(9 << 20));
    let sent = large.clone();
    let app = Router::new()
        .route(
            "/large",
            get(async move || ([("content-type", "application/json")], sent)),
        )
        .route("/text", get(async || "{}"))
        .route(
            "/broken",
            get(async || ([("content-type", "application/json")], "{")),
        );
    let service = gateway.publish("shop", serve(app).await, "/shop").await;
    let config = json!({"add": {"json": ["a:b"]}});
    gateway.plugin(PLUGIN, Some(&service), None, config).await;
    for (path, expected) in [
        ("/shop/large", large.as_str()),
        ("/shop/text", "{}"),
        ("/shop/broken", "{"),
    ] {
        let answer = gateway.get(path).send().await.unwrap();
        assert!(answer.text().await.unwrap() == expected, "{path}");
    }
    let url = format!("http://{}/shop/large", gateway.proxy);
    let head = gateway.http.head(url).send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
}

#[tokio::test]
async fn changes_that_cannot_be_are_refused() {
    let gateway = TestGateway::start().await;
    for (config, group) in [
        (
            json!({"add": {"headers": ["transfer-encoding:chunked"]}}),
            "add",
        ),
        (json!({"rename": {"headers": ["x-a"]}}), "rename"),
        (json!({"rename": {"headers": ["x-a:x b"]}}), "rename"),
        (
            json!({"add": {"json": ["a:x"], "json_types": ["number"]}}),
            "add",
        ),
        (
            json!({"add": {"json": [], "json_types": ["number"]}}),
            "add",
        ),
        (json!({"add": {"querystring": ["a:x"]}}), "add"),
    ] {
        assert_refused(&gateway, PLUGIN, &config, group).await;
    }
    for (config, group) in [
        (json!({"add": {"headers": ["x-a:$(os.exit())"]}}), "add"),
        (json!({"replace": {"uri": "a$(headers.a)"}}), "replace"),
        (json!({"add": {"headers": ["x-consumer-id:1"]}}), "add"),
        (json!({"add": {"body": ["a"]}}), "add"),
    ] {
        assert_refused(&gateway, "request-transformer", &config, group).await;
    }
    let empty = json!({"add": {"body": [], "headers": ["a:b"]}});
    gateway
        .plugin("request-transformer", None, None, empty)
        .await;
}

async fn assert_refused(gateway: &TestGateway, name: &str, config: &Value, group: &str) {
    let body = json!({"name": name, "config": config});
    let url = format!("{}plugins", gateway.admin_url);
    let answer = gateway.http.post(url).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 400, "{body}");
    let error: Value = answer.json().await.unwrap();
    let fields = error["fields"]["config"].as_object().unwrap();
    assert!(
        fields.keys().any(|field| field.starts_with(group)),
        "{error}"
    );
}
