use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use axum::{Form, Json, Router, http::HeaderMap, routing::post};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use openssl::{
    bn::BigNumRef,
    ec::{EcGroup, EcKey},
    ecdsa::EcdsaSig,
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::{Padding, Rsa},
    sign::RsaPssSaltlen,
};
use reqwest::StatusCode;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};

use crate::support::{Backend, TestGateway, serve};

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
    publish_on(TestGateway::start().await, signer).await
}

async fn publish_on(
    gateway: TestGateway,
    signer: &Signer,
) -> (TestGateway, Backend, kong::JwtSecret) {
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

/// A token with a signature by OpenSSL, as others make them.
fn signed_elsewhere(algorithm: &str, key: &PKey<Private>, claims: &Value) -> String {
    let digest = match &algorithm[2..] {
        "256" => Some(MessageDigest::sha256()),
        "384" => Some(MessageDigest::sha384()),
        "512" => Some(MessageDigest::sha512()),
        _ => None,
    };
    let part = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let text = format!("{}.{}", part(&json!({"alg": algorithm})), part(claims));
    let mut signer = match digest {
        Some(digest) => openssl::sign::Signer::new(digest, key).unwrap(),
        None => openssl::sign::Signer::new_without_digest(key).unwrap(),
    };
    if algorithm.starts_with("PS") {
        signer.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
        signer
            .set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)
            .unwrap();
    }
    let mut signature = signer.sign_oneshot_to_vec(text.as_bytes()).unwrap();
    if let Ok(curve) = key.ec_key() {
        // RFC 7518, 3.4: both numbers with all their zeros.
        let length = i32::try_from(curve.group().degree().div_ceil(8)).unwrap();
        let pair = EcdsaSig::from_der(&signature).unwrap();
        let padded = |number: &BigNumRef| number.to_vec_padded(length).unwrap();
        signature = [padded(pair.r()), padded(pair.s())].concat();
    }
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn every_algorithm_is_verified_with_the_key_that_fits_it() {
    let (gateway, _backend, published) = published(&Signer::new()).await;
    let rsa = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let curve = |curve| {
        let group = EcGroup::from_curve_name(curve).unwrap();
        PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
    };
    let (p256, p384) = (curve(Nid::X9_62_PRIME256V1), curve(Nid::SECP384R1));
    let (p521, ed25519) = (curve(Nid::SECP521R1), PKey::generate_ed25519().unwrap());
    for (algorithm, key, unfit) in [
        ("RS256", &rsa, &p256),
        ("RS384", &rsa, &p384),
        ("RS512", &rsa, &p521),
        ("PS256", &rsa, &p256),
        ("PS384", &rsa, &ed25519),
        ("PS512", &rsa, &p521),
        ("ES256", &p256, &p384),
        ("ES384", &p384, &p521),
        ("ES512", &p521, &p256),
        ("EdDSA", &ed25519, &rsa),
    ] {
        let pem =
            |key: &PKey<Private>| String::from_utf8(key.public_key_to_pem().unwrap()).unwrap();
        let mut secret = published.clone();
        secret.algorithm = algorithm.to_owned();
        secret.rsa_public_key = Some(pem(unfit));
        let refused = gateway.admin.put(&secret).await.unwrap_err().to_string();
        assert!(refused.contains("does not fit"), "{algorithm}: {refused}");
        secret.rsa_public_key = Some(pem(key));
        gateway.admin.put(&secret).await.unwrap();
        let token = signed_elsewhere(algorithm, key, &claims());
        assert_eq!(
            call(&gateway, &token).await.status(),
            StatusCode::OK,
            "{algorithm}"
        );
        // The signature is of other claims.
        let (_, signature) = token.rsplit_once('.').unwrap();
        let other = signed_elsewhere(algorithm, key, &with(&json!({"sub": "eve"})));
        let (text, _) = other.rsplit_once('.').unwrap();
        let forged = call(&gateway, &format!("{text}.{signature}")).await;
        assert_eq!(forged.status(), StatusCode::UNAUTHORIZED, "{algorithm}");
    }
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

fn feed(after: i64, seq: i64, revocations: &Value) -> Value {
    json!({
        "issuer": "http://localhost:8000/auth", "after": after, "seq": seq,
        "revocations": revocations,
    })
}

#[tokio::test]
async fn revoked_tokens_are_refused_at_once_and_after_a_restart() {
    let signer = Signer::new();
    let directory = tempfile::tempdir().unwrap();
    let gateway = TestGateway::start_in(directory.path());
    let (gateway, _backend, _) = publish_on(gateway, &signer).await;
    let expires_at = now() + 600;
    let of_log_in = signer.sign(&with(&json!({ "jti": "2", "sid": "s", "sub": "bob" })));
    let of_user = signer.sign(&with(
        &json!({ "jti": "3", "sub": "cyd", "iat": now() - 5 }),
    ));
    let newer = signer.sign(&with(&json!({ "jti": "4", "sub": "cyd" })));
    let other = signer.sign(&with(&json!({ "jti": "5", "sub": "dan" })));
    let all = [signer.sign(&claims()), of_log_in, of_user, newer, other];
    let statuses = async |gateway: &TestGateway| {
        let mut statuses = Vec::new();
        for token in &all {
            statuses.push(call(gateway, token).await.status().as_u16());
        }
        statuses
    };
    assert_eq!(statuses(&gateway).await, [200; 5]);
    let told = feed(0, 7, &json!([{ "jti": "1", "expires_at": expires_at }]));
    gateway.admin.put_revocations(&told).await.unwrap();
    assert_eq!(statuses(&gateway).await, [401, 200, 200, 200, 200]);
    let more = json!([
        { "sid": "s", "expires_at": expires_at },
        { "sub": "cyd", "not_before": now() - 1, "expires_at": expires_at },
    ]);
    gateway
        .admin
        .put_revocations(&feed(7, 9, &more))
        .await
        .unwrap();
    assert_eq!(statuses(&gateway).await, [401, 401, 401, 200, 200]);
    let missed = feed(11, 12, &json!([]));
    let error = gateway.admin.put_revocations(&missed).await.unwrap_err();
    assert_eq!(error.status(), Some(409), "something is missing in between");
    let metrics = gateway.http.get(format!("{}metrics", gateway.status_url));
    let metrics = metrics.send().await.unwrap().text().await.unwrap();
    let wanted = "wicketgate_revocations_age_seconds{issuer=\"http://localhost:8000/auth\"} ";
    assert!(metrics.contains(wanted), "{metrics}");

    gateway.stop().await;
    // A write that was cut off.
    let file = directory.path().join("gateway.revocations");
    let mut content = std::fs::read(&file).unwrap();
    content.extend_from_slice(b"{\"issuer\":\"htt");
    std::fs::write(&file, content).unwrap();
    let gateway = TestGateway::start_in(directory.path());
    assert_eq!(statuses(&gateway).await, [401, 401, 401, 200, 200]);
    let known = feed(9, 9, &json!([]));
    gateway.admin.put_revocations(&known).await.unwrap();
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_no_list_of_revocations_is_refused() {
    let gateway = TestGateway::start().await;
    let long = "x".repeat(3000);
    for wrong in [
        json!({}),
        json!({ "issuer": "", "after": 0, "seq": 0, "revocations": [] }),
        json!({ "issuer": long, "after": 0, "seq": 0, "revocations": [] }),
        feed(0, 1, &json!([{ "jti": "1" }])),
        feed(0, 1, &json!([{ "expires_at": 1 }])),
        feed(0, 1, &json!({})),
    ] {
        let error = gateway.admin.put_revocations(&wrong).await.unwrap_err();
        assert_eq!(error.status(), Some(400), "{wrong}");
    }
    let url = format!("{}wicketgate/revocations", gateway.admin_url);
    let seen: Value = gateway
        .http
        .get(&url)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(seen, json!({ "issuers": [] }));
    let deleted = gateway.http.delete(&url).send().await.unwrap();
    assert_eq!(deleted.status(), StatusCode::METHOD_NOT_ALLOWED);
}

/// An auth server that is asked about tokens: `good` stands for ada, others for nothing.
async fn asked_auth_server(asked: Arc<AtomicUsize>) -> SocketAddr {
    let describe = async move |headers: HeaderMap, form: Form<HashMap<String, String>>| {
        asked.fetch_add(1, Relaxed);
        if headers["authorization"] != "Bearer hush" {
            return Err(StatusCode::UNAUTHORIZED);
        }
        let mut members = claims();
        members["active"] = json!(true);
        members["subscription"] = json!("subscription-shop$orders");
        match form["token"].as_str() {
            "good" => {}
            "foreign" => members["aud"] = json!("stock"),
            "unsubscribed" => members["subscription"] = json!("gone"),
            "ended" => members["exp"] = json!(now() - 1),
            "mute" => std::future::pending().await,
            "fails" => return Err(StatusCode::INTERNAL_SERVER_ERROR),
            _ => members = json!({ "active": false }),
        }
        Ok(Json(members))
    };
    serve(Router::new().route("/auth/oauth2/introspect", post(describe))).await
}

/// The challenge to a client that has no token and may read where to get one.
const DESCRIBED: &str = r#"Bearer resource_metadata="http://localhost:8000/auth/about""#;

#[tokio::test]
async fn whoever_is_refused_is_told_where_the_way_to_a_token_is_described() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("orders", backend.address, "/orders").await;
    let jwt = json!({ "realm": "a\"b", "resource_metadata": "http://localhost:8000/auth/about" });
    gateway.plugin("jwt", Some(&service), None, jwt).await;
    let without = gateway.get("/orders").send().await.unwrap();
    let challenge = |response: &reqwest::Response| {
        let value = &response.headers()["www-authenticate"];
        value.to_str().unwrap().to_owned()
    };
    let about = r#"resource_metadata="http://localhost:8000/auth/about""#;
    assert_eq!(
        challenge(&without),
        format!(r#"Bearer realm="a\"b", {about}"#)
    );
    let wrong = call(&gateway, "x").await;
    let expected = format!(r#"Bearer realm="a\"b", error="invalid_token", {about}"#);
    assert_eq!(challenge(&wrong), expected);
}

#[tokio::test]
async fn the_auth_server_is_asked_what_an_opaque_token_stands_for() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let auth = asked_auth_server(asked.clone()).await;
    let service = gateway.publish("orders", backend.address, "/orders").await;
    let consumer = gateway.consumer("shop$orders").await;
    gateway.group(&consumer, "orders").await;
    let identity = json!({
        "source": "introspection", "introspection_token": "hush", "cache_ttl": 60,
        "introspection_url": format!("http://{auth}/auth/oauth2/introspect"),
        "required_issuer": ["http://localhost:8000/auth"], "required_audience": ["orders"],
        "resource_metadata": "http://localhost:8000/auth/about",
    });
    gateway
        .plugin("wicketgate-identity", Some(&service), None, identity)
        .await;
    let acl = json!({ "allow": ["orders"] });
    gateway.plugin("acl", Some(&service), None, acl).await;

    let response = call(&gateway, "good").await;
    assert_eq!(response.status(), StatusCode::OK);
    let seen: Value = response.json().await.unwrap();
    assert_eq!(seen["headers"]["x-authenticated-userid"], "sub=ada");
    assert_eq!(seen["headers"]["x-authenticated-scope"], "read write");
    assert_eq!(seen["headers"]["x-consumer-username"], "shop$orders");
    assert_eq!(seen["headers"]["x-credential-identifier"], "client");
    for token in ["foreign", "unsubscribed", "ended", "unknown"] {
        let status = call(&gateway, token).await.status();
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{token}");
    }
    for token in ["mute", "fails"] {
        let status = call(&gateway, token).await.status();
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{token}");
    }
    let without = gateway.get("/orders").send().await.unwrap();
    assert_eq!(without.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(without.headers()["www-authenticate"], DESCRIBED);
    let twice = gateway
        .get("/orders")
        .bearer_auth("good")
        .bearer_auth("bad");
    let twice = twice.send().await.unwrap();
    assert_eq!(twice.status(), StatusCode::UNAUTHORIZED);

    // Each worker asks once.
    let workers = std::thread::available_parallelism().unwrap().get();
    let before = asked.load(Relaxed);
    for _ in 0..20 {
        assert_eq!(call(&gateway, "good").await.status(), StatusCode::OK);
    }
    assert!(asked.load(Relaxed) - before < workers, "remembered");
    let ended = feed(0, 1, &json!([{ "jti": "1", "expires_at": now() + 60 }]));
    gateway.admin.put_revocations(&ended).await.unwrap();
    let status = call(&gateway, "good").await.status();
    assert_eq!(
        status,
        StatusCode::UNAUTHORIZED,
        "what is remembered ends, too"
    );
}

#[tokio::test]
async fn a_gateway_that_shall_ask_must_know_whom() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("orders", backend.address, "/orders").await;
    for wrong in [
        json!({ "source": "introspection" }),
        json!({ "source": "introspection", "introspection_url": "http://a/" }),
        json!({ "source": "introspection", "introspection_url": "x", "introspection_token": "t" }),
        json!({ "cache_ttl": 61 }),
    ] {
        let plugin = kong::Plugin {
            id: uuid::Uuid::new_v4(),
            name: "wicketgate-identity".to_owned(),
            service: Some(service.id.into()),
            config: wrong.as_object().unwrap().clone(),
            ..kong::Plugin::default()
        };
        let error = gateway.admin.put(&plugin).await.unwrap_err();
        assert_eq!(error.status(), Some(400), "{wrong}");
    }
}
