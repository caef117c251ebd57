//! Devices without a browser (RFC 8628).

use serde_json::Value;

use crate::support::{Answer, Browser, Form, SECRET, TestServer, claims};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn server() -> TestServer {
    let server = TestServer::start_with_client("tv", "orders", "public_native", true).await;
    server
        .portal
        .add_client("cli", "orders", "public_native", false);
    server
        .portal
        .add_client("job", "machines", "confidential", true);
    server
}

async fn begin(server: &TestServer, client: &str, scope: &str) -> Answer {
    let form = [("client_id", client), ("scope", scope)];
    let answer = server.post("/oauth2/device_authorization", &form).await;
    assert_eq!(
        answer.headers["cache-control"],
        "no-store, no-cache, must-revalidate, proxy-revalidate"
    );
    answer.expect(200)
}

async fn poll(server: &TestServer, client: &str, device_code: &str) -> Answer {
    let form = [
        ("grant_type", GRANT),
        ("client_id", client),
        ("device_code", device_code),
    ];
    server.token(&form).await
}

/// Types the code in; answers the page that follows.
async fn enter(browser: &Browser<'_>, code: &str) -> Value {
    let page = browser.page("/device").await.expect("device");
    let form = [("_csrf", page.csrf()), ("user_code", code.to_owned())];
    let form: Vec<_> = form.iter().map(|(a, b)| (*a, b.as_str())).collect();
    browser.submit("/device", &form).await.model
}

/// Answers the question.
async fn decide(browser: &Browser<'_>, page: &Value, action: &str) -> Answer {
    assert_eq!(page["template"], "device_confirm", "{page}");
    let text = |name: &str| page[name].as_str().unwrap();
    let form = [
        ("_csrf", text("csrfToken")),
        ("user_code", text("userCode")),
        ("_action", action),
    ];
    browser.post("/device", &form).await
}

#[tokio::test]
async fn a_device_gets_tokens_once_after_somebody_has_agreed_elsewhere() {
    let server = server().await;
    let begun = begin(&server, "tv-orders", "openid read").await;
    let code = begun.member("user_code");
    let device_code = begun.member("device_code");
    assert_eq!(
        begun.member("verification_uri"),
        "http://localhost:8000/auth/device"
    );
    let complete = begun.member("verification_uri_complete");
    assert!(complete.ends_with(&format!("/device?user_code={code}")));
    assert_eq!(
        (
            begun.json()["interval"].as_i64(),
            begun.json()["expires_in"].as_i64()
        ),
        (Some(5), Some(600))
    );
    let pending = |code: &str| (400, code.to_owned());
    let asked = poll(&server, "tv-orders", &device_code).await;
    assert_eq!(asked.error(), pending("authorization_pending"));
    let asked = poll(&server, "tv-orders", &device_code).await;
    assert_eq!(asked.error(), pending("slow_down"));

    let browser = server.browser();
    let filled = browser.page(&format!("/device?user_code={code}")).await;
    assert_eq!(filled.expect("device").model["userCode"], code.as_str());
    let page = enter(&browser, &code.to_lowercase().replace('-', " ")).await;
    assert_eq!(page["appInfo"]["name"], "TV");
    let login = decide(&browser, &page, "allow").await.json();
    assert_eq!(login["template"], "login");
    let form = [
        ("_csrf", login["csrfToken"].as_str().unwrap()),
        ("username", "ada@example.org"),
        ("password", crate::support::PASSWORD),
    ];
    let done = browser.post("/local/login", &form).await.expect(302);
    let done = done.location();
    let path = format!("/device?{}", done.query().unwrap());
    browser.page(&path).await.expect("device_allowed");
    // Another client cannot take them.
    let stolen = poll(&server, "cli-orders", &device_code).await;
    assert_eq!(stolen.error(), pending("invalid_grant"));
    let tokens = poll(&server, "tv-orders", &device_code).await.expect(200);
    assert_eq!(claims(&tokens.member("access_token"))["sub"], "ada");
    assert_eq!(claims(&tokens.member("id_token"))["aud"], "tv-orders");
    assert_eq!(tokens.member("scope"), "openid read wicked:dev");
    let again = poll(&server, "tv-orders", &device_code).await;
    assert_eq!(again.error(), pending("invalid_grant"));
    // The device stays logged in when the browser does not.
    browser.get("/logout").await.expect(200);
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "tv-orders"),
        ("refresh_token", &tokens.member("refresh_token")),
    ];
    server.token(&form).await.expect(200);
    // The code is worth nothing to the next person.
    assert_eq!(enter(&browser, &code).await["template"], "device");
}

#[tokio::test]
async fn whoever_does_not_agree_is_believed_and_the_device_is_told() {
    let server = server().await;
    for at_consent in [false, true] {
        let begun = begin(&server, "cli-orders", "read").await;
        let browser = server.browser();
        let page = enter(&browser, &begun.member("user_code")).await;
        let target = if at_consent {
            let login = decide(&browser, &page, "allow").await.json();
            let form = [
                ("_csrf", login["csrfToken"].as_str().unwrap()),
                ("username", "ada@example.org"),
                ("password", crate::support::PASSWORD),
            ];
            let consent = browser.post("/local/login", &form).await.json();
            assert_eq!(consent["template"], "grant_scopes");
            let csrf = consent["csrfToken"].as_str().unwrap();
            let form = [("_csrf", csrf), ("_action", "deny")];
            browser.post("/local/grant", &form).await
        } else {
            decide(&browser, &page, "deny").await
        };
        let target = target.expect(302).location();
        assert_eq!(target.query(), Some("outcome=denied"));
        let told = poll(&server, "cli-orders", &begun.member("device_code")).await;
        assert_eq!(told.error(), (400, "access_denied".to_owned()));
    }
}

#[tokio::test]
async fn codes_cannot_be_guessed_and_forms_cannot_be_forged() {
    let server = server().await;
    let begun = begin(&server, "tv-orders", "").await;
    let code = begun.member("user_code");
    let browser = server.browser();
    let forged = [
        ("_csrf", "device-x"),
        ("user_code", &code),
        ("_action", "allow"),
    ];
    let forged = browser.submit("/device", &forged).await.expect("error");
    assert_eq!(forged.answer.status, 403);
    let wrong = if code == "BBBB-BBBB" {
        "CCCC-CCCC"
    } else {
        "BBBB-BBBB"
    };
    let before = std::time::Instant::now();
    let page = enter(&browser, wrong).await;
    assert!(before.elapsed().as_millis() >= 500);
    assert_eq!(page["template"], "device");
    assert!(page["errorMessage"].is_string());
}

#[tokio::test]
async fn what_a_device_asks_wrongly_is_said() {
    let server = server().await;
    let path = "/oauth2/device_authorization";
    let cases: &[(Form, (u16, &str))] = &[
        (&[], (401, "invalid_client")),
        (&[("client_id", "nobody")], (401, "invalid_client")),
        (&[("client_id", "job-machines")], (401, "invalid_client")),
        (
            &[("client_id", "job-machines"), SECRET],
            (400, "unauthorized_client"),
        ),
        (
            &[("client_id", "tv-orders"), ("scope", "fly")],
            (400, "invalid_scope"),
        ),
    ];
    for (form, (status, code)) in cases {
        let error = server.post(path, form).await.error();
        assert_eq!(error, (*status, (*code).to_owned()), "{form:?}");
    }
    let form = [("grant_type", GRANT), ("client_id", "tv-orders")];
    let error = server.token(&form).await.error();
    assert_eq!(error, (400, "invalid_request".to_owned()));
    let error = poll(&server, "tv-orders", "unknown").await.error();
    assert_eq!(error, (400, "invalid_grant".to_owned()));
}
