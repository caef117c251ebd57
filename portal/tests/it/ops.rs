use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::neighbours::TestPortal;

#[tokio::test]
async fn the_ping_has_the_members_that_monitors_know() {
    let portal = TestPortal::start().await;
    let (status, ping) = portal.guest().json("/ping").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(ping["name"], "portal");
    assert_eq!(ping["healthy"], true);
    assert_eq!(ping["pingUrl"], "/ping");
    for member in [
        "message",
        "version",
        "gitLastCommit",
        "gitBranch",
        "buildDate",
    ] {
        assert!(ping[member].is_string(), "{member}");
    }
    assert!(ping["uptime"].is_u64());
}

#[tokio::test]
async fn plain_requests_are_sent_on_to_https_or_refused_with_a_page() {
    for (redirects, expected) in [
        (true, StatusCode::MOVED_PERMANENTLY),
        (false, StatusCode::BAD_REQUEST),
    ] {
        let external = Some("https://portal.example");
        let portal = TestPortal::at(external, |globals| {
            globals["network"]["forceRedirectToHttps"] = json!(redirects);
        })
        .await;
        let host = [("host", "portal.example")];
        let answer = portal
            .guest()
            .send(Method::GET, "/apis?q=1", &host, None)
            .await;
        assert_eq!(answer.status, expected);
        if redirects {
            assert_eq!(answer.location(), "https://portal.example/apis?q=1");
        } else {
            answer.shows("X-Forwarded-Proto: https");
            answer.shows("<h1");
        }
        let proxied = [host[0], ("x-forwarded-proto", "https")];
        let answer = portal
            .guest()
            .send(Method::GET, "/apis", &proxied, None)
            .await;
        assert_eq!(answer.status, StatusCode::OK);
        // The console is reached without https, too.
        let gateway = [("host", "localhost:8000")];
        let file = "/swagger-ui/console.js";
        let answer = portal.guest().send(Method::GET, file, &gateway, None).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
}
