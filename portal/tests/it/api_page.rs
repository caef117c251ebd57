//! The page of an API: what one can do with it (portal-ui 7.2 to 7.4), and its guides (21.3).

use reqwest::StatusCode;
use serde_json::json;

use crate::neighbours::TestPortal;

#[tokio::test]
async fn own_applications_are_listed_with_what_can_be_done() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let subscribed = lena.get("/apis/invoices").await;
    for text in [
        "Tracking dashboard",
        "Starter",
        "/applications/tracking-dashboard/unsubscribe/invoices",
        "/applications/tracking-dashboard/subscriptions/invoices/credentials",
        "/apis/invoices/try?application=tracking-dashboard",
    ] {
        subscribed.shows(text);
    }
    let not_yet = lena.get("/apis/shipments").await;
    not_yet.shows("Not subscribed");
    not_yet.shows(r#"href="/applications/tracking-dashboard/subscribe/shipments""#);
    lena.get("/apis/tracking")
        .await
        .shows("Plan Business was declined on 20 Nov 2026. Reason: Use &#60;Starter&#62; first.");
    let guest = portal.guest().get("/apis/shipments").await;
    guest.shows("/login?redirect=%2Fapis%2Fshipments");
    assert!(!guest.body.contains("Tracking dashboard"));
}

#[tokio::test]
async fn each_way_to_log_in_has_its_endpoints() {
    let portal = TestPortal::start().await;
    let page = portal.lena().await.get("/apis/tracking").await;
    page.shows("/auth/local/api/tracking/token");
    page.shows("There are further ways to log in");
    assert!(
        !page.body.contains("/auth/corp/"),
        "protected ways are for administrators"
    );
    assert!(
        !page.body.contains("/auth/local/api/tracking/authorize"),
        "nobody logs in"
    );
    let admin = portal.ann().await.get("/apis/tracking").await;
    admin.shows("/auth/corp/api/tracking/token");
}

#[tokio::test]
async fn guides_are_pages_of_their_api() {
    let portal = TestPortal::start().await;
    let mut guest = portal.guest();
    guest.get("/apis/shipments").await.shows("Getting started");
    let first = guest.get("/apis/shipments/docs").await;
    assert_eq!(first.location(), "/apis/shipments/docs/start");
    let page = guest.get("/apis/shipments/docs/start").await;
    page.shows(r#"<span class="tok-k">"from"</span>"#);
    page.shows("/apis/shipments/docs/advanced/batches");
    let nested = guest.get("/apis/shipments/docs/advanced/batches").await;
    nested.shows("Up to 50 at once.");
    assert!(!nested.body.contains("alert(1)"));
    let (status, body) = guest.json("/apis/shipments/docs").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["guides"][0]["path"], json!("start"));
    for missing in ["/apis/shipments/docs/none", "/apis/clock/docs"] {
        assert_eq!(
            guest.get(missing).await.status,
            StatusCode::NOT_FOUND,
            "{missing}"
        );
    }
}

#[tokio::test]
async fn the_owners_words_on_the_end_of_an_api_are_shown() {
    let portal = TestPortal::start().await;
    let page = portal.guest().get("/apis/invoices").await;
    page.shows("Ask <strong>Maren</strong>");
    let other = portal.guest().get("/apis/shipments").await;
    assert!(!other.body.contains("Maren"));
}
