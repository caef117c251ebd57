//! Authorization code with PKCE.

use serde_json::json;

use crate::support::{
    Browser, CHALLENGE, Form, REDIRECT, SECRET, TestServer, VERIFIER, claims, parameter,
};

async fn server() -> TestServer {
    let server = TestServer::start_with_client("app", "orders", "confidential", true).await;
    server
        .portal
        .add_client("page", "orders", "public_spa", true);
    server
        .portal
        .add_client("phone", "orders", "public_native", true);
    server
        .portal
        .add_client("job", "machines", "confidential", true);
    server
}

fn redeem<'a>(
    client: &'a str,
    code: &'a str,
    more: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("code", code),
    ];
    form.iter().chain(more).copied().collect()
}

const PKCE: (&str, &str) = ("code_verifier", VERIFIER);

#[tokio::test]
async fn a_login_leads_to_a_code_and_the_code_to_the_users_tokens() {
    let server = server().await;
    let browser = server.browser();
    let url = Browser::authorize_url("app-orders", &[]);
    let target = browser.enter(&url, "ada").await.expect(302).location();
    assert!(target.as_str().starts_with(REDIRECT));
    assert_eq!(parameter(&target, "state").as_deref(), Some("xyz"));
    assert_eq!(
        parameter(&target, "iss").as_deref(),
        Some("http://localhost:8000/auth")
    );
    let code = parameter(&target, "code").unwrap();
    let form = redeem(
        "app-orders",
        &code,
        &[SECRET, PKCE, ("redirect_uri", REDIRECT)],
    );
    let tokens = server.token(&form).await.expect(200);
    assert_eq!(tokens.member("scope"), "read write wicked:dev");
    let token = tokens.member("access_token");
    let claims = claims(&token);
    assert_eq!(claims["sub"], "ada");
    assert_eq!(claims["authenticated_userid"], "sub=ada");
    assert!(claims["sid"].is_string() && claims["auth_time"].is_i64());
    for (path, authorization) in [
        ("/profile", token.clone()),
        ("/userinfo", format!("Bearer {token}")),
    ] {
        let profile = server
            .get_with(path, &authorization)
            .await
            .expect(200)
            .json();
        let expected = json!({"sub": "ada", "email": "ada@example.org", "email_verified": true});
        assert_eq!(profile, expected);
    }
    server
        .get_with("/userinfo", "Bearer nonsense")
        .await
        .expect(401);
    server
        .get_with("/userinfo", &format!("Bearer {code}"))
        .await
        .expect(401);
    server.get("/userinfo").await.expect(401);
}

#[tokio::test]
async fn a_second_use_of_a_code_ends_what_came_out_of_the_first() {
    let server = server().await;
    let code = server.browser().code("app-orders", &[]).await;
    let form = redeem("app-orders", &code, &[SECRET, PKCE]);
    let tokens = server.token(&form).await.expect(200);
    assert_eq!(
        server.token(&form).await.error(),
        (400, "invalid_grant".to_owned())
    );
    let refresh = tokens.member("refresh_token");
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "app-orders"),
        SECRET,
        ("refresh_token", &refresh),
    ];
    assert_eq!(
        server.token(&form).await.error(),
        (400, "invalid_grant".to_owned())
    );
    let token = tokens.member("access_token");
    server
        .get_with("/userinfo", &format!("Bearer {token}"))
        .await
        .expect(401);
}

#[tokio::test]
async fn f12_f13_a_code_is_bound_to_client_verifier_and_redirect_uri() {
    let server = server().await;
    let other = "a".repeat(43);
    let wrong: &[(&str, Form, (u16, &str))] = &[
        ("app-orders", &[SECRET], (400, "invalid_request")),
        (
            "app-orders",
            &[SECRET, ("code_verifier", &other)],
            (400, "invalid_grant"),
        ),
        (
            "app-orders",
            &[SECRET, ("code_verifier", "short")],
            (400, "invalid_request"),
        ),
        ("app-orders", &[PKCE], (401, "invalid_client")),
        (
            "app-orders",
            &[PKCE, ("client_secret", "wrong")],
            (401, "invalid_client"),
        ),
        ("page-orders", &[PKCE], (400, "invalid_grant")),
        (
            "app-orders",
            &[SECRET, PKCE, ("redirect_uri", "https://app.example/cb")],
            (400, "invalid_grant"),
        ),
        (
            "job-machines",
            &[SECRET, PKCE],
            (400, "unauthorized_client"),
        ),
    ];
    let code = server.browser().code("app-orders", &[]).await;
    for (client, more, expected) in wrong {
        let (status, error) = server.token(&redeem(client, &code, more)).await.error();
        assert_eq!((status, error.as_str()), *expected, "{client} {more:?}");
    }
    // None of these used the code up.
    server
        .token(&redeem("app-orders", &code, &[SECRET, PKCE]))
        .await
        .expect(200);
    let unknown = server
        .token(&redeem("app-orders", "unknown", &[SECRET]))
        .await;
    assert_eq!(unknown.error(), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn the_old_urls_answer_in_the_old_way() {
    let server = server().await;
    let browser = server.browser();
    let query = format!(
        "response_type=code&client_id=app-orders&code_challenge={CHALLENGE}&code_challenge_method=S256"
    );
    let url = format!("/local/api/orders/authorize?{query}");
    let page = browser.page(&url).await.expect("login");
    assert_eq!(page.model["loginUrl"], "local/login");
    let target = browser.log_in(&page, "ada").await.expect(302).location();
    assert!(
        target.as_str().starts_with(REDIRECT),
        "the first registered one: {target}"
    );
    let code = parameter(&target, "code").unwrap();
    let old = "/local/api/orders/token";
    let form = redeem("app-orders", &code, &[PKCE]);
    assert_eq!(
        server.post(old, &form).await.error(),
        (400, "unauthorized_client".to_owned())
    );
    let form = redeem("app-orders", &code, &[PKCE, SECRET]);
    assert_eq!(
        server
            .post("/local/api/machines/token", &form)
            .await
            .error()
            .0,
        401
    );
    server.post(old, &form).await.expect(200);
    assert_eq!(
        server.post(old, &form).await.error(),
        (401, "invalid_grant".to_owned())
    );
}

#[tokio::test]
async fn programs_in_a_page_get_no_refresh_token_and_public_ones_need_pkce() {
    let server = server().await;
    for (client, refreshes) in [("page-orders", false), ("phone-orders", true)] {
        let code = server.browser().code(client, &[]).await;
        let form = redeem(client, &code, &[PKCE, SECRET]);
        assert_eq!(
            server.token(&form).await.error().0,
            401,
            "public clients have no secret"
        );
        let tokens = server
            .token(&redeem(client, &code, &[PKCE]))
            .await
            .expect(200)
            .json();
        assert_eq!(tokens.get("refresh_token").is_some(), refreshes, "{client}");
        let url = format!("/oauth2/authorize?response_type=code&client_id={client}");
        let target = server.get(&url).await.expect(302).location();
        assert_eq!(
            parameter(&target, "error").as_deref(),
            Some("invalid_request")
        );
    }
}

#[tokio::test]
async fn f14_faults_of_the_client_go_back_to_it_and_only_to_a_registered_address() {
    let server = server().await;
    let to_client: &[(&str, Form, &str)] = &[
        (
            "app-orders",
            &[("response_type", "id_token")],
            "unsupported_response_type",
        ),
        ("app-orders", &[("scope", "fly")], "invalid_scope"),
        ("app-orders", &[("scope", "wicked:admin")], "invalid_scope"),
        (
            "app-orders",
            &[("code_challenge_method", "plain")],
            "invalid_request",
        ),
        ("app-orders", &[("namespace", "acme")], "invalid_request"),
        ("app-orders", &[("max_age", "x")], "invalid_request"),
        ("app-orders", &[("prompt", "none")], "login_required"),
        ("job-machines", &[], "unauthorized_client"),
    ];
    for (client, parameters, error) in to_client {
        let mut all = vec![
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", REDIRECT),
            ("state", "xyz"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        all.retain(|(name, _)| !parameters.iter().any(|(other, _)| other == name));
        all.extend_from_slice(parameters);
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(all)
            .finish();
        let target = server
            .get(&format!("/oauth2/authorize?{query}"))
            .await
            .expect(302)
            .location();
        assert_eq!(
            parameter(&target, "error").as_deref(),
            Some(*error),
            "{parameters:?}"
        );
        assert_eq!(parameter(&target, "state").as_deref(), Some("xyz"));
        assert!(parameter(&target, "iss").is_some());
    }
    for bad in [
        "https://app.example/cb",
        "https://evil.example/",
        "javascript:alert(1)",
        "https://app.example/cb?x=1&y=2",
    ] {
        let url = Browser::authorize_url("app-orders", &[("redirect_uri", bad)]);
        let answer = server.get(&url).await.expect(400);
        assert!(!answer.headers.contains_key("location"), "{bad}");
    }
    server
        .get(&Browser::authorize_url("nobody", &[]))
        .await
        .expect(400);
    server
        .get("/oauth2/authorize?response_type=code")
        .await
        .expect(400);
    server
        .get("/oauth2/authorize?client_id=a&client_id=b")
        .await
        .expect(400);
    server
        .get("/off/api/orders/authorize?client_id=app-orders")
        .await
        .expect(404);
    let any_port = Browser::authorize_url(
        "phone-orders",
        &[("redirect_uri", "http://127.0.0.1:4711/cb")],
    );
    server.get(&any_port).await.expect(200);
}

#[tokio::test]
async fn one_login_serves_all_requests_until_a_fresh_one_is_demanded() {
    let server = server().await;
    let browser = server.browser();
    browser.code("app-orders", &[]).await;
    let silent = browser
        .get(&Browser::authorize_url(
            "page-orders",
            &[("prompt", "none")],
        ))
        .await;
    assert!(parameter(&silent.expect(302).location(), "code").is_some());
    for fresh in [("prompt", "login"), ("max_age", "0")] {
        let page = browser
            .page(&Browser::authorize_url("page-orders", &[fresh]))
            .await;
        let page = page.expect("login");
        let target = browser.log_in(&page, "ada").await.expect(302).location();
        assert!(parameter(&target, "code").is_some(), "{target}");
    }
    server.portal.remove_user("ada");
    let gone = browser
        .get(&Browser::authorize_url(
            "page-orders",
            &[("prompt", "none")],
        ))
        .await;
    assert_eq!(
        parameter(&gone.location(), "error").as_deref(),
        Some("login_required")
    );
}

#[tokio::test]
async fn several_methods_are_a_choice() {
    let server = server().await;
    server
        .portal
        .add_client("two", "both", "confidential", true);
    let browser = server.browser();
    let page = browser
        .page(&Browser::authorize_url("two-both", &[]))
        .await
        .expect("choose_method");
    let href = page.model["methods"][1]["href"].as_str().unwrap();
    let href = href.strip_prefix("/auth").unwrap();
    let login = browser.page(href).await.expect("login");
    assert_eq!(login.model["loginUrl"], "staff/login");
}

#[tokio::test]
async fn a_flow_survives_the_change_to_another_instance() {
    let Some((one, two)) = TestServer::start_two().await else {
        return;
    };
    one.portal.add_client("app", "orders", "confidential", true);
    let at_one = one.browser();
    let page = at_one
        .page(&Browser::authorize_url("app-orders", &[]))
        .await
        .expect("login");
    let at_two = at_one.at(&two);
    let target = at_two.log_in(&page, "ada").await.expect(302).location();
    let code = parameter(&target, "code").unwrap();
    let tokens = one
        .token(&redeem("app-orders", &code, &[SECRET, PKCE]))
        .await
        .expect(200);
    let token = tokens.member("access_token");
    two.get_with("/userinfo", &format!("Bearer {token}"))
        .await
        .expect(200);
    assert_eq!(
        one.get("/oauth2/jwks").await.text,
        two.get("/oauth2/jwks").await.text
    );
    let replay = two
        .token(&redeem("app-orders", &code, &[SECRET, PKCE]))
        .await;
    assert_eq!(replay.error(), (400, "invalid_grant".to_owned()));
    one.get_with("/userinfo", &format!("Bearer {token}"))
        .await
        .expect(401);
}
