//! Scopes (11): what a subscription may have, what the answer says of it, what an API demands.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Browser, SECRET, TestServer, code_of, parameter};

/// Application, whether it is trusted, mode and list of the scopes that it may have, request, answer.
type Row<'a> = (&'a str, bool, &'a str, &'a [&'a str], &'a str, &'a str);

#[tokio::test]
async fn an_answer_names_what_the_subscription_left_of_the_request() {
    let server = TestServer::start().await;
    let rows: &[Row] = &[
        ("free", false, "all", &[], "", ""),
        ("some", false, "all", &[], "write read", "write read"),
        ("comma", false, "all", &[], "write,read", "write read"),
        ("semicolon", false, "all", &[], "read;write", "read write"),
        ("none", false, "none", &[], "read write", ""),
        ("one", false, "select", &["write"], "read write", "write"),
        ("trusted", true, "all", &[], "", "read write"),
        ("modest", true, "all", &[], "write", "write"),
    ];
    for (name, trusted, mode, allowed, scope, granted) in rows {
        let portal = &server.portal;
        let client = portal.add_client(name, "orders", "confidential", *trusted);
        portal.limit_scopes(&client, mode, allowed);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &*client),
            SECRET,
            ("scope", scope),
        ];
        for url in ["/oauth2/token", "/local/api/orders/token"] {
            let answer = server.post(url, &form).await.expect(200);
            assert_eq!(answer.member("scope"), *granted, "{name}");
            // Token calls make no sessions (F9).
            assert!(answer.headers.get("set-cookie").is_none());
        }
    }
    // A user is asked for what is left, and gets it with the scopes of his groups.
    let browser = server.browser();
    let url = Browser::authorize_url("one-orders", &[("scope", "read write")]);
    let asked = browser.enter(&url, "ada").await.expect(200).json();
    let request = asked["grantRequests"].as_array().unwrap();
    assert_eq!(request.len(), 1, "{asked}");
    assert_eq!(request[0]["scope"], "write");
    let csrf = asked["csrfToken"].as_str().unwrap();
    let form = [("_csrf", csrf), ("_action", "allow")];
    let target = browser.post("/local/grant", &form).await.expect(302);
    let code = code_of(&target.location());
    let tokens = server.redeem("one-orders", &code).await;
    assert_eq!(tokens.member("scope"), "write wicked:dev");
}

#[tokio::test]
async fn where_a_scope_is_demanded_none_is_not_enough_and_a_group_is() {
    let server = TestServer::start_with_old_grants().await;
    server
        .portal
        .add_api(json!({"id": "strict", "auth": "oauth2",
        "authMethods": ["default:local"], "settings": {"mandatory_scope": "true",
            "enable_client_credentials": true, "enable_authorization_code": true,
            "enable_implicit_grant": true, "scopes": {"read": {"description": ""}}}}));
    let client = server
        .portal
        .add_client("app", "strict", "confidential", false);
    server.portal.add_user("bob", &[]);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &*client),
        SECRET,
    ];
    for url in ["/oauth2/token", "/local/api/strict/token"] {
        let refused = server.post(url, &form).await;
        assert_eq!(refused.error(), (400, "invalid_scope".to_owned()));
    }
    for kind in ["code", "token"] {
        for (user, error) in [("ada", None), ("bob", Some("invalid_scope"))] {
            let browser = server.browser();
            let url = Browser::authorize_url(&client, &[]);
            let url = url.replace("response_type=code", &format!("response_type={kind}"));
            let page = browser.page(&url).await.expect("login");
            let target = browser.log_in(&page, user).await.expect(302).location();
            let told = target.fragment().map_or_else(
                || parameter(&target, "error"),
                |fragment| {
                    let mut members = url::form_urlencoded::parse(fragment.as_bytes());
                    let found = members.find(|(name, _)| name == "error");
                    found.map(|(_, value)| value.into_owned())
                },
            );
            assert_eq!(told.as_deref(), error, "{kind} {user}: {target}");
            if let Some(code) = parameter(&target, "code") {
                let tokens = server.redeem(&client, &code).await;
                assert_eq!(tokens.member("scope"), "wicked:dev");
            }
        }
    }
}

#[tokio::test]
async fn f25_a_new_scope_counts_without_a_restart() {
    let server = TestServer::start().await;
    let api = |scopes: &str| {
        json!({"id": "growing", "auth": "oauth2", "settings": {
            "enable_client_credentials": true, "scopes": scopes}})
    };
    server.portal.add_api(api("read"));
    let client = server
        .portal
        .add_client("app", "growing", "confidential", false);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &*client),
        SECRET,
        ("scope", "fly"),
    ];
    let refused = server.token(&form).await;
    assert_eq!(refused.error(), (400, "invalid_scope".to_owned()));
    server.portal.add_api(api("read fly"));
    let began = Instant::now();
    while server.token(&form).await.status != 200 {
        assert!(began.elapsed() < Duration::from_secs(20), "not yet");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn f5_scopes_of_groups_are_not_given_for_the_asking() {
    let server = TestServer::start().await;
    let client = server
        .portal
        .add_client("app", "orders", "confidential", true);
    let asked = ("scope", "read wicked:admin");
    let own = ("client_id", &*client);
    let form = [("grant_type", "client_credentials"), own, SECRET, asked];
    for url in ["/oauth2/token", "/local/api/orders/token"] {
        let refused = server.post(url, &form).await;
        assert_eq!(refused.error(), (400, "invalid_scope".to_owned()));
    }
    let browser = server.browser();
    let url = Browser::authorize_url(&client, &[asked]);
    for url in [
        url.replace("/oauth2/authorize", "/local/api/orders/authorize"),
        url,
    ] {
        let target = browser.get(&url).await.expect(302).location();
        let error = parameter(&target, "error");
        assert_eq!(error.as_deref(), Some("invalid_scope"));
    }
    let form = [own, SECRET, asked];
    let device = server.post("/oauth2/device_authorization", &form).await;
    assert_eq!(device.error(), (400, "invalid_scope".to_owned()));
    let code = browser.code(&client, &[]).await;
    let token = server.redeem(&client, &code).await.member("refresh_token");
    let form = [
        ("grant_type", "refresh_token"),
        own,
        SECRET,
        asked,
        ("refresh_token", &token),
    ];
    let refused = server.token(&form).await;
    assert_eq!(refused.error(), (400, "invalid_scope".to_owned()));
    server
        .post("/orders/v1/oauth2/token", &form)
        .await
        .expect(404);
}

#[tokio::test]
async fn f2_a_session_says_who_and_nothing_else() {
    let server = TestServer::start().await;
    for api in ["orders", "tenants"] {
        server.portal.add_client("app", api, "confidential", true);
    }
    server
        .portal
        .add_registration("tenants", "ada", Some("acme"));
    let browser = server.browser();
    let silently = async |client: &str| {
        let url = Browser::authorize_url(client, &[("prompt", "none")]);
        let target = browser.get(&url).await.expect(302).location();
        let code = code_of(&target);
        (target, server.redeem(client, &code).await)
    };
    let target = browser
        .enter(&Browser::authorize_url("app-tenants", &[]), "ada")
        .await
        .expect(302)
        .location();
    assert_eq!(parameter(&target, "namespace").as_deref(), Some("acme"));
    // The tenant of one API is not that of the next, and the groups are those of now.
    let (target, tokens) = silently("app-orders").await;
    assert_eq!(parameter(&target, "namespace"), None);
    assert_eq!(tokens.member("scope"), "read write wicked:dev");
    server.portal.change_user("ada", &["admin"], false);
    let (_, tokens) = silently("app-orders").await;
    assert_eq!(tokens.member("scope"), "read write wicked:admin");
    // What a silent request cannot ask is asked of nobody.
    let url = Browser::authorize_url(
        "app-tenants",
        &[("prompt", "none"), ("namespace", "initech")],
    );
    let target = browser.get(&url).await.expect(302).location();
    let error = parameter(&target, "error");
    assert_eq!(error.as_deref(), Some("interaction_required"));
}
