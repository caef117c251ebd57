use reqwest::{Method, StatusCode};

use crate::{browser::state, neighbours::TestPortal};

#[tokio::test]
async fn the_browser_is_sent_to_the_auth_server_with_pkce() {
    let portal = TestPortal::start().await;
    let answer = portal.guest().get("/login?redirect=/applications").await;
    assert_eq!(answer.status, StatusCode::FOUND);
    let url = answer.location();
    assert!(
        url.starts_with("http://localhost:8000/auth/oauth2/authorize?response_type=code"),
        "{url}"
    );
    for part in [
        "code_challenge_method=S256",
        "code_challenge=",
        "state=",
        "%2Flogin%2Fcallback",
    ] {
        assert!(url.contains(part), "{part}: {url}");
    }
    assert!(!url.contains("secret"));
}

#[tokio::test]
async fn log_in_leads_back_and_gives_a_fresh_session() {
    let portal = TestPortal::start().await;
    let mut browser = portal.guest();
    let started = browser.get("/login?redirect=/applications").await;
    let before = browser.cookies().clone();
    let done = browser
        .get(&format!(
            "/login/callback?code=good-code&state={}",
            state(started.location())
        ))
        .await;
    assert_eq!(
        (done.status, done.location()),
        (StatusCode::FOUND, "/applications")
    );
    assert_ne!(&before, browser.cookies());
    browser
        .get("/applications")
        .await
        .shows("Tracking dashboard");
    assert!(portal.log.entries()[0].starts_with("token authorization_code verifier:43"));
    // A cookie holds no token in clear.
    assert!(!format!("{:?}", browser.cookies()).contains("access-token"));
}

#[tokio::test]
async fn a_foreign_state_and_a_used_one_are_refused() {
    let portal = TestPortal::start().await;
    let mut browser = portal.guest();
    let started = browser.get("/login").await;
    let state = state(started.location());
    assert!(state.starts_with("local!"), "{state}");
    for (foreign, status) in [
        ("local!foreign", StatusCode::FORBIDDEN),
        ("foreign", StatusCode::BAD_REQUEST),
        ("none!foreign", StatusCode::BAD_REQUEST),
    ] {
        let path = format!("/login/callback?code=good-code&state={foreign}");
        assert_eq!(browser.get(&path).await.status, status, "{foreign}");
    }
    assert_eq!(
        browser.get("/login/callback?code=good-code").await.status,
        StatusCode::BAD_REQUEST
    );
    let other_server =
        format!("/login/callback?code=good-code&state={state}&iss=http%3A%2F%2Fevil.example");
    assert_eq!(
        browser.get(&other_server).await.status,
        StatusCode::FORBIDDEN
    );
    let other_browser = format!("/login/callback?code=good-code&state={state}");
    assert_eq!(
        portal.guest().get(&other_browser).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn a_refusal_of_the_auth_server_is_shown_escaped() {
    let portal = TestPortal::start().await;
    let answer = portal
        .guest()
        .get("/login/callback?error=access_denied&error_description=%3Cb%3Eno%3C/b%3E")
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    answer.shows("&#60;b&#62;no&#60;/b&#62; (access_denied)");
}

#[tokio::test]
async fn logging_out_revokes_and_forgets() {
    let portal = TestPortal::start().await;
    let mut browser = portal.lena().await;
    let answer = browser.submit("/applications", "/login/logout", &[]).await;
    assert_eq!(answer.status, StatusCode::FOUND);
    assert!(
        answer
            .location()
            .starts_with("http://localhost:8000/auth/logout?redirect_uri=")
    );
    assert!(browser.cookies().is_empty());
    assert!(
        portal
            .log
            .entries()
            .contains(&"revoke refresh-1".to_owned())
    );
}

#[tokio::test]
async fn a_guest_who_needs_an_account_comes_back_after_log_in() {
    let portal = TestPortal::start().await;
    let mut guest = portal.guest();
    for path in [
        "/applications/tracking-dashboard",
        "/apis/secret",
        "/admin/approvals",
    ] {
        let answer = guest.get(path).await;
        assert_eq!(answer.status, StatusCode::FOUND, "{path}");
        assert!(
            answer.location().starts_with("/login?redirect=%2F"),
            "{path}: {}",
            answer.location()
        );
    }
    let json = guest
        .send(
            Method::GET,
            "/apis/secret",
            &[("accept", "application/json")],
            None,
        )
        .await;
    assert_eq!(json.status, StatusCode::FORBIDDEN);
    json.shows(r#""statusCode":403"#);
}

#[tokio::test]
async fn several_ways_to_log_in_are_a_choice_and_protected_ones_are_for_those_who_know() {
    let portal = TestPortal::with(|globals| {
        globals["portal"]["authMethods"] = serde_json::json!([
            "default:local",
            "default:google",
            "default:corp",
            "default:none"
        ]);
    })
    .await;
    let mut guest = portal.guest();
    let page = guest.get("/login?redirect=/applications").await;
    assert_eq!(page.status, StatusCode::OK);
    page.shows("wicked-login-title");
    page.shows("You go back to /applications afterwards.");
    page.shows("auth_method=google");
    page.shows("There are other ways to log in");
    assert!(!page.body.contains("auth_method=corp"));
    assert_eq!(
        page.header("set-cookie").split('=').next(),
        Some("portal.cookie.sid")
    );
    let page = guest.get("/login?auth_method=corp").await;
    page.shows("auth_method=corp");
    assert!(!page.body.contains("There are other ways"));
    assert_eq!(guest.cookies()["wicked_auth_method"], "corp");
    let cookies = page.headers.get_all("set-cookie").iter();
    let cookies: Vec<_> = cookies.map(|cookie| cookie.to_str().unwrap()).collect();
    assert!(
        cookies
            .iter()
            .any(|cookie| cookie
                .starts_with("wicked_auth_method=corp; Path=/login; Max-Age=31536000")),
        "{cookies:?}"
    );
    guest.get("/login").await.shows("auth_method=corp");
    assert!(
        !guest.cookies().contains_key("wicked_auth_method"),
        "remembered once"
    );
    guest.get("/login?auth_method=nonsense").await;
    assert!(!guest.cookies().contains_key("wicked_auth_method"));
}

#[tokio::test]
async fn whoever_is_logged_in_is_sent_home() {
    let portal = TestPortal::start().await;
    let answer = portal
        .lena()
        .await
        .get("/login?redirect=/applications")
        .await;
    assert_eq!((answer.status, answer.location()), (StatusCode::FOUND, "/"));
    let answer = portal.guest().get("/signup").await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::FOUND, "/login")
    );
}

#[tokio::test]
async fn a_token_that_ended_is_renewed_once_and_the_call_made_again() {
    let portal = TestPortal::start().await;
    let mut browser = portal.guest();
    browser.log_in_with("code-of-the-old", "/").await;
    let page = browser.get("/applications").await;
    page.shows("Tracking dashboard");
    let refreshes = || {
        let log = portal.log.entries();
        log.iter()
            .filter(|entry| entry.starts_with("token refresh_token"))
            .count()
    };
    assert_eq!(refreshes(), 1);
    // The session goes on with the new one.
    browser
        .get("/applications")
        .await
        .shows("Tracking dashboard");
    assert_eq!(refreshes(), 1);
}

#[tokio::test]
async fn calls_say_which_component_asks_and_by_which_configuration() {
    let portal = TestPortal::start().await;
    portal.guest().get("/apis").await;
    let said = format!("wicked.portal/{} hash-1", service::VERSION);
    let log = portal.log.entries();
    assert!(log.contains(&said), "{log:?}");
}
