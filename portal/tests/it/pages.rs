use reqwest::StatusCode;

use crate::neighbours::TestPortal;

/// Address and what has to be on the page, in English and German.
const PAGES: &[(&str, &str, &str)] = &[
    ("/", "Welcome", "Welcome"),
    ("/content/terms", "Be kind.", "Seien Sie freundlich."),
    ("/content/toc", "All pages and APIs", "Alle Seiten und APIs"),
    ("/apis", "4 APIs", "4 APIs"),
    ("/apis?q=parcel", "1 API", "1 API"),
    ("/apis?q=zzz", "No API matches", "Keine API passt zu"),
    ("/apis/shipments", "Your applications", "Ihre Anwendungen"),
    ("/apis/tracking", "Client credentials", "Client Credentials"),
    (
        "/apis/invoices",
        "retires on 31 Mar 2027",
        "endet am 31. März 2027",
    ),
    (
        "/apis/clock",
        "No key is needed",
        "Ein Schlüssel ist nicht nötig",
    ),
    (
        "/apis/shipments/reference",
        "Book a shipment",
        "Book a shipment",
    ),
    (
        "/apis/shipments/reference/book",
        "up to 64 characters",
        "bis 64 Zeichen",
    ),
    ("/applications", "Tracking dashboard", "Ihre Rolle"),
    (
        "/applications?register=true",
        "Create application",
        "Anwendung anlegen",
    ),
    (
        "/applications/tracking-dashboard",
        "wg_…1234",
        "Beim Abonnieren erzeugt",
    ),
    (
        "/applications/tracking-dashboard/subscribe/shipments",
        "600 a minute",
        "600 je Minute",
    ),
    (
        "/applications/tracking-dashboard/unsubscribe/invoices",
        "Keep the subscription",
        "Abonnement behalten",
    ),
    (
        "/admin/approvals",
        "We show &#60;arrival&#62; times.",
        "Begründung",
    ),
];

#[tokio::test]
async fn every_page_is_drawn_in_both_languages() {
    let portal = TestPortal::start().await;
    let mut browser = portal.lena().await;
    for (path, english, german) in PAGES {
        for (language, text) in [("en", english), ("de", german)] {
            browser.language = language;
            let answer = browser.get(path).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            answer.shows(text);
            answer.shows(&format!(r#"<html lang="{language}""#));
            assert_eq!(
                answer.body.matches("<h1").count(),
                1,
                "{path} has one main heading"
            );
            assert!(
                !answer.body.contains("<script>"),
                "{path} has no inline script"
            );
        }
    }
}

#[tokio::test]
async fn no_page_asks_for_secrets() {
    let portal = TestPortal::start().await;
    let mut browser = portal.lena().await;
    for (path, ..) in PAGES {
        browser.get(path).await;
    }
    let read = "secrets were read".to_owned();
    assert!(!portal.log.entries().contains(&read));
}

#[tokio::test]
async fn a_guest_sees_plans_but_not_those_of_groups() {
    let portal = TestPortal::start().await;
    let page = portal.guest().get("/apis/shipments").await;
    page.shows("Log in to subscribe");
    page.shows("€120 a month");
    assert!(!page.body.contains("Carrier"));
    let page = portal.lena().await.get("/apis/shipments").await;
    page.shows("Only for group “carriers”");
}

#[tokio::test]
async fn samples_are_written_in_the_chosen_language_and_remembered() {
    let portal = TestPortal::start().await;
    let mut guest = portal.guest();
    guest
        .get("/apis/shipments/reference/book")
        .await
        .shows("curl");
    guest
        .get("/apis/shipments/reference/book?lang=python")
        .await
        .shows("requests.post");
    let page = guest.get("/apis/shipments/reference/book").await;
    page.shows("import");
    page.shows("X-ApiKey");
    page.shows("DEHAM");
    page.shows("As Parcel above.");
}

#[tokio::test]
async fn what_does_not_exist_is_a_page_with_a_correlation_id() {
    let portal = TestPortal::start().await;
    for path in [
        "/nowhere",
        "/apis/unknown",
        "/content/unknown",
        "/apis/shipments/reference/unknown",
        "/applications/..%2f..",
    ] {
        let mut browser = portal.lena().await;
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        let id = answer.header("correlation-id").to_owned();
        assert!(!id.is_empty());
        answer.shows(&id);
    }
}

#[tokio::test]
async fn content_files_are_served_with_a_tag() {
    let portal = TestPortal::start().await;
    let mut guest = portal.guest();
    let first = guest.get("/content/logo.png").await;
    assert_eq!(first.header("content-type"), "image/png");
    let tag = first.header("etag").to_owned();
    let second = guest
        .send(
            reqwest::Method::GET,
            "/content/logo.png",
            &[("if-none-match", &tag)],
            None,
        )
        .await;
    assert_eq!(second.status, StatusCode::NOT_MODIFIED);
}
