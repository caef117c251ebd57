//! Input that is meant to do harm is answered with 4xx, never with 5xx (portal-api 30, 21).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Method;
use serde_json::{Value, json};
use service::ServiceName;

use crate::support::{ADMIN, DEVELOPER, TestApi, on_both_databases};

const SCOPES: &str = "read_users write_users login read_registrations write_registrations \
    read_namespaces write_namespaces read_grants write_grants read_verifications \
    write_verifications read_applications";

/// Texts that have broken programs before.
const TEXTS: [&str; 8] = [
    "",
    "\0",
    "a\0@example.org",
    "' or '1'='1",
    "\"; drop table users; --",
    "%00%",
    "../../globals",
    "\u{202e}\u{feff}\u{1f4a9}",
];

fn bodies(fields: &[&str]) -> Vec<Value> {
    let mut bodies = vec![json!({}), json!([]), json!([null]), json!({"": ""})];
    for field in fields {
        bodies.extend(
            [
                json!(null),
                json!(7),
                json!(true),
                json!([]),
                json!({"a": ["\0"]}),
            ]
            .map(|value| json!({*field: value})),
        );
        bodies.extend(TEXTS.map(|text| json!({*field: text})));
        bodies.push(json!({*field: "x".repeat(50_000)}));
    }
    bodies
}

async fn expect_no_failure(api: &TestApi, method: Method, path: &str, body: Option<Value>) {
    let answer = api
        .user(ADMIN, SCOPES)
        .send(method.clone(), path, body.clone())
        .await;
    let shown: String = body
        .map(|body| body.to_string().chars().take(80).collect())
        .unwrap_or_default();
    assert!(
        answer.status < 500,
        "{method} {path} {shown}: {}",
        answer.text()
    );
}

on_both_databases! {
    async fn bodies_of_any_shape(api: TestApi) {
        let registration = format!("/registrations/pools/wicked/users/{DEVELOPER}");
        let user = format!("/users/{DEVELOPER}");
        let grant = format!("/grants/{DEVELOPER}/applications/__portal/apis/orders");
        for (method, path, fields) in [
            (Method::POST, "/users", &["email", "customId", "groups", "password", "id"][..]),
            (Method::PATCH, &user, &["email", "customId", "groups", "validated"][..]),
            (Method::POST, "/verifications", &["type", "email", "link"][..]),
            (Method::POST, "/verifications/consume", &["token"][..]),
            (Method::PUT, &registration, &["name", "company", "namespace"][..]),
            (Method::PUT, "/pools/tenants/namespaces/acme", &["description", "poolId", "vat"][..]),
            (Method::PUT, &grant, &["grants"][..]),
        ] {
            for body in bodies(fields) {
                expect_no_failure(&api, method.clone(), path, Some(body)).await;
            }
        }
    }

    async fn addresses_of_any_shape(api: TestApi) {
        let texts = ["%00", "%2e%2e%2fglobals", "%27%20or%201=1", "%ff%fe", "%", "a%2", "~%25%25"];
        for text in texts {
            for path in [
                format!("/users/{text}"),
                format!("/users?email={text}"),
                format!("/users?customId={text}"),
                format!("/users?limit={text}&offset={text}"),
                format!("/verifications/{text}"),
                format!("/registrations/pools/{text}"),
                format!("/registrations/pools/wicked?order_by={text}%20ASC&filter={text}"),
                format!("/registrations/pools/wicked?filter={{\"name\":\"{text}\"}}"),
                format!("/registrations/pools/wicked/users/{text}"),
                format!("/pools/tenants/namespaces?filter={{\"{text}\":\"x\"}}"),
                format!("/pools/tenants/namespaces/{text}"),
                format!("/grants/{text}/applications/{text}/apis/{text}"),
            ] {
                expect_no_failure(&api, Method::GET, &path, None).await;
            }
        }
        // What no database takes: U+0000, patterns and expressions without end, times as texts.
        let long = "x".repeat(60_000);
        let many: Vec<String> = (0..1500).map(|number| format!("\"f{number}\":\"\"")).collect();
        for filter in [
            r#"{"name":"a\u0000"}"#.to_owned(),
            r#"{"name":{"eq":"\u0000"}}"#.to_owned(),
            r#"{"changedDate":"2026"}"#.to_owned(),
            format!("{{\"name\":\"{long}\"}}"),
            format!("{{{}}}", many.join(",")),
        ] {
            for list in ["/applications?embed=1", "/applications?cursor=", "/registrations/pools/wicked?x=1"] {
                expect_no_failure(&api, Method::GET, &format!("{list}&filter={filter}"), None).await;
            }
        }
        // Cursors that nobody was given: a number where ids are texts, U+0000.
        for position in [r#"{"p":"a","i":4,"l":"LIST"}"#, r#"{"p":"a\u0000","i":"b","l":"LIST"}"#, r#"{"p":"a","i":"\u0000","l":"LIST"}"#] {
            let digest = &hex::encode(ring::digest::digest(&ring::digest::SHA256, b"None\nNone"))[..12];
            let cursor = URL_SAFE_NO_PAD.encode(position.replace("LIST", digest));
            let path = format!("/applications?cursor={cursor}");
            let answer = api.user(ADMIN, SCOPES).get(&path).await.expect(400);
            assert!(!answer.text().is_empty(), "{position}");
        }
        let most = u64::MAX;
        for path in ["/users", "/registrations/pools/wicked"] {
            let path = format!("{path}?limit={most}&offset={most}");
            expect_no_failure(&api, Method::GET, &path, None).await;
            let path = format!("{path}?limit=1&offset=9999999999");
            expect_no_failure(&api, Method::GET, &path, None).await;
        }
    }
}

#[tokio::test]
async fn bodies_that_are_too_large_or_of_another_kind_are_refused() {
    let api = TestApi::start().await;
    let body = json!({"email": "x".repeat(1024 * 1024)});
    api.user(ADMIN, SCOPES)
        .post("/users", body)
        .await
        .expect(413);
    let service = api.service(ServiceName::AuthServer);
    service
        .header("content-type", "text/plain")
        .post("/login", json!({"email": "x"}))
        .await
        .expect(415);
}
