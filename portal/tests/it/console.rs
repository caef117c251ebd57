//! Swagger UI on the gateway's name.

use reqwest::{Method, StatusCode};

use crate::{
    browser::{Answer, Browser},
    neighbours::TestPortal,
};

/// As the gateway passes it on.
async fn on_the_gateway(browser: &mut Browser, path: &str) -> Answer {
    let host = [("host", "localhost:8000")];
    browser.send(Method::GET, path, &host, None).await
}

#[tokio::test]
async fn the_console_shows_definitions_of_this_installation_only() {
    let portal = TestPortal::start().await;
    let mut guest = portal.guest();
    let page = format!("/swagger-ui?url={}/apis/shipments/swagger", portal.url);
    let answer = on_the_gateway(&mut guest, &page).await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.shows(&format!(
        r#"data-definition="{}/apis/shipments/swagger""#,
        portal.url
    ));
    let policy = answer.header("content-security-policy");
    assert!(
        policy.contains("script-src 'self';") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert!(
        policy.contains(&format!("connect-src {};", portal.url)),
        "{policy}"
    );
    assert!(!answer.body.contains("<script>"));
    for url in [
        "https://evil.example/apis/shipments/swagger",
        "http://petstore.example/swagger.json",
        "/apis/unknown/swagger",
        "/apis/shipments",
        "javascript:alert(1)",
    ] {
        let answer = on_the_gateway(&mut guest, &format!("/swagger-ui?url={url}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{url}");
    }
    // Secrets of old links are not read.
    let old = format!("{page}&apikey=hush-hush&client_id=c&client_secret=hush-hush");
    assert!(
        !on_the_gateway(&mut guest, &old)
            .await
            .body
            .contains("hush-hush")
    );
    let none = on_the_gateway(&mut guest, "/swagger-ui").await;
    assert_eq!(none.location(), format!("{}/apis", portal.url));
}

#[tokio::test]
async fn its_files_are_delivered_with_the_portal() {
    let portal = TestPortal::start().await;
    let mut guest = portal.guest();
    for (file, kind, text) in [
        ("swagger-ui-bundle.js", "text/javascript", "SwaggerUIBundle"),
        ("swagger-ui.css", "text/css", ".swagger-ui"),
        ("console.js", "text/javascript", "supportedSubmitMethods"),
        (
            "oauth2-redirect.js",
            "text/javascript",
            "swaggerUIRedirectOauth2",
        ),
        ("oauth2-redirect.html", "text/html", "oauth2-redirect.js"),
    ] {
        let answer = on_the_gateway(&mut guest, &format!("/swagger-ui/{file}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{file}");
        assert!(answer.header("content-type").starts_with(kind), "{file}");
        assert!(answer.body.contains(text), "{file}");
        assert!(!answer.header("content-security-policy").contains("unsafe"));
    }
    let unknown = on_the_gateway(&mut guest, "/swagger-ui/other.js").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_portals_own_name_leads_to_the_gateways() {
    let portal = TestPortal::start().await;
    let answer = portal.guest().get("/swagger-ui?url=x").await;
    assert_eq!(answer.status, StatusCode::FOUND);
    assert_eq!(answer.location(), "http://localhost:8000/swagger-ui?url=x");
}
