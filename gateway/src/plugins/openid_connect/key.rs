use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use serde_json::Value;

use crate::plugins::jwt::{COORDINATE, P521Key, rsa_algorithm};

/// A published key (RFC 7517), with the algorithms that it may be used with: never more than its
/// type allows, and only the one that it names, if it names one.
pub struct PublicKey {
    pub id: Option<String>,
    /// By which it is known again.
    pub source: Value,
    algorithm: Option<String>,
    material: Material,
}

enum Material {
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    P521(P521Key),
    Other(&'static str, UnparsedPublicKey<Vec<u8>>),
}

impl PublicKey {
    /// Nothing for a key that is not for verifying, or of a type that is not known.
    pub fn new(source: &Value) -> Option<Self> {
        let text = |member: &str| source.get(member).and_then(Value::as_str);
        let bytes = |member: &str| URL_SAFE_NO_PAD.decode(text(member)?).ok();
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let operations = source.get("key_ops").and_then(Value::as_array);
        if operations.is_some_and(|list| !list.iter().any(|one| one == "verify")) {
            return None;
        }
        let material = match (text("kty")?, text("crv")) {
            ("RSA", _) => {
                let unpadded = |bytes: Vec<u8>| {
                    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                    bytes[zeros..].to_vec()
                };
                let (n, e) = (unpadded(bytes("n")?), unpadded(bytes("e")?));
                Material::Rsa(RsaPublicKeyComponents { n, e })
            }
            ("EC", Some("P-256")) => {
                let point = point(&bytes("x")?, &bytes("y")?, 32)?;
                other("ES256", &signature::ECDSA_P256_SHA256_FIXED, point)
            }
            ("EC", Some("P-384")) => {
                let point = point(&bytes("x")?, &bytes("y")?, 48)?;
                other("ES384", &signature::ECDSA_P384_SHA384_FIXED, point)
            }
            ("EC", Some("P-521")) => {
                let point = point(&bytes("x")?, &bytes("y")?, COORDINATE)?;
                Material::P521(P521Key::new(&point).ok()?)
            }
            ("OKP", Some("Ed25519")) => {
                let key = bytes("x").filter(|key| key.len() == 32)?;
                other("EdDSA", &signature::ED25519, key)
            }
            _ => return None,
        };
        Some(Self {
            id: text("kid").map(str::to_owned),
            algorithm: text("alg").map(str::to_owned),
            source: source.clone(),
            material,
        })
    }

    pub fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        if self.algorithm.as_ref().is_some_and(|own| own != algorithm) {
            return false;
        }
        match &self.material {
            Material::Rsa(key) => rsa_algorithm(algorithm)
                .is_some_and(|parameters| key.verify(parameters, message, signature).is_ok()),
            Material::P521(key) => algorithm == "ES512" && key.verifies(message, signature),
            Material::Other(own, key) => {
                *own == algorithm && key.verify(message, signature).is_ok()
            }
        }
    }
}

fn other(
    name: &'static str,
    algorithm: &'static dyn VerificationAlgorithm,
    key: Vec<u8>,
) -> Material {
    Material::Other(name, UnparsedPublicKey::new(algorithm, key))
}

/// The uncompressed point.
fn point(x: &[u8], y: &[u8], length: usize) -> Option<Vec<u8>> {
    let fits = x.len() == length && y.len() == length;
    fits.then(|| [&[4], x, y].concat())
}

#[cfg(test)]
mod tests {
    use ring::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
    };
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_is_for_one_purpose_and_its_own_algorithms() {
        let random = SystemRandom::new();
        let secret = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        let secret = secret.unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, secret.as_ref(), &random);
        let pair = pair.unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let plain = json!({"kty": "EC", "crv": "P-256", "x": text(x), "y": text(y)});
        let signature = pair.sign(&random, b"m").unwrap();
        let with = |member: &str, value: Value| {
            let mut jwk = plain.clone();
            jwk[member] = value;
            jwk
        };
        for (jwk, algorithm, expected) in [
            (plain.clone(), "ES256", true),
            (with("alg", json!("ES256")), "ES256", true),
            (with("use", json!("sig")), "ES256", true),
            (with("key_ops", json!(["verify"])), "ES256", true),
            (plain.clone(), "ES384", false),
            (plain.clone(), "HS256", false),
            (plain.clone(), "none", false),
            (plain.clone(), "RS256", false),
            (with("alg", json!("ES384")), "ES256", false),
            (with("use", json!("enc")), "ES256", false),
            (with("key_ops", json!(["sign"])), "ES256", false),
            (with("crv", json!("P-384")), "ES256", false),
            (with("x", json!(text(&x[1..]))), "ES256", false),
            (with("kty", json!("oct")), "ES256", false),
            (json!({"kty": "oct", "k": text(b"m")}), "HS256", false),
            (
                json!({"kty": "RSA", "n": text(x), "e": "AQAB"}),
                "RS256",
                false,
            ),
            (json!({"kty": "RSA", "n": "", "e": ""}), "RS256", false),
            (json!(null), "ES256", false),
        ] {
            let key = PublicKey::new(&jwk);
            let verified = key.is_some_and(|key| key.verifies(algorithm, b"m", signature.as_ref()));
            assert_eq!(verified, expected, "{algorithm} {jwk}");
        }
    }
}
