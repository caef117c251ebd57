//! Requests that clients push (RFC 9126).

use serde_json::json;

use crate::support::{
    Answer, Browser, CHALLENGE, REDIRECT, SECRET, TestServer, code_of, parameter,
};

const PAR: &str = "/oauth2/par";

async fn server() -> TestServer {
    let server = TestServer::start().await;
    for (application, kind) in [
        ("app", "confidential"),
        ("shop", "confidential"),
        ("phone", "public_native"),
    ] {
        server.portal.add_client(application, "orders", kind, true);
    }
    server
}

/// A request of `app`, with some members changed or left out (empty).
async fn push(server: &TestServer, changes: &[(&str, &str)]) -> Answer {
    let mut form = vec![
        ("client_id", "app-orders"),
        SECRET,
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("scope", "read"),
        ("state", "pushed"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changes {
        form.retain(|(member, _)| member != name);
        form.push((name, value));
    }
    server.post(PAR, &form).await
}

fn authorize(client_id: &str, request_uri: &str, more: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("client_id", client_id);
    query.append_pair("request_uri", request_uri);
    query.extend_pairs(more);
    format!("/oauth2/authorize?{}", query.finish())
}

#[tokio::test]
async fn a_pushed_request_counts_once_for_its_client_and_nothing_beside_it() {
    let server = server().await;
    let pushed = push(&server, &[]).await.expect(201);
    assert_eq!(pushed.headers["cache-control"], "no-store");
    assert_eq!(pushed.json()["expires_in"], 90);
    let uri = pushed.member("request_uri");
    assert!(uri.starts_with("urn:ietf:params:oauth:request_uri:"));
    assert!(!String::from_utf8_lossy(&server.stored()).contains(&uri));
    let browser = server.browser();
    // Another client, none, and a name that was never given.
    for (client, uri) in [
        ("shop-orders", uri.as_str()),
        ("", uri.as_str()),
        ("app-orders", "urn:ietf:params:oauth:request_uri:x"),
    ] {
        let url = authorize(client, uri, &[]);
        browser.get(&url).await.expect(400);
    }
    let beside = [("scope", "write"), ("state", "other"), ("prompt", "none")];
    let url = authorize("app-orders", &uri, &beside);
    let target = browser.enter(&url, "ada").await.expect(302).location();
    assert_eq!(parameter(&target, "state").as_deref(), Some("pushed"));
    let tokens = server.redeem("app-orders", &code_of(&target)).await;
    assert_eq!(tokens.member("scope"), "read wicked:dev");
    browser.get(&url).await.expect(400);
}

#[tokio::test]
async fn of_two_browsers_that_bring_one_request_only_one_goes_on() {
    let server = server().await;
    let uri = push(&server, &[]).await.expect(201).member("request_uri");
    let url = authorize("app-orders", &uri, &[]);
    let (one, two) = (server.browser(), server.browser());
    let (one, two) = tokio::join!(one.get(&url), two.get(&url));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
}

#[tokio::test]
async fn what_could_not_be_authorized_is_not_taken() {
    let server = server().await;
    for (change, expected) in [
        (("client_secret", "wrong"), (401, "invalid_client")),
        (("client_secret", ""), (401, "invalid_client")),
        (("client_id", "nobody"), (401, "invalid_client")),
        (
            ("redirect_uri", "https://evil.example/"),
            (400, "invalid_request"),
        ),
        (
            ("request_uri", "urn:ietf:params:oauth:request_uri:x"),
            (400, "invalid_request"),
        ),
        (("request", "e30.e30."), (400, "request_not_supported")),
        (
            ("response_type", "token"),
            (400, "unsupported_response_type"),
        ),
        (("response_type", ""), (400, "invalid_request")),
        (("scope", "fly"), (400, "invalid_scope")),
        (("code_challenge_method", "plain"), (400, "invalid_request")),
        (("prompt", "none login"), (400, "invalid_request")),
        (
            ("resource", "https://other.example/"),
            (400, "invalid_target"),
        ),
        (("namespace", "acme"), (400, "invalid_request")),
    ] {
        let refused = push(&server, &[change]).await.error();
        assert_eq!(refused, (expected.0, expected.1.to_owned()), "{change:?}");
    }
    let long = "x".repeat(20 * 1024);
    let refused = push(&server, &[("state", &long)]).await.error();
    assert_eq!(refused, (400, "invalid_request".to_owned()));
    server.get(PAR).await.expect(405);
}

#[tokio::test]
async fn a_public_client_pushes_without_a_secret_but_not_without_end() {
    let server = server().await;
    let public = [("client_id", "phone-orders"), ("client_secret", "")];
    push(&server, &public).await.expect(201);
    let bare = [public[0], public[1], ("code_challenge", "")];
    let refused = push(&server, &bare).await.error();
    assert_eq!(refused, (400, "invalid_request".to_owned()));
    for _ in 2..100 {
        push(&server, &public).await.expect(201);
    }
    let braked = push(&server, &public).await.expect(429);
    assert!(braked.headers.contains_key("retry-after"));
    // Who proves who he is goes on.
    push(&server, &[]).await.expect(201);
}

#[tokio::test]
async fn whoever_chooses_a_method_first_goes_on_with_the_same_request() {
    let server = TestServer::start_changed(
        |portal| {
            portal.add_api(json!({"id": "two", "auth": "oauth2",
                "authMethods": ["default:local", "default:staff"],
                "settings": {"enable_authorization_code": true}}));
            portal.add_client("app", "two", "confidential", true);
        },
        |_| {},
    )
    .await;
    let changes = [("client_id", "app-two"), ("scope", "")];
    let uri = push(&server, &changes)
        .await
        .expect(201)
        .member("request_uri");
    let browser = server.browser();
    let url = authorize("app-two", &uri, &[]);
    let page = browser.page(&url).await.expect("choose_method");
    let href = page.model["methods"][0]["href"].as_str().unwrap();
    assert!(!href.contains("state="), "{href}");
    let href = href.strip_prefix("/auth").unwrap();
    let target = browser.enter(href, "ada").await.expect(302).location();
    assert_eq!(parameter(&target, "state").as_deref(), Some("pushed"));
    browser
        .get(&Browser::authorize_url(
            "app-two",
            &[("auth_method", "local")],
        ))
        .await
        .expect(302);
}
