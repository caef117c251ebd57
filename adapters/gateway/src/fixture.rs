//! Small installations for tests of the pure functions.

use sdk::types::Snapshot;
use serde_json::{Value, json};
use service::keys::{Keys, MasterKey, Purpose};

use crate::{
    desired::Settings,
    ids::Ids,
    keys::{KeysByServer, SigningKey},
};

/// A real P-256 public key; the schema refuses anything else.
const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n-----END PUBLIC KEY-----\n";

pub fn settings() -> Settings {
    Settings {
        ids: Ids::new("main"),
        digest_key: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        usage_endpoint: "http://127.0.0.1:3002/usage".to_owned(),
        usage_token: "hush".to_owned(),
        introspection_token: "hush hush".to_owned(),
        redis: None,
        provision: Keys::from_master(MasterKey::parse(&"00".repeat(32)).unwrap())
            .derive(&Purpose::Provision)
            .unwrap(),
    }
}

pub fn keys() -> KeysByServer {
    let key = |kid: &str| SigningKey {
        kid: kid.to_owned(),
        algorithm: "ES256".to_owned(),
        pem: PEM.to_owned(),
    };
    [("default".to_owned(), vec![key("k1"), key("k2")])].into()
}

/// A snapshot with one auth server, two plans and these APIs and subscriptions.
pub fn snapshot(apis: Value, subscriptions: Value) -> Snapshot {
    serde_json::from_value(json!({
        "revision": "hash.7", "seq": 7,
        "globals": {"title": "", "network": {
            "schema": "https", "apiHost": "api.example.org", "portalUrl": "http://portal:3000/"
        }},
        "apis": apis,
        "authServers": [{
            "id": "default", "name": "default", "tokens": {"mode": "jwt"},
            "config": {"api": {
                "upstream_url": "http://auth:3010",
                "routes": [{"paths": ["/auth"], "strip_path": false}]
            }}
        }],
        "plans": [
            {"id": "basic", "config": {"plugins": [{"name": "rate-limiting", "config": {"hour": 100}}]}},
            {"id": "free"},
            {"id": "broken", "config": {"plugins": [{"name": "acl", "config": {"allow": ["x"]}}]}}
        ],
        "groups": [], "applications": [],
        "subscriptions": subscriptions
    }))
    .unwrap()
}

pub fn api(id: &str, auth: &str) -> Value {
    json!({
        "id": id, "name": id, "auth": auth, "authMethods": ["default:local"],
        "config": {"api": {
            "upstream_url": "http://backend:8080/v2", "routes": [{"paths": [format!("/{id}")]}]
        }}
    })
}

pub fn subscription(api: &str, plan: &str, credentials: Value) -> Value {
    json!({
        "id": format!("sub-{api}"), "application": "my-app", "api": api, "plan": plan,
        "credentials": credentials
    })
}

pub fn key(digit: char) -> Value {
    json!({"id": format!("cred-{digit}"), "kind": "key", "digest": digit.to_string().repeat(64)})
}
