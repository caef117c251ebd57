//! One signing key, parsed and ready for use.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde::Serialize;
use service::{keys::Key, random};

use super::{KeysError, row, rules::Life};

/// Name of the only signature algorithm, in rows and key sets.
const ALGORITHM: &str = "ES256";

/// A key with its private part.
pub struct SigningKey {
    pub kid: String,
    pub encoding: EncodingKey,
    pub decoding: DecodingKey,
    pub jwk: Jwk,
    pub active_from: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// The public part as it stands in the key set (RFC 7517).
#[derive(Clone, Debug, Serialize)]
pub struct Jwk {
    kty: &'static str,
    crv: &'static str,
    alg: &'static str,
    r#use: &'static str,
    kid: String,
    x: String,
    y: String,
}

impl SigningKey {
    /// Opens a stored key.
    pub fn from_row(row: &row::Model, seal: &Key) -> Result<Self, KeysError> {
        let damaged = || KeysError::Damaged(row.kid.clone());
        let private = seal
            .open(&row.private_key, context(&row.kid).as_bytes())
            .map_err(|source| KeysError::Sealed {
                kid: row.kid.clone(),
                source,
            })?;
        let public = hex::decode(&row.public_key).map_err(|_| damaged())?;
        // Uncompressed point: 0x04, 32 bytes x, 32 bytes y.
        let [4, point @ ..] = public.as_slice() else {
            return Err(damaged());
        };
        let (x, y) = point.split_at_checked(32).ok_or_else(damaged)?;
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let decoding = DecodingKey::from_ec_components(&x, &y).map_err(|_| damaged())?;
        Ok(Self {
            kid: row.kid.clone(),
            encoding: EncodingKey::from_ec_der(&private),
            decoding,
            jwk: Jwk {
                kty: "EC",
                crv: "P-256",
                alg: ALGORITHM,
                r#use: "sig",
                kid: row.kid.clone(),
                x,
                y,
            },
            active_from: row.active_from,
            expires_at: row.expires_at,
        })
    }

    /// A signed token with these claims. `typ` keeps one kind of token from passing for another.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> String {
        let header = Header {
            typ: Some(typ.to_owned()),
            kid: Some(self.kid.clone()),
            ..Header::new(Algorithm::ES256)
        };
        jsonwebtoken::encode(&header, claims, &self.encoding)
            .expect("the key was checked when it was loaded, and claims are plain JSON")
    }
}

/// A new key pair as it is stored.
pub fn generate(life: Life, seal: &Key, now: DateTime<Utc>) -> row::Model {
    let rng = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng)
        .expect("the operating system's random generator works");
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &rng)
        .expect("ring reads what it wrote");
    let mut kid = random::hex_id();
    kid.truncate(16);
    row::Model {
        algorithm: ALGORITHM.to_owned(),
        private_key: seal.seal(document.as_ref(), context(&kid).as_bytes()),
        public_key: hex::encode(pair.public_key()),
        kid,
        created_at: now,
        active_from: life.active_from,
        active_until: life.active_until,
        expires_at: life.expires_at,
    }
}

/// Binds a sealed key to its row.
pub fn context(kid: &str) -> String {
    format!("auth_keys/{kid}")
}
