//! Client credentials, introspection and revocation, and what is not accepted as a token.

use serde_json::json;

use crate::support::{SECRET, TestServer, claims, part, with_part};

const FORM: &[(&str, &str)] = &[
    ("grant_type", "client_credentials"),
    ("client_id", "app-orders"),
];

/// A form, and status and code at the standard and at the compatible URL.
type Case = (Vec<(&'static str, &'static str)>, Refused, Refused);
type Refused = (u16, &'static str);

async fn server() -> TestServer {
    let server = TestServer::start_with_client("app", "orders", "confidential", false).await;
    server
        .portal
        .add_client("page", "orders", "public_spa", false);
    server
}

fn with<'a>(form: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    form.iter().chain(more).copied().collect()
}

async fn client_token(server: &TestServer) -> String {
    let form = with(FORM, &[SECRET, ("scope", "read")]);
    server.token(&form).await.expect(200).member("access_token")
}

#[tokio::test]
async fn a_client_gets_a_token_with_the_claims_of_its_subscription() {
    let server = server().await;
    let form = with(FORM, &[SECRET, ("scope", "read")]);
    let answer = server.token(&form).await.expect(200);
    let body = answer.json();
    assert_eq!(body["token_type"], "bearer");
    assert_eq!(body["expires_in"], 1800);
    assert_eq!(body["scope"], "read");
    assert!(body.get("refresh_token").is_none());
    assert_eq!(answer.headers["cache-control"], "no-store");
    let token = answer.member("access_token");
    let header = part(&token, 0);
    assert_eq!(
        (header["typ"].as_str(), header["alg"].as_str()),
        (Some("at+jwt"), Some("ES256"))
    );
    let claims = claims(&token);
    let kid = header["kid"].as_str().unwrap();
    assert_eq!(claims["iss"], "http://localhost:8000/auth");
    assert_eq!(claims["sub"], "app-orders");
    assert_eq!(claims["aud"], "orders");
    assert_eq!(claims["client_id"], "app-orders");
    assert_eq!(claims["gateway_key"], format!("app-orders.{kid}"));
    assert_eq!(claims["scope"], "read");
    assert!(claims.get("authenticated_userid").is_none());
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        1800
    );
}

#[tokio::test]
async fn each_refusal_has_its_status_and_code_at_both_urls() {
    let server = server().await;
    let page = [
        ("grant_type", "client_credentials"),
        ("client_id", "page-orders"),
    ];
    let cases: &[Case] = &[
        (vec![], (400, "invalid_request"), (400, "invalid_request")),
        (
            vec![("grant_type", "password")],
            (400, "unsupported_grant_type"),
            (400, "unsupported_grant_type"),
        ),
        (
            vec![FORM[0]],
            (401, "invalid_client"),
            (400, "invalid_client"),
        ),
        (
            FORM.to_vec(),
            (401, "invalid_client"),
            (400, "invalid_client"),
        ),
        (
            with(FORM, &[("client_secret", "wrong")]),
            (401, "invalid_client"),
            (400, "invalid_client"),
        ),
        (
            with(&[FORM[0]], &[("client_id", "nobody"), SECRET]),
            (401, "invalid_client"),
            (400, "invalid_request"),
        ),
        (
            with(&[FORM[0]], &[("client_id", "../x"), SECRET]),
            (401, "invalid_client"),
            (400, "invalid_request"),
        ),
        (
            with(FORM, &[SECRET, ("scope", "fly")]),
            (400, "invalid_scope"),
            (400, "invalid_scope"),
        ),
        (
            with(FORM, &[SECRET, ("scope", "wicked:admin")]),
            (400, "invalid_scope"),
            (400, "invalid_scope"),
        ),
        (
            with(&page, &[SECRET]),
            (400, "unauthorized_client"),
            (401, "unauthorized_client"),
        ),
        (
            with(&page, &[("client_secret", "wrong")]),
            (400, "unauthorized_client"),
            (401, "unauthorized_client"),
        ),
        (
            page.to_vec(),
            (401, "invalid_client"),
            (400, "invalid_client"),
        ),
        (
            vec![("grant_type", "urn:example:own"), FORM[1], SECRET],
            (400, "unsupported_grant_type"),
            (400, "unsupported_grant_type"),
        ),
        (
            with(FORM, &[SECRET, SECRET]),
            (400, "invalid_request"),
            (400, "invalid_request"),
        ),
        (
            vec![("grant_type", "authorization_code")],
            (400, "invalid_request"),
            (400, "invalid_request"),
        ),
        (
            vec![("grant_type", "refresh_token"), FORM[1]],
            (400, "invalid_request"),
            (400, "invalid_request"),
        ),
    ];
    for (form, standard, compatible) in cases {
        for (url, expected) in [
            ("/oauth2/token", standard),
            ("/local/api/orders/token", compatible),
        ] {
            let answer = server.post(url, form).await;
            let (status, code) = answer.error();
            assert_eq!((status, code.as_str()), *expected, "{url} {form:?}");
            if status == 401 {
                assert!(answer.headers.contains_key("www-authenticate"));
            }
        }
    }
}

#[tokio::test]
async fn what_an_api_does_not_allow_has_its_status_and_code_at_both_urls() {
    let server = server().await;
    server
        .portal
        .add_api(json!({"id": "closed", "auth": "oauth2",
        "authMethods": ["default:local"], "settings": {}}));
    server
        .portal
        .add_client("app", "closed", "confidential", false);
    // A flow that the API has not enabled (10.3).
    let closed = [FORM[0], ("client_id", "app-closed"), SECRET];
    for (url, status) in [("/oauth2/token", 400), ("/local/api/closed/token", 401)] {
        let refused = server.post(url, &closed).await.error();
        assert_eq!(refused, (status, "unauthorized_client".to_owned()), "{url}");
    }
    // A client of another API, a method the API does not accept, and a method that is off.
    let good = with(FORM, &[SECRET]);
    assert_eq!(
        server
            .post("/local/api/machines/token", &good)
            .await
            .error()
            .0,
        400
    );
    let other = server.post("/staff/api/orders/token", &good).await.error();
    assert_eq!(other, (500, "unauthorized_client".to_owned()));
    server
        .post("/off/api/orders/token", &good)
        .await
        .expect(404);
}

#[tokio::test]
async fn a_token_is_described_to_those_who_may_know_and_ends_when_revoked() {
    let server = server().await;
    let token = client_token(&server).await;
    let asked = [("token", token.as_str())];
    let service = server.service_token();
    let active = server
        .post_as("/oauth2/introspect", &service, &asked)
        .await
        .expect(200)
        .json();
    assert_eq!(active["active"], true);
    assert_eq!(active["subscription"], "sub-app-orders");
    assert_eq!(active["token_type"], "bearer");
    let as_client = [("client_id", "app-orders"), SECRET, asked[0]];
    assert_eq!(
        server.post("/oauth2/introspect", &as_client).await.json()["active"],
        true
    );
    server.post("/oauth2/introspect", &asked).await.expect(401);
    server
        .portal
        .add_client("other", "machines", "confidential", false);
    let foreign = [("client_id", "other-machines"), SECRET, asked[0]];
    let hidden = server
        .post("/oauth2/introspect", &foreign)
        .await
        .expect(200)
        .json();
    assert_eq!(hidden, json!({"active": false}));
    server.post("/oauth2/revoke", &foreign).await.expect(200);
    assert_eq!(
        server.post("/oauth2/introspect", &as_client).await.json()["active"],
        true
    );
    server.post("/oauth2/revoke", &as_client).await.expect(200);
    assert_eq!(
        server.post("/oauth2/introspect", &as_client).await.json()["active"],
        false
    );
}

#[tokio::test]
async fn forged_tokens_are_inactive() {
    let server = server().await;
    let token = client_token(&server).await;
    let header = part(&token, 0);
    let claims = claims(&token);
    let changed = |name: &str, value: serde_json::Value| {
        let mut header = header.clone();
        header[name] = value;
        with_part(&token, 0, &header)
    };
    let mut other_scope = claims.clone();
    other_scope["scope"] = json!("read write");
    let unsigned = changed("alg", json!("none"));
    let unsigned = format!("{}.", unsigned.rsplit_once('.').unwrap().0);
    let forged = [
        unsigned,
        changed("alg", json!("HS256")),
        changed("typ", json!("JWT")),
        changed("kid", json!("../../etc/passwd")),
        changed("kid", json!(null)),
        with_part(&token, 1, &other_scope),
        format!("{token}x"),
        "a.b.c".to_owned(),
        server.service_token(),
    ];
    let service = server.service_token();
    for forged in &forged {
        let form = [("token", forged.as_str())];
        let answer = server
            .post_as("/oauth2/introspect", &service, &form)
            .await
            .expect(200);
        assert_eq!(answer.json(), json!({"active": false}), "{forged}");
    }
}

#[tokio::test]
async fn guessing_a_secret_from_one_address_is_braked() {
    let server = server().await;
    let wrong = with(FORM, &[("client_secret", "wrong")]);
    for _ in 0..100 {
        server.token(&wrong).await.expect(401);
    }
    let braked = server.token(&wrong).await.expect(429);
    assert!(braked.headers.contains_key("retry-after"));
}
