//! The own account: sessions and personal access tokens, as JSON and as pages.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use service::clock;

use crate::support::{Answer, Browser, SECRET, TestServer, claims, parameter};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// A server with its portal, and the portal's client id.
async fn server() -> (TestServer, String) {
    let server = TestServer::start().await;
    let portal = server.portal.add_portal_client();
    let kind = "confidential";
    server.portal.add_client("app", "portal-api", kind, true);
    server.portal.add_registration("wicked", "ada", None);
    (server, portal)
}

/// A browser in which ada is logged in at the portal, and the portal's token.
async fn log_in<'s>(server: &'s TestServer, portal: &str) -> (Browser<'s>, String) {
    let browser = server.browser();
    let code = browser.code(portal, &[]).await;
    let token = server.redeem(portal, &code).await.member("access_token");
    (browser, token)
}

async fn get(server: &TestServer, path: &str, token: &str) -> Answer {
    server.call(Method::GET, path, token, None).await
}

async fn delete(server: &TestServer, path: &str, token: &str) -> Answer {
    server.call(Method::DELETE, path, token, None).await
}

fn in_days(days: i64) -> String {
    (clock::now() + TimeDelta::days(days)).to_rfc3339()
}

async fn create(server: &TestServer, token: &str, body: Value) -> Answer {
    let path = "/account/tokens";
    server.call(Method::POST, path, token, Some(body)).await
}

async fn exchange(server: &TestServer, client: &str, personal: &str) -> Answer {
    let form = [
        ("grant_type", EXCHANGE),
        ("client_id", client),
        SECRET,
        ("subject_token", personal),
        ("subject_token_type", ACCESS_TOKEN),
    ];
    server.token(&form).await
}

#[tokio::test]
async fn sessions_are_listed_and_ended_with_all_that_came_out_of_them() {
    let (server, portal) = server().await;
    let (_, here) = log_in(&server, &portal).await;
    let (elsewhere, there) = log_in(&server, &portal).await;
    let (_, third) = log_in(&server, &portal).await;
    let list = get(&server, "/account/sessions", &here).await.expect(200);
    let list = list.json();
    assert_eq!(list["count"], 3);
    let current: Vec<&Value> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["current"] == true)
        .collect();
    assert_eq!(current.len(), 1);
    assert_eq!(current[0]["id"], claims(&here)["sid"]);
    assert_eq!(current[0]["address"], "127.0.0.1");
    assert_eq!(current[0]["methods"], json!(["local"]));
    let agent = current[0]["userAgent"].as_str().unwrap();
    assert!(agent.starts_with("wicketgate/"), "{agent}");

    let other = claims(&there)["sid"].as_str().unwrap().to_owned();
    let path = format!("/account/sessions/{other}");
    delete(&server, &path, &here).await.expect(204);
    delete(&server, &path, &here).await.expect(404);
    assert!(!server.is_active(&there).await);
    assert!(server.is_active(&third).await);
    let silent = Browser::authorize_url(&portal, &[("prompt", "none")]);
    let silent = elsewhere.get(&silent).await.expect(302).location();
    assert_eq!(
        parameter(&silent, "error").as_deref(),
        Some("login_required")
    );

    delete(&server, "/account/sessions", &here)
        .await
        .expect(204);
    assert!(!server.is_active(&third).await);
    assert!(server.is_active(&here).await);
    let list = get(&server, "/account/sessions", &here).await.json();
    assert_eq!(list["count"], 1);
}

#[tokio::test]
async fn only_the_portal_sees_the_account_and_only_of_its_own_user() {
    let (server, portal) = server().await;
    let (browser, _) = log_in(&server, &portal).await;
    let authorize = Browser::authorize_url("app-portal-api", &[]);
    let code = browser.get(&authorize).await.expect(302).location();
    let code = parameter(&code, "code").unwrap();
    let app = server.redeem("app-portal-api", &code).await;
    let app = app.member("access_token");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &portal),
        SECRET,
    ];
    let nobody = server.token(&form).await.expect(200);
    let nobody = nobody.member("access_token");
    for token in [&app, &nobody] {
        for path in ["/account/sessions", "/account/tokens"] {
            get(&server, path, token).await.expect(403);
        }
        delete(&server, "/account/sessions", token)
            .await
            .expect(403);
        create(&server, token, json!({})).await.expect(403);
    }
    get(&server, "/account/sessions", "x").await.expect(401);
    // Ada's sessions are none of Bob's.
    server.portal.add_user("bob", &[]);
    server.portal.add_registration("wicked", "bob", None);
    let bobs = server.browser();
    let page = bobs.page(&Browser::authorize_url(&portal, &[])).await;
    let code = bobs.log_in(&page, "bob").await.expect(302).location();
    let code = parameter(&code, "code").unwrap();
    let bob = server.redeem(&portal, &code).await.member("access_token");
    let list = get(&server, "/account/sessions", &bob).await.json();
    assert_eq!(list["count"], 1);
    let adas = claims(&app)["sid"].as_str().unwrap().to_owned();
    let path = format!("/account/sessions/{adas}");
    delete(&server, &path, &bob).await.expect(404);
    assert!(server.is_active(&app).await);
}

#[tokio::test]
async fn a_personal_token_is_shown_once_and_exchanged_until_it_ends() {
    let (server, portal) = server().await;
    let (_, here) = log_in(&server, &portal).await;
    let wanted = json!({"name": " nightly ", "scopes": ["read"], "expiresAt": in_days(30)});
    let made = create(&server, &here, wanted).await.expect(201).json();
    let personal = made["token"].as_str().unwrap().to_owned();
    assert!(personal.starts_with("wgp_") && personal.len() == 47);
    assert_eq!(made["name"], "nightly");
    assert_eq!(made["scopes"], json!(["read"]));
    assert!(personal.ends_with(made["last4"].as_str().unwrap()));
    let list = get(&server, "/account/tokens", &here).await.json();
    assert_eq!(list["count"], 1);
    assert!(list["items"][0].get("token").is_none());
    assert!(list["items"][0]["lastUsedAt"].is_null());

    let answer = exchange(&server, &portal, &personal).await.expect(200);
    assert_eq!(answer.json()["issued_token_type"], ACCESS_TOKEN);
    assert_eq!(answer.member("scope"), "read");
    assert!(answer.json().get("refresh_token").is_none());
    let access = answer.member("access_token");
    assert_eq!(claims(&access)["sub"], "ada");
    assert_eq!(claims(&access)["aud"], "portal-api");
    assert!(
        claims(&access).get("sid").is_none(),
        "no log-in stands behind"
    );
    assert!(server.is_active(&access).await);
    get(&server, "/account/tokens", &access).await.expect(403);
    let list = get(&server, "/account/tokens", &here).await.json();
    assert!(list["items"][0]["lastUsedAt"].is_string());

    let foreign = exchange(&server, "app-portal-api", &personal).await;
    assert_eq!(foreign.error(), (400, "unauthorized_client".to_owned()));
    for wrong in ["wgp_unknown", &access] {
        let refused = exchange(&server, &portal, wrong).await.error();
        assert_eq!(refused, (400, "invalid_grant".to_owned()));
    }
    let path = format!("/account/tokens/{}", made["id"].as_str().unwrap());
    delete(&server, &path, &here).await.expect(204);
    delete(&server, &path, &here).await.expect(404);
    assert!(!server.is_active(&access).await);
    let refused = exchange(&server, &portal, &personal).await.error();
    assert_eq!(refused, (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn personal_tokens_have_bounds_and_end_with_their_user() {
    let (server, portal) = server().await;
    let (_, here) = log_in(&server, &portal).await;
    let good = || json!({"name": "n", "scopes": ["read"], "expiresAt": in_days(1)});
    for (member, wrong) in [
        ("name", json!("")),
        ("name", json!("x".repeat(101))),
        ("name", json!("a\u{7}b")),
        ("scopes", json!([])),
        ("scopes", json!(["fly"])),
        ("scopes", json!(["wicked:dev"])),
        ("expiresAt", json!(null)),
        ("expiresAt", json!(in_days(-1))),
        ("expiresAt", json!(in_days(400))),
    ] {
        let mut body = good();
        body[member] = wrong.clone();
        let refused = create(&server, &here, body).await.expect(400).json();
        assert_eq!(refused["errors"][0]["field"], member, "{wrong}");
    }
    for _ in 0..50 {
        create(&server, &here, good()).await.expect(201);
    }
    create(&server, &here, good()).await.expect(409);
    let list = get(&server, "/account/tokens", &here).await.json();
    let path = format!(
        "/account/tokens/{}",
        list["items"][0]["id"].as_str().unwrap()
    );
    delete(&server, &path, &here).await.expect(204);
    let made = create(&server, &here, good()).await.expect(201);
    let personal = made.member("token");
    server.portal.lock("ada");
    let refused = exchange(&server, &portal, &personal).await.error();
    assert_eq!(refused, (400, "invalid_grant".to_owned()));
    let event = json!({"deletedUserId": "ada"});
    server.portal.remove_user("ada");
    server.portal.tell("user", "delete", event).await;
    server.portal.add_user("ada", &[]);
    let refused = exchange(&server, &portal, &personal).await.error();
    assert_eq!(refused, (400, "invalid_grant".to_owned()), "gone for good");
}

#[tokio::test]
async fn the_pages_do_the_same_for_a_browser() {
    let (server, portal) = server().await;
    let stranger = server.browser();
    for path in ["/account/sessions", "/account/tokens"] {
        let to = stranger.get(path).await.expect(302).location();
        assert!(to.path().ends_with("/local/login"), "{to}");
        stranger.post(path, &[("end", "")]).await.expect(403);
    }
    let (browser, _) = log_in(&server, &portal).await;
    let (_, there) = log_in(&server, &portal).await;
    let page = browser
        .page("/account/sessions")
        .await
        .expect("account_sessions");
    assert_eq!(page.model["sessions"].as_array().unwrap().len(), 2);
    let forged = [("_csrf", "account-x"), ("end", "")];
    browser.post("/account/sessions", &forged).await.expect(403);
    assert!(server.is_active(&there).await);
    let csrf = page.csrf();
    let form = [("_csrf", csrf.as_str())];
    let page = browser
        .submit("/account/sessions", &form)
        .await
        .expect("account_sessions");
    assert_eq!(page.model["ended"], true);
    assert_eq!(page.model["sessions"].as_array().unwrap().len(), 1);
    assert!(!server.is_active(&there).await);

    let page = browser
        .page("/account/tokens")
        .await
        .expect("account_tokens");
    let csrf = page.csrf();
    let form = [("_csrf", csrf.as_str()), ("name", "n"), ("days", "7")];
    let refused = browser
        .submit("/account/tokens", &form)
        .await
        .expect("account_tokens");
    assert_eq!(refused.answer.status, 400);
    assert!(refused.model["errorMessage"].is_string());
    let csrf = refused.csrf();
    let form = [
        ("_csrf", csrf.as_str()),
        ("name", "n"),
        ("days", "7"),
        ("scope:read", "on"),
        ("scope:write", "on"),
    ];
    let made = browser
        .submit("/account/tokens", &form)
        .await
        .expect("account_tokens");
    assert_eq!(made.answer.status, 201);
    let personal = made.model["token"].as_str().unwrap();
    let answer = exchange(&server, &portal, personal).await.expect(200);
    assert_eq!(answer.member("scope"), "read write");
    let csrf = made.csrf();
    let id = made.model["tokens"][0]["id"].as_str().unwrap();
    let form = [("_csrf", csrf.as_str()), ("delete", id)];
    let ended = browser
        .submit("/account/tokens", &form)
        .await
        .expect("account_tokens");
    assert_eq!(ended.model["tokens"], json!([]));
    let refused = exchange(&server, &portal, personal).await;
    assert_eq!(refused.error(), (400, "invalid_grant".to_owned()));

    for path in ["/account/sessions", "/account/tokens"] {
        let accept = "text/html, application/json;q=0.1";
        let answer = browser.get_html(path, accept, "de").await.expect(200);
        let language = "lang=\"de\"";
        assert!(answer.text.contains(language), "{}", answer.text);
        assert!(answer.text.contains("<h1>"));
    }
}
