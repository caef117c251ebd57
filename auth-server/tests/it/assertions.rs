//! Clients that prove by a signature who they are (RFC 7523).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};

use crate::support::{Answer, SECRET, TestServer, claims};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const ISSUER: &str = "http://localhost:8000/auth";

/// A key of a client.
struct ClientKey {
    encoding: EncodingKey,
    jwk: Value,
}

impl ClientKey {
    fn new(kid: &str) -> Self {
        let rng = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &rng).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &rng).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let jwk = json!({
            "kty": "EC", "crv": "P-256", "kid": kid,
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        });
        Self {
            encoding: EncodingKey::from_ec_der(document.as_ref()),
            jwk,
        }
    }

    /// An assertion with some claims changed.
    fn assertion(&self, client: &str, changed: &[(&str, Value)]) -> String {
        let now = service::clock::now().timestamp();
        let mut claims = json!({
            "iss": client, "sub": client, "aud": ISSUER, "exp": now + 60, "iat": now,
            "jti": service::random::hex_id(),
        });
        for (name, value) in changed {
            claims[*name] = value.clone();
        }
        let header = Header {
            kid: self.jwk["kid"].as_str().map(str::to_owned),
            ..Header::new(Algorithm::ES256)
        };
        jsonwebtoken::encode(&header, &claims, &self.encoding).unwrap()
    }
}

async fn server(keys: &[&ClientKey]) -> TestServer {
    let server = TestServer::start().await;
    for application in ["app", "other"] {
        server
            .portal
            .add_client(application, "orders", "confidential", true);
    }
    server
        .portal
        .add_client("page", "orders", "public_spa", true);
    let jwks: Vec<_> = keys.iter().map(|key| key.jwk.clone()).collect();
    for application in ["app", "page"] {
        let oauth = json!({"jwks": {"keys": jwks}});
        server.portal.set_oauth(application, &oauth);
    }
    server
}

async fn present(server: &TestServer, assertion: &str, more: &[(&str, &str)]) -> Answer {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", TYPE),
        ("client_assertion", assertion),
    ];
    let form: Vec<_> = form.iter().chain(more).copied().collect();
    server.token(&form).await
}

#[tokio::test]
async fn a_client_proves_by_its_key_who_it_is_at_every_endpoint() {
    let (old, new) = (ClientKey::new("old"), ClientKey::new("new"));
    let server = server(&[&old, &new]).await;
    for key in [&old, &new] {
        let answer = present(&server, &key.assertion("app-orders", &[]), &[]).await;
        let token = answer.expect(200).member("access_token");
        assert_eq!(claims(&token)["client_id"], "app-orders");
        for (path, assertion) in [
            ("/oauth2/introspect", new.assertion("app-orders", &[])),
            ("/oauth2/revoke", new.assertion("app-orders", &[])),
        ] {
            let form = [
                ("token", token.as_str()),
                ("client_assertion_type", TYPE),
                ("client_assertion", &assertion),
            ];
            server.post(path, &form).await.expect(200);
        }
    }
    // The endpoint may be named instead of the server, the client beside its proof.
    let audience = [("aud", json!(format!("{ISSUER}/oauth2/token")))];
    let assertion = new.assertion("app-orders", &audience);
    let named = [("client_id", "app-orders")];
    present(&server, &assertion, &named).await.expect(200);
}

#[tokio::test]
async fn a_proof_counts_once_for_its_client_and_this_server() {
    let (key, strange) = (ClientKey::new("k"), ClientKey::new("k"));
    let server = server(&[&key]).await;
    let used = key.assertion("app-orders", &[]);
    present(&server, &used, &[]).await.expect(200);
    let now = service::clock::now().timestamp();
    let with = |name, value| key.assertion("app-orders", &[(name, value)]);
    let none = jsonwebtoken::decode_header(&used).map(|_| {
        let claims = used.split('.').nth(1).unwrap();
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        format!("{header}.{claims}.")
    });
    let hmac = {
        let claims: Value = claims(&key.assertion("app-orders", &[]));
        let secret = key.jwk["x"].as_str().unwrap();
        let secret = EncodingKey::from_secret(secret.as_bytes());
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &secret).unwrap()
    };
    for (what, assertion) in [
        ("used before", used.clone()),
        ("of another key", strange.assertion("app-orders", &[])),
        ("for another client", key.assertion("other-orders", &[])),
        ("for another server", with("aud", json!("https://other"))),
        (
            "for others, too",
            with("aud", json!([ISSUER, "https://other"])),
        ),
        ("ended", with("exp", json!(now - 60))),
        ("for long", with("exp", json!(now + 3600))),
        ("by another", with("iss", json!("other-orders"))),
        ("not signed", none.unwrap()),
        ("signed with the public key", hmac),
        ("no token", "x".to_owned()),
    ] {
        let error = present(&server, &assertion, &[]).await.error();
        assert_eq!(error, (401, "invalid_client".to_owned()), "{what}");
    }
    // One proof per request, and none for clients that cannot keep a key.
    let two = [("client_id", "app-orders"), SECRET];
    let error = present(&server, &with("iat", json!(now)), &two)
        .await
        .error();
    assert_eq!(error, (400, "invalid_request".to_owned()));
    let mixed = [("client_id", "other-orders")];
    let error = present(&server, &with("iat", json!(now)), &mixed)
        .await
        .error();
    assert_eq!(error, (401, "invalid_client".to_owned()));
    let page = key.assertion("page-orders", &[]);
    assert_eq!(present(&server, &page, &[]).await.error().0, 400);
}
