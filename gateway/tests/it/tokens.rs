use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::StatusCode;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};

use crate::support::{Backend, TestGateway};

/// A signing key as the auth server has it.
struct Signer {
    pkcs8: Vec<u8>,
    pem: String,
}

impl Signer {
    fn new() -> Self {
        let random = SystemRandom::new();
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random)
                .unwrap();
        // SubjectPublicKeyInfo of a P-256 key: a fixed head and the point.
        let mut spki = hex::decode("3059301306072a8648ce3d020106082a8648ce3d030107034200").unwrap();
        spki.extend_from_slice(pair.public_key().as_ref());
        let pem = format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            STANDARD.encode(spki)
        );
        Self {
            pkcs8: pkcs8.as_ref().to_vec(),
            pem,
        }
    }

    fn sign(&self, claims: &Value) -> String {
        encode(
            &Header::new(Algorithm::ES256),
            claims,
            &EncodingKey::from_ec_der(&self.pkcs8),
        )
        .unwrap()
    }
}

fn now() -> i64 {
    service::clock::now().timestamp()
}

fn claims() -> Value {
    json!({
        "iss": "http://localhost:8000/auth", "sub": "ada", "aud": "orders", "client_id": "client",
        "scope": "read write", "authenticated_userid": "sub=ada", "gateway_key": "client.k1",
        "exp": now() + 600, "iat": now(), "jti": "1",
    })
}

fn with(change: &Value) -> Value {
    let mut claims = claims();
    for (name, value) in change.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

async fn published(signer: &Signer) -> (TestGateway, Backend, kong::JwtSecret) {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("orders", backend.address, "/orders").await;
    let jwt = json!({ "key_claim_name": "gateway_key", "claims_to_verify": ["exp"], "uri_param_names": [] });
    gateway.plugin("jwt", Some(&service), None, jwt).await;
    let identity = json!({ "required_issuer": ["http://localhost:8000/auth"], "required_audience": ["orders"] });
    gateway
        .plugin("wicketgate-identity", Some(&service), None, identity)
        .await;
    let consumer = gateway.consumer("shop$orders").await;
    let secret = kong::JwtSecret {
        id: uuid::Uuid::new_v4(),
        consumer: Some(consumer.id.into()),
        key: "client.k1".to_owned(),
        algorithm: "ES256".to_owned(),
        rsa_public_key: Some(signer.pem.clone()),
        ..kong::JwtSecret::default()
    };
    let secret = gateway.admin.put(&secret).await.unwrap();
    (gateway, backend, secret)
}

async fn call(gateway: &TestGateway, token: &str) -> reqwest::Response {
    gateway
        .get("/orders")
        .bearer_auth(token)
        .header("X-Authenticated-UserId", "forged")
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_good_token_becomes_identity_headers() {
    let signer = Signer::new();
    let (gateway, _backend, _) = published(&signer).await;
    let token = signer.sign(&claims());
    // The second time the verified token is remembered.
    for _ in 0..6 {
        let response = call(&gateway, &token).await;
        assert_eq!(response.status(), StatusCode::OK);
        let seen: Value = response.json().await.unwrap();
        assert_eq!(seen["headers"]["x-authenticated-userid"], "sub=ada");
        assert_eq!(seen["headers"]["x-authenticated-scope"], "read write");
        assert_eq!(seen["headers"]["x-credential-identifier"], "client.k1");
        assert_eq!(seen["headers"]["x-consumer-username"], "shop$orders");
    }
    // Client credentials: no user, and nothing forged in its place.
    let mut machine = claims();
    machine
        .as_object_mut()
        .unwrap()
        .remove("authenticated_userid");
    let seen: Value = call(&gateway, &signer.sign(&machine))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(seen["headers"].get("x-authenticated-userid"), None);
}

#[tokio::test]
async fn bad_tokens_are_refused() {
    let signer = Signer::new();
    let (gateway, backend, _) = published(&signer).await;
    let none = {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!(
            "{}.{}.",
            part(&json!({ "alg": "none", "typ": "at+jwt" })),
            part(&claims())
        )
    };
    // The public key as shared secret of an HMAC.
    let confused = encode(
        &Header::new(Algorithm::HS256),
        &claims(),
        &EncodingKey::from_secret(signer.pem.as_bytes()),
    )
    .unwrap();
    let good = signer.sign(&claims());
    let tampered = {
        let mut parts: Vec<String> = good.split('.').map(str::to_owned).collect();
        parts[1] = URL_SAFE_NO_PAD.encode(with(&json!({ "sub": "eve" })).to_string());
        parts.join(".")
    };
    for (what, token) in [
        ("expired", signer.sign(&with(&json!({ "exp": now() - 1 })))),
        (
            "exp as text",
            signer.sign(&with(&json!({ "exp": "tomorrow" }))),
        ),
        (
            "foreign audience",
            signer.sign(&with(&json!({ "aud": "stock" }))),
        ),
        (
            "foreign issuer",
            signer.sign(&with(&json!({ "iss": "https://evil.example" }))),
        ),
        (
            "unknown key",
            signer.sign(&with(&json!({ "gateway_key": "client.k9" }))),
        ),
        (
            "bound to a key",
            signer.sign(&with(&json!({ "cnf": { "jkt": "x" } }))),
        ),
        ("foreign signature", Signer::new().sign(&claims())),
        ("alg none", none),
        ("HS256 with the public key", confused),
        ("tampered", tampered),
        ("no token at all", "x".to_owned()),
    ] {
        let response = call(&gateway, &token).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{what}");
        assert!(
            response.headers().contains_key("www-authenticate"),
            "{what}"
        );
    }
    let without = gateway.get("/orders").send().await.unwrap();
    assert_eq!(without.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(without.headers()["www-authenticate"], "Bearer");
    assert!(backend.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_remembered_token_ends_with_its_key() {
    let signer = Signer::new();
    let (gateway, _backend, secret) = published(&signer).await;
    let token = signer.sign(&claims());
    for _ in 0..4 {
        assert_eq!(call(&gateway, &token).await.status(), StatusCode::OK);
    }
    gateway
        .admin
        .delete::<kong::JwtSecret>(&secret.id.to_string())
        .await
        .unwrap();
    for _ in 0..4 {
        assert_eq!(
            call(&gateway, &token).await.status(),
            StatusCode::UNAUTHORIZED
        );
    }
}
