//! An auth server as far as portal-api needs one: it publishes the key that signs users' tokens.

use std::net::SocketAddr;

use axum::{Json, Router, routing::get};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::json;

use crate::portal_api::{SCOPES, USER};

const KID: &str = "bench";

pub struct Issuer {
    pub address: SocketAddr,
    key: EncodingKey,
}

impl Issuer {
    pub async fn start() -> anyhow::Result<Self> {
        let random = SystemRandom::new();
        let failed = |_| anyhow::anyhow!("cannot make a key");
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
            .map_err(failed)?;
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random)
                .map_err(|_| anyhow::anyhow!("cannot read the key"))?;
        // Uncompressed point: 0x04, 32 bytes x, 32 bytes y.
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let keys = json!({"keys": [{
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": KID,
            "x": BASE64_URL_SAFE_NO_PAD.encode(x), "y": BASE64_URL_SAFE_NO_PAD.encode(y),
        }]});
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let app = Router::new().route("/auth/oauth2/jwks", get(async || Json(keys)));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self {
            address,
            key: EncodingKey::from_ec_der(pkcs8.as_ref()),
        })
    }

    /// A token of the administrator for an hour.
    pub fn token(&self, client_id: &str) -> anyhow::Result<String> {
        let now = service::clock::now().timestamp();
        let header = Header {
            typ: Some("at+jwt".to_owned()),
            kid: Some(KID.to_owned()),
            ..Header::new(Algorithm::ES256)
        };
        let claims = json!({
            "iss": "bench", "aud": "portal-api", "sub": USER, "client_id": client_id,
            "iat": now, "exp": now + 3600, "scope": SCOPES,
            "authenticated_userid": format!("sub={USER}"),
        });
        Ok(jsonwebtoken::encode(&header, &claims, &self.key)?)
    }
}
