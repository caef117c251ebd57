//! New accounts, mail links, forgotten passwords.

use serde_json::json;

use crate::support::{Browser, PASSWORD, Page, TestServer, parameter};

async fn server() -> TestServer {
    let server = TestServer::start_with_client("app", "orders", "confidential", true).await;
    server
        .portal
        .add_client("two", "both", "confidential", true);
    server
}

async fn signup_page(browser: &Browser<'_>) -> Page {
    browser
        .page(&Browser::authorize_url("app-orders", &[]))
        .await
        .expect("login");
    browser.page("/local/signup").await.expect("signup")
}

fn account<'a>(csrf: &'a str, email: &'a str, password: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("_csrf", csrf),
        ("email", email),
        ("password", password),
        ("password2", password),
    ]
}

#[tokio::test]
async fn a_new_account_is_complete_after_the_link_in_its_mail() {
    let server = server().await;
    let browser = server.browser();
    let page = signup_page(&browser).await;
    let csrf = page.csrf();
    let form = account(&csrf, "grace@example.org", "new secret");
    browser
        .submit("/local/signup", &form)
        .await
        .expect("signup_post");
    let (id, mail) = server.portal.latest_mail().unwrap();
    assert_eq!(
        (&mail["type"], &mail["email"]),
        (&"email".into(), &"grace@example.org".into())
    );
    assert_eq!(
        mail["link"],
        "http://localhost:8000/auth/local/verify/{{id}}"
    );
    // The link may be opened in another browser.
    let other = server.browser();
    let page = other
        .page(&format!("/local/verify/{id}"))
        .await
        .expect("verify_email");
    assert!(
        !server.portal.is_validated("grace@example.org"),
        "looking is not confirming"
    );
    let csrf = page.csrf();
    let wrong = [
        ("_csrf", csrf.as_str()),
        ("verification_id", &id),
        ("type", "lostpassword"),
    ];
    other.post("/local/verify", &wrong).await.expect(400);
    let form = [
        ("_csrf", csrf.as_str()),
        ("verification_id", &id),
        ("type", "email"),
    ];
    other
        .submit("/local/verify", &form)
        .await
        .expect("verify_email_post");
    assert!(server.portal.is_validated("grace@example.org"));
    other.post("/local/verify", &form).await.expect(404);
}

#[tokio::test]
async fn f28_a_taken_address_is_told_to_its_owner_only() {
    let server = server().await;
    let browser = server.browser();
    let mut models = Vec::new();
    for email in ["new@example.org", "ada@example.org"] {
        let csrf = signup_page(&browser).await.csrf();
        let page = browser
            .submit("/local/signup", &account(&csrf, email, "new secret"))
            .await;
        assert_eq!(page.answer.status, 200);
        let mut model = page.expect("signup_post").model;
        model["csrfToken"] = "".into();
        models.push(model);
    }
    assert_eq!(models[0], models[1]);
    let (_, mail) = server.portal.latest_mail().unwrap();
    assert_eq!(
        (&mail["type"], &mail["email"]),
        (&"lostpassword".into(), &"ada@example.org".into())
    );
}

#[tokio::test]
async fn faults_are_shown_beside_what_was_typed() {
    let server = server().await;
    let browser = server.browser();
    let csrf = signup_page(&browser).await.csrf();
    let nothing_pending = server.browser().get("/local/signup").await;
    assert_eq!(nothing_pending.status, 400);
    let faults = [
        account(&csrf, "no address", "new secret"),
        account(&csrf, "x@nodot", "new secret"),
        account(&csrf, "x@example.org", "short"),
        account(&csrf, "x@example.org", ""),
        [
            ("_csrf", csrf.as_str()),
            ("email", "x@example.org"),
            ("password", "new secret"),
            ("password2", "other"),
        ],
    ];
    for form in faults {
        let page = browser.submit("/local/signup", &form).await;
        assert_eq!(page.answer.status, 400);
        assert!(page.expect("signup").model["errorMessage"].is_string());
    }
    assert_eq!(server.portal.mails(), 0);
}

#[tokio::test]
async fn where_addresses_are_trusted_a_new_account_goes_straight_on() {
    let server = server().await;
    let browser = server.browser();
    let url = Browser::authorize_url("two-both", &[("auth_method", "staff")]);
    browser.page(&url).await.expect("login");
    let csrf = browser.page("/staff/signup").await.expect("signup").csrf();
    let form = account(&csrf, "grace@example.org", "new secret");
    let target = browser
        .post("/staff/signup", &form)
        .await
        .expect(302)
        .location();
    assert!(parameter(&target, "code").is_some());
}

#[tokio::test]
async fn a_link_may_begin_with_the_account() {
    let server = server().await;
    let url = Browser::authorize_url("app-orders", &[("prompt", "create")]);
    server.browser().page(&url).await.expect("signup");
}

#[tokio::test]
async fn f27_a_forgotten_password_is_reset_by_mail_and_ends_all_sessions() {
    let server = server().await;
    let elsewhere = server.browser();
    elsewhere.code("app-orders", &[]).await;
    let browser = server.browser();
    let csrf = browser
        .page("/local/forgotpassword")
        .await
        .expect("forgot_password")
        .csrf();
    for email in ["nobody@example.org", "ada@example.org"] {
        let form = [("_csrf", csrf.as_str()), ("email", email)];
        browser
            .submit("/local/forgotpassword", &form)
            .await
            .expect("forgot_password_post");
    }
    let id = loop {
        if let Some((id, _)) = server.portal.latest_mail() {
            break id;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(server.portal.mails(), 1);
    let page = browser
        .page(&format!("/local/verify/{id}"))
        .await
        .expect("verify_password_reset");
    let csrf = page.csrf();
    let reset = |one: &'static str, two: &'static str| {
        [
            ("_csrf", csrf.clone()),
            ("verification_id", id.clone()),
            ("type", "lostpassword".to_owned()),
            ("password", one.to_owned()),
            ("password2", two.to_owned()),
        ]
    };
    for (one, two) in [("", ""), ("new secret", "other"), ("short", "short")] {
        let form = reset(one, two);
        let form: Vec<(&str, &str)> = form.iter().map(|(a, b)| (*a, b.as_str())).collect();
        let page = browser.submit("/local/verify", &form).await;
        assert_eq!(page.answer.status, 400);
        page.expect("verify_password_reset");
    }
    let form = reset("new secret", "new secret");
    let form: Vec<(&str, &str)> = form.iter().map(|(a, b)| (*a, b.as_str())).collect();
    browser
        .submit("/local/verify", &form)
        .await
        .expect("verify_password_reset_post");
    let silent = elsewhere
        .get(&Browser::authorize_url("app-orders", &[("prompt", "none")]))
        .await;
    assert_eq!(
        parameter(&silent.location(), "error").as_deref(),
        Some("login_required")
    );
    let page = browser
        .page(&Browser::authorize_url("app-orders", &[]))
        .await
        .expect("login");
    let csrf = page.csrf();
    let old = [
        ("_csrf", csrf.as_str()),
        ("username", "ada@example.org"),
        ("password", PASSWORD),
    ];
    browser.post("/local/login", &old).await.expect(200);
    let new = [
        ("_csrf", csrf.as_str()),
        ("username", "ada@example.org"),
        ("password", "new secret"),
    ];
    browser.post("/local/login", &new).await.expect(302);
}

#[tokio::test]
async fn f37_unknown_links_are_not_found() {
    let server = server().await;
    let unknown = "0".repeat(40);
    for id in [unknown.as_str(), "..%2f..%2fusers", "x"] {
        server.get(&format!("/local/verify/{id}")).await.expect(404);
    }
}

#[tokio::test]
async fn where_nobody_may_sign_up_the_page_is_missing_and_its_form_is_refused() {
    let server = TestServer::start_beside(|portal| {
        portal.add_method("closed", "local", json!({"disableSignup": true}));
    })
    .await;
    server
        .portal
        .add_client("app", "social", "confidential", true);
    let browser = server.browser();
    let url = |method: &str| Browser::authorize_url("app-social", &[("auth_method", method)]);
    browser.page(&url("local")).await.expect("login");
    let csrf = browser.page("/local/signup").await.expect("signup").csrf();
    browser.page(&url("closed")).await.expect("login");
    browser.get("/closed/signup").await.expect(403);
    let form = account(&csrf, "grace@example.org", "new secret");
    // What is wrong with the form goes first.
    let empty = account(&csrf, "grace@example.org", "");
    browser.post("/local/signup", &empty).await.expect(400);
    // A form names its request, so one of another method is none here.
    browser.post("/closed/signup", &form).await.expect(400);
    let stale = account("signup-x", "grace@example.org", "new secret");
    browser.post("/closed/signup", &stale).await.expect(403);
    assert_eq!(server.portal.calls("POST /users"), 0);
}
