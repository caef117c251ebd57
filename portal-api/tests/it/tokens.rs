//! Access tokens of an auth server: verified by its keys, refused when it has ended them.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use axum::{
    Form, Json, Router,
    extract::Query,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde::Deserialize;
use serde_json::{Value, json};
use service::{ServiceName, clock, keys::Keys, token::Verifier};
use tokio::{net::TcpListener, sync::Notify};

use crate::support::{DEVELOPER, TestApi};

const ISSUER: &str = "https://gateway.test/auth";

/// An auth server as far as portal-api knows it.
struct AuthServer {
    private: Vec<u8>,
    told: Arc<Told>,
}

/// What it tells about ended tokens. The first entry has number 1.
#[derive(Default)]
struct Told {
    keys: OnceLock<Keys>,
    entries: Mutex<Vec<Value>>,
    changed: Notify,
    is_away: AtomicBool,
    /// What opaque tokens stand for.
    opaque: Mutex<HashMap<String, Value>>,
    questions: AtomicUsize,
}

#[derive(Deserialize)]
struct After {
    after: usize,
}

impl AuthServer {
    /// With a portal-api that listens to it.
    async fn start() -> (Self, TestApi) {
        Self::start_with(&[]).await
    }

    /// As [`Self::start`], with some files of the configuration replaced.
    async fn start_with(files: &[(&str, &str)]) -> (Self, TestApi) {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let private = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, private.as_ref(), &random).unwrap();
        let point = pair.public_key().as_ref();
        let coordinate = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let jwks = json!({"keys": [{
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "k1",
            "x": coordinate(&point[1..33]), "y": coordinate(&point[33..])
        }]});
        let told: Arc<Told> = Arc::default();
        let (source, asked) = (told.clone(), told.clone());
        let app = Router::new()
            .route("/auth/oauth2/jwks", get(async move || Json(jwks)))
            .route(
                "/auth/oauth2/revocations",
                get(async move |headers: HeaderMap, query: Query<After>| {
                    source.answer(&headers, query.after).await
                }),
            )
            .route(
                "/auth/oauth2/introspect",
                post(
                    async move |headers: HeaderMap, form: Form<HashMap<String, String>>| {
                        asked.describe(&headers, &form["token"])
                    },
                ),
            );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/auth/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let api = TestApi::with(files, |settings| {
            told.keys.set(settings.keys.clone()).ok();
            settings.neighbours.auth_server = url.parse().unwrap();
        })
        .await;
        let private = private.as_ref().to_vec();
        (Self { private, told }, api)
    }

    fn revoke(&self, mut entry: Value) {
        entry["expires_at"] = json!(clock::now().timestamp() + 600);
        self.told.entries.lock().unwrap().push(entry);
        self.told.changed.notify_waiters();
    }

    /// An opaque token of the portal for the developer.
    fn opaque(&self, api: &TestApi, name: &str, changes: &Value) -> String {
        let mut members = Self::claims(api, changes);
        members["active"] = json!(true);
        members["token_type"] = json!("bearer");
        let token = format!("wgt_{name}");
        let mut opaque = self.told.opaque.lock().unwrap();
        opaque.insert(token.clone(), members);
        token
    }

    /// A signed one.
    fn token(&self, api: &TestApi, changes: &Value) -> String {
        let header = Header {
            typ: Some("at+jwt".to_owned()),
            kid: Some("k1".to_owned()),
            ..Header::new(Algorithm::ES256)
        };
        let claims = Self::claims(api, changes);
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ec_der(&self.private)).unwrap()
    }

    fn claims(api: &TestApi, changes: &Value) -> Value {
        let now = clock::now().timestamp();
        let mut claims = json!({
            "iss": ISSUER, "sub": DEVELOPER, "aud": "portal-api",
            "client_id": api.portal_client().client_id, "authenticated_userid": format!("sub={DEVELOPER}"),
            "scope": "read_users", "iat": now - 10, "exp": now + 600, "jti": "1", "sid": "s1"
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }
}

impl Told {
    fn check_caller(&self, headers: &HeaderMap) {
        let token = headers["authorization"].to_str().unwrap();
        let verifier = Verifier::new(ServiceName::AuthServer, self.keys.get().unwrap().clone());
        let caller = verifier.verify(token.strip_prefix("Bearer ").unwrap());
        assert_eq!(caller.unwrap(), ServiceName::PortalApi);
    }

    fn describe(&self, headers: &HeaderMap, token: &str) -> Response {
        self.check_caller(headers);
        self.questions.fetch_add(1, Relaxed);
        if self.is_away.load(Relaxed) {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        let known = self.opaque.lock().unwrap().get(token).cloned();
        Json(known.unwrap_or_else(|| json!({"active": false}))).into_response()
    }

    async fn answer(&self, headers: &HeaderMap, after: usize) -> Response {
        self.check_caller(headers);
        loop {
            let changed = self.changed.notified();
            if self.is_away.load(Relaxed) {
                return StatusCode::SERVICE_UNAVAILABLE.into_response();
            }
            let entries = self.entries.lock().unwrap().clone();
            if entries.len() > after {
                let feed = json!({
                    "issuer": ISSUER, "after": after, "seq": entries.len(),
                    "revocations": entries[after..],
                });
                return Json(feed).into_response();
            }
            changed.await;
        }
    }
}

async fn status(api: &TestApi, token: &str) -> u16 {
    let url = format!("{}/users/{DEVELOPER}", api.address());
    let request = service::http::client().get(url).bearer_auth(token);
    request.send().await.unwrap().status().as_u16()
}

/// Waits until the token is refused; that takes two seconds at most, and here far less.
async fn until_refused(api: &TestApi, token: &str) {
    let began = Instant::now();
    while status(api, token).await != 401 {
        assert!(began.elapsed() < Duration::from_secs(2), "still accepted");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_token_counts_until_its_auth_server_ends_it() {
    let (auth, api) = AuthServer::start().await;
    let one = auth.token(&api, &json!({}));
    let session = auth.token(&api, &json!({"jti": "2", "sid": "s2"}));
    let user = auth.token(&api, &json!({"jti": "3", "sid": "s3"}));
    let newer = auth.token(
        &api,
        &json!({"jti": "4", "sid": "s4", "iat": clock::now().timestamp()}),
    );
    for token in [&one, &session, &user, &newer] {
        assert_eq!(status(&api, token).await, 200);
    }
    auth.revoke(json!({"jti": "1"}));
    until_refused(&api, &one).await;
    auth.revoke(json!({"sid": "s2"}));
    until_refused(&api, &session).await;
    assert_eq!(status(&api, &user).await, 200);
    auth.revoke(json!({"sub": DEVELOPER, "not_before": clock::now().timestamp() - 5}));
    until_refused(&api, &user).await;
    assert_eq!(status(&api, &newer).await, 200);
}

#[tokio::test]
async fn while_the_auth_server_is_away_tokens_count_and_the_list_goes_on_afterwards() {
    let (auth, api) = AuthServer::start().await;
    let away = |is_away| {
        let flag = &auth.told.is_away;
        flag.store(is_away, Relaxed);
        auth.told.changed.notify_waiters();
    };
    let one = auth.token(&api, &json!({}));
    let two = auth.token(&api, &json!({"jti": "2"}));
    auth.revoke(json!({"jti": "1"}));
    until_refused(&api, &one).await;
    away(true);
    auth.revoke(json!({"jti": "2"}));
    assert_eq!(status(&api, &two).await, 200);
    assert_eq!(status(&api, &one).await, 401, "what is known stays");
    away(false);
    let began = Instant::now();
    while status(&api, &two).await != 401 {
        assert!(began.elapsed() < Duration::from_secs(10), "still accepted");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_signed_token_for_somebody_else_or_bound_to_a_key_is_refused() {
    let (auth, api) = AuthServer::start().await;
    for changes in [
        json!({"cnf": {"jkt": "x"}}),
        json!({"cnf": {"x5t#S256": "x"}}),
        json!({"aud": "orders"}),
        json!({"exp": clock::now().timestamp() - 60}),
        json!({"client_id": "nobody"}),
        json!({"authenticated_userid": "ada"}),
    ] {
        let token = auth.token(&api, &changes);
        assert_eq!(status(&api, &token).await, 401, "{changes}");
    }
    assert_eq!(status(&api, &auth.token(&api, &json!({}))).await, 200);
}

#[tokio::test]
async fn the_auth_server_is_asked_about_opaque_tokens() {
    let (auth, api) = AuthServer::start().await;
    let good = auth.opaque(&api, "good", &json!({}));
    let foreign = auth.opaque(&api, "foreign", &json!({"aud": "orders"}));
    let bundled = auth.opaque(
        &api,
        "bundled",
        &json!({"aud": ["orders", "portal-api"], "jti": "9"}),
    );
    let bound = auth.opaque(&api, "bound", &json!({"cnf": {"jkt": "x"}}));
    let ended = auth.opaque(&api, "ended", &json!({"exp": clock::now().timestamp() - 1}));
    let stranger = auth.opaque(&api, "stranger", &json!({"client_id": "nobody"}));
    let long = format!("wgt_{}", "x".repeat(300));
    for (token, expected) in [(&good, 200), (&bundled, 200)] {
        assert_eq!(status(&api, token).await, expected, "{token}");
    }
    for token in [
        &foreign,
        &bound,
        &ended,
        &stranger,
        &long,
        &"wgt_unknown".to_owned(),
    ] {
        assert_eq!(status(&api, token).await, 401, "{token}");
    }
    let asked = auth.told.questions.load(Relaxed);
    assert_eq!(status(&api, &good).await, 200);
    assert_eq!(auth.told.questions.load(Relaxed), asked, "remembered");
    // What is ended meanwhile is refused although the answer is remembered.
    auth.revoke(json!({"jti": "1"}));
    until_refused(&api, &good).await;
    assert_eq!(status(&api, &bundled).await, 200);
    auth.told.is_away.store(true, Relaxed);
    assert_eq!(status(&api, "wgt_new").await, 503, "it may well be good");
}

#[tokio::test]
async fn tokens_of_a_kong_count_where_it_makes_them() {
    let server = r#"{"tokens": {"mode": "kong-oauth2"},
      "authMethods": [{"name": "local", "type": "local", "config": {}}],
      "config": {"api": {"upstream_url": "http://inside.example", "routes": [{"paths": ["/auth"]}]}}}"#;
    let files = [("auth-servers/default.json", server)];
    let token = "aB3".repeat(10) + "xY";
    for (files, expected) in [(&files[..], 200), (&[], 401)] {
        let (auth, api) = AuthServer::start_with(files).await;
        let mut members = AuthServer::claims(&api, &json!({"active": true}));
        // Kong's may last for ever.
        for name in ["exp", "jti"] {
            members.as_object_mut().unwrap().remove(name);
        }
        auth.told
            .opaque
            .lock()
            .unwrap()
            .insert(token.clone(), members);
        assert_eq!(status(&api, &token).await, expected);
        assert_eq!(status(&api, &token.replace('x', "z")).await, 401);
        assert_eq!(status(&api, &token.replace('x', "-")).await, 401);
        let asked = auth.told.questions.load(Relaxed);
        assert_eq!(asked, if expected == 200 { 2 } else { 0 });
    }
}
