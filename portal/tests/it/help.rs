use reqwest::StatusCode;

use crate::neighbours::TestPortal;

const TOPICS: [&str; 15] = [
    "apis",
    "api",
    "api-access",
    "applications",
    "application",
    "application-ownership",
    "trusted",
    "client_types",
    "oauth2_client_credentials",
    "oauth2_authorization_code",
    "oauth2_implicit_grant",
    "oauth2_password_grant",
    "bundles",
    "allowed_scopes",
    "accessibility",
];

#[tokio::test]
async fn every_topic_has_a_page_in_both_languages_and_leads_to_all_others() {
    let portal = TestPortal::start().await;
    let mut guest = portal.guest();
    let index = guest.get("/help").await;
    assert_eq!(index.status, StatusCode::OK);
    for topic in TOPICS {
        index.shows(&format!(r#"href="/help/{topic}""#));
        for language in ["en", "de"] {
            guest.language = language;
            let page = guest.get(&format!("/help/{topic}")).await;
            assert_eq!(page.status, StatusCode::OK, "{topic}");
            assert_eq!(page.body.matches("<h1").count(), 1, "{topic}");
            assert!(!page.body.contains("{{"), "{topic}");
            for other in TOPICS {
                page.shows(&format!(r#"href="/help/{other}""#));
            }
        }
    }
}

#[tokio::test]
async fn examples_have_the_values_of_the_installation() {
    let portal = TestPortal::start().await;
    let mut guest = portal.guest();
    let page = guest.get("/help/api-access").await;
    page.shows("X-ApiKey");
    page.shows("http://localhost:8000/");
    page.shows(r##"href="#with-an-api-key-1""##);
    page.shows(r#"id="with-an-api-key-1""#);
    guest
        .get("/help/oauth2_client_credentials")
        .await
        .shows("http://localhost:8000/auth/oauth2/token");
}

#[tokio::test]
async fn operators_replace_a_page_and_old_links_lead_on() {
    let portal = TestPortal::start().await;
    let mut guest = portal.guest();
    let page = guest.get("/help/trusted").await;
    page.shows("Our own words");
    page.shows("<strong>trust</strong> at");
    page.shows("http://localhost:8000</a>");
    let old = guest.get("/help/oauth2/implicit_grant").await;
    assert_eq!(
        (old.status, old.location()),
        (StatusCode::FOUND, "/help/oauth2_implicit_grant")
    );
    let unknown = guest.get("/help/nothing").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    unknown.shows("<h1");
    let (status, body) = guest.json("/help/nothing").await;
    assert_eq!(
        (status, &body["statusCode"]),
        (StatusCode::NOT_FOUND, &404.into())
    );
}
