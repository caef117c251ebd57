//! A provider that people log in at: the endpoints of GitHub, Facebook, X, of an OpenID Connect and of
//! a plain OAuth 2.0 server, with answers in the shape that each of them has.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Form, Json, Router,
    extract::{Query, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{HeaderMap, StatusCode, header};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use serde_json::{Map, Value, json};
use service::{crypto::sha256, random};
use tokio::net::TcpListener;
use url::Url;

use super::{PASSWORD, parameter};

/// As which provider it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    OAuth2,
    Oidc,
    GitHub,
    Facebook,
    Twitter,
}

/// Client at the provider.
const CLIENT: (&str, &str) = ("wicketgate", "s3cret &");

/// The running provider. Cheap to clone.
#[derive(Clone)]
pub struct Provider {
    pub url: Url,
    kind: Kind,
    data: Arc<Mutex<Data>>,
    key: Arc<Key>,
}

struct Key {
    pkcs8: Vec<u8>,
    jwk: Value,
}

#[derive(Default)]
struct Data {
    /// By code.
    pending: HashMap<String, HashMap<String, String>>,
    tokens: Vec<String>,
    /// What the provider tells about the person.
    person: Value,
    /// What it tells instead of the right thing in an ID token.
    lies: Map<String, Value>,
    /// Signs with a key that it does not publish.
    forges: bool,
    /// Signs access tokens with this.
    rsa: Option<RsaKeyPair>,
    calls: Vec<String>,
}

impl Provider {
    pub async fn start(kind: Kind) -> Self {
        service::crypto::install();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let provider = Self {
            url: url.parse().unwrap(),
            kind,
            data: Arc::default(),
            key: Arc::new(Key::generate()),
        };
        let router = Router::new()
            .route("/token", post(token))
            .route("/user", get(profile))
            .route("/user/emails", get(emails))
            .route("/me", get(profile))
            .route("/2/users/me", get(profile))
            .route("/userinfo", get(profile))
            .route("/.well-known/openid-configuration", get(description))
            .route("/jwks", get(keys))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    fn data(&self) -> std::sync::MutexGuard<'_, Data> {
        self.data.lock().unwrap()
    }

    pub fn at(&self, path: &str) -> Url {
        self.url.join(path).unwrap()
    }

    /// Settings of a method that leads here, with some of its own.
    pub fn config(&self, more: Value) -> Value {
        let mut config = json!({"clientId": CLIENT.0, "clientSecret": CLIENT.1,
            "endpoints": {"authorizeEndpoint": self.at("authorize?tenant=1"),
                "tokenEndpoint": self.at("token")}});
        let profile = match self.kind {
            Kind::Oidc => {
                config["issuer"] = json!(self.issuer());
                "userinfo"
            }
            Kind::GitHub => {
                config["endpoints"]["emailsEndpoint"] = json!(self.at("user/emails"));
                "user"
            }
            Kind::OAuth2 | Kind::Facebook => "me",
            Kind::Twitter => "2/users/me",
        };
        config["endpoints"]["profileEndpoint"] = json!(self.at(profile));
        let Value::Object(more) = more else {
            return config;
        };
        config.as_object_mut().unwrap().extend(more);
        config
    }

    pub fn issuer(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    pub fn tell(&self, person: Value) {
        self.data().person = person;
    }

    /// From now on ID tokens say this instead; null leaves a claim out.
    pub fn lie(&self, claims: Value) {
        let Value::Object(claims) = claims else {
            return;
        };
        self.data().lies = claims;
    }

    /// From now on access tokens are signed with this key.
    pub fn sign_with(&self, key: RsaKeyPair) {
        self.data().rsa = Some(key);
    }

    /// Back to the elliptic curve.
    pub fn sign_with_its_own(&self) {
        self.data().rsa = None;
    }

    /// From now on tokens are signed with another key.
    pub fn forge(&self) {
        self.data().forges = true;
    }

    pub fn calls(&self) -> Vec<String> {
        self.data().calls.clone()
    }

    /// The person says yes on the page at `authorize`: answers where it leads, relative to the auth
    /// server's base path.
    pub fn approve(&self, authorize: &Url) -> String {
        assert!(
            authorize.as_str().starts_with(self.url.as_str()),
            "{authorize}"
        );
        let request: HashMap<String, String> = authorize.query_pairs().into_owned().collect();
        assert_eq!(request["response_type"], "code");
        assert_eq!(request["client_id"], CLIENT.0);
        assert_eq!(request["code_challenge_method"], "S256");
        let code = random::token(16);
        self.data().pending.insert(code.clone(), request);
        back(authorize, &[("code", &code)])
    }

    pub fn sign(&self, claims: &Map<String, Value>) -> String {
        if let Some(key) = &self.data().rsa {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let header = part(&json!({"alg": "RS256", "typ": "JWT", "x5t": "thumbprint"}));
            let text = format!("{header}.{}", part(&json!(claims)));
            let mut signature = vec![0; key.public().modulus_len()];
            let rng = SystemRandom::new();
            key.sign(&RSA_PKCS1_SHA256, &rng, text.as_bytes(), &mut signature)
                .unwrap();
            return format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature));
        }
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some("k1".to_owned());
        let other = Key::generate();
        let key = if self.data().forges {
            &other
        } else {
            &self.key
        };
        let key = EncodingKey::from_ec_der(&key.pkcs8);
        jsonwebtoken::encode(&header, claims, &key).unwrap()
    }
}

/// Where the answer to a request leads, relative to the auth server's base path.
pub fn back(authorize: &Url, members: &[(&str, &str)]) -> String {
    let redirect = parameter(authorize, "redirect_uri").unwrap();
    let (_, path) = redirect.split_once("/auth").unwrap();
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(members);
    query.append_pair("state", &parameter(authorize, "state").unwrap());
    format!("{path}?{}", query.finish())
}

impl Key {
    fn generate() -> Self {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let rng = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &rng).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &rng).unwrap();
        let point = pair.public_key().as_ref();
        let jwk = json!({"kty": "EC", "crv": "P-256", "use": "sig", "kid": "k1", "alg": "ES256",
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..])});
        Self {
            pkcs8: pkcs8.as_ref().to_vec(),
            jwk,
        }
    }
}

async fn description(State(provider): State<Provider>) -> Json<Value> {
    provider.data().calls.push("description".to_owned());
    Json(json!({
        "issuer": provider.issuer(), "authorization_endpoint": provider.at("authorize"),
        "token_endpoint": provider.at("token"), "jwks_uri": provider.at("jwks"),
        "userinfo_endpoint": provider.at("userinfo"),
        "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "claims_supported": ["sub", "iss", "auth_time", "email"],
        "authorization_response_iss_parameter_supported": false
    }))
}

async fn keys(State(provider): State<Provider>) -> Json<Value> {
    provider.data().calls.push("keys".to_owned());
    let unreadable = json!({"kty": "new", "kid": "k0"});
    Json(json!({"keys": [unreadable, provider.key.jwk]}))
}

async fn token(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let text = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let basic = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Basic "))
        .map(|text| String::from_utf8(STANDARD.decode(text).unwrap()).unwrap());
    let is_client = match provider.kind {
        Kind::Oidc | Kind::Twitter => {
            let is_in_form = form.contains_key("client_id") || form.contains_key("client_secret");
            basic.as_deref() == Some("wicketgate:s3cret+%26") && !is_in_form
        }
        _ => (text("client_id"), text("client_secret")) == CLIENT,
    };
    if !is_client {
        return refuse("invalid_client", StatusCode::UNAUTHORIZED);
    }
    let refused = || match provider.kind {
        Kind::GitHub => refuse("bad_verification_code", StatusCode::OK),
        _ => refuse("invalid_grant", StatusCode::BAD_REQUEST),
    };
    let mut id_token = None;
    match text("grant_type") {
        "password" if text("password") == PASSWORD => {}
        "authorization_code" => {
            let Some(request) = provider.data().pending.remove(text("code")) else {
                return refused();
            };
            let challenge = URL_SAFE_NO_PAD.encode(sha256(text("code_verifier").as_bytes()));
            if request["code_challenge"] != challenge
                || request["redirect_uri"] != text("redirect_uri")
            {
                return refused();
            }
            if provider.kind == Kind::Oidc {
                id_token = Some(provider.id_token(&request));
            }
        }
        _ => return refused(),
    }
    let access = if provider.kind == Kind::OAuth2 {
        let now = service::clock::now().timestamp();
        let mut claims = provider.data().person.as_object().cloned().unwrap();
        claims.entry("exp").or_insert(json!(now + 60));
        provider.sign(&claims)
    } else {
        random::token(16)
    };
    provider.data().tokens.push(access.clone());
    Json(
        json!({"access_token": access, "token_type": "bearer", "expires_in": 3600,
        "id_token": id_token}),
    )
    .into_response()
}

impl Provider {
    fn id_token(&self, request: &HashMap<String, String>) -> String {
        let now = service::clock::now().timestamp();
        let mut claims = json!({"iss": self.issuer(), "aud": CLIENT.0, "iat": now,
            "exp": now + 60, "nonce": request.get("nonce"), "auth_time": now});
        let claims = claims.as_object_mut().unwrap();
        let person = self.data().person.clone();
        claims.extend(person.as_object().cloned().unwrap());
        // What stands in the profile only.
        claims.remove("email");
        claims.extend(self.data().lies.clone());
        claims.retain(|_, value| !value.is_null());
        self.sign(claims)
    }

    fn is_known(&self, headers: &HeaderMap) -> Option<String> {
        let token = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))?;
        let known = self.data().tokens.iter().any(|one| one == token);
        known.then(|| token.to_owned())
    }
}

/// GitHub answers such things with status 200.
fn refuse(error: &str, status: StatusCode) -> Response {
    let body = json!({"error": error, "error_description": "The code passed is incorrect.",
        "error_uri": "https://docs.example/errors"});
    (status, Json(body)).into_response()
}

async fn profile(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let Some(token) = provider.is_known(&headers) else {
        return (
            StatusCode::UNAUTHORIZED,
            Json(json!({"message": "Bad credentials"})),
        )
            .into_response();
    };
    let mut person = provider.data().person.clone();
    match provider.kind {
        Kind::Facebook => {
            let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, CLIENT.1.as_bytes());
            let proof = hex::encode(ring::hmac::sign(&key, token.as_bytes()));
            assert_eq!(query["appsecret_proof"], proof);
            assert!(query["fields"].contains("email"));
        }
        Kind::Twitter => {
            assert_eq!(query["user.fields"], "confirmed_email");
            person = json!({"data": person});
        }
        Kind::GitHub => {
            person.as_object_mut().unwrap().remove("emails");
        }
        Kind::OAuth2 | Kind::Oidc => {}
    }
    Json(person).into_response()
}

async fn emails(State(provider): State<Provider>, headers: HeaderMap) -> Response {
    if provider.is_known(&headers).is_none() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match provider.data().person.get("emails") {
        Some(emails) => Json(emails.clone()).into_response(),
        None => (StatusCode::FORBIDDEN, Json(json!({"message": "Forbidden"}))).into_response(),
    }
}
