//! What stands behind the gateway: a backend that shows what it got, and an auth server.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    extract::Query,
    http::{HeaderMap, Uri},
    routing::get,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use service::{ServiceName, keys::Keys, token::Verifier};
use tokio::{net::TcpListener, sync::Notify};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A running server; stops when dropped.
pub struct Server {
    pub url: String,
    _stop: DropGuard,
}

async fn serve(app: Router) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let guard = stop.clone().drop_guard();
    tokio::spawn(service::http::serve(
        ServiceName::Portal,
        listener,
        app,
        stop,
    ));
    Server { url, _stop: guard }
}

/// Answers with path and headers of each request.
pub async fn echo() -> Server {
    let answer = async |uri: Uri, headers: HeaderMap| {
        let headers: Map<String, Value> = headers
            .iter()
            .map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap_or_default())))
            .collect();
        Json(json!({"path": uri.path(), "headers": headers}))
    };
    serve(Router::new().fallback(answer)).await
}

/// An auth server as far as gateways know it: it publishes keys and signs tokens.
pub struct AuthServer {
    pub server: Server,
    published: Arc<Mutex<Vec<Value>>>,
    revoked: Arc<Revoked>,
}

/// Entries, the first of which has number 1.
#[derive(Default)]
struct Revoked {
    entries: Mutex<Vec<Value>>,
    changed: Notify,
}

/// A signing key.
pub struct Key {
    kid: &'static str,
    private: Vec<u8>,
    public: Value,
}

impl AuthServer {
    pub async fn start(keys: &[&Key], all: &Keys) -> Self {
        let published: Arc<Mutex<Vec<Value>>> = Arc::default();
        let shared = published.clone();
        let jwks = get(async move || Json(json!({"keys": *shared.lock().unwrap()})));
        let revoked: Arc<Revoked> = Arc::default();
        let told = revoked.clone();
        let verifier = Verifier::new(ServiceName::AuthServer, all.clone());
        let revocations = get(async move |headers: HeaderMap, query: Query<After>| {
            let token = headers["authorization"].to_str().unwrap();
            let caller = verifier.verify(token.strip_prefix("Bearer ").unwrap());
            assert_eq!(caller.unwrap(), ServiceName::GatewayAdapter);
            Json(told.after(query.after).await)
        });
        let routes = Router::new()
            .route("/auth/oauth2/jwks", jwks)
            .route("/auth/oauth2/revocations", revocations);
        let server = serve(routes).await;
        let auth = Self {
            server,
            published,
            revoked,
        };
        auth.publish(keys);
        auth
    }

    /// Ends an access token.
    pub fn revoke(&self, jti: &str) {
        let ends = service::clock::now().timestamp() + 600;
        let entry = json!({"jti": jti, "expires_at": ends});
        self.revoked.entries.lock().unwrap().push(entry);
        self.revoked.changed.notify_waiters();
    }

    pub fn publish(&self, keys: &[&Key]) {
        *self.published.lock().unwrap() = keys.iter().map(|key| key.public.clone()).collect();
    }
}

#[derive(Deserialize)]
struct After {
    after: usize,
}

impl Revoked {
    async fn after(&self, after: usize) -> Value {
        loop {
            let changed = self.changed.notified();
            let entries = self.entries.lock().unwrap().clone();
            if entries.len() > after {
                return json!({
                    "issuer": "http://gateway.test/auth", "after": after, "seq": entries.len(),
                    "revocations": entries[after..],
                });
            }
            changed.await;
        }
    }
}

impl Key {
    pub fn new(kid: &'static str) -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let private = EcdsaKeyPair::generate_pkcs8(algorithm, &random)
            .unwrap()
            .as_ref()
            .to_vec();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, &private, &random).unwrap();
        let point = pair.public_key().as_ref();
        let coordinate = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let public = json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid,
            "x": coordinate(&point[1..33]), "y": coordinate(&point[33..])
        });
        Self {
            kid,
            private,
            public,
        }
    }

    /// An access token of this client for this API, with the changes of the test.
    pub fn token(&self, client_id: &str, api: &str, changes: Value) -> String {
        let now = service::clock::now().timestamp();
        let mut claims = json!({
            "iss": "http://gateway.test/auth", "sub": "ada", "aud": api, "client_id": client_id,
            "authenticated_userid": "sub=ada", "scope": "read write",
            "gateway_key": format!("{client_id}.{}", self.kid),
            "iat": now, "exp": now + 600, "jti": "t"
        });
        for (claim, value) in changes.as_object().unwrap() {
            claims[claim] = value.clone();
        }
        let header = Header {
            typ: Some("at+jwt".to_owned()),
            kid: Some(self.kid.to_owned()),
            ..Header::new(Algorithm::ES256)
        };
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ec_der(&self.private)).unwrap()
    }
}
