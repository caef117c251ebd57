//! What is published: metadata, keys, health, pages.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::support::{Browser, PortalApi, SECRET, TestServer, part, with_part};

#[tokio::test]
async fn metadata_names_endpoints_below_the_issuer() {
    let server = TestServer::start().await;
    let root = server.base.strip_suffix("/auth").unwrap();
    let urls = [
        format!("{root}/.well-known/oauth-authorization-server/auth"),
        format!("{root}/.well-known/openid-configuration/auth"),
        format!("{}/.well-known/openid-configuration", server.base),
    ];
    for url in urls {
        let document = server.get(&url).await.expect(200).json();
        assert_eq!(document["issuer"], "http://localhost:8000/auth");
        assert_eq!(
            document["token_endpoint"],
            "http://localhost:8000/auth/oauth2/token"
        );
        assert_eq!(document["code_challenge_methods_supported"][0], "S256");
        assert_eq!(
            document["id_token_signing_alg_values_supported"][0],
            "ES256"
        );
        assert_eq!(document["request_uri_parameter_supported"], false);
        let endpoints = document.as_object().unwrap().iter();
        for (name, url) in endpoints.filter(|(name, _)| name.ends_with("_endpoint")) {
            let path = url
                .as_str()
                .unwrap()
                .strip_prefix("http://localhost:8000/auth");
            let answer = server.get(path.unwrap()).await;
            assert_ne!(answer.status, 404, "{name}");
        }
    }
}

#[tokio::test]
async fn the_published_key_is_the_one_that_signs() {
    let server = TestServer::start_with_client("app", "orders", "confidential", true).await;
    let keys = server.get("/oauth2/jwks").await.expect(200).json();
    let key = &keys["keys"][0];
    assert_eq!(
        (&key["kty"], &key["crv"], &key["alg"]),
        (&"EC".into(), &"P-256".into(), &"ES256".into())
    );
    assert!(key.get("d").is_none());
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "app-orders"),
        SECRET,
    ];
    let token = server.token(&form).await.member("access_token");
    assert_eq!(part(&token, 0)["kid"], key["kid"]);
    let jwk = serde_json::from_value(key.clone()).unwrap();
    let decoding = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    validation.set_audience(&["orders"]);
    jsonwebtoken::decode::<serde_json::Value>(&token, &decoding, &validation).unwrap();
}

#[tokio::test]
async fn keys_of_rsa_are_published_signed_with_and_used_for_nothing_else() {
    let rsa = |portal: &PortalApi| portal.use_algorithm("RS256");
    let server = TestServer::start_changed(rsa, |_| {}).await;
    server
        .portal
        .add_client("app", "orders", "confidential", true);
    let metadata = "/.well-known/openid-configuration";
    let metadata = server.get(metadata).await.expect(200).json();
    let algorithms = &metadata["id_token_signing_alg_values_supported"];
    assert_eq!(algorithms, &json!(["RS256"]));
    let keys = server.get("/oauth2/jwks").await.expect(200).json();
    let key = keys["keys"][0].as_object().unwrap();
    let members: BTreeSet<&str> = key.keys().map(String::as_str).collect();
    assert_eq!(
        members,
        BTreeSet::from(["alg", "e", "kid", "kty", "n", "use"])
    );
    assert_eq!((&key["kty"], &key["use"]), (&json!("RSA"), &json!("sig")));
    let browser = server.browser();
    let code = browser.code("app-orders", &[("scope", "openid")]).await;
    let tokens = server.redeem("app-orders", &code).await;
    let jwk = serde_json::from_value(key.clone().into()).unwrap();
    let decoding = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.set_audience(&["orders", "app-orders"]);
    for token in ["access_token", "id_token"] {
        let token = tokens.member(token);
        assert_eq!(part(&token, 0)["kid"], key["kid"]);
        jsonwebtoken::decode::<Value>(&token, &decoding, &validation).unwrap();
    }
    let token = tokens.member("access_token");
    assert!(server.is_active(&token).await);
    // Each key has one algorithm, whatever a header says.
    for algorithm in ["RS384", "PS256", "ES256", "HS256", "none"] {
        let mut header = part(&token, 0);
        header["alg"] = algorithm.into();
        let forged = with_part(&token, 0, &header);
        assert!(!server.is_active(&forged).await, "{algorithm}");
    }
    let (signed, _) = token.rsplit_once('.').unwrap();
    let (_, claims) = signed.split_once('.').unwrap();
    let mut header = part(&token, 0);
    header["alg"] = "HS256".into();
    let signed = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(header.to_string()));
    let modulus = URL_SAFE_NO_PAD.decode(key["n"].as_str().unwrap()).unwrap();
    let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &modulus);
    let signature = ring::hmac::sign(&secret, signed.as_bytes());
    let forged = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
    assert!(!server.is_active(&forged).await);
}

#[tokio::test]
async fn health_is_answered_beside_and_below_the_base_path() {
    let server = TestServer::start().await;
    let root = server.base.strip_suffix("/auth").unwrap().to_owned();
    for url in [format!("{root}/ping"), format!("{}/ping", server.base)] {
        assert_eq!(server.get(&url).await.expect(200).json()["name"], "auth");
    }
    server.get(&format!("{root}/healthz")).await.expect(200);
    server.get(&format!("{root}/readyz")).await.expect(200);
    server.get("/metrics").await.expect(404);
}

#[tokio::test]
async fn pages_are_html_in_the_language_of_the_reader_with_a_strict_policy() {
    let server = TestServer::start_with_client("app", "orders", "confidential", true).await;
    let url = server.url(&Browser::authorize_url("app-orders", &[]));
    for (language, heading) in [
        ("en", "<h1>Log in</h1>"),
        ("de-AT,de;q=0.9", "<h1>Anmelden</h1>"),
    ] {
        let request = service::http::client()
            .get(&url)
            .header("accept-language", language);
        let answer = crate::support::Answer::of(request.send().await.unwrap())
            .await
            .expect(200);
        assert!(answer.text.contains(heading), "{}", answer.text);
        assert!(answer.text.contains("name=\"_csrf\" value=\"login-"));
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.contains("form-action 'self' https://app.example"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"));
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
    let unknown = server.get("/no/such/page").await.expect(404);
    assert!(unknown.text.contains("<!doctype html>"));
}

#[tokio::test]
async fn f26_each_request_keeps_its_own_correlation_id() {
    let server = TestServer::start().await;
    let browser = server.browser();
    let ask = async |number: usize| {
        let id = format!("request-{number}");
        let answer = browser.get_with("/nowhere", "correlation-id", &id).await;
        let answer = answer.expect(404);
        assert_eq!(answer.json()["correlationId"], id);
        assert_eq!(answer.json()["template"], "error");
        assert_eq!(answer.headers["correlation-id"], id);
    };
    futures_util::future::join_all((0..50).map(ask)).await;
    let made = server.get("/nowhere").await.expect(404);
    let id = made.headers["correlation-id"].to_str().unwrap();
    assert!(uuid::Uuid::parse_str(id).is_ok(), "{id}");
    assert!(made.text.contains(id));
}

#[tokio::test]
async fn the_operators_style_and_pictures_are_handed_on_and_nothing_else() {
    let server = TestServer::start().await;
    let style = server.get("/content/wicked.css").await.expect(200);
    assert_eq!(style.headers["content-type"], "text/css");
    assert_eq!(style.text, "body {}");
    assert!(style.headers.get("set-cookie").is_none());
    for path in [
        "missing.png",
        "page",
        "page.html",
        "toc",
        "a/..%2fusers.css",
    ] {
        let answer = server.get(&format!("/content/{path}")).await.expect(404);
        assert!(answer.json()["message"].is_string(), "{path}");
    }
    server.get("/content/../users.css").await.expect(404);
}

#[tokio::test]
async fn what_is_answered_to_one_person_is_kept_nowhere() {
    let server = TestServer::start().await;
    let paths = [
        "/local/login?redirect_uri=/auth/local/grants",
        "/local/api/orders/authorize",
        "/profile",
        "/logout",
    ];
    for path in paths {
        let answer = server.get(path).await;
        let kept = "no-store, no-cache, must-revalidate, proxy-revalidate";
        assert_eq!(answer.headers["cache-control"], kept, "{path}");
        assert_eq!(answer.headers["pragma"], "no-cache");
        assert_eq!(answer.headers["expires"], "0");
        assert_eq!(answer.headers["surrogate-control"], "no-store");
    }
}

#[test]
fn the_list_of_what_is_kept_of_the_standards_names_tests_that_exist() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = std::fs::read_to_string(root.join("../docs/auth-conformance.md")).unwrap();
    let mut sources = std::collections::BTreeMap::<String, String>::new();
    let mut folders = vec![root.join("tests/it"), root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
                let text = std::fs::read_to_string(path).unwrap();
                sources.entry(module).or_default().push_str(&text);
            }
        }
    }
    let named: Vec<_> = list
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|text| text.split_once("::"))
        .filter(|(module, _)| *module != "module")
        .collect();
    assert!(named.len() > 50);
    for (module, test) in named {
        let source = sources.get(module);
        let is_there = source.is_some_and(|text| text.contains(&format!("fn {test}()")));
        assert!(is_there, "{module}::{test}");
    }
}
