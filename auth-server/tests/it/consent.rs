//! Registration, choice of a tenant, consent.

use crate::support::{Browser, SECRET, TestServer, claims, parameter};

#[tokio::test]
async fn an_untrusted_application_needs_consent_once() {
    let server = TestServer::start_with_client("app", "orders", "confidential", false).await;
    let browser = server.browser();
    let url = Browser::authorize_url("app-orders", &[("scope", "read")]);
    let page = browser.enter_page(&url, "ada").await.expect("grant_scopes");
    assert_eq!(page.model["grantRequests"][0]["scope"], "read");
    assert_eq!(page.model["grantRequests"][0]["description"], "Read orders");
    assert_eq!(page.model["appInfo"]["name"], "APP");
    let csrf = page.csrf();
    let quiet = Browser::authorize_url("app-orders", &[("scope", "read"), ("prompt", "none")]);
    let silent = browser.get(&quiet).await.location();
    assert_eq!(
        parameter(&silent, "error").as_deref(),
        Some("consent_required")
    );
    browser
        .post("/local/grant", &[("_csrf", &csrf), ("_action", "maybe")])
        .await
        .expect(400);
    let denied = browser
        .post("/local/grant", &[("_csrf", &csrf), ("_action", "deny")])
        .await
        .location();
    assert_eq!(
        parameter(&denied, "error").as_deref(),
        Some("access_denied")
    );
    assert_eq!(parameter(&denied, "state").as_deref(), Some("xyz"));
    let allowed = browser
        .post("/local/grant", &[("_csrf", &csrf), ("_action", "allow")])
        .await
        .location();
    let code = parameter(&allowed, "code").unwrap();
    let refresh = server
        .redeem("app-orders", &code)
        .await
        .member("refresh_token");
    browser.get(&url).await.expect(302);
    // Withdrawn: asked again, and the tokens have ended.
    let page = browser.page("/local/grants").await.expect("scope_list");
    assert_eq!(page.model["grants"][0]["appInfo"]["name"], "APP");
    let form = [
        ("_csrf", &*page.csrf()),
        ("revoke_app", "app"),
        ("revoke_api", "orders"),
    ];
    let page = browser
        .submit("/local/grants", &form)
        .await
        .expect("scope_list");
    assert_eq!(page.model["flashMessage"]["type"], "success");
    let again = browser.submit("/local/grants", &form).await;
    let again = again.expect("scope_list").model;
    assert_eq!(again["flashMessage"]["type"], "warning");
    browser.post("/local/grants", &form[..2]).await.expect(400);
    let stranger = server.browser().post("/local/grants", &form).await;
    assert_eq!(stranger.expect(302).location().path(), "/auth/local/login");
    browser.page(&url).await.expect("grant_scopes");
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
}

#[tokio::test]
async fn who_agrees_for_this_once_is_asked_again_and_leaves_nothing_to_refresh() {
    let server = TestServer::start_with_client("app", "orders", "confidential", false).await;
    let browser = server.browser();
    let url = Browser::authorize_url("app-orders", &[("scope", "read")]);
    let asked = browser.enter(&url, "ada").await.json();
    let csrf = asked["csrfToken"].as_str().unwrap();
    let agree = [("_csrf", csrf), ("_action", "allow"), ("remember", "once")];
    let target = browser.post("/local/grant", &agree).await.expect(302);
    let code = parameter(&target.location(), "code").unwrap();
    let tokens = server.redeem("app-orders", &code).await;
    assert_eq!(tokens.member("scope"), "read wicked:dev");
    assert!(tokens.json().get("refresh_token").is_none());
    assert!(server.is_active(&tokens.member("access_token")).await);
    browser.page(&url).await.expect("grant_scopes");
    let list = browser.page("/local/grants").await.expect("scope_list");
    assert_eq!(list.model["grants"], serde_json::json!([]));
}

#[tokio::test]
async fn who_agrees_for_some_time_is_asked_again_after_it() {
    let server = TestServer::start_with_client("app", "orders", "confidential", false).await;
    let browser = server.browser();
    let url = Browser::authorize_url("app-orders", &[("scope", "read")]);
    let asked = browser.enter(&url, "ada").await.json();
    let csrf = asked["csrfToken"].as_str().unwrap();
    let mut agree = [("_csrf", csrf), ("_action", "allow"), ("remember", "ever")];
    browser.post("/local/grant", &agree).await.expect(400);
    agree[2].1 = "month";
    let target = browser.post("/local/grant", &agree).await.expect(302);
    let code = parameter(&target.location(), "code").unwrap();
    let refresh = server.redeem("app-orders", &code).await;
    let refresh = refresh.member("refresh_token");
    let form = |refresh| {
        [
            ("grant_type", "refresh_token"),
            ("client_id", "app-orders"),
            SECRET,
            ("refresh_token", refresh),
        ]
    };
    // What is added later for good does not prolong it.
    let more = Browser::authorize_url("app-orders", &[("scope", "read write")]);
    let page = browser.page(&more).await.expect("grant_scopes");
    assert_eq!(page.model["grantRequests"].as_array().unwrap().len(), 1);
    let agree = [("_csrf", &*page.csrf()), ("_action", "allow")];
    browser.post("/local/grant", &agree).await.expect(302);
    let list = browser.page("/local/grants").await.expect("scope_list");
    let granted = list.model["grants"][0]["grants"].as_array().unwrap();
    let end: chrono::DateTime<chrono::Utc> =
        granted[0]["expiresDate"].as_str().unwrap().parse().unwrap();
    let days = (end - service::clock::now()).num_hours();
    assert!((30 * 24 - 1..=30 * 24).contains(&days), "{days}");
    assert!(granted[1]["expiresDate"].is_null(), "{granted:?}");
    let html = browser
        .html("/local/grants", ("accept-language", "en"))
        .await;
    assert!(html.text.contains("read, until "), "{}", html.text);

    server.portal.let_grants_age(chrono::TimeDelta::days(29));
    browser.get(&url).await.expect(302);
    let refresh = server.token(&form(&refresh)).await.expect(200);
    let refresh = refresh.member("refresh_token");
    server.portal.let_grants_age(chrono::TimeDelta::days(31));
    let error = server.token(&form(&refresh)).await.error();
    assert_eq!(error, (400, "invalid_grant".to_owned()));
    let page = browser.page(&more).await.expect("grant_scopes");
    assert_eq!(page.model["grantRequests"][0]["scope"], "read");
    assert_eq!(page.model["grantRequests"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_api_with_a_pool_asks_for_registration_first() {
    let server = TestServer::start_with_client("portal", "portal-api", "confidential", true).await;
    let browser = server.browser();
    let url = Browser::authorize_url("portal-portal-api", &[]);
    let page = browser.enter_page(&url, "ada").await.expect("register");
    assert_eq!(page.model["nonce"], page.model["csrfToken"]);
    let silent = browser
        .get(&Browser::authorize_url(
            "portal-portal-api",
            &[("prompt", "none")],
        ))
        .await;
    assert_eq!(
        parameter(&silent.location(), "error").as_deref(),
        Some("interaction_required")
    );
    let empty = browser
        .submit("/local/register", &[("nonce", &page.csrf()), ("name", "")])
        .await;
    assert_eq!(empty.answer.status, 400);
    let csrf = empty.expect("register").csrf();
    let form = [
        ("nonce", csrf.as_str()),
        ("name", "Ada Lovelace"),
        ("company", "Engines"),
        ("email", "x"),
    ];
    let target = browser
        .post("/local/register", &form)
        .await
        .expect(302)
        .location();
    let code = parameter(&target, "code").unwrap();
    let token = server
        .redeem("portal-portal-api", &code)
        .await
        .member("access_token");
    let profile = server.get_with("/profile", &token).await.expect(200).json();
    assert_eq!(profile["name"], "Ada Lovelace");
    assert_eq!(profile["wicked.haufe.io:company"], "Engines");
    assert_eq!(profile["email"], "ada@example.org");
}

#[tokio::test]
async fn where_nobody_may_register_there_is_no_way_in_and_no_sign_up() {
    let server = TestServer::start_beside(|portal| {
        portal.add_api(
            serde_json::json!({"id": "shut", "auth": "oauth2", "authMethods": ["default:local"],
            "registrationPool": "closed", "settings": {"enable_authorization_code": true}}),
        );
    })
    .await;
    server
        .portal
        .add_client("app", "shut", "confidential", true);
    let browser = server.browser();
    let url = Browser::authorize_url("app-shut", &[]);
    let page = browser.page(&url).await.expect("login");
    assert_eq!(page.model["disableSignup"], true);
    browser.get("/local/signup").await.expect(403);
    let form = [("_csrf", "signup-x")];
    browser.post("/local/signup", &form).await.expect(403);
    browser.log_in(&page, "ada").await.expect(403);
    server.portal.add_registration("closed", "ada", None);
    browser.get(&url).await.expect(302);
}

#[tokio::test]
async fn f1_a_tenant_comes_from_a_registration_and_from_nowhere_else() {
    let server = TestServer::start_with_client("app", "tenants", "confidential", true).await;
    let browser = server.browser();
    browser
        .enter(&Browser::authorize_url("app-tenants", &[]), "ada")
        .await
        .expect(400);
    for tenant in ["acme", "globex"] {
        let url = Browser::authorize_url("app-tenants", &[("namespace", tenant)]);
        let page = browser.page(&url).await.expect("register");
        let form = [("nonce", &*page.csrf()), ("name", "Ada")];
        let target = browser
            .post("/local/register", &form)
            .await
            .expect(302)
            .location();
        assert_eq!(parameter(&target, "namespace").as_deref(), Some(tenant));
    }
    // One that does not exist any more is not offered.
    server
        .portal
        .add_registration("tenants", "ada", Some("gone"));
    let page = browser
        .page(&Browser::authorize_url("app-tenants", &[]))
        .await
        .expect("select_namespace");
    let offered = |namespace: &str| {
        serde_json::json!({"namespace": namespace, "poolId": "tenants",
            "description": format!("The {namespace} company")})
    };
    assert_eq!(
        page.model["namespaces"],
        serde_json::json!([offered("acme"), offered("globex")])
    );
    let csrf = page.csrf();
    let foreign = [("_csrf", csrf.as_str()), ("namespace", "initech")];
    browser
        .post("/local/selectnamespace", &foreign)
        .await
        .expect(400);
    let form = [("_csrf", csrf.as_str()), ("namespace", "globex")];
    let target = browser
        .post("/local/selectnamespace", &form)
        .await
        .expect(302)
        .location();
    let code = parameter(&target, "code").unwrap();
    let token = server
        .redeem("app-tenants", &code)
        .await
        .member("access_token");
    assert_eq!(
        claims(&token)["authenticated_userid"],
        "sub=ada;namespace=globex"
    );
    for bad in ["a;b", "UPPER", "initech", ""] {
        let url = Browser::authorize_url("app-tenants", &[("namespace", bad), ("prompt", "none")]);
        let target = browser.get(&url).await.location();
        assert!(parameter(&target, "code").is_none(), "{bad}");
    }
}
