use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Backend, TestGateway};

async fn call(
    gateway: &TestGateway,
    method: Method,
    path: &str,
    body: Value,
) -> (StatusCode, Value) {
    let mut request = gateway
        .http
        .request(method, format!("{}{path}", gateway.admin_url));
    if !body.is_null() {
        request = request.json(&body);
    }
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap_or_default())
}

#[tokio::test]
async fn all_faults_of_an_entity_are_reported_at_once() {
    let gateway = TestGateway::start().await;
    let (status, body) = call(
        &gateway,
        Method::POST,
        "services",
        json!({ "port": 70000, "retries": "5", "colour": "red", "protocol": "tcp" }),
    )
    .await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::BAD_REQUEST, &json!(2))
    );
    let mut names: Vec<&String> = body["fields"].as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["colour", "host", "port", "protocol", "retries"]);

    for (path, body, field) in [
        ("plugins", json!({ "name": "no-such" }), "/name"),
        ("plugins", json!({ "name": "post-function" }), "/name"),
        (
            "plugins",
            json!({ "name": "key-auth", "config": { "colour": 1 } }),
            "/config/colour",
        ),
        (
            "plugins",
            json!({ "name": "rate-limiting", "config": {} }),
            "/config/@entity/0",
        ),
        (
            "plugins",
            json!({ "name": "rate-limiting", "config": { "minute": "5" } }),
            "/config/minute",
        ),
        (
            "routes",
            json!({ "paths": ["/a//b", "/ok", "x"] }),
            "/paths/3",
        ),
        (
            "routes",
            json!({ "protocols": ["tcp"], "paths": ["/"] }),
            "/protocols/1",
        ),
        ("routes", json!({}), "/@entity/0"),
        ("consumers", json!({}), "/@entity/0"),
    ] {
        let (status, answer) = call(&gateway, Method::POST, path, body.clone()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        assert!(
            answer["fields"]
                .pointer(field)
                .is_some_and(Value::is_string),
            "{body}: {answer}"
        );
    }
    assert!(
        gateway
            .admin
            .list::<kong::Plugin>(&[])
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn put_replaces_and_patch_merges() {
    let gateway = TestGateway::start().await;
    let id = "11111111-2222-3333-4444-555555555555";
    let path = format!("services/{id}");
    let (status, created) = call(
        &gateway,
        Method::PUT,
        &path,
        json!({ "name": "a", "host": "h", "retries": 9 }),
    )
    .await;
    assert_eq!((status, &created["retries"]), (StatusCode::OK, &json!(9)));
    let (_, replaced) = call(
        &gateway,
        Method::PUT,
        &path,
        json!({ "name": "a", "url": "https://x.example/p" }),
    )
    .await;
    assert_eq!(
        (&replaced["retries"], &replaced["port"], &replaced["path"]),
        (&json!(5), &json!(443), &json!("/p"))
    );
    assert_eq!(replaced["created_at"], created["created_at"]);
    let (_, plugin) = call(
        &gateway,
        Method::POST,
        "services/a/plugins",
        json!({ "name": "rate-limiting", "config": { "minute": 5, "hour": 9 } }),
    )
    .await;
    let plugin_path = format!("plugins/{}", plugin["id"].as_str().unwrap());
    let (_, merged) = call(
        &gateway,
        Method::PATCH,
        &plugin_path,
        json!({ "config": { "minute": 6 } }),
    )
    .await;
    assert_eq!(
        (&merged["config"]["minute"], &merged["config"]["hour"]),
        (&json!(6), &json!(9))
    );
    let (status, _) = call(
        &gateway,
        Method::PATCH,
        &plugin_path,
        json!({ "config": { "minute": 10 } }),
    )
    .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (status, _) = call(
        &gateway,
        Method::PUT,
        "services/a",
        json!({ "name": "b", "host": "h" }),
    )
    .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn names_are_unique_and_references_hold() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("orders", backend.address, "/orders").await;
    let (status, body) = call(
        &gateway,
        Method::POST,
        "services",
        json!({ "name": "orders", "host": "h" }),
    )
    .await;
    assert_eq!(
        (status, &body["code"], &body["fields"]["name"]),
        (StatusCode::CONFLICT, &json!(5), &json!("orders"))
    );
    let (status, body) = call(&gateway, Method::DELETE, "services/orders", Value::Null).await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::BAD_REQUEST, &json!(4))
    );
    let missing =
        json!({ "paths": ["/x"], "service": { "id": "11111111-2222-3333-4444-555555555555" } });
    let (status, body) = call(&gateway, Method::POST, "routes", missing).await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::BAD_REQUEST, &json!(4))
    );
    let (status, body) = call(
        &gateway,
        Method::GET,
        "routes/orders.0/service",
        Value::Null,
    )
    .await;
    assert_eq!((status, &body["id"]), (StatusCode::OK, &json!(service.id)));
    let plugin = json!({ "name": "cors", "service": { "name": "orders" } });
    assert_eq!(
        call(&gateway, Method::POST, "plugins", plugin.clone())
            .await
            .0,
        StatusCode::CREATED
    );
    assert_eq!(
        call(&gateway, Method::POST, "plugins", plugin).await.0,
        StatusCode::CONFLICT
    );
    assert_eq!(
        call(&gateway, Method::DELETE, "routes/orders.0", Value::Null)
            .await
            .0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        call(&gateway, Method::DELETE, "services/orders", Value::Null)
            .await
            .0,
        StatusCode::NO_CONTENT
    );
    // Its plugin went with it.
    assert!(
        gateway
            .admin
            .list::<kong::Plugin>(&[])
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        gateway.get("/orders").send().await.unwrap().status(),
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn nested_credentials_belong_to_their_consumer() {
    let gateway = TestGateway::start().await;
    gateway.consumer("app$api").await;
    gateway.consumer("other").await;
    let (status, group) = call(
        &gateway,
        Method::PUT,
        "consumers/app%24api/acls/users",
        json!({}),
    )
    .await;
    assert_eq!((status, &group["group"]), (StatusCode::OK, &json!("users")));
    let (status, key) = call(
        &gateway,
        Method::POST,
        "consumers/app%24api/key-auth",
        Value::Null,
    )
    .await;
    assert_eq!(status, StatusCode::CREATED);
    let text = key["key"].as_str().unwrap();
    assert_eq!(text.len(), 32);
    assert_eq!(
        call(
            &gateway,
            Method::GET,
            &format!("consumers/other/key-auth/{text}"),
            Value::Null
        )
        .await
        .0,
        StatusCode::NOT_FOUND
    );
    let (status, consumer) = call(
        &gateway,
        Method::GET,
        &format!("key-auths/{text}/consumer"),
        Value::Null,
    )
    .await;
    assert_eq!(
        (status, &consumer["username"]),
        (StatusCode::OK, &json!("app$api"))
    );
    assert_eq!(
        call(
            &gateway,
            Method::DELETE,
            "consumers/app%24api/acls/users",
            Value::Null
        )
        .await
        .0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        call(
            &gateway,
            Method::DELETE,
            "consumers/app%24api/acls/users",
            Value::Null
        )
        .await
        .0,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn lists_are_paged_and_filtered_by_tags() {
    let gateway = TestGateway::start().await;
    for number in 0..25 {
        let tags = if number % 2 == 0 {
            json!(["all", "even"])
        } else {
            json!(["all"])
        };
        let body = json!({ "username": format!("c{number}"), "tags": tags });
        assert_eq!(
            call(&gateway, Method::POST, "consumers", body).await.0,
            StatusCode::CREATED
        );
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut path = "consumers?size=10&tags=all".to_owned();
    let mut pages = Vec::new();
    loop {
        let (status, page) = call(&gateway, Method::GET, &path, Value::Null).await;
        assert_eq!(status, StatusCode::OK);
        let data = page["data"].as_array().unwrap().clone();
        pages.push(data.len());
        seen.extend(
            data.iter()
                .map(|row| row["id"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => path = next.trim_start_matches('/').to_owned(),
            None => break,
        }
    }
    assert_eq!((pages, seen.len()), (vec![10, 10, 5], 25));
    assert_eq!(
        gateway
            .admin
            .list::<kong::Consumer>(&["all", "even"])
            .await
            .unwrap()
            .len(),
        13
    );
    for query in [
        "size=0",
        "size=1001",
        "size=x",
        "offset=broken",
        "tags=a,b/c",
        "tags=",
    ] {
        let (status, _) = call(
            &gateway,
            Method::GET,
            &format!("consumers?{query}"),
            Value::Null,
        )
        .await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
    }
    let (_, by_custom_id) = call(
        &gateway,
        Method::GET,
        "consumers?custom_id=nobody",
        Value::Null,
    )
    .await;
    assert_eq!(by_custom_id["data"], json!([]));
}

#[tokio::test]
async fn information_is_what_tools_expect() {
    let gateway = TestGateway::start().await;
    let node = gateway.admin.node().await.unwrap();
    assert!(node.is_embedded() && !node.is_db_less() && node.has_plugin("wicketgate-identity"));
    let schema = gateway
        .admin
        .plugin_schema("rate-limiting")
        .await
        .unwrap()
        .unwrap();
    assert!(
        schema["fields"]
            .as_array()
            .unwrap()
            .iter()
            .any(|field| field.get("config").is_some())
    );
    assert!(
        gateway
            .admin
            .plugin_schema("aws-lambda")
            .await
            .unwrap()
            .is_none()
    );
    let response = gateway
        .http
        .get(format!("{}metrics", gateway.status_url))
        .send()
        .await
        .unwrap();
    assert!(response.text().await.unwrap().contains("kong_node_info"));
    for (path, status) in [
        ("status", 200),
        ("tags", 200),
        ("vaults", 200),
        ("healthz", 200),
        ("nothing", 404),
        ("config", 400),
    ] {
        assert_eq!(
            call(&gateway, Method::GET, path, Value::Null).await.0,
            status,
            "{path}"
        );
    }
    let form = gateway
        .http
        .post(format!("{}services", gateway.admin_url))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("name=form&host=h&port=81&tags[]=a&tags[]=b")
        .send()
        .await
        .unwrap();
    assert_eq!(form.status(), StatusCode::CREATED);
    let service: Value = form.json().await.unwrap();
    assert_eq!(
        (&service["port"], &service["tags"]),
        (&json!(81), &json!(["a", "b"]))
    );
}

#[tokio::test]
async fn there_are_other_doors_than_a_port_without_encryption() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("admin.sock");
    let free = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let bound = gateway::Bound::new(free, free, free).unwrap();
    let bound = bound.with_tls(free).unwrap().with_admin_tls(free).unwrap();
    let encrypted = bound.admin_tls.as_ref().unwrap().local_addr().unwrap();
    let gateway = TestGateway::start_on(bound, folder.path(), |settings| {
        settings.admin_socket = Some(socket.clone());
        settings.admin_token = Some("token".to_owned());
        settings.admin_origins = vec!["https://admin.example".to_owned()];
    });
    let client = reqwest::Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .build()
        .unwrap();
    let ask = |token: &str| {
        let request = client.get(format!("https://{encrypted}/services"));
        request.header("kong-admin-token", token)
    };
    assert_eq!(ask("wrong").send().await.unwrap().status(), 401);
    let from = |origin| ask("token").header("origin", origin);
    let answer = from("https://admin.example").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let allowed = "access-control-allow-origin";
    assert_eq!(answer.headers()[allowed], "https://admin.example");
    let answer = from("https://else.example").send().await.unwrap();
    assert!(!answer.headers().contains_key(allowed));

    let mut stream = tokio::net::UnixStream::connect(&socket).await.unwrap();
    let request =
        "GET /services HTTP/1.1\r\nHost: a\r\nKong-Admin-Token: token\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    gateway.stop().await;
}
