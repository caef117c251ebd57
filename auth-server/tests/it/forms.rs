//! What the forms have in common: each is answered as its page is when it is of another moment (5.3), and
//! JSON does like a form (3.1).

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{Answer, Browser, PASSWORD, SECRET, TestServer};

async fn server() -> TestServer {
    TestServer::start_with_client("app", "orders", "confidential", true).await
}

/// Form, and what follows in a browser that has a session and a request, and in one that has nothing.
type Case = (&'static str, (u16, &'static str), u16);

const CASES: &[Case] = &[
    ("login", (200, "login"), 400),
    ("signup", (200, "signup"), 400),
    ("changepassword", (200, "login"), 400),
    ("grants", (200, "scope_list"), 302),
    ("register", (400, "error"), 400),
    ("forgotpassword", (403, "error"), 403),
    ("verify", (403, "error"), 403),
    ("selectnamespace", (403, "error"), 403),
    ("grant", (403, "error"), 403),
    ("verifyemail", (403, "error"), 403),
    ("emailmissing", (403, "error"), 403),
    ("secondfactor", (403, "error"), 403),
    ("passkey", (403, "error"), 403),
    ("link", (403, "error"), 403),
];

#[tokio::test]
async fn f21_a_form_of_another_moment_is_answered_as_its_page_is_and_late() {
    let server = server().await;
    let browser = server.browser();
    browser.code("app-orders", &[]).await;
    let again = Browser::authorize_url("app-orders", &[("prompt", "login")]);
    let login = browser.page(&again).await.expect("login").csrf();
    let check = async |(form, (status, page), of_stranger): &Case, csrf: &str| {
        let path = format!("/local/{form}");
        let members = [("_csrf", csrf), ("revoke_app", "a"), ("revoke_api", "b")];
        let began = Instant::now();
        let answer = browser.submit(&path, &members).await;
        assert!(began.elapsed() >= Duration::from_millis(500), "{form}");
        assert_eq!(answer.answer.status, *status, "{form} {csrf}");
        let flash = answer.model["flashMessage"]["type"].clone();
        assert!(*form != "grants" || flash == "error", "{form}");
        answer.expect(page);
        let stranger = server.browser().post(&path, &members).await;
        assert_eq!(stranger.status, *of_stranger, "{form} of a stranger");
    };
    // A token of another page, and none.
    let other = login.replace("login", "elsewhere");
    join_all(
        CASES
            .iter()
            .flat_map(|case| [check(case, &other), check(case, "")]),
    )
    .await;
    // Nothing of this has used up the page that is open.
    let form = [
        ("_csrf", login.as_str()),
        ("username", "ada@example.org"),
        ("password", PASSWORD),
    ];
    browser.post("/local/login", &form).await.expect(302);
}

#[tokio::test]
async fn json_does_like_a_form_and_what_is_none_is_refused() {
    let server = server().await;
    let browser = server.browser();
    let url = Browser::authorize_url("app-orders", &[]);
    let csrf = browser.page(&url).await.expect("login").csrf();
    let json = "application/json";
    let body = json!({"_csrf": csrf, "username": "ada@example.org", "password": PASSWORD});
    browser
        .post_body("/local/login", json, &body.to_string())
        .await
        .expect(302);
    let own = json!({"grant_type": "client_credentials", "client_id": "app-orders",
        "client_secret": SECRET.1, "scope": "read"});
    let long = format!("{{\"username\": \"{}\"}}", "x".repeat(101 * 1024));
    for url in ["/oauth2/token", "/local/api/orders/token"] {
        let granted = browser.post_body(url, json, &own.to_string()).await;
        assert_eq!(granted.expect(200).member("scope"), "read");
        let malformed = browser.post_body(url, json, "{").await;
        assert_eq!(malformed.error(), (400, "invalid_request".to_owned()));
        let long = browser.post_body(url, json, &long).await;
        assert_eq!(long.error(), (413, "invalid_request".to_owned()));
    }
    browser
        .post_body("/local/login", json, "{")
        .await
        .expect(400);
    // Also where nobody has looked at the browser yet, the page is in its language.
    let request = service::http::client()
        .post(server.url("/local/login"))
        .header("accept-language", "de")
        .header("content-type", json)
        .body(long);
    let page = Answer::of(request.send().await.unwrap()).await.expect(413);
    assert!(page.text.contains("<html lang=\"de\""), "{}", page.text);
}
