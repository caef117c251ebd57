use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use ring::{
    hmac,
    signature::{self, RsaParameters, UnparsedPublicKey, VerificationAlgorithm},
};

use super::P521Key;

/// A key with the only algorithm that it may be used with.
pub struct VerificationKey {
    pub algorithm: String,
    material: Material,
}

enum Material {
    Public(UnparsedPublicKey<Vec<u8>>),
    P521(P521Key),
    Secret(hmac::Algorithm, String),
}

impl VerificationKey {
    /// Nothing for what the schema refuses.
    pub fn new(credential: &kong::JwtSecret) -> Option<Self> {
        let algorithm = credential.algorithm.as_str();
        let material = if let Some(hmac) = hmac_algorithm(algorithm) {
            Material::Secret(hmac, credential.secret.clone()?)
        } else {
            let pem = credential.rsa_public_key.as_deref()?;
            let key = kong::jwt::public_key(algorithm, pem).ok()?;
            match algorithm {
                "ES512" => Material::P521(P521Key::new(&key).ok()?),
                _ => Material::Public(UnparsedPublicKey::new(public_algorithm(algorithm)?, key)),
            }
        };
        Some(Self {
            algorithm: algorithm.to_owned(),
            material,
        })
    }

    pub fn is_asymmetric(&self) -> bool {
        !matches!(self.material, Material::Secret(..))
    }

    pub fn verifies(&self, message: &[u8], signature: &[u8], secret_is_base64: bool) -> bool {
        match &self.material {
            Material::Public(key) => key.verify(message, signature).is_ok(),
            Material::P521(key) => key.verifies(message, signature),
            Material::Secret(algorithm, secret) => {
                let secret = if secret_is_base64 {
                    decode(secret)
                } else {
                    Some(secret.clone().into_bytes())
                };
                secret.is_some_and(|secret| {
                    hmac::verify(&hmac::Key::new(*algorithm, &secret), message, signature).is_ok()
                })
            }
        }
    }
}

fn hmac_algorithm(name: &str) -> Option<hmac::Algorithm> {
    match name {
        "HS256" => Some(hmac::HMAC_SHA256),
        "HS384" => Some(hmac::HMAC_SHA384),
        "HS512" => Some(hmac::HMAC_SHA512),
        _ => None,
    }
}

fn public_algorithm(name: &str) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match name {
        "ES256" => &signature::ECDSA_P256_SHA256_FIXED,
        "ES384" => &signature::ECDSA_P384_SHA384_FIXED,
        "EdDSA" => &signature::ED25519,
        _ => rsa_algorithm(name)?,
    })
}

/// By its name in a token (RFC 7518, 3.1).
pub fn rsa_algorithm(name: &str) -> Option<&'static RsaParameters> {
    Some(match name {
        "RS256" => &signature::RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &signature::RSA_PKCS1_2048_8192_SHA384,
        "RS512" => &signature::RSA_PKCS1_2048_8192_SHA512,
        "PS256" => &signature::RSA_PSS_2048_8192_SHA256,
        "PS384" => &signature::RSA_PSS_2048_8192_SHA384,
        "PS512" => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

/// Base64 in either alphabet, with or without padding.
fn decode(text: &str) -> Option<Vec<u8>> {
    [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD]
        .into_iter()
        .find_map(|engine| engine.decode(text).ok())
}
