//! One signing key: made, stored, parsed and ready for use.

use chrono::{DateTime, Utc};
use jsonwebtoken::{DecodingKey, EncodingKey, Header};
use openssl::{error::ErrorStack, pkey::PKey, rsa::Rsa};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde::Serialize;
use service::{keys::Key, random};

use super::{KeysError, algorithm::SigningAlgorithm, jwk::Jwk, row, rules::Life};

/// NIST SP 800-57 calls it good until 2030; a key signs for 30 days.
const RSA_BITS: u32 = 2048;

/// A key with its private part.
pub struct SigningKey {
    pub kid: String,
    pub algorithm: SigningAlgorithm,
    pub encoding: EncodingKey,
    pub decoding: DecodingKey,
    pub jwk: Jwk,
    pub active_from: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
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
        let algorithm = SigningAlgorithm::parse(Some(&row.algorithm)).map_err(|_| damaged())?;
        let jwk = Jwk::new(algorithm, &row.kid, &public).ok_or_else(damaged)?;
        Ok(Self {
            kid: row.kid.clone(),
            algorithm,
            encoding: match algorithm {
                SigningAlgorithm::Es256 => EncodingKey::from_ec_der(&private),
                SigningAlgorithm::Rs256 => EncodingKey::from_rsa_der(&private),
            },
            decoding: jwk.decoding_key().map_err(|_| damaged())?,
            jwk,
            active_from: row.active_from,
            expires_at: row.expires_at,
        })
    }

    /// A signed token with these claims. `typ` keeps one kind of token from passing for another.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> String {
        let header = Header {
            typ: Some(typ.to_owned()),
            kid: Some(self.kid.clone()),
            ..Header::new(self.algorithm.into())
        };
        jsonwebtoken::encode(&header, claims, &self.encoding)
            .expect("the key was checked when it was loaded, and claims are plain JSON")
    }
}

/// A key pair that no row has yet.
pub struct NewPair {
    algorithm: SigningAlgorithm,
    /// PKCS #8.
    private: Vec<u8>,
    public: Vec<u8>,
}

impl NewPair {
    /// RSA takes tenths of a second, so this is nothing to do within a transaction.
    pub async fn generate(algorithm: SigningAlgorithm) -> Result<Self, KeysError> {
        match algorithm {
            SigningAlgorithm::Es256 => Ok(Self::elliptic()),
            SigningAlgorithm::Rs256 => Ok(tokio::task::spawn_blocking(Self::rsa).await??),
        }
    }

    fn elliptic() -> Self {
        let (rng, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &rng)
            .expect("the operating system's random generator works");
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &rng)
            .expect("ring reads what it wrote");
        Self {
            algorithm: SigningAlgorithm::Es256,
            private: document.as_ref().to_vec(),
            public: pair.public_key().as_ref().to_vec(),
        }
    }

    /// By OpenSSL, since ring makes no RSA keys; ring signs with them.
    fn rsa() -> Result<Self, ErrorStack> {
        let key = Rsa::generate(RSA_BITS)?;
        Ok(Self {
            algorithm: SigningAlgorithm::Rs256,
            public: key.public_key_to_der_pkcs1()?,
            private: PKey::from_rsa(key)?.private_key_to_pkcs8()?,
        })
    }

    /// As it is stored.
    pub fn into_row(self, life: Life, seal: &Key, now: DateTime<Utc>) -> row::Model {
        let mut kid = random::hex_id();
        kid.truncate(16);
        row::Model {
            algorithm: self.algorithm.name().to_owned(),
            private_key: seal.seal(&self.private, context(&kid).as_bytes()),
            public_key: hex::encode(self.public),
            kid,
            created_at: now,
            active_from: life.active_from,
            active_until: life.active_until,
            expires_at: life.expires_at,
        }
    }
}

/// Binds a sealed key to its row.
pub fn context(kid: &str) -> String {
    format!("auth_keys/{kid}")
}
