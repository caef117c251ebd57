//! Name and password: what it tells, what it brakes, what its form demands.

use std::time::{Duration, Instant};

use crate::support::{Browser, PASSWORD, TestServer, parameter};

async fn server() -> TestServer {
    TestServer::start_with_client("app", "orders", "confidential", true).await
}

#[tokio::test]
async fn unknown_names_and_wrong_passwords_look_alike() {
    let server = server().await;
    let browser = server.browser();
    let page = browser
        .page(&Browser::authorize_url("app-orders", &[]))
        .await
        .expect("login");
    let mut csrf = page.csrf();
    let mut seen = Vec::new();
    for username in ["ada@example.org", "nobody@example.org"] {
        let started = Instant::now();
        let form = [
            ("_csrf", csrf.as_str()),
            ("username", username),
            ("password", "wrong"),
        ];
        let page = browser.submit("/local/login", &form).await.expect("login");
        assert!(started.elapsed() >= Duration::from_millis(500));
        assert_eq!(page.answer.status, 200);
        assert_eq!(page.model["prefillUsername"], username);
        seen.push(page.model["errorMessage"].as_str().unwrap().to_owned());
        assert_ne!(page.csrf(), csrf, "a fresh token");
        csrf = page.csrf();
    }
    assert_eq!(seen[0], seen[1]);
    let form = [
        ("_csrf", csrf.as_str()),
        ("username", "ada@example.org"),
        ("password", ""),
    ];
    let calls = server.portal.calls("POST /login");
    browser.submit("/local/login", &form).await.expect("login");
    assert_eq!(
        server.portal.calls("POST /login"),
        calls,
        "an empty password is never asked about"
    );
    let form = [
        ("_csrf", csrf.as_str()),
        ("username", " Ada@example.org "),
        ("password", PASSWORD),
    ];
    browser.submit("/local/login", &form).await.expect("login");
}

#[tokio::test]
async fn a_form_without_its_browser_or_of_another_page_is_refused() {
    let server = server().await;
    let browser = server.browser();
    let page = browser
        .page(&Browser::authorize_url("app-orders", &[]))
        .await
        .expect("login");
    let csrf = page.csrf();
    let form = [
        ("_csrf", csrf.as_str()),
        ("username", "ada@example.org"),
        ("password", PASSWORD),
    ];
    let stranger = server.browser();
    for path in [
        "login",
        "signup",
        "forgotpassword",
        "changepassword",
        "verify",
        "register",
        "selectnamespace",
        "grant",
        "verifyemail",
    ] {
        let path = format!("/local/{path}");
        for form in [&form[..], &[]] {
            let status = stranger.post(&path, form).await.status.as_u16();
            assert!(status == 400 || status == 403, "{path}: {status}");
        }
    }
    // The browser itself: a form that was open for too long is shown again.
    let stale = [
        ("_csrf", "login-x"),
        ("username", "ada@example.org"),
        ("password", PASSWORD),
    ];
    let again = browser.submit("/local/login", &stale).await.expect("login");
    assert!(again.model["errorMessage"].is_string());
    browser.post("/local/register", &form).await.expect(400);
    let again = browser.submit("/local/signup", &form).await;
    assert_eq!(again.answer.status, 200);
    assert!(again.expect("signup").model["errorMessage"].is_string());
    let again = browser.submit("/local/changepassword", &form).await;
    assert_eq!(again.answer.status, 200);
    assert!(again.expect("login").model["errorMessage"].is_string());
    let long = "x".repeat(101 * 1024);
    let form_of_all = [("_csrf", csrf.as_str()), ("username", &long)];
    browser.post("/local/login", &form_of_all).await.expect(413);
    browser.post("/local/login", &form).await.expect(302);
}

#[tokio::test]
async fn f18_two_tabs_log_in_side_by_side() {
    let server = server().await;
    server
        .portal
        .add_client("two", "orders", "confidential", true);
    let browser = server.browser();
    let first = browser
        .page(&Browser::authorize_url("app-orders", &[("scope", "read")]))
        .await;
    let second = browser
        .page(&Browser::authorize_url("two-orders", &[]))
        .await
        .expect("login");
    let first = first.expect("login");
    for page in [second, first] {
        let target = browser.log_in(&page, "ada").await.expect(302).location();
        assert!(parameter(&target, "code").is_some(), "{target}");
    }
}

#[tokio::test]
async fn f9_the_cookie_of_a_session_is_new_at_each_login_and_hidden_from_scripts() {
    let server = server().await;
    let browser = server.browser();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let url = Browser::authorize_url("app-orders", &[("prompt", "login")]);
        let page = browser.page(&url).await.expect("login");
        assert!(page.answer.headers.get("set-cookie").is_none_or(|cookie| {
            !cookie
                .to_str()
                .unwrap()
                .starts_with("portal-auth.cookie.sid")
        }));
        let answer = browser.log_in(&page, "ada").await.expect(302);
        let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
        assert!(cookie.starts_with("portal-auth.cookie.sid="), "{cookie}");
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"));
        seen.push(cookie);
    }
    assert_ne!(seen[0], seen[1]);
}

#[tokio::test]
async fn a_given_password_has_to_be_changed_before_it_opens_anything() {
    let server = server().await;
    server.portal.change_user("ada", &[], true);
    let browser = server.browser();
    let page = browser
        .page(&Browser::authorize_url("app-orders", &[]))
        .await
        .expect("login");
    let form = [
        ("_csrf", &*page.csrf()),
        ("username", "ada@example.org"),
        ("password", PASSWORD),
    ];
    let change = browser
        .submit("/local/login", &form)
        .await
        .expect("force_change_password");
    let csrf = change.csrf();
    let silent = browser
        .get(&Browser::authorize_url("app-orders", &[("prompt", "none")]))
        .await;
    assert_eq!(
        parameter(&silent.location(), "error").as_deref(),
        Some("login_required")
    );
    for (one, two) in [("", ""), ("secret one", "secret two"), ("short", "short")] {
        let form = [
            ("_csrf", csrf.as_str()),
            ("password", one),
            ("password2", two),
        ];
        browser
            .post("/local/changepassword", &form)
            .await
            .expect(400);
    }
    let form = [
        ("_csrf", csrf.as_str()),
        ("password", "new secret"),
        ("password2", "new secret"),
    ];
    let target = browser
        .post("/local/changepassword", &form)
        .await
        .expect(302)
        .location();
    assert!(parameter(&target, "code").is_some());
}

#[tokio::test]
async fn f7_a_plain_login_goes_to_pages_of_this_server_only() {
    let server = server().await;
    let browser = server.browser();
    for bad in [
        "",
        "https://evil.example/",
        "//evil.example",
        "/auth/../x",
        "/other",
        "/authx",
        "/auth/local/login",
    ] {
        browser
            .get(&format!("/local/login?redirect_uri={bad}"))
            .await
            .expect(400);
    }
    let target = browser.get("/local/grants").await.expect(302).location();
    assert_eq!(target.path(), "/auth/local/login");
    let path = format!(
        "{}?{}",
        target.path().strip_prefix("/auth").unwrap(),
        target.query().unwrap()
    );
    let back = browser.enter(&path, "ada").await.expect(302).location();
    assert_eq!(back.path(), "/auth/local/grants");
    browser.page("/local/grants").await.expect("scope_list");
}
