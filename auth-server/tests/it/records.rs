//! What goes on record at portal-api, and becomes the event `user.login` there.

use serde_json::{Value, json};

use crate::support::{Browser, TestServer, until};

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

#[tokio::test]
async fn log_ins_and_log_outs_are_on_record_even_if_portal_api_takes_them_late() {
    let server = TestServer::start().await;
    server
        .portal
        .add_client("app", "orders", "confidential", true);
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
    until("three records", || server.portal.records().len() == 3).await;
    let told: Vec<Value> = server.portal.records().iter().map(told).collect();
    assert_eq!(
        told,
        [
            json!(["login", "refused", null, "Ada@example.org", "local"]),
            json!(["login", "ok", "ada", null, "local"]),
            json!(["logout", "ok", "ada", null, "local"]),
        ]
    );
}
