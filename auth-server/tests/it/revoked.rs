//! Access tokens that end before their time: who learns of it, and how.

use chrono::TimeDelta;
use serde_json::{Value, json};
use service::clock;

use crate::support::{Answer, Browser, SECRET, TestServer, claims, parameter, until};

async fn server() -> TestServer {
    let server = TestServer::start().await;
    for (application, trusted) in [("app", true), ("other", true), ("asking", false)] {
        let kind = "confidential";
        server
            .portal
            .add_client(application, "orders", kind, trusted);
    }
    server
}

/// Tokens of the user `ada`.
async fn tokens(server: &TestServer, client: &str) -> Answer {
    let code = server.browser().code(client, &[]).await;
    server.redeem(client, &code).await
}

async fn feed(server: &TestServer, after: i64) -> Value {
    let bearer = format!("Bearer {}", server.service_token());
    let path = format!("/oauth2/revocations?after={after}");
    server.get_with(&path, &bearer).await.expect(200).json()
}

fn seq(feed: &Value) -> i64 {
    feed["seq"].as_i64().unwrap()
}

/// The next second of the clock: tokens tell no less.
async fn next_second() {
    let second = clock::now().timestamp();
    until("the next second", || clock::now().timestamp() > second).await;
}

#[tokio::test]
async fn a_reader_waits_for_news_and_gets_each_once() {
    let server = server().await;
    let token = tokens(&server, "app-orders").await.member("access_token");
    let waiting = feed(&server, 0);
    let revoking = async {
        let form = [("client_id", "app-orders"), SECRET, ("token", &token)];
        server.post("/oauth2/revoke", &form).await.expect(200);
    };
    let (told, ()) = tokio::join!(waiting, revoking);
    assert_eq!(told["issuer"], claims(&token)["iss"]);
    assert_eq!(told["after"], 0);
    let revoked = json!([{"jti": claims(&token)["jti"], "expires_at": claims(&token)["exp"]}]);
    assert_eq!(told["revocations"], revoked);
    let second = tokens(&server, "app-orders").await;
    let revoking = async {
        let token = second.member("refresh_token");
        let form = [("client_id", "app-orders"), SECRET, ("token", &token)];
        server.post("/oauth2/revoke", &form).await.expect(200);
    };
    let (more, ()) = tokio::join!(feed(&server, seq(&told)), revoking);
    let jti = &claims(&second.member("access_token"))["jti"];
    assert_eq!(more["revocations"][0]["jti"], *jti);
    assert_eq!(more["revocations"].as_array().unwrap().len(), 1);
    assert_eq!(more["after"], told["seq"]);
    // Whoever knows more than there is begins anew.
    let again = feed(&server, seq(&more) + 1000).await;
    assert_eq!(again["after"], 0);
    assert_eq!(again["revocations"].as_array().unwrap().len(), 2);
    assert_eq!(again["seq"], more["seq"]);
}

#[tokio::test]
async fn only_services_read_the_list() {
    let server = server().await;
    let token = tokens(&server, "app-orders").await.member("access_token");
    server.get("/oauth2/revocations").await.expect(401);
    let bearer = format!("Bearer {token}");
    server
        .get_with("/oauth2/revocations", &bearer)
        .await
        .expect(401);
    let bearer = format!("Bearer {}", server.service_token());
    for wrong in ["-1", "x", "99999999999999999999"] {
        let path = format!("/oauth2/revocations?after={wrong}");
        server.get_with(&path, &bearer).await.expect(400);
    }
}

#[tokio::test]
async fn a_deleted_user_has_nothing_left() {
    let server = server().await;
    let browser = server.browser();
    let code = browser.code("app-orders", &[]).await;
    let token = server
        .redeem("app-orders", &code)
        .await
        .member("access_token");
    assert!(server.is_active(&token).await);
    server.portal.remove_user("ada");
    let event = json!({"deletedUserId": "ada", "userId": "admin"});
    server.portal.tell("user", "delete", event).await;
    assert!(!server.is_active(&token).await);
    let told = feed(&server, 0).await;
    let of_user = told["revocations"].as_array().unwrap().iter();
    let of_user = of_user
        .filter(|one| one["sub"] == "ada")
        .collect::<Vec<_>>();
    assert_eq!(of_user.len(), 1, "{told}");
    let not_before = of_user[0]["not_before"].as_i64().unwrap();
    assert!(not_before > claims(&token)["iat"].as_i64().unwrap());
    // His browser is logged out, too.
    let authorize = Browser::authorize_url("other-orders", &[]);
    browser.page(&authorize).await.expect("login");
}

#[tokio::test]
async fn f23_a_locked_user_and_an_old_password_end_tokens() {
    let server = server().await;
    let old = tokens(&server, "app-orders").await.member("access_token");
    // Further back than clocks may differ.
    let ended = clock::now() + TimeDelta::seconds(3);
    until("later", || clock::now() > ended).await;
    server.portal.end_sessions("ada", ended);
    let event = json!({"updatedUserId": "ada"});
    server.portal.tell("user", "update", event.clone()).await;
    assert!(!server.is_active(&old).await);
    next_second().await;
    let new = tokens(&server, "app-orders").await.member("access_token");
    // The same news again ends nothing that came after.
    server.portal.tell("user", "update", event.clone()).await;
    let password = json!({"userId": "ada"});
    server.portal.tell("user", "password", password).await;
    assert!(server.is_active(&new).await);
    server.portal.lock("ada");
    server.portal.tell("user", "update", event).await;
    assert!(!server.is_active(&new).await);
}

#[tokio::test]
async fn consent_withdrawn_elsewhere_ends_what_rests_on_it() {
    let server = server().await;
    let asking = tokens(&server, "asking-orders")
        .await
        .member("access_token");
    let app = tokens(&server, "app-orders").await.member("access_token");
    let event = json!({"userId": "ada", "applicationId": "asking", "apiId": "orders"});
    server.portal.tell("grant", "delete", event).await;
    assert!(!server.is_active(&asking).await);
    assert!(server.is_active(&app).await, "another application's");
}

#[tokio::test]
async fn a_logged_out_session_is_one_entry() {
    let server = server().await;
    let browser = server.browser();
    let first = browser.code("app-orders", &[]).await;
    let authorize = Browser::authorize_url("other-orders", &[]);
    let second = browser.get(&authorize).await.expect(302).location();
    let second = parameter(&second, "code").unwrap();
    let mut had = Vec::new();
    for (client, code) in [("app-orders", first), ("other-orders", second)] {
        had.push(server.redeem(client, &code).await.member("access_token"));
    }
    browser.get("/logout").await.expect(200);
    let told = feed(&server, 0).await;
    assert_eq!(told["revocations"].as_array().unwrap().len(), 1, "{told}");
    for token in &had {
        assert_eq!(told["revocations"][0]["sid"], claims(token)["sid"]);
        assert!(!server.is_active(token).await);
    }
}

#[tokio::test]
async fn two_instances_tell_the_same() {
    let Some((one, two)) = TestServer::start_two().await else {
        return;
    };
    one.portal.add_client("app", "orders", "confidential", true);
    let token = tokens(&one, "app-orders").await.member("access_token");
    let revoking = async {
        let form = [("client_id", "app-orders"), SECRET, ("token", &token)];
        one.post("/oauth2/revoke", &form).await.expect(200);
    };
    let (told, ()) = tokio::join!(feed(&two, 0), revoking);
    assert_eq!(told["revocations"][0]["jti"], claims(&token)["jti"]);
    assert!(!two.is_active(&token).await);
}
