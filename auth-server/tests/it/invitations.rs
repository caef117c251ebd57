//! Pools into which people are invited (F36).

use crate::support::{Browser, TestServer};

const TOKEN: &str = "0123456789abcdef0123456789abcdef01234567";

async fn server() -> TestServer {
    let server = TestServer::start_with_client("app", "guests", "confidential", true).await;
    server.portal.invite(TOKEN);
    server
}

fn authorize() -> String {
    Browser::authorize_url("app-guests", &[("namespace", "acme")])
}

async fn follow(browser: &Browser<'_>) {
    let link = format!("/invitations/{TOKEN}");
    let answer = browser.get(&link).await.expect(302);
    let location = answer.headers["location"].to_str().unwrap();
    assert_eq!(location, "/auth/invitation", "the token is in no address");
}

#[tokio::test]
async fn f36_nobody_registers_in_a_pool_for_the_invited_on_his_own() {
    let server = server().await;
    let browser = server.browser();
    let page = browser.page(&authorize()).await.expect("login");
    let refused = browser.log_in(&page, "ada").await.expect(403);
    assert_eq!(refused.json()["template"], "error");
    // What he would have sent, had there been a form.
    let form = [("_csrf", page.csrf()), ("name", "Ada".to_owned())];
    let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
    browser.post("/local/register", &form).await.expect(400);
    let silent = Browser::authorize_url("app-guests", &[("namespace", "acme"), ("prompt", "none")]);
    let target = browser.get(&silent).await.expect(302).location();
    assert!(
        target.as_str().contains("error=interaction_required"),
        "{target}"
    );
    assert_eq!(server.portal.registered("guests"), None);
}

#[tokio::test]
async fn f36_the_link_of_an_invitation_leads_over_the_login_to_the_form_and_works_once() {
    let server = server().await;
    let browser = server.browser();
    follow(&browser).await;
    let page = browser.page("/invitation").await.expect("login");
    assert_eq!(page.model["prefillUsername"], "ada@example.org");
    let back = browser.log_in(&page, "ada").await.expect(302);
    let location = back.headers["location"].to_str().unwrap();
    assert_eq!(location, "/auth/invitation");
    let page = browser.page("/invitation").await.expect("register");
    assert_eq!(page.model["registerUrl"], "invitation");
    assert!(!page.model.to_string().contains(TOKEN));
    let csrf = page.csrf();
    let again = browser
        .submit("/invitation", &[("_csrf", &csrf), ("name", "")])
        .await
        .expect("register");
    assert_eq!(again.answer.status, 400);
    let csrf = again.csrf();
    let form = [("_csrf", csrf.as_str()), ("name", "Ada")];
    browser
        .submit("/invitation", &form)
        .await
        .expect("invitation_post");
    let (user, namespace) = server.portal.registered("guests").unwrap();
    assert_eq!((user.as_str(), namespace.as_str()), ("ada", "acme"));
    let target = browser.get(&authorize()).await.expect(302).location();
    assert!(target.as_str().contains("code="), "{target}");
    browser.post("/invitation", &form).await.expect(404);
    let link = format!("/invitations/{TOKEN}");
    server.browser().get(&link).await.expect(404);
}

#[tokio::test]
async fn f36_what_is_no_invitation_says_nothing() {
    let server = server().await;
    let browser = server.browser();
    for path in ["/invitation", "/invitations/none", "/invitations/..%2fping"] {
        let started = std::time::Instant::now();
        browser.get(path).await.expect(404);
        assert!(
            started.elapsed() >= std::time::Duration::from_millis(450),
            "{path}"
        );
    }
    follow(&browser).await;
    // Not logged in yet, and without the hidden field.
    browser
        .post("/invitation", &[("name", "Ada")])
        .await
        .expect(403);
    browser.enter("/invitation", "ada").await.expect(302);
    browser
        .post("/invitation", &[("name", "Ada")])
        .await
        .expect(403);
    assert_eq!(server.portal.registered("guests"), None);
}
