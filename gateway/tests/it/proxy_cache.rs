//! Answers that are kept.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::{Value, json};

use crate::support::{TestGateway, key_auth, serve};

/// A backend that answers with the headers that the query names, and with a number that rises.
async fn backend() -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let app = Router::new().fallback(answer).with_state(calls.clone());
    (serve(app).await, calls)
}

async fn answer(State(calls): State<Arc<AtomicUsize>>, request: Request) -> Response {
    let number = calls.fetch_add(1, Relaxed) + 1;
    let mut response = format!("{number}").into_response();
    let query = request.uri().query().unwrap_or_default();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if &name == "status" {
            *response.status_mut() = value.parse().unwrap();
        } else if let Some(name) = name.strip_prefix("h-") {
            let name = axum::http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            response.headers_mut().insert(name, value.parse().unwrap());
        }
    }
    response
}

async fn gateway_with(config: Value) -> (TestGateway, Arc<AtomicUsize>) {
    let gateway = TestGateway::start().await;
    let (address, calls) = backend().await;
    let service = gateway.publish("c", address, "/c").await;
    let mut full = json!({"strategy": "memory", "content_type": ["text/plain; charset=utf-8"]});
    let fields = config.as_object().unwrap().clone();
    full.as_object_mut().unwrap().extend(fields);
    gateway
        .plugin("proxy-cache", Some(&service), None, full)
        .await;
    (gateway, calls)
}

/// `X-Cache-Status` and the body.
async fn ask(request: reqwest::RequestBuilder) -> (String, String, HeaderMap) {
    let answer = request.send().await.unwrap();
    let headers = answer.headers().clone();
    let status = headers.get("x-cache-status");
    let status = status.map_or("", |status| status.to_str().unwrap());
    (status.to_owned(), answer.text().await.unwrap(), headers)
}

#[tokio::test]
async fn who_asks_the_same_gets_the_same() {
    let (gateway, calls) = gateway_with(json!({})).await;
    let (status, body, headers) = ask(gateway.get("/c/a?x=1&y=2&h-x-own=1")).await;
    assert_eq!((&*status, &*body), ("Miss", "1"));
    let key = headers["x-cache-key"].clone();
    assert!(!headers.contains_key("age"));
    // The order of parameters makes no difference; all that the backend said is said again.
    let (status, body, headers) = ask(gateway.get("/c/a?y=2&h-x-own=1&x=1")).await;
    assert_eq!((&*status, &*body), ("Hit", "1"));
    assert_eq!(headers["x-own"], "1");
    assert_eq!(headers["x-cache-key"], key);
    assert_eq!(headers["age"], "0");
    assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(headers["content-length"], "1");
    // Another path, method, host or set of parameters is another question.
    for other in [
        "/c/a?x=1",
        "/c/A?x=1&y=2&h-x-own=1",
        "/c/a/?x=1&y=2&h-x-own=1",
    ] {
        assert_eq!(ask(gateway.get(other)).await.0, "Miss", "{other}");
    }
    let url = format!("http://{}/c/a?x=1&y=2&h-x-own=1", gateway.proxy);
    let (status, body, _) = ask(gateway.http.head(&url)).await;
    assert_eq!((&*status, &*body), ("Miss", ""));
    let (status, body, headers) = ask(gateway.http.head(&url)).await;
    assert_eq!((&*status, &*body), ("Hit", ""));
    assert_eq!(headers["content-length"], "1");
    assert_eq!(
        ask(gateway.get("/c/a?x=1&y=2&h-x-own=1").header("host", "else"))
            .await
            .0,
        "Miss"
    );
    assert_eq!(ask(gateway.http.delete(&url)).await.0, "Bypass");
    assert_eq!(calls.load(Relaxed), 7);
    // One way to write a path is as good as another.
    assert_eq!(ask(gateway.get("/c/%61?x=1&y=2&h-x-own=1")).await.0, "Hit");
}

#[tokio::test]
async fn what_is_not_for_others_is_not_kept() {
    let (gateway, _) = gateway_with(json!({})).await;
    for path in [
        "/c?h-set-cookie=a",
        "/c?h-vary=*",
        "/c?h-vary=accept,*",
        "/c?status=500",
        "/c?h-content-type=application/json",
        "/c?h-content-type=text/plain",
    ] {
        for _ in 0..2 {
            let (status, _, headers) = ask(gateway.get(path)).await;
            assert_eq!(status, "Bypass", "{path}");
            assert!(!headers.contains_key("x-cache-key"));
        }
    }
    assert_eq!(ask(gateway.get("/c")).await.0, "Miss");
    for (name, value) in [("authorization", "Bearer a"), ("range", "bytes=0-1")] {
        let (status, body, _) = ask(gateway.get("/c").header(name, value)).await;
        assert_eq!(status, "Bypass", "{name}");
        assert_ne!(body, "7");
    }
    // Cache-Control does not count unless it is to.
    assert_eq!(
        ask(gateway.get("/c").header("cache-control", "no-store"))
            .await
            .0,
        "Hit"
    );
    let limited = ask(gateway.get("/c?h-x-ratelimit-remaining-x=1")).await;
    assert_eq!(limited.0, "Miss");
    let again = ask(gateway.get("/c?h-x-ratelimit-remaining-x=1")).await;
    assert_eq!(again.0, "Hit");
    assert!(!again.2.contains_key("x-ratelimit-remaining-x"));
}

#[tokio::test]
async fn an_answer_depends_on_what_its_backend_says() {
    let (gateway, _) = gateway_with(json!({"vary_headers": ["X-Tenant"]})).await;
    let path = "/c?h-vary=Accept-Language";
    let ask_in = async |language: &str, tenant: &str| {
        let request = gateway.get(path).header("accept-language", language);
        let (status, body, _) = ask(request.header("x-tenant", tenant)).await;
        (status, body)
    };
    for (language, tenant, status, body) in [
        ("de", "a", "Miss", "1"),
        ("en", "a", "Miss", "2"),
        ("de", "a", "Hit", "1"),
        ("en", "a", "Hit", "2"),
        ("de", "b", "Miss", "3"),
        ("de", "a", "Hit", "1"),
    ] {
        let found = ask_in(language, tenant).await;
        assert_eq!(
            found,
            (status.to_owned(), body.to_owned()),
            "{language} {tenant}"
        );
    }
}

#[tokio::test]
async fn consumers_do_not_see_each_others_answers_and_limits_count() {
    let (gateway, calls) = gateway_with(json!({})).await;
    gateway.plugin("key-auth", None, None, key_auth()).await;
    gateway
        .plugin("rate-limiting", None, None, json!({"year": 2}))
        .await;
    for name in ["ada", "bob"] {
        let consumer = gateway.consumer(name).await;
        gateway.key(&consumer, name).await;
    }
    for (key, status, body) in [
        ("ada", "Miss", "1"),
        ("bob", "Miss", "2"),
        ("ada", "Hit", "1"),
        ("bob", "Hit", "2"),
    ] {
        let (seen, text, headers) = ask(gateway.get("/c").header("apikey", key)).await;
        assert_eq!((&*seen, &*text), (status, body));
        assert!(headers.contains_key("x-ratelimit-remaining-year"));
    }
    assert_eq!(
        gateway.status("/c", "ada").await,
        StatusCode::TOO_MANY_REQUESTS
    );
    assert_eq!(gateway.status("/c", "eve").await, StatusCode::UNAUTHORIZED);
    assert_eq!(calls.load(Relaxed), 2);
}

#[tokio::test]
async fn clients_and_backends_decide_where_they_may() {
    let (gateway, _) = gateway_with(json!({"cache_control": true, "storage_ttl": 1000})).await;
    let ask = async |path: &str, asked: &str| {
        let mut request = gateway.get(path);
        if !asked.is_empty() {
            request = request.header("cache-control", asked);
        }
        let answer = request.send().await.unwrap();
        let status = answer.headers().get("x-cache-status");
        let status = status.map(|status| status.to_str().unwrap().to_owned());
        (answer.status().as_u16(), status.unwrap_or_default())
    };
    for (path, asked, code, status) in [
        ("/c?h-cache-control=max-age%3D60", "only-if-cached", 504, ""),
        ("/c?h-cache-control=max-age%3D60", "no-store", 200, "Bypass"),
        ("/c?h-cache-control=max-age%3D60", "", 200, "Miss"),
        (
            "/c?h-cache-control=max-age%3D60",
            "only-if-cached",
            200,
            "Hit",
        ),
        ("/c?h-cache-control=max-age%3D60", "no-cache", 200, "Bypass"),
        (
            "/c?h-cache-control=max-age%3D60",
            "min-fresh=61",
            200,
            "Refresh",
        ),
        ("/c?h-cache-control=max-age%3D60", "max-age=60", 200, "Hit"),
        ("/c?h-cache-control=private,max-age%3D60", "", 200, "Bypass"),
        (
            "/c?h-cache-control=no-store,max-age%3D60",
            "",
            200,
            "Bypass",
        ),
        ("/c?h-cache-control=max-age%3D0", "", 200, "Bypass"),
        ("/c", "", 200, "Bypass"),
        // It is a minute old when it comes, so it counts no longer.
        (
            "/c?h-cache-control=max-age%3D60&h-age=60",
            "",
            200,
            "Bypass",
        ),
        ("/c?h-cache-control=max-age%3D60&h-age=50", "", 200, "Miss"),
        (
            "/c?h-cache-control=max-age%3D60&h-age=50",
            "max-age=40",
            200,
            "Refresh",
        ),
        (
            "/c?h-cache-control=max-age%3D60&h-age=50",
            "min-fresh=5",
            200,
            "Hit",
        ),
    ] {
        let found = ask(path, asked).await;
        assert_eq!(found, (code, status.to_owned()), "{path} {asked}");
    }
}

#[tokio::test]
async fn a_body_is_a_part_of_the_question() {
    let (gateway, _) = gateway_with(json!({"request_method": ["POST"]})).await;
    let url = format!("http://{}/c", gateway.proxy);
    for (body, status) in [("a", "Miss"), ("b", "Miss"), ("a", "Hit"), ("", "Miss")] {
        let (seen, ..) = ask(gateway.http.post(&url).body(body)).await;
        assert_eq!(seen, status, "{body}");
    }
    // Nor is one read that is large; it goes through.
    let large = vec![0; (1 << 20) + 1];
    assert_eq!(ask(gateway.http.post(&url).body(large)).await.0, "Bypass");
    assert_eq!(ask(gateway.get("/c")).await.0, "Bypass");
}

#[tokio::test]
async fn the_admin_api_shows_and_removes_answers() {
    let (gateway, _) = gateway_with(json!({})).await;
    let key = ask(gateway.get("/c")).await.2["x-cache-key"].clone();
    let key = key.to_str().unwrap();
    let (_, plugins) = gateway.call(Method::GET, "plugins", Value::Null).await;
    let plugin = plugins["data"][0]["id"].as_str().unwrap().to_owned();
    let call = async |method: Method, path: &str| gateway.call(method, path, Value::Null).await;
    for path in [
        format!("proxy-cache/{key}"),
        format!("proxy-cache/{plugin}/caches/{key}"),
    ] {
        assert_eq!(
            ask(gateway.get("/c")).await.1,
            ask(gateway.get("/c")).await.1
        );
        let (status, shown) = call(Method::GET, &path).await;
        assert_eq!((status, &shown["status"]), (StatusCode::OK, &json!(200)));
        assert_eq!(shown["body_len"], 1);
        assert_eq!(call(Method::DELETE, &path).await.0, StatusCode::NO_CONTENT);
        assert_eq!(call(Method::GET, &path).await.0, StatusCode::NOT_FOUND);
        assert_eq!(call(Method::DELETE, &path).await.0, StatusCode::NOT_FOUND);
        assert_eq!(ask(gateway.get("/c")).await.0, "Miss");
    }
    assert_eq!(
        call(Method::DELETE, "proxy-cache").await.0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(ask(gateway.get("/c")).await.0, "Miss");
    for (method, path, status) in [
        (Method::GET, "proxy-cache", 405),
        (Method::POST, "proxy-cache", 405),
        (Method::GET, "proxy-cache/x", 404),
        (Method::GET, "proxy-cache/x/caches/y", 404),
        (Method::GET, "proxy-cache/x/y/z", 404),
    ] {
        assert_eq!(call(method, path).await.0, status, "{path}");
    }
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    let gateway = TestGateway::start().await;
    for (config, field) in [
        (json!({}), "strategy"),
        (json!({"strategy": "redis"}), "strategy"),
        (
            json!({"strategy": "memory", "request_method": ["DELETE"]}),
            "request_method",
        ),
        (
            json!({"strategy": "memory", "response_code": [99]}),
            "response_code",
        ),
        (
            json!({"strategy": "memory", "content_type": ["json"]}),
            "content_type",
        ),
        (
            json!({"strategy": "memory", "content_type": []}),
            "content_type",
        ),
        (json!({"strategy": "memory", "cache_ttl": 0}), "cache_ttl"),
        (json!({"strategy": "memory", "ttl": 1}), "ttl"),
        (
            json!({"strategy": "memory", "response_headers": {"Age": true}}),
            "response_headers",
        ),
    ] {
        let body = json!({"name": "proxy-cache", "config": config});
        let (status, error) = gateway.call(Method::POST, "plugins", body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{field}");
        assert!(!error["fields"]["config"][field].is_null(), "{error}");
    }
    let (status, schema) = gateway
        .call(Method::GET, "schemas/plugins/proxy-cache", Value::Null)
        .await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        schema["fields"]
            .as_array()
            .unwrap()
            .iter()
            .any(|field| field.get("config").is_some())
    );
}
