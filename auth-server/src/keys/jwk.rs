//! The public part of a key, as it is stored and as it stands in the key set (RFC 7517).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use openssl::{error::ErrorStack, rsa::Rsa};
use serde::Serialize;

use super::algorithm::SigningAlgorithm;

#[derive(Clone, Debug, Serialize)]
pub struct Jwk {
    #[serde(flatten)]
    public: Public,
    alg: &'static str,
    r#use: &'static str,
    kid: String,
}

/// The members that depend on the kind of key, in base64url.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kty")]
enum Public {
    #[serde(rename = "EC")]
    Elliptic {
        crv: &'static str,
        x: String,
        y: String,
    },
    #[serde(rename = "RSA")]
    Rsa { n: String, e: String },
}

impl Jwk {
    /// `stored`: the uncompressed point of an elliptic key, the PKCS #1 structure of an RSA key.
    pub fn new(algorithm: SigningAlgorithm, kid: &str, stored: &[u8]) -> Option<Self> {
        let public = match algorithm {
            SigningAlgorithm::Es256 => Public::point(stored)?,
            SigningAlgorithm::Rs256 => Public::modulus(stored).ok()?,
        };
        Some(Self {
            public,
            alg: algorithm.name(),
            r#use: "sig",
            kid: kid.to_owned(),
        })
    }

    pub fn decoding_key(&self) -> jsonwebtoken::errors::Result<DecodingKey> {
        match &self.public {
            Public::Elliptic { x, y, .. } => DecodingKey::from_ec_components(x, y),
            Public::Rsa { n, e } => DecodingKey::from_rsa_components(n, e),
        }
    }
}

impl Public {
    fn point(stored: &[u8]) -> Option<Self> {
        // 0x04, 32 bytes x, 32 bytes y.
        let [4, point @ ..] = stored else {
            return None;
        };
        let (x, y) = point.split_at_checked(32)?;
        Some(Self::Elliptic {
            crv: "P-256",
            x: URL_SAFE_NO_PAD.encode(x),
            y: URL_SAFE_NO_PAD.encode(y),
        })
    }

    fn modulus(stored: &[u8]) -> Result<Self, ErrorStack> {
        let key = Rsa::public_key_from_der_pkcs1(stored)?;
        Ok(Self::Rsa {
            n: URL_SAFE_NO_PAD.encode(key.n().to_vec()),
            e: URL_SAFE_NO_PAD.encode(key.e().to_vec()),
        })
    }
}
