//! What goes on record at portal-api, and becomes the event `user.login` there.

use serde_json::{Value, json};

use crate::support::{Browser, SECRET, TestServer, VERIFIER, until};

/// Action, outcome, user, name and method of a record.
fn told(record: &Value) -> Value {
    assert_eq!(record["actor"]["type"], "user");
    assert_eq!(record["entity"], "user");
    assert_eq!(record["sourceAddress"], "127.0.0.1");
    assert_eq!(record["entityId"], record["actor"]["id"]);
    assert!(record["time"].is_string() && record["id"].is_string());
    json!([
        record["action"],
        record["outcome"],
        record["actor"]["id"],
        record["actor"]["email"],
        record["data"]["authMethod"],
    ])
}

fn of(server: &TestServer, entity: &str) -> Vec<Value> {
    let records = server.portal.records().into_iter();
    records.filter(|one| one["entity"] == entity).collect()
}

#[tokio::test]
async fn log_ins_and_log_outs_are_on_record_even_if_portal_api_takes_them_late() {
    let server = TestServer::start_with_client("app", "orders", "confidential", true).await;
    server.portal.refuse_records(8);
    let browser = server.browser();
    let page = browser
        .page(&Browser::authorize_url("app-orders", &[]))
        .await;
    let csrf = page.csrf();
    let wrong = [
        ("_csrf", &*csrf),
        ("username", "Ada@example.org"),
        ("password", "wrong"),
    ];
    let page = browser.submit("/local/login", &wrong).await.expect("login");
    browser.log_in(&page, "ada").await.expect(302);
    browser.get("/logout").await.expect(200);
    until("three records", || of(&server, "user").len() == 3).await;
    let told: Vec<Value> = of(&server, "user").iter().map(told).collect();
    assert_eq!(
        told,
        [
            json!(["login", "refused", null, "Ada@example.org", "local"]),
            json!(["login", "ok", "ada", null, "local"]),
            json!(["logout", "ok", "ada", null, "local"]),
        ]
    );
}

/// What a record about a token says.
fn token_told(record: &Value) -> Value {
    assert_eq!(record["data"]["clientId"], record["entityId"]);
    json!([
        record["action"],
        record["outcome"],
        record["actor"]["id"],
        record["entityId"],
        record["data"]["grant"],
        record["data"]["reason"],
    ])
}

#[tokio::test]
async fn tokens_are_on_record_when_they_are_issued_refused_and_revoked() {
    let server = TestServer::start().await;
    let kind = "confidential";
    server.portal.add_client("app", "orders", kind, true);
    let client = [("client_id", "app-orders"), SECRET];
    let with = |more: &[(&'static str, &str)]| -> Vec<(&'static str, String)> {
        let all = client.iter().chain(more);
        all.map(|(name, value)| (*name, (*value).to_owned()))
            .collect()
    };
    let send = async |path: &str, form: Vec<(&'static str, String)>| {
        let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
        server.post(path, &form).await
    };
    // One an hour of a client's own, one a minute of what is refused.
    for _ in 0..3 {
        let own = with(&[("grant_type", "client_credentials")]);
        send("/oauth2/token", own).await.expect(200);
        let wrong = [("grant_type", "refresh_token"), ("refresh_token", "x")];
        send("/oauth2/token", with(&wrong)).await.expect(400);
    }
    let code = server.browser().code("app-orders", &[]).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    let tokens = send("/oauth2/token", with(&form)).await.expect(200);
    let refresh = tokens.member("refresh_token");
    let form = [("grant_type", "refresh_token"), ("refresh_token", &refresh)];
    let tokens = send("/oauth2/token", with(&form)).await.expect(200);
    let refresh = tokens.member("refresh_token");
    send("/oauth2/revoke", with(&[("token", &refresh)]))
        .await
        .expect(200);
    until("four records", || of(&server, "token").len() == 4).await;
    let told: Vec<Value> = of(&server, "token").iter().map(token_told).collect();
    assert_eq!(
        told,
        [
            json!([
                "issue",
                null,
                null,
                "app-orders",
                "client_credentials",
                null
            ]),
            json!([
                "issue",
                "refused",
                null,
                "app-orders",
                null,
                "invalid_grant"
            ]),
            json!([
                "issue",
                null,
                "ada",
                "app-orders",
                "authorization_code",
                null
            ]),
            json!(["revoke", null, null, "app-orders", null, "revoked"]),
        ]
    );
}

#[tokio::test]
async fn consent_is_on_record_whether_given_or_not() {
    let server = TestServer::start().await;
    let kind = "confidential";
    server.portal.add_client("app", "orders", kind, false);
    let browser = server.browser();
    let authorize = Browser::authorize_url("app-orders", &[("scope", "read")]);
    browser.enter(&authorize, "ada").await;
    for action in ["deny", "allow"] {
        let page = browser.page(&authorize).await.expect("grant_scopes");
        let form = [("_csrf", &*page.csrf()), ("_action", action)];
        browser.post("/local/grant", &form).await.expect(302);
    }
    until("two records", || of(&server, "grant").len() == 2).await;
    let told: Vec<Value> = of(&server, "grant")
        .iter()
        .map(|one| json!([one["outcome"], one["actor"]["id"], one["data"]]))
        .collect();
    let about = json!({"applicationId": "app", "apiId": "orders", "scopes": ["read"]});
    assert_eq!(
        told,
        [
            json!(["refused", "ada", about]),
            json!(["ok", "ada", about])
        ]
    );
}
