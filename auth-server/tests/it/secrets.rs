//! Where secrets are not: in the database and in the log.

use crate::support::{Browser, Logs, PASSWORD, SECRET, TestServer};

/// What somebody types who has mistaken one password for another.
const MISTAKEN: &str = "the password of my bank";

/// A log-in that goes wrong and then right, tokens, a refresh and a reset; answers all that is secret.
async fn live(server: &TestServer) -> Vec<String> {
    let kind = "confidential";
    server.portal.add_client("app", "sealed", kind, true);
    let browser = server.browser();
    let url = Browser::authorize_url("app-sealed", &[]);
    let page = browser.page(&url).await.expect("login");
    let csrf = page.csrf();
    let form = [
        ("_csrf", csrf.as_str()),
        ("username", "ada@example.org"),
        ("password", MISTAKEN),
    ];
    browser.post("/local/login", &form).await.expect(200);
    let answer = browser.log_in(&page, "ada").await.expect(302);
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    let cookie = cookie.split(['=', ';']).nth(1).unwrap().to_owned();
    let code = crate::support::code_of(&answer.location());
    let first = server.redeem("app-sealed", &code).await;
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "app-sealed"),
        SECRET,
        ("refresh_token", &first.member("refresh_token")),
    ];
    let second = server.token(&form).await.expect(200);
    let form = [("client_id", "app-sealed"), ("client_secret", MISTAKEN)];
    server.post("/oauth2/introspect", &form).await.expect(401);
    let mut secrets = vec![cookie, code, PASSWORD.to_owned(), MISTAKEN.to_owned()];
    for answer in [first, second] {
        secrets.extend(["access_token", "refresh_token"].map(|name| answer.member(name)));
    }
    secrets
}

#[tokio::test]
async fn f31_no_token_code_or_cookie_is_stored_in_clear() {
    let server = TestServer::start().await;
    let secrets = live(&server).await;
    let stored = server.stored();
    let holds = |text: &str| stored.windows(text.len()).any(|one| one == text.as_bytes());
    assert!(holds("app-sealed"), "these are the right files");
    for secret in secrets {
        assert!(!holds(&secret), "{secret} is stored");
    }
}

#[tokio::test]
async fn f29_no_token_code_cookie_or_password_is_logged_at_any_level() {
    let logs = Logs::all();
    let server = TestServer::start().await;
    let secrets = live(&server).await;
    let text = logs.text();
    assert!(text.contains("log-in failed"), "failures are in the log");
    for secret in secrets {
        assert!(!text.contains(&secret), "{secret} is logged");
    }
}
