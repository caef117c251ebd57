//! Pages for programs: Markdown, maps, catalogues, the Model Context Protocol (portal-ui 21.7 to 21.9).

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{browser::Browser, neighbours::TestPortal};

#[tokio::test]
async fn pages_for_reading_are_markdown_too() {
    let portal = TestPortal::start().await;
    let mut guest = portal.guest();
    for (path, text) in [
        ("/index.md", "# Hello"),
        (
            "/apis.md",
            "/apis/shipments.md): Book, change and cancel shipments.",
        ),
        (
            "/apis/shipments.md",
            "- Base URL: <http://localhost:8000/shipments/v2>",
        ),
        (
            "/apis/shipments/reference.md",
            "`POST /shipments`: [Book a shipment](",
        ),
        (
            "/apis/shipments/reference/book.md",
            "- `from` (string, required)",
        ),
        ("/apis/shipments/docs/start.md", "Call `POST /shipments`."),
        ("/content/terms.md", "Be kind."),
        ("/content/toc.md", "[Terms]("),
        ("/help.md", "/help/trusted.md"),
        ("/help/trusted.md", "**trust** at http://localhost:8000"),
        ("/llms.txt", "## APIs"),
        ("/llms-full.txt", "# Shipments"),
    ] {
        let answer = guest.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        assert_eq!(
            answer.header("content-type"),
            "text/markdown; charset=utf-8",
            "{path}"
        );
        answer.shows(text);
    }
    let accept = [("accept", "text/markdown")];
    let answer = guest
        .send(Method::GET, "/apis/shipments", &accept, None)
        .await;
    answer.shows("# Shipments");
    for path in ["/apis/none.md", "/help/none.md"] {
        assert_eq!(
            guest.get(path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    let secret = guest.get("/apis/secret.md").await;
    assert!(secret.location().starts_with("/login"), "{}", secret.status);
}

#[tokio::test]
async fn maps_and_catalogues_list_what_may_be_seen() {
    let portal = TestPortal::start().await;
    let mut ann = portal.ann().await;
    let map = ann.get("/sitemap.xml").await;
    assert!(map.header("content-type").starts_with("application/xml"));
    map.shows(&format!("<loc>{}/apis/shipments</loc>", portal.url));
    assert!(
        !map.body.contains("salaries"),
        "a map is for guests, whoever asks"
    );
    let robots = ann.get("/robots.txt").await;
    robots.shows(&format!("Sitemap: {}/sitemap.xml", portal.url));
    let answer = portal.guest().get("/.well-known/api-catalog").await;
    assert!(
        answer
            .header("content-type")
            .starts_with("application/linkset+json")
    );
    let links = answer.json();
    let items = links["linkset"][0]["item"].as_array().unwrap();
    assert_eq!(items.len(), 4);
    let first = &links["linkset"][1];
    assert_eq!(first["anchor"], "http://localhost:8000/shipments/v2");
    let definition = format!("{}/apis/shipments/swagger", portal.url);
    assert_eq!(first["service-desc"][0]["href"], json!(definition));
}

async fn ask(browser: &mut Browser, body: &Value, headers: &[(&str, &str)]) -> (StatusCode, Value) {
    let answer = browser.post_json("/mcp", body, headers).await;
    (answer.status, answer.json())
}

fn call(tool: &str, arguments: &Value) -> Value {
    let params = json!({"name": tool, "arguments": arguments});
    json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params})
}

#[tokio::test]
async fn a_definition_comes_as_yaml() {
    let portal = TestPortal::start().await;
    let file = portal.guest().get("/apis/shipments/definition.yaml").await;
    assert_eq!(file.header("content-type"), "application/yaml");
    assert_eq!(
        file.header("content-disposition"),
        "attachment; filename=\"shipments.yaml\""
    );
    assert!(
        file.body.starts_with("openapi: \"3.1.0\"\n"),
        "{}",
        file.body
    );
    file.shows("\n  /shipments:\n    get:\n      operationId: listShipments\n");
}

#[tokio::test]
async fn assistants_read_the_catalogue() {
    let portal = TestPortal::start().await;
    let mut guest = portal.guest();
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {"protocolVersion": "2025-03-26", "capabilities": {}}});
    let (status, answer) = ask(&mut guest, &hello, &[]).await;
    assert_eq!((status, &answer["id"]), (StatusCode::OK, &json!(1)));
    assert_eq!(answer["result"]["protocolVersion"], "2025-03-26");
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(ask(&mut guest, &ready, &[]).await.0, StatusCode::ACCEPTED);
    let list = json!({"jsonrpc": "2.0", "id": "x", "method": "tools/list"});
    let (_, answer) = ask(&mut guest, &list, &[]).await;
    let tools = answer["result"]["tools"].as_array().unwrap().clone();
    assert!(
        tools
            .iter()
            .all(|tool| tool["annotations"]["readOnlyHint"] == true)
    );
    for (tool, arguments, text) in [
        ("search", json!({"query": "book"}), "`POST /shipments`"),
        ("list_apis", json!({}), "Tracking events"),
        ("get_api", json!({"api": "shipments"}), "# Shipments"),
        (
            "get_operation",
            json!({"api": "shipments", "operation": "book"}),
            "`from`",
        ),
        (
            "get_guide",
            json!({"api": "shipments", "path": "start"}),
            "Call",
        ),
        ("read_page", json!({"path": "/content/terms"}), "Be kind."),
    ] {
        let (_, answer) = ask(&mut guest, &call(tool, &arguments), &[]).await;
        let shown = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert!(shown.contains(text), "{tool}: {shown}");
        assert_eq!(answer["result"]["isError"], false);
        assert!(tools.iter().any(|known| known["name"] == tool));
    }
}

#[tokio::test]
async fn assistants_see_no_more_than_their_token_and_faults_are_named() {
    let portal = TestPortal::start().await;
    let mut guest = portal.guest();
    let secret = call("get_api", &json!({"api": "secret"}));
    let (_, answer) = ask(&mut guest, &secret, &[]).await;
    assert_eq!(answer["result"]["isError"], true);
    let wrong = [("authorization", "Bearer wgp_unknown")];
    assert_eq!(
        ask(&mut guest, &secret, &wrong).await.0,
        StatusCode::UNAUTHORIZED
    );
    let foreign = [("origin", "https://evil.example")];
    assert_eq!(
        ask(&mut guest, &secret, &foreign).await.0,
        StatusCode::FORBIDDEN
    );
    for (body, code) in [
        (call("delete_api", &json!({})), -32602),
        (call("get_api", &json!({})), -32602),
        (call("get_api", &json!({"api": 5})), -32602),
        (
            json!({"jsonrpc": "2.0", "id": 1, "method": "resources/list"}),
            -32601,
        ),
        (json!({"jsonrpc": "1.0", "id": 1, "method": "ping"}), -32600),
        (json!({"id": 1}), -32600),
        (json!([1]), -32600),
    ] {
        let (status, answer) = ask(&mut guest, &body, &[]).await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (StatusCode::OK, &json!(code)),
            "{body}"
        );
    }
    let form = guest
        .send(Method::POST, "/mcp", &[], Some(&[("a", "b")]))
        .await;
    assert_eq!(form.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn pages_for_reading_name_their_address_and_their_markdown() {
    let portal = TestPortal::start().await;
    let mut guest = portal.guest();
    for (page, address, markdown) in [
        ("/", "/", "/index.md"),
        ("/apis?sort=name", "/apis", "/apis.md"),
        ("/apis/shipments", "/apis/shipments", "/apis/shipments.md"),
        (
            "/apis/shipments/reference/book?lang=go",
            "/apis/shipments/reference/book",
            "/apis/shipments/reference/book.md",
        ),
        ("/content/terms", "/content/terms", "/content/terms.md"),
        ("/help/trusted", "/help/trusted", "/help/trusted.md"),
        (
            "/apis/shipments/docs/start",
            "/apis/shipments/docs/start",
            "/apis/shipments/docs/start.md",
        ),
    ] {
        let answer = guest.get(page).await;
        let url = &portal.url;
        answer.shows(&format!(r#"<link rel="canonical" href="{url}{address}">"#));
        answer.shows(&format!(r#"type="text/markdown" href="{url}{markdown}">"#));
        assert_eq!(
            guest.get(markdown).await.status,
            StatusCode::OK,
            "{markdown}"
        );
    }
    let own = portal.lena().await.get("/applications").await;
    assert!(!own.body.contains("canonical"));
}
