use reqwest::{Method, StatusCode};

use crate::neighbours::TestPortal;

#[tokio::test]
async fn every_page_carries_the_safe_headers() {
    let portal = TestPortal::start().await;
    for path in ["/", "/apis", "/apis/shipments", "/nowhere"] {
        let answer = portal.guest().get(path).await;
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self';"),
            "{path}: {policy}"
        );
        assert!(
            policy.contains("form-action 'self' http://localhost:8000")
                && !policy.contains("unsafe"),
            "{policy}"
        );
        // Those of an operator's style sheet come from the portal itself.
        assert!(policy.contains("; font-src 'self';"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(
            !answer.body.contains("style=") && !answer.body.contains("onclick"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_link_in_a_mail_stops_mails_without_log_in_and_only_when_it_is_sent() {
    let portal = TestPortal::start().await;
    let page = portal.guest().get("/unsubscribe/good").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("action=\"/unsubscribe/good\""));
    assert!(portal.log.entries().is_empty());
    let one_click = [("List-Unsubscribe", "One-Click")];
    let done = portal.guest().post("/unsubscribe/good", &one_click).await;
    assert_eq!(done.status, StatusCode::OK);
    assert_eq!(portal.log.entries(), ["mails stopped"]);
    let forged = portal.guest().post("/unsubscribe/bad", &one_click).await;
    assert_eq!(forged.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_preview_is_sanitised_and_for_those_who_write() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let text = "# One\n*two* <script>alert(1)</script> [three](javascript:alert(1))";
    let shown = lena
        .submit("/applications", "/markdown", &[("text", text)])
        .await;
    assert_eq!(shown.status, StatusCode::OK);
    shown.shows("<em>two</em>");
    for evil in ["<script", "javascript:", "<html"] {
        assert!(!shown.body.contains(evil), "{}", shown.body);
    }
    let guest = portal.guest().post("/markdown", &[("text", text)]).await;
    assert_eq!(guest.status, StatusCode::FOUND);
    let page = lena.get("/applications/tracking-dashboard/settings").await;
    page.shows(r#"data-preview="Preview""#);
}

#[tokio::test]
async fn a_guest_without_reason_gets_no_session() {
    let portal = TestPortal::start().await;
    let mut guest = portal.guest();
    guest.get("/apis").await;
    assert!(guest.cookies().is_empty());
}

#[tokio::test]
async fn a_cookie_that_was_changed_is_dropped() {
    let portal = TestPortal::start().await;
    let mut browser = portal.guest();
    let answer = browser
        .send(
            Method::GET,
            "/applications",
            &[("cookie", "portal.cookie.sid=AAAA")],
            None,
        )
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.shows("Log in to see your applications");
}

#[tokio::test]
async fn another_host_name_leads_to_the_right_one() {
    let portal = TestPortal::start().await;
    let answer = portal
        .guest()
        .send(Method::GET, "/apis?q=1", &[("host", "evil.example")], None)
        .await;
    assert_eq!(answer.status, StatusCode::FOUND);
    assert_eq!(answer.location(), format!("{}/apis?q=1", portal.url));
}

#[tokio::test]
async fn assets_are_kept_for_ever_and_preferences_need_no_log_in() {
    let portal = TestPortal::start().await;
    let mut guest = portal.guest();
    let page = guest.get("/apis").await;
    let href = page
        .body
        .split(r#"rel="stylesheet" href=""#)
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let sheet = guest.get(&href).await;
    assert_eq!(sheet.status, StatusCode::OK);
    assert!(sheet.header("cache-control").contains("immutable"));
    let changed = guest
        .post(
            "/preferences",
            &[("theme", "dark"), ("lang", "de"), ("back", "/apis")],
        )
        .await;
    assert_eq!(
        (changed.status, changed.location()),
        (StatusCode::SEE_OTHER, "/apis")
    );
    let page = guest.get("/apis").await;
    page.shows(r#"<html lang="de" data-theme="dark">"#);
    let away = guest
        .post(
            "/preferences",
            &[("theme", "dark"), ("back", "//evil.example")],
        )
        .await;
    assert_eq!(away.location(), "/");
}

#[tokio::test]
async fn operations_are_answered_without_session_and_host() {
    let portal = TestPortal::start().await;
    for path in ["/ping", "/healthz", "/readyz", "/metrics"] {
        assert_eq!(
            portal.guest().get(path).await.status,
            StatusCode::OK,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_session_alone_neither_shows_secrets_nor_deletes() {
    let portal = TestPortal::strict().await;
    let mut lena = portal.lena().await;
    let keys = "/applications/tracking-dashboard/subscriptions/invoices/credentials";
    let unregister = "/applications/tracking-dashboard/unregister";
    for (page, path, back) in [
        (keys, format!("{keys}/c1/reveal"), keys),
        (unregister, unregister.to_owned(), unregister),
        (
            "/users/me",
            "/users/me/delete".to_owned(),
            "/users/me/delete",
        ),
    ] {
        let answer = lena.submit(page, &path, &[]).await;
        assert_eq!(answer.status, StatusCode::FOUND, "{path}");
        let target: String = url::form_urlencoded::byte_serialize(back.as_bytes()).collect();
        let login = format!("/login?redirect={target}&prompt=login");
        assert_eq!(answer.location(), login, "{path}");
        // Who follows is asked by the auth server, although he is logged in.
        let asked = lena.get(answer.location()).await;
        assert!(
            asked.location().contains("prompt=login"),
            "{}",
            asked.location()
        );
    }
    let accept = serde_json::json!({});
    let answer = lena.send_json(&format!("{keys}/c1/reveal"), &accept).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let log = portal.log.entries();
    assert!(
        log.iter().all(|entry| !entry.starts_with("remove ")),
        "{log:?}"
    );
    let mut ann = portal.ann().await;
    let groups = [("__updategroups", "on"), ("dev", "dev")];
    let answer = ann.submit("/users/piet", "/users/piet", &groups).await;
    assert_eq!(
        answer.location(),
        "/login?redirect=%2Fusers%2Fpiet&prompt=login"
    );
}
