//! The end of a session.

use crate::support::{Browser, TestServer, parameter};

#[tokio::test]
async fn logging_out_ends_session_and_tokens_and_goes_to_the_portal_only() {
    let server = TestServer::start_with_client("app", "orders", "confidential", true).await;
    let browser = server.browser();
    let code = browser.code("app-orders", &[]).await;
    let token = server
        .redeem("app-orders", &code)
        .await
        .member("access_token");
    // A foreign site cannot do it without asking.
    let asked = browser
        .get_with("/logout", "sec-fetch-site", "cross-site")
        .await;
    assert_eq!(asked.json()["template"], "logout_confirm");
    browser
        .get(&Browser::authorize_url("app-orders", &[("prompt", "none")]))
        .await
        .expect(302);
    let target = browser
        .get("/logout?redirect_uri=http://localhost:3000/")
        .await
        .expect(302);
    assert_eq!(target.location().as_str(), "http://localhost:3000/");
    let silent = browser
        .get(&Browser::authorize_url("app-orders", &[("prompt", "none")]))
        .await;
    assert_eq!(
        parameter(&silent.location(), "error").as_deref(),
        Some("login_required")
    );
    server
        .get_with("/userinfo", &format!("Bearer {token}"))
        .await
        .expect(401);
    for foreign in [
        "https://evil.example/",
        "http://localhost:3000.evil.example/",
        "http://localhost:3000@evil.example/",
        "/x",
    ] {
        browser
            .page(&format!("/logout?redirect_uri={foreign}"))
            .await
            .expect("logout");
    }
}
