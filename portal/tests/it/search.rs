//! The search over everything (portal-ui 21.1).

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::neighbours::TestPortal;

fn urls(body: &Value) -> Vec<&str> {
    let results = body["results"].as_array().unwrap().iter();
    results
        .map(|result| result["url"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn operations_apis_guides_pages_and_help_are_found() {
    let portal = TestPortal::start().await;
    let mut guest = portal.guest();
    for (words, kind, url) in [
        (
            "book shipment",
            "operation",
            "/apis/shipments/reference/book",
        ),
        ("idempotency", "operation", "/apis/shipments/reference/book"),
        ("DEHAM", "guide", "/apis/shipments/docs/start"),
        ("parcel", "api", "/apis/tracking"),
        ("kind", "page", "/content/terms"),
        ("redirect uri", "help", "/help/application"),
    ] {
        let path = format!("/search?q={}&type={kind}", words.replace(' ', "+"));
        let (status, body) = guest.json(&path).await;
        assert_eq!(status, StatusCode::OK);
        assert!(urls(&body).contains(&url), "{words}: {body}");
        assert_eq!(body["results"][0]["type"], kind);
    }
    let page = guest.get("/search?q=book").await;
    page.shows("<mark>Book</mark> a shipment");
    page.shows(r#"value="book""#);
    let empty = guest.get("/search").await;
    assert_eq!(empty.status, StatusCode::OK);
}

#[tokio::test]
async fn typing_errors_are_corrected_and_there_is_a_way_back() {
    let portal = TestPortal::start().await;
    let mut guest = portal.guest();
    let (_, body) = guest.json("/search?q=shpiments").await;
    assert_eq!(body["corrected"], "shipments");
    assert!(urls(&body).contains(&"/apis/shipments"));
    let page = guest.get("/search?q=shpiments").await;
    page.shows("Results for <b>shipments</b>");
    page.shows("/search?q=shpiments&#38;exact=1");
    let (_, body) = guest.json("/search?q=shpiments&exact=1").await;
    assert_eq!(
        (&body["count"], &body["corrected"]),
        (&json!(0), &Value::Null)
    );
    let page = guest.get("/search?q=%3Csvg%3Ezzz").await;
    page.shows("Nothing matches “&#60;svg&#62;zzz”.");
}

#[tokio::test]
async fn what_portal_api_does_not_list_is_not_found() {
    let portal = TestPortal::start().await;
    let mut ann = portal.ann().await;
    let (_, body) = ann.json("/search?q=payroll").await;
    assert_eq!(
        urls(&body),
        ["/apis/salaries"],
        "an administrator fills that part"
    );
    for mut other in [portal.guest(), portal.lena().await] {
        for words in ["payroll", "payrol", "salaries"] {
            let (_, body) = other.json(&format!("/search?q={words}")).await;
            assert_eq!(body["count"], 0, "{words}: {body}");
            assert_eq!(body["corrected"], Value::Null, "{words}");
            let page = other.get(&format!("/search?q={words}")).await;
            assert!(!page.body.contains("/apis/salaries"));
        }
    }
}

#[tokio::test]
async fn pages_are_found_in_the_readers_language() {
    let portal = TestPortal::start().await;
    let mut guest = portal.guest();
    let path = "/search?q=freundlich&exact=1";
    for (language, is_found) in [("de", true), ("en", false), ("de", true)] {
        guest.language = language;
        let (_, body) = guest.json(path).await;
        assert_eq!(urls(&body).contains(&"/content/terms"), is_found, "{body}");
    }
}
