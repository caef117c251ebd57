//! Names with passwords, signed requests, keys in bodies.

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Method, StatusCode};
use ring::hmac;
use serde_json::{Value, json};

use crate::support::{Backend, TestGateway};

#[tokio::test]
async fn a_password_is_hashed_and_lets_in() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("open", backend.address, "/open").await;
    gateway
        .plugin(
            "basic-auth",
            Some(&service),
            None,
            json!({"hide_credentials": true}),
        )
        .await;
    gateway.consumer("ada").await;
    let stored = gateway
        .post(
            "consumers/ada/basic-auth",
            json!({"username": "ada", "password": "se:cret"}),
        )
        .await;
    assert!(!stored.to_string().contains("se:cret"), "{stored}");
    let get = async |user: &str, password: &str| {
        gateway
            .get("/open")
            .basic_auth(user, Some(password))
            .send()
            .await
            .unwrap()
    };
    for _ in 0..2 {
        let answer = get("ada", "se:cret").await;
        assert_eq!(answer.status(), StatusCode::OK);
        let seen: Value = answer.json().await.unwrap();
        assert_eq!(seen["headers"]["x-consumer-username"], "ada");
        assert_eq!(seen["headers"]["x-credential-identifier"], "ada");
        assert!(seen["headers"]["authorization"].is_null());
    }
    for (user, password) in [("ada", "secret"), ("bob", "se:cret"), ("", ""), ("ada", "")] {
        let answer = get(user, password).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{user}");
        assert_eq!(
            answer.headers()["www-authenticate"],
            "Basic realm=\"service\""
        );
    }
    assert_eq!(
        gateway.get("/open").send().await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
    // For us alone, so it never reaches the backend.
    let proxy = gateway
        .get("/open")
        .header("proxy-authorization", "Basic YWRhOnNlOmNyZXQ=");
    assert_eq!(proxy.send().await.unwrap().status(), StatusCode::OK);
    // What was read may be written back; a new password ends the old one.
    let id = stored["id"].as_str().unwrap();
    let path = format!("basic-auths/{id}");
    gateway.call(Method::PUT, &path, stored.clone()).await;
    assert_eq!(get("ada", "se:cret").await.status(), StatusCode::OK);
    gateway
        .call(Method::PATCH, &path, json!({"password": "new"}))
        .await;
    assert_eq!(
        get("ada", "se:cret").await.status(),
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(get("ada", "new").await.status(), StatusCode::OK);
}

/// `Authorization` of a request as a client of its own would compute it.
fn sign(secret: &str, date: &str, target: &str, body: &str) -> (String, String) {
    let digest = ring::digest::digest(&ring::digest::SHA256, body.as_bytes());
    let digest = format!("SHA-256={}", STANDARD.encode(digest));
    let text = format!("date: {date}\n@request-target: {target}\ndigest: {digest}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = STANDARD.encode(hmac::sign(&key, text.as_bytes()));
    let header = format!(
        r#"hmac username="ada", algorithm="hmac-sha256", headers="date @request-target digest", signature="{signature}""#
    );
    (header, digest)
}

#[tokio::test]
async fn a_signature_is_for_one_request_only() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("open", backend.address, "/open").await;
    let config = json!({
        "validate_request_body": true, "enforce_headers": ["date", "@request-target"],
        "algorithms": ["hmac-sha256"],
    });
    gateway
        .plugin("hmac-auth", Some(&service), None, config)
        .await;
    gateway.consumer("ada").await;
    let credential = gateway
        .post("consumers/ada/hmac-auth", json!({"username": "ada"}))
        .await;
    let secret = credential["secret"].as_str().unwrap();
    let date = |seconds: i64| {
        let moment = service::clock::now() + chrono::Duration::seconds(seconds);
        moment.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
    };
    let send = async |path: &str, date: &str, signed: (String, String), body: &str| {
        gateway
            .http
            .post(format!("http://{}{path}", gateway.proxy))
            .header("date", date)
            .header("authorization", signed.0)
            .header("digest", signed.1)
            .body(body.to_owned())
            .send()
            .await
            .unwrap()
    };
    let now = date(0);
    let signed = || sign(secret, &now, "post /open/a?b=1", "body");
    let answer = send("/open/a?b=1", &now, signed(), "body").await;
    assert_eq!(answer.status(), StatusCode::OK);
    let seen: Value = answer.json().await.unwrap();
    assert_eq!(seen["headers"]["x-credential-identifier"], "ada");
    assert_eq!(seen["body"], "body");
    for (path, body) in [("/open/a?b=2", "body"), ("/open/a?b=1", "other")] {
        let answer = send(path, &now, signed(), body).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path} {body}");
        assert_eq!(answer.headers()["www-authenticate"], "hmac");
    }
    let old = date(-302);
    let answer = send(
        "/open/a",
        &old,
        sign(secret, &old, "post /open/a", "body"),
        "body",
    )
    .await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let answer = send(
        "/open/a",
        &now,
        sign("guess", &now, "post /open/a", "body"),
        "body",
    )
    .await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn keys_are_found_in_bodies_and_hidden_there() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("open", backend.address, "/open").await;
    gateway
        .plugin(
            "key-auth",
            Some(&service),
            None,
            json!({"key_in_body": true, "hide_credentials": true}),
        )
        .await;
    gateway.consumer("ada").await;
    gateway
        .post("consumers/ada/key-auth", json!({"key": "k"}))
        .await;
    for (kind, body, rest) in [
        ("application/json", r#"{"apikey":"k","a":1}"#, r#"{"a":1}"#),
        ("application/x-www-form-urlencoded", "apikey=k&a=1", "a=1"),
    ] {
        let answer = gateway
            .http
            .post(format!("http://{}/open", gateway.proxy))
            .header("content-type", kind)
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{kind}");
        let seen: Value = answer.json().await.unwrap();
        assert_eq!(seen["body"], rest);
    }
    let twice = gateway
        .http
        .post(format!("http://{}/open", gateway.proxy))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("apikey=k&apikey=k");
    assert_eq!(
        twice.send().await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn one_of_several_ways_is_enough_with_an_anonymous_consumer() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("open", backend.address, "/open").await;
    let nobody = gateway.consumer("nobody").await;
    for (name, config) in [
        ("key-auth", json!({"anonymous": "nobody"})),
        ("basic-auth", json!({"anonymous": nobody.id})),
    ] {
        gateway.plugin(name, Some(&service), None, config).await;
    }
    gateway.consumer("ada").await;
    gateway
        .post("consumers/ada/key-auth", json!({"key": "k"}))
        .await;
    gateway
        .post(
            "consumers/ada/basic-auth",
            json!({"username": "ada", "password": "p"}),
        )
        .await;
    let seen = async |request: reqwest::RequestBuilder| -> Value {
        request.send().await.unwrap().json().await.unwrap()
    };
    let by_key = seen(gateway.get("/open").header("apikey", "k")).await;
    assert_eq!(by_key["headers"]["x-consumer-username"], "ada");
    let by_password = seen(gateway.get("/open").basic_auth("ada", Some("p"))).await;
    assert_eq!(by_password["headers"]["x-consumer-username"], "ada");
    assert!(by_password["headers"]["x-anonymous-consumer"].is_null());
    let by_none = seen(gateway.get("/open")).await;
    assert_eq!(by_none["headers"]["x-consumer-username"], "nobody");
    assert_eq!(by_none["headers"]["x-anonymous-consumer"], "true");
    gateway
        .plugin(
            "request-termination",
            None,
            Some(&nobody),
            json!({"status_code": 401}),
        )
        .await;
    let refused = gateway.get("/open").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(gateway.status("/open", "k").await, StatusCode::OK);
}

#[tokio::test]
async fn a_weak_hash_that_was_taken_over_is_replaced_when_the_password_is_seen() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("open", backend.address, "/open").await;
    gateway
        .plugin("basic-auth", Some(&service), None, json!({}))
        .await;
    let ada = gateway.consumer("ada").await;
    let text = format!("secret{}", ada.id);
    let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    let password = format!("$kong-sha1${}", hex::encode(digest));
    let credential = json!({"username": "ada", "password": password});
    gateway.post("consumers/ada/basic-auth", credential).await;
    let status = async |password: &str| {
        let request = gateway.get("/open").basic_auth("ada", Some(password));
        request.send().await.unwrap().status()
    };
    assert_eq!(status("wrong").await, 401);
    assert_eq!(status("secret").await, 200);
    let replaced = async {
        loop {
            let path = "basic-auths/ada";
            let (_, shown) = gateway.call(reqwest::Method::GET, path, Value::Null).await;
            if shown["password"]
                .as_str()
                .unwrap()
                .starts_with("$pbkdf2-sha256$")
            {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), replaced)
        .await
        .unwrap();
    assert_eq!(status("secret").await, 200);
    assert_eq!(status("wrong").await, 401);
}
