//! Resource indicators (RFC 8707) and what is published about an API (RFC 9728).

use serde_json::json;

use crate::support::{Browser, SECRET, TestServer, VERIFIER, claims, parameter};

const ORDERS: &str = "http://localhost:8000/orders/v1";

async fn server() -> TestServer {
    TestServer::start_with_client("app", "orders", "confidential", true).await
}

#[tokio::test]
async fn a_token_is_for_the_resource_that_was_asked_for_and_for_its_api() {
    let server = server().await;
    let audience = json!(["orders", ORDERS]);
    let base = [("client_id", "app-orders"), SECRET];
    let with = |more: &[(&'static str, String)]| {
        let mut form: Vec<(&str, String)> = base
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        form.extend(more.iter().cloned());
        form
    };
    let token = async |form: &[(&str, String)]| {
        let form: Vec<_> = form.iter().map(|(a, b)| (*a, b.as_str())).collect();
        server.token(&form).await
    };
    let for_client = with(&[
        ("grant_type", "client_credentials".to_owned()),
        ("resource", ORDERS.to_owned()),
    ]);
    let answer = token(&for_client).await.expect(200);
    assert_eq!(claims(&answer.member("access_token"))["aud"], audience);
    let code = server
        .browser()
        .code("app-orders", &[("resource", ORDERS)])
        .await;
    let redeem = with(&[
        ("grant_type", "authorization_code".to_owned()),
        ("code", code),
        ("code_verifier", VERIFIER.to_owned()),
    ]);
    let answer = token(&redeem).await.expect(200);
    assert_eq!(claims(&answer.member("access_token"))["aud"], audience);
    let again = with(&[
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", answer.member("refresh_token")),
        ("resource", format!("{ORDERS}/items")),
    ]);
    let answer = token(&again).await.expect(200);
    let audience = json!(["orders", format!("{ORDERS}/items")]);
    assert_eq!(claims(&answer.member("access_token"))["aud"], audience);
}

#[tokio::test]
async fn a_resource_of_somebody_else_is_refused() {
    let server = server().await;
    for resource in [
        "http://localhost:8000/machines/v1",
        "http://localhost:8000/orders/v1#x",
        "https://evil.example/",
        "orders",
    ] {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "app-orders"),
            SECRET,
            ("resource", resource),
        ];
        let error = server.token(&form).await.error();
        assert_eq!(error, (400, "invalid_target".to_owned()), "{resource}");
        let url = Browser::authorize_url("app-orders", &[("resource", resource)]);
        let target = server.browser().get(&url).await.expect(302).location();
        let error = parameter(&target, "error");
        assert_eq!(error.as_deref(), Some("invalid_target"), "{resource}");
    }
}

#[tokio::test]
async fn a_client_can_read_where_tokens_for_an_api_come_from() {
    let server = server().await;
    let path = "/.well-known/oauth-protected-resource";
    let document = server.get(&format!("{path}/orders")).await.expect(200);
    let document = document.json();
    assert_eq!(document["resource"], ORDERS);
    assert_eq!(
        document["authorization_servers"],
        json!(["http://localhost:8000/auth"])
    );
    assert_eq!(document["scopes_supported"], json!(["read", "write"]));
    server.get(&format!("{path}/nothing")).await.expect(404);
}
