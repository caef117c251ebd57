//! Calling an API from its pages (portal-ui 19.3).

use reqwest::StatusCode;
use serde_json::json;

use crate::{browser::state, neighbours::TestPortal};

const PAGE: &str = "/apis/invoices/try?operation=book";
const TRY: &str = "/apis/invoices/try";
const APPLICATION: (&str, &str) = ("application", "tracking-dashboard");

fn calls(portal: &TestPortal) -> Vec<String> {
    let entries = portal.log.entries().into_iter();
    entries
        .filter(|entry| entry.starts_with("gateway "))
        .collect()
}

#[tokio::test]
async fn a_call_carries_the_key_of_the_application_and_the_page_does_not() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    lena.get("/apis/invoices/reference/book")
        .await
        .shows(r#"action="/apis/invoices/try""#);
    let form = [
        ("operation", "book"),
        APPLICATION,
        ("header.Idempotency-Key", "abc"),
        ("content_type", "application/json"),
        ("body", "{\"from\": \"<b>DEHAM\"}"),
    ];
    let page = lena.submit(PAGE, TRY, &form).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    for text in [
        "200 OK",
        "/shipments/v2/shipments",
        "599",
        "••••9876",
        "$API_KEY",
        "idempotency",
        "&#60;b&#62;DEHAM",
    ] {
        page.shows(text);
    }
    assert!(
        !page.body.contains("wg_key-of"),
        "the key is not on the page"
    );
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(
        calls(&portal),
        ["gateway POST /shipments/v2/shipments at localhost:8000 with wg_key-of-invoices-9876"]
    );
}

#[tokio::test]
async fn scripts_get_request_and_answer_in_parts() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let call = json!({"operation": "listShipments", "application": "tracking-dashboard",
        "query.page": "2 & 3"});
    let answer = lena.send_json(TRY, &call).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let body = answer.json();
    assert_eq!(body["status"], 200);
    assert!(body["durationMs"].is_u64() && body["size"].is_u64());
    assert_eq!(
        body["request"]["url"],
        "http://localhost:8000/shipments/v2/shipments?page=2+%26+3"
    );
    assert!(
        body["request"]["curl"]
            .as_str()
            .unwrap()
            .contains("x-apikey: $API_KEY")
    );
    assert!(!answer.body.contains("wg_key-of"));
    // The address may be said as a whole, too.
    let call = json!({"method": "put", "url": "http://localhost:8000/shipments/v2/x?y=1",
        "application": "tracking-dashboard", "body": "text", "content_type": "text/plain"});
    let answer = lena.send_json(TRY, &call).await.json();
    let echo: serde_json::Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&echo["body"], &echo["type"]),
        (&json!("text"), &json!("text/plain"))
    );
    assert_eq!(echo["cookie"], "", "the browser's cookies stay here");
}

#[tokio::test]
async fn only_the_own_addresses_of_the_api_are_called() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    for url in [
        "http://localhost:8000/",
        "http://localhost:8000/shipments/v20/x",
        "http://localhost:8000/shipments/v2/../../other",
        "http://localhost:8000/shipments/v2/%2e%2e/other",
        "https://localhost:8000/shipments/v2/x",
        "http://127.0.0.1:8000/shipments/v2/x",
        "http://[::1]:8000/shipments/v2/x",
        "http://[::ffff:127.0.0.1]:8000/shipments/v2/x",
        "http://2130706433:8000/shipments/v2/x",
        "http://localhost:8000@evil.example/shipments/v2/x",
        "http://lena:pw@localhost:8000/shipments/v2/x",
        "http://localhost.evil.example:8000/shipments/v2/x",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "//localhost:8000/shipments/v2/x",
        "",
    ] {
        let call = json!({"url": url, "application": "tracking-dashboard"});
        let answer = lena.send_json(TRY, &call).await;
        assert_eq!(
            answer.status,
            StatusCode::BAD_REQUEST,
            "{url}: {}",
            answer.body
        );
        let page = lena.submit(PAGE, TRY, &[("url", url), APPLICATION]).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{url}");
    }
    // Neither does a value of a form lead elsewhere.
    for (field, value) in [
        ("server", "http://evil.example"),
        ("header.Host", "evil.example"),
        ("header.Cookie", "a=b"),
        ("header.X-Forwarded-For", "10.0.0.1"),
        ("header.X y", "1"),
        ("header.X-Y", "a\r\nb: c"),
    ] {
        let form = [("operation", "listShipments"), APPLICATION, (field, value)];
        let page = lena.submit(PAGE, TRY, &form).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{field}");
    }
    assert_eq!(calls(&portal), Vec::<String>::new());
}

#[tokio::test]
async fn redirects_are_shown_and_not_followed_and_length_has_an_end() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let call = |path: &str| {
        json!({"url": format!("http://localhost:8000/shipments/v2/{path}"),
            "application": "tracking-dashboard"})
    };
    let answer = lena.send_json(TRY, &call("redirect")).await.json();
    assert_eq!(answer["status"], 302);
    let long = lena.send_json(TRY, &call("long")).await;
    assert_eq!(long.status, StatusCode::BAD_GATEWAY);
    assert_eq!(long.json()["statusCode"], 502);
    let mut large = call("x");
    large["body"] = json!("x".repeat((1 << 20) + 1));
    assert_eq!(
        lena.send_json(TRY, &large).await.status,
        StatusCode::BAD_REQUEST
    );
    large["body"] = json!("x".repeat(8 << 20));
    let refused = lena.send_json(TRY, &large).await.status;
    assert_eq!(refused, StatusCode::BAD_REQUEST);
    large["body"] = json!("x".repeat(1 << 20));
    assert_eq!(lena.send_json(TRY, &large).await.status, StatusCode::OK);
}

#[tokio::test]
async fn tokens_are_fetched_for_the_application() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let call = json!({"operation": "listShipments", "application": "tracking-dashboard",
        "scope": "read"});
    let answer = lena.send_json("/apis/tracking/try", &call).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert!(!answer.body.contains("token-of-client-1"));
    assert!(calls(&portal)[0].ends_with("with Bearer token-of-client-1"));
    let basic = "client token Basic Y2xpZW50LTE6Y2xpZW50LXNlY3JldC0x read";
    assert!(portal.log.entries().contains(&basic.to_owned()));
}

#[tokio::test]
async fn a_secret_that_nobody_keeps_is_pasted() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let path = "/apis/shipments/try";
    let page = lena.get(path).await;
    page.shows("Only fingerprints of keys and secrets are kept here, so paste yours.");
    assert!(!page.body.contains("name=\"application\""));
    let form = [("operation", "listShipments"), APPLICATION];
    let page = lena.submit(PAGE, path, &form).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    page.shows("is not kept in a readable form");
    let pasted = ("credential", "wg_pasted-key-9876");
    let page = lena.submit(PAGE, path, &[form[0], form[1], pasted]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.body.contains("wg_pasted"));
    assert!(calls(&portal)[0].ends_with("with wg_pasted-key-9876"));
}

#[tokio::test]
async fn guests_try_open_apis_only_and_nobody_without_the_token_of_the_form() {
    let portal = TestPortal::start().await;
    let mut guest = portal.guest();
    let page = "/apis/clock/try?operation=listShipments";
    let answer = guest
        .submit(page, "/apis/clock/try", &[("operation", "listShipments")])
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert!(calls(&portal)[0].ends_with("with "));
    let closed = guest.get(PAGE).await;
    assert!(closed.location().starts_with("/login?redirect="));
    let token = guest.get(page).await.csrf();
    let form = [
        ("operation", "book"),
        ("credential", "x"),
        ("_csrf", token.as_str()),
    ];
    assert_eq!(guest.post(TRY, &form).await.status, StatusCode::FOUND);
    let mut lena = portal.lena().await;
    let bare = lena
        .post(TRY, &[("operation", "listShipments"), APPLICATION])
        .await;
    assert_eq!(bare.status, StatusCode::FORBIDDEN);
    assert_eq!(calls(&portal).len(), 1);
}

const PEOPLE: &str = "/apis/parcels/try";
const LOGIN: &str = "/apis/parcels/try/login";

#[tokio::test]
async fn people_call_with_a_token_that_only_the_portal_sees() {
    let portal = TestPortal::start().await;
    let callback = format!("{}/try/callback", portal.url);
    portal.log.allow(callback.clone());
    let mut lena = portal.lena().await;
    let form = [("operation", "listShipments"), APPLICATION];
    let page = lena.get(PEOPLE).await;
    page.shows(r#"formaction="/apis/parcels/try/login""#);
    page.shows(&callback);
    let as_person = [form[0], form[1], ("as", "person")];
    let without = lena.submit(PEOPLE, PEOPLE, &as_person).await;
    assert_eq!(without.status, StatusCode::BAD_REQUEST);
    without.shows("There is no token of yours");

    let begun = [form[0], form[1], ("scope", "read")];
    let begun = lena.submit(PEOPLE, LOGIN, &begun).await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER);
    let url = begun.location();
    for part in [
        "/auth/oauth2/authorize?response_type=code&client_id=client-1",
        "%2Ftry%2Fcallback",
        "code_challenge_method=S256",
        "scope=read",
    ] {
        assert!(url.contains(part), "{part}: {url}");
    }
    assert!(!url.contains("secret"), "{url}");
    let state = state(url);
    let back = format!("/try/callback?code=code-for-client-1&state={state}");
    // Whoever did not begin it, and a state that is none, get nothing.
    let foreign = portal.jo().await.get(&back).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    let wrong = lena.get("/try/callback?code=x&state=try!x").await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    let elsewhere = format!("{back}&iss=http%3A%2F%2Fevil.example");
    assert_eq!(lena.get(&elsewhere).await.status, StatusCode::FORBIDDEN);
    let done = lena.get(&back).await;
    let target = "/apis/parcels/try?operation=listShipments&application=tracking-dashboard";
    assert_eq!((done.status, done.location()), (StatusCode::FOUND, target));
    let page = lena.get(target).await;
    page.shows("You have a token.");
    page.shows(r#"name="as" value="person" checked"#);
    assert_eq!(lena.get(&back).await.status, StatusCode::FORBIDDEN, "used");
    let answer = lena.submit(PEOPLE, PEOPLE, &as_person).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let made = calls(&portal);
    assert!(made[0].ends_with("with Bearer token-of-lena-by-client-1"));
    for place in [&page.body, &answer.body, &format!("{:?}", lena.cookies())] {
        assert!(!place.contains("token-of-lena"), "{place}");
    }
    let basic = "client code Basic Y2xpZW50LTE6Y2xpZW50LXNlY3JldC0x";
    let exchange = format!("{basic} at {callback}");
    assert!(portal.log.entries().contains(&exchange));
}

#[tokio::test]
async fn a_log_in_for_a_trial_needs_what_it_needs() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let refused = async |lena: &mut crate::browser::Browser, path: &str, form: &[_]| {
        let answer = lena.submit(PEOPLE, path, form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert!(
            answer.location().starts_with("/apis/"),
            "{}",
            answer.location()
        );
        lena.get(PEOPLE).await
    };
    let page = refused(&mut lena, LOGIN, &[APPLICATION]).await;
    page.shows("to the redirect URIs of the application first");
    let page = refused(&mut lena, LOGIN, &[]).await;
    page.shows("Choose an application");
    let page = refused(&mut lena, "/apis/tracking/try/login", &[APPLICATION]).await;
    page.shows("People get no tokens for this API.");
    portal.log.allow(format!("{}/try/callback", portal.url));
    let begun = lena.submit(PEOPLE, LOGIN, &[APPLICATION]).await;
    let denied = format!(
        "/try/callback?error=access_denied&error_description=%3Cb%3E&state={}",
        state(begun.location())
    );
    let back = lena.get(&denied).await;
    assert!(back.location().starts_with(PEOPLE), "{}", back.location());
    lena.get(back.location())
        .await
        .shows("&#60;b&#62; (access_denied)");
    let guest = portal.guest().post(LOGIN, &[APPLICATION]).await;
    assert!(guest.location().starts_with("/login?redirect="));
    assert!(calls(&portal).is_empty());
}
