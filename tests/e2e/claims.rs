//! What outsiders claim about themselves, their way and our name has no effect through HAProxy.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    http::{HeaderMap, HeaderValue},
};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    journey::Person,
    support::{Installation, Shape, Visitor, change, copy_sample},
};

const CLAIMS: [(&str, &str); 20] = [
    ("x-forwarded-for", "203.0.113.7"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "http"),
    ("x-forwarded-port", "1"),
    ("x-forwarded-prefix", "/evil"),
    ("x_forwarded_for", "203.0.113.7"),
    ("forwarded", "for=203.0.113.7;host=evil.example;proto=http"),
    ("x-real-ip", "203.0.113.7"),
    ("x-consumer-id", "evil"),
    ("x-consumer-username", "evil"),
    ("X_Consumer_Username", "evil"),
    ("x-consumer-custom-id", "evil"),
    ("x-consumer-groups", "evil"),
    ("x-credential-identifier", "evil"),
    ("x-anonymous-consumer", "evil"),
    ("x-authenticated-userid", "sub=evil"),
    ("x-authenticated_userid", "sub=evil"),
    ("x-authenticated-scope", "evil"),
    ("x-original-url", "/evil"),
    ("proxy", "http://evil.example"),
];

#[tokio::test]
async fn claims_from_outside_reach_nobody() {
    let Some(mut installation) = Installation::prepare(Shape::Balanced).await else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    copy_sample(place.path());
    let mirror = mirror().await;
    change(&place.path().join("apis/petstore/config.json"), |file| {
        file["api"]["upstream_url"] = json!(mirror);
    });
    installation.set("PORTAL_API_STATIC_CONFIG", place.path().to_str().unwrap());
    installation.launch().await;
    let ada = Person::sign_up(&installation, "ada@example.org", "Ada Lovelace").await;
    let key = ada
        .subscribe_new_application("ada-shop", "petstore", "free")
        .await;
    backend_sees_the_truth(&installation, &key).await;
    portal_believes_nothing(&installation).await;
    foreign_names_get_nothing(&installation).await;
}

async fn backend_sees_the_truth(installation: &Installation, key: &str) {
    let mut call = Visitor::client().get(installation.gateway() + "/petstore/v1/pets");
    for (name, value) in CLAIMS {
        call = call.header(name, value);
    }
    let answer = call.header("x-apikey", key).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let seen: BTreeMap<String, String> = answer.json().await.unwrap();
    let believed: Vec<_> = seen
        .iter()
        .filter(|(_, value)| value.contains("evil") || value.contains("203.0.113.7"))
        .collect();
    assert!(believed.is_empty(), "{believed:?}");
    let (scheme, host) = split(&installation.gateway());
    assert_eq!(seen["x-forwarded-proto"], scheme);
    let name = host.split(':').next().unwrap();
    assert!(seen["x-forwarded-host"].starts_with(name), "{seen:?}");
    assert_eq!(seen["x-real-ip"], "127.0.0.1");
    assert!(!seen.contains_key("forwarded"), "{seen:?}");
    assert!(seen["x-consumer-custom-id"].len() > 3, "{seen:?}");
}

async fn portal_believes_nothing(installation: &Installation) {
    let portal = installation.portal();
    let ask = async |path: &str| {
        let mut request = Visitor::client().get(format!("{portal}{path}"));
        for (name, value) in CLAIMS {
            request = request.header(name, value);
        }
        request.header("accept", "text/html").send().await.unwrap()
    };
    let catalogue = ask("/apis").await;
    assert_eq!(catalogue.status(), StatusCode::OK);
    let text = catalogue.text().await.unwrap();
    assert!(!text.contains("evil"), "{text}");
    // Nobody is an administrator by a header: the log-in page, or a refusal.
    let admin = ask("/admin/users").await;
    let is_refused = matches!(admin.status().as_u16(), 401 | 403);
    assert!(
        is_refused || admin.url().path() != "/admin/users",
        "{}",
        admin.url()
    );
}

async fn foreign_names_get_nothing(installation: &Installation) {
    let port = installation.portal().rsplit(':').next().unwrap().to_owned();
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_danger_accept_invalid_certs(true)
        .resolve("evil.example", ([127, 0, 0, 1], 0).into())
        .build()
        .unwrap();
    for path in ["/apis", "/petstore/v1/pets"] {
        let url = format!("https://evil.example:{port}{path}");
        let answer = client.get(&url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::MISDIRECTED_REQUEST, "{url}");
    }
}

fn split(url: &str) -> (String, String) {
    let (scheme, host) = url.split_once("://").unwrap();
    (scheme.to_owned(), host.to_owned())
}

/// A backend that answers the headers that it got.
async fn mirror() -> String {
    let seen = async |headers: HeaderMap| {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let pairs = headers
            .iter()
            .map(|(name, value)| (name.to_string(), json!(text(value))));
        Json(Value::Object(pairs.collect()))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(seen);
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}
