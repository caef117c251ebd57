//! What an operator chooses in `globals.json`, on the pages.

use serde_json::json;

use crate::neighbours::TestPortal;

const OWN_SCRIPT: &str = "https://count.example.org/script.js";

/// What browsers may load with a page.
fn policy(answer: &crate::browser::Answer) -> &str {
    answer.header("content-security-policy")
}

#[tokio::test]
async fn visits_are_counted_after_a_yes_of_a_guest_only() {
    let portal = TestPortal::with(|globals| {
        globals["portal"]["analytics"] =
            json!({"script": OWN_SCRIPT, "origins": ["https://data.example.org/in"]});
    })
    .await;
    let mut guest = portal.guest();
    let asked = guest.get("/apis").await;
    asked.shows("May we count your visit?");
    assert!(!asked.body.contains(OWN_SCRIPT) && !policy(&asked).contains("example.org"));
    guest
        .post("/preferences", &[("statistics", "yes"), ("back", "/apis")])
        .await;
    let counted = guest.get("/apis").await;
    counted.shows(&format!(r#"<script src="{OWN_SCRIPT}" defer>"#));
    for origin in ["https://count.example.org", "https://data.example.org"] {
        assert!(policy(&counted).contains(origin), "{}", policy(&counted));
    }
    counted.shows("Stop counting my visits");
    assert!(!counted.body.contains("May we count your visit?"));

    // A script of others could do whatever the person may.
    guest.log_in("/apis").await;
    let known = guest.get("/apis").await;
    assert!(!known.body.contains(OWN_SCRIPT) && !policy(&known).contains("example.org"));

    let mut private = portal.guest();
    let headers = [("sec-gpc", "1")];
    let page = private
        .send(reqwest::Method::GET, "/apis", &headers, None)
        .await;
    assert!(!page.body.contains("May we count your visit?"));
    assert!(!page.body.contains(OWN_SCRIPT));
}

#[tokio::test]
async fn nothing_is_counted_by_default_or_with_an_address_that_is_none() {
    for analytics in [
        json!(null),
        json!({}),
        json!({"script": "javascript:alert(1)"}),
        json!({"script": "//count.example.org/script.js"}),
        json!({"script": "/content/count.js", "origins": ["'unsafe-inline'"]}),
    ] {
        let portal =
            TestPortal::with(|globals| globals["portal"]["analytics"] = analytics.clone()).await;
        let mut guest = portal.guest();
        guest
            .post("/preferences", &[("statistics", "yes"), ("back", "/apis")])
            .await;
        let page = guest.get("/apis").await;
        assert_eq!(page.body.matches("<script").count(), 1, "{analytics}");
        assert!(!policy(&page).contains("unsafe") && !page.body.contains("May we count"));
    }
}

#[tokio::test]
async fn samples_are_written_by_the_operators_templates() {
    let portal = TestPortal::with(|globals| {
        globals["portal"]["samples"] = json!({"python": "import httpx  # {{method}} {{url}}"});
    })
    .await;
    let mut guest = portal.guest();
    let page = guest
        .get("/apis/shipments/reference/book?lang=python")
        .await;
    page.shows("httpx");
    assert!(!page.body.contains("requests.post"));
    let page = guest.get("/apis/shipments/reference/book?lang=go").await;
    page.shows("http.NewRequest");
}

#[tokio::test]
async fn an_old_key_lives_on_no_longer_than_the_installation_allows() {
    let portal = TestPortal::with(|globals| {
        globals["credentials"]["maxOverlapSeconds"] = json!(86_400);
    })
    .await;
    let keys = "/applications/tracking-dashboard/subscriptions/invoices/credentials";
    let page = portal.lena().await.get(keys).await;
    for (seconds, is_offered) in [(0, true), (3600, true), (86_400, true), (604_800, false)] {
        let option = format!(r#"<option value="{seconds}""#);
        assert_eq!(page.body.contains(&option), is_offered, "{seconds}");
    }
}

#[tokio::test]
async fn texts_and_languages_of_the_operator_are_on_the_pages() {
    let portal = TestPortal::with(|globals| {
        globals["testTexts"] = json!({
            "de": {"shared": {"log_in": "Einloggen"}},
            "fr": {
                "language": {"name": "Français"},
                "shared": {"log_in": "Se connecter <ici>"},
                "unknown": {"of a": "newer release"},
            },
        });
    })
    .await;
    let mut guest = portal.guest();
    for (header, tag, text) in [
        ("en", "en", "Log in"),
        ("de-AT", "de", "Einloggen"),
        ("fr-CH, de;q=0.5", "fr", "Se connecter &#60;ici&#62;"),
        ("pl", "en", "Log in"),
    ] {
        guest.language = header;
        let page = guest.get("/apis").await;
        page.shows(&format!("<html lang=\"{tag}\""));
        page.shows(text);
        page.shows("value=\"fr\" lang=\"fr\"");
        page.shows("Français");
    }
    guest.language = "en";
    let chosen = [("lang", "fr"), ("back", "/apis")];
    guest.post("/preferences", &chosen).await;
    guest.get("/apis").await.shows("<html lang=\"fr\"");
    let unknown = [("lang", "pl"), ("back", "/apis")];
    guest.post("/preferences", &unknown).await;
    guest.get("/apis").await.shows("<html lang=\"en\"");
}
