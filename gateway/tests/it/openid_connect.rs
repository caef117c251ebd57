//! Tokens of foreign issuers.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
};

use axum::{Json, Router, extract::State, http::StatusCode as Status, routing::get};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{Method, StatusCode};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};

use crate::support::{Backend, TestGateway, serve};

/// A key of an issuer.
struct Key {
    id: String,
    pair: EcdsaKeyPair,
}

impl Key {
    fn new(id: &str) -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let secret = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, secret.as_ref(), &random).unwrap();
        let id = id.to_owned();
        Self { id, pair }
    }

    fn jwk(&self) -> Value {
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        json!({
            "kty": "EC", "crv": "P-256", "kid": self.id, "use": "sig", "alg": "ES256",
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        })
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_as(&json!({"alg": "ES256", "kid": self.id}), claims)
    }

    fn sign_as(&self, header: &Value, claims: &Value) -> String {
        let signed = unsigned(header, claims);
        let signature = self
            .pair
            .sign(&SystemRandom::new(), signed.as_bytes())
            .unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// An issuer whose keys and moods the test decides about.
#[derive(Clone, Default)]
struct Issuer {
    url: Arc<Mutex<String>>,
    keys: Arc<Mutex<Vec<Value>>>,
    is_away: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    async fn start(keys: &[&Key]) -> Self {
        let issuer = Self::default();
        issuer.publish(keys);
        let app = Router::new()
            .route(
                "/.well-known/openid-configuration",
                get(async |State(issuer): State<Self>| issuer.describe()),
            )
            .route(
                "/keys",
                get(async |State(issuer): State<Self>| issuer.show()),
            )
            .with_state(issuer.clone());
        *issuer.url.lock().unwrap() = format!("http://{}", serve(app).await);
        issuer
    }

    fn url(&self) -> String {
        self.url.lock().unwrap().clone()
    }

    fn publish(&self, keys: &[&Key]) {
        *self.keys.lock().unwrap() = keys.iter().map(|key| key.jwk()).collect();
    }

    fn describe(&self) -> Json<Value> {
        let url = self.url();
        Json(json!({"issuer": url, "jwks_uri": format!("{url}/keys")}))
    }

    fn show(&self) -> Result<Json<Value>, Status> {
        self.asked.fetch_add(1, Relaxed);
        if self.is_away.load(Relaxed) {
            return Err(Status::BAD_GATEWAY);
        }
        let keys = self.keys.lock().unwrap().clone();
        Ok(Json(json!({ "keys": keys })))
    }

    fn claims(&self, changes: &Value) -> Value {
        let now = service::clock::now().timestamp();
        let mut claims = json!({
            "iss": self.url(), "aud": ["orders", "else"], "sub": "user-7", "azp": "ada",
            "exp": now + 60, "iat": now, "scope": "read write",
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }
}

struct Locked {
    gateway: TestGateway,
    backend: Backend,
}

impl Locked {
    async fn new(issuer: &Issuer, config: Value) -> Self {
        let gateway = TestGateway::start().await;
        let backend = Backend::start().await;
        let service = gateway.publish("locked", backend.address, "/locked").await;
        let mut full = json!({"issuer": issuer.url(), "audience_required": ["orders"]});
        let fields = config.as_object().unwrap().clone();
        full.as_object_mut().unwrap().extend(fields);
        gateway
            .plugin("openid-connect", Some(&service), None, full)
            .await;
        gateway.consumer("ada").await;
        Self { gateway, backend }
    }

    async fn call(&self, token: &str) -> reqwest::Response {
        let request = self.gateway.get("/locked").bearer_auth(token);
        request.send().await.unwrap()
    }

    async fn status(&self, token: &str) -> StatusCode {
        self.call(token).await.status()
    }
}

#[tokio::test]
async fn a_token_leads_to_its_consumer_and_tells_the_backend_about_the_user() {
    let key = Key::new("one");
    let issuer = Issuer::start(&[&key]).await;
    let locked = Locked::new(&issuer, json!({
        "consumer_claim": ["azp"], "hide_credentials": true,
        "upstream_headers_claims": ["sub", "org.name"], "upstream_headers_names": ["X-User", "X-Org"],
    })).await;
    let token = key.sign(&issuer.claims(&json!({"org": {"name": "acmé"}})));
    let request = locked
        .gateway
        .get("/locked")
        .bearer_auth(&token)
        .header("x-user", "root");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let seen: Value = answer.json().await.unwrap();
    let headers = &seen["headers"];
    assert_eq!(headers["x-consumer-username"], "ada");
    assert_eq!(headers["x-credential-identifier"], "user-7");
    assert_eq!(headers["x-user"], "user-7");
    assert_eq!(headers["x-org"], "acm%C3%A9");
    assert_eq!(headers["authorization"], Value::Null);
    // Its claims are there for whoever asks for verified ones.
    let config =
        json!({"userid_claim": "sub", "userid_prefix": "theirs:", "required_scopes": ["read"]});
    locked
        .gateway
        .plugin("wicketgate-identity", None, None, config)
        .await;
    let seen: Value = locked.call(&token).await.json().await.unwrap();
    assert_eq!(seen["headers"]["x-authenticated-userid"], "theirs:user-7");
    let stranger = key.sign(&issuer.claims(&json!({"azp": "eve"})));
    let answer = locked.call(&stranger).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
    assert_eq!(challenge, "Bearer error=\"invalid_token\"");
    let nobody = locked.gateway.get("/locked").send().await.unwrap();
    assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(nobody.headers()["www-authenticate"], "Bearer");
    assert_eq!(issuer.asked.load(Relaxed), 1);
}

#[tokio::test]
async fn tokens_that_are_not_for_us_are_refused() {
    let (key, other) = (Key::new("one"), Key::new("one"));
    let issuer = Issuer::start(&[&key]).await;
    let locked = Locked::new(
        &issuer,
        json!({"scopes_required": ["read admin", "read write"]}),
    )
    .await;
    let now = service::clock::now().timestamp();
    let secret = key.jwk();
    let hmac = |header: Value, secret: &str| {
        let signed = unsigned(&header, &issuer.claims(&json!({})));
        let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
        let tag = ring::hmac::sign(&secret, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    };
    let none = json!({"alg": "none", "kid": "one"});
    let with = |changes| key.sign(&issuer.claims(&changes));
    assert_eq!(locked.status(&with(json!({}))).await, StatusCode::OK);
    for (name, token, status) in [
        ("wrong audience", with(json!({"aud": "theirs"})), 401),
        ("no audience", with(json!({"aud": null})), 401),
        (
            "wrong issuer",
            with(json!({"iss": "https://else.example"})),
            401,
        ),
        (
            "almost the issuer",
            with(json!({"iss": format!("{}/", issuer.url())})),
            401,
        ),
        ("expired", with(json!({"exp": now - 1})), 401),
        ("no end", with(json!({"exp": null})), 401),
        ("early", with(json!({"nbf": now + 30})), 401),
        ("from the future", with(json!({"iat": now + 30})), 401),
        ("an id token", with(json!({"nonce": "n"})), 401),
        ("bound", with(json!({"cnf": {"jkt": "x"}})), 401),
        ("too few scopes", with(json!({"scope": "read"})), 403),
        ("another key", other.sign(&issuer.claims(&json!({}))), 401),
        (
            "none",
            format!("{}.", unsigned(&none, &issuer.claims(&json!({})))),
            401,
        ),
        (
            "a public key as secret",
            hmac(
                json!({"alg": "HS256", "kid": "one"}),
                secret["x"].as_str().unwrap(),
            ),
            401,
        ),
        (
            "RS256 with a key of a curve",
            key.sign_as(
                &json!({"alg": "RS256", "kid": "one"}),
                &issuer.claims(&json!({})),
            ),
            401,
        ),
        (
            "ES384 with a key of another curve",
            key.sign_as(
                &json!({"alg": "ES384", "kid": "one"}),
                &issuer.claims(&json!({})),
            ),
            401,
        ),
        (
            "an extension",
            key.sign_as(
                &json!({"alg": "ES256", "kid": "one", "crit": ["exp"]}),
                &issuer.claims(&json!({})),
            ),
            401,
        ),
        (
            "a key in the token",
            other.sign_as(
                &json!({"alg": "ES256", "jwk": other.jwk()}),
                &issuer.claims(&json!({})),
            ),
            401,
        ),
        ("nonsense", "a.b.c".to_owned(), 401),
    ] {
        assert_eq!(locked.status(&token).await.as_u16(), status, "{name}");
    }
    // Without a name all keys are tried.
    let unnamed = key.sign_as(&json!({"alg": "ES256"}), &issuer.claims(&json!({})));
    assert_eq!(locked.status(&unnamed).await, StatusCode::OK);
    let twice = locked
        .gateway
        .get("/locked")
        .bearer_auth(&unnamed)
        .bearer_auth(&unnamed);
    assert_eq!(
        twice.send().await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(locked.backend.seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn keys_rotate_without_a_failed_call() {
    let keys: Vec<Key> = (0..4).map(|number| Key::new(&number.to_string())).collect();
    let issuer = Issuer::start(&[&keys[0]]).await;
    let locked = Locked::new(&issuer, json!({"keys_ttl": 1, "keys_stale_ttl": 60})).await;
    for pair in keys.windows(2) {
        let (old, new) = (&pair[0], &pair[1]);
        assert_eq!(
            locked.status(&old.sign(&issuer.claims(&json!({})))).await,
            StatusCode::OK
        );
        // The old one is still there while the new one signs.
        issuer.publish(&[old, new]);
        let calls = (0..8).map(|number| {
            let key = if number % 2 == 0 { old } else { new };
            let token = key.sign(&issuer.claims(&json!({ "jti": number })));
            let locked = &locked;
            async move { locked.status(&token).await }
        });
        for status in futures_util::future::join_all(calls).await {
            assert_eq!(status, StatusCode::OK);
        }
        issuer.publish(&[new]);
        // What is no longer published ends as soon as the keys are asked for again.
        let token = old.sign(&issuer.claims(&json!({"jti": "late"})));
        while locked.status(&token).await == StatusCode::OK {
            tokio::task::yield_now().await;
        }
        assert_eq!(
            locked.status(&new.sign(&issuer.claims(&json!({})))).await,
            StatusCode::OK
        );
    }
}

#[tokio::test]
async fn an_issuer_that_is_away_is_not_missed_for_as_long_as_it_is_configured() {
    let (key, next) = (Key::new("one"), Key::new("two"));
    for (stale, status) in [(3600, StatusCode::OK), (0, StatusCode::SERVICE_UNAVAILABLE)] {
        let issuer = Issuer::start(&[&key]).await;
        let config = json!({"keys_ttl": 1, "keys_stale_ttl": stale});
        let locked = Locked::new(&issuer, config).await;
        let token = key.sign(&issuer.claims(&json!({})));
        assert_eq!(locked.status(&token).await, StatusCode::OK);
        issuer.is_away.store(true, Relaxed);
        let before = issuer.asked.load(Relaxed);
        // Until somebody has found out that it is away.
        while issuer.asked.load(Relaxed) == before {
            locked.status(&token).await;
            tokio::task::yield_now().await;
        }
        assert_eq!(locked.status(&token).await, status);
        // Nobody can say whether this one is good.
        let unknown = next.sign(&issuer.claims(&json!({})));
        assert_eq!(
            locked.status(&unknown).await,
            StatusCode::SERVICE_UNAVAILABLE
        );
        issuer.is_away.store(false, Relaxed);
        issuer.publish(&[&key, &next]);
        let back = async {
            while locked.status(&unknown).await != StatusCode::OK {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), back)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn invented_keys_make_no_flood() {
    let key = Key::new("one");
    let issuer = Issuer::start(&[&key]).await;
    let locked = Locked::new(&issuer, json!({})).await;
    let calls = (0..40).map(|number| {
        let token = Key::new(&format!("x{number}")).sign(&issuer.claims(&json!({})));
        let locked = &locked;
        async move { locked.status(&token).await }
    });
    for status in futures_util::future::join_all(calls).await {
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
    assert!(issuer.asked.load(Relaxed) <= 3, "{:?}", issuer.asked);
}

#[tokio::test]
async fn strangers_have_the_groups_of_their_token() {
    let key = Key::new("one");
    let issuer = Issuer::start(&[&key]).await;
    let config = json!({"authenticated_groups_claim": ["realm", "roles"]});
    let locked = Locked::new(&issuer, config).await;
    locked
        .gateway
        .plugin("acl", None, None, json!({"allow": ["clerks"]}))
        .await;
    for (roles, status) in [
        (json!(["clerks", "x"]), 200),
        (json!(["x"]), 403),
        (json!([]), 403),
    ] {
        let token = key.sign(&issuer.claims(&json!({"realm": {"roles": roles}})));
        assert_eq!(locked.status(&token).await.as_u16(), status);
    }
    assert_eq!(
        locked.backend.seen.lock().unwrap()[0]["headers"]["x-authenticated-groups"],
        "clerks, x"
    );
}

#[tokio::test]
async fn issuers_and_settings_that_cannot_be_right_are_refused() {
    let key = Key::new("one");
    let issuer = Issuer::start(&[&key]).await;
    let gateway = TestGateway::start().await;
    let url = issuer.url();
    for (config, field) in [
        (json!({"audience_required": ["a"]}), "issuer"),
        (json!({"issuer": url}), "audience_required"),
        (
            json!({"issuer": url, "audience_required": []}),
            "audience_required",
        ),
        (
            json!({"issuer": "ftp://a", "audience_required": ["a"]}),
            "issuer",
        ),
        (
            json!({"issuer": "https://a?b", "audience_required": ["a"]}),
            "issuer",
        ),
        (
            json!({"issuer": "http://169.254.169.254", "audience_required": ["a"]}),
            "issuer",
        ),
        (
            json!({"issuer": url, "audience_required": ["a"], "algorithms": ["HS256"]}),
            "algorithms",
        ),
        (
            json!({"issuer": url, "audience_required": ["a"], "algorithms": ["none"]}),
            "algorithms",
        ),
        (
            json!({"issuer": url, "audience_required": ["a"], "client_id": "x"}),
            "client_id",
        ),
        (
            json!({"issuer": url, "audience_required": ["a"], "upstream_headers_claims": ["sub"]}),
            "upstream_headers_names",
        ),
        (
            json!({"issuer": url, "audience_required": ["a"], "upstream_headers_claims": ["sub"], "upstream_headers_names": ["Host"]}),
            "upstream_headers_names",
        ),
    ] {
        let body = json!({"name": "openid-connect", "config": config});
        let (status, error) = gateway.call(Method::POST, "plugins", body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{field}");
        assert!(
            !error["fields"]["config"][field].is_null(),
            "{field}: {error}"
        );
    }
    // One that speaks for another.
    let liar = Issuer::start(&[&key]).await;
    let locked = Locked::new(&liar, json!({})).await;
    let token = key.sign(&liar.claims(&json!({})));
    *liar.url.lock().unwrap() = issuer.url();
    assert_eq!(locked.status(&token).await, StatusCode::SERVICE_UNAVAILABLE);
}
