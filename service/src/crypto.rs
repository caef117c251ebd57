//! One cryptographic library for everything: `ring`, under rustls and under `jsonwebtoken`.
//!
//! `jsonwebtoken` panics without a provider, and the one it ships is 20 times slower at signing.
//! This file only connects its traits to ring; it computes nothing itself.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock, RwLock},
};

use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{ErrorKind, Result},
    signature::{Error, Signer, Verifier},
};
use ring::{digest, hmac, rand::SystemRandom, signature as keys};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

/// Installs ring for TLS and for JSON web tokens. Any number of calls is fine; each process and
/// each test that signs, verifies or opens a connection makes one.
pub fn install() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let _ = PROVIDER.install_default();
    });
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that the provider asks for"
)]
fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    if key.family() != algorithm.family() {
        return Err(ErrorKind::InvalidKeyFormat.into());
    }
    let operation = match algorithm {
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => {
            Operation::Hmac(hmac::Key::new(hmac_algorithm(*algorithm), key.as_bytes()))
        }
        Algorithm::ES256 => Operation::Ecdsa(ecdsa_key(key.as_bytes())?),
        Algorithm::RS256 => Operation::Rsa(rsa_key(key.as_bytes())?),
        _ => return Err(ErrorKind::InvalidAlgorithm.into()),
    };
    Ok(Box::new(RingSigner {
        algorithm: *algorithm,
        operation,
    }))
}

fn ecdsa_key(pkcs8: &[u8]) -> Result<Arc<keys::EcdsaKeyPair>> {
    static PARSED: Parsed<keys::EcdsaKeyPair> = Parsed::new();
    PARSED.get_or_parse(pkcs8, || {
        let algorithm = &keys::ECDSA_P256_SHA256_FIXED_SIGNING;
        keys::EcdsaKeyPair::from_pkcs8(algorithm, pkcs8, &SystemRandom::new())
            .map_err(|_| ErrorKind::InvalidEcdsaKey.into())
    })
}

fn rsa_key(pkcs8: &[u8]) -> Result<Arc<keys::RsaKeyPair>> {
    static PARSED: Parsed<keys::RsaKeyPair> = Parsed::new();
    PARSED.get_or_parse(pkcs8, || {
        keys::RsaKeyPair::from_pkcs8(pkcs8)
            .map_err(|error| ErrorKind::InvalidRsaKey(error.to_string()).into())
    })
}

/// The parsed forms of private keys. Parsing checks the key, which costs more than signing, so the
/// few keys that a process signs with are remembered.
struct Parsed<K>(OnceLock<RwLock<HashMap<Vec<u8>, Arc<K>>>>);

impl<K> Parsed<K> {
    const REMEMBERED: usize = 16;

    const fn new() -> Self {
        Self(OnceLock::new())
    }

    fn get_or_parse(&self, pkcs8: &[u8], parse: impl FnOnce() -> Result<K>) -> Result<Arc<K>> {
        let parsed = self.0.get_or_init(RwLock::default);
        let known = parsed.read().expect("no holder of this lock panics");
        if let Some(key) = known.get(pkcs8) {
            return Ok(key.clone());
        }
        drop(known);
        let key = Arc::new(parse()?);
        let mut parsed = parsed.write().expect("no holder of this lock panics");
        if parsed.len() >= Self::REMEMBERED {
            parsed.clear();
        }
        parsed.insert(pkcs8.to_vec(), key.clone());
        Ok(key)
    }
}

struct RingSigner {
    algorithm: Algorithm,
    operation: Operation,
}

enum Operation {
    Hmac(hmac::Key),
    Ecdsa(Arc<keys::EcdsaKeyPair>),
    Rsa(Arc<keys::RsaKeyPair>),
}

impl Signer<Vec<u8>> for RingSigner {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        match &self.operation {
            Operation::Hmac(key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
            Operation::Ecdsa(key) => key
                .sign(&SystemRandom::new(), message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| Error::new()),
            Operation::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                let random = SystemRandom::new();
                key.sign(&keys::RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map_err(|_| Error::new())?;
                Ok(signature)
            }
        }
    }
}

impl JwtSigner for RingSigner {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that the provider asks for"
)]
fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    if key.family() != algorithm.family() {
        return Err(ErrorKind::InvalidKeyFormat.into());
    }
    Ok(Box::new(RingVerifier {
        algorithm: *algorithm,
        key: key.clone(),
    }))
}

struct RingVerifier {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        let accepted = match self.algorithm.family() {
            AlgorithmFamily::Hmac => {
                let secret = self.key.try_get_as_bytes().map_err(|_| Error::new())?;
                let key = hmac::Key::new(hmac_algorithm(self.algorithm), secret);
                hmac::verify(&key, message, signature)
            }
            AlgorithmFamily::Rsa => verify_rsa(self.algorithm, &self.key, message, signature)?,
            AlgorithmFamily::Ec => {
                let algorithm = match self.algorithm {
                    Algorithm::ES256 => &keys::ECDSA_P256_SHA256_FIXED,
                    _ => &keys::ECDSA_P384_SHA384_FIXED,
                };
                let key = self.key.try_get_as_bytes().map_err(|_| Error::new())?;
                keys::UnparsedPublicKey::new(algorithm, key).verify(message, signature)
            }
            AlgorithmFamily::Ed => {
                let key = self.key.try_get_as_bytes().map_err(|_| Error::new())?;
                keys::UnparsedPublicKey::new(&keys::ED25519, key).verify(message, signature)
            }
        };
        accepted.map_err(|_| Error::new())
    }
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

type Verified = std::result::Result<(), ring::error::Unspecified>;

fn verify_rsa(
    algorithm: Algorithm,
    key: &DecodingKey,
    message: &[u8],
    signature: &[u8],
) -> std::result::Result<Verified, Error> {
    let parameters: &'static keys::RsaParameters = match algorithm {
        Algorithm::RS256 => &keys::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &keys::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &keys::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &keys::RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &keys::RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &keys::RSA_PSS_2048_8192_SHA512,
        _ => return Err(Error::new()),
    };
    Ok(match key.kind() {
        DecodingKeyKind::SecretOrDer(der) => {
            keys::UnparsedPublicKey::new(parameters, der).verify(message, signature)
        }
        DecodingKeyKind::RsaModulusExponent { n, e } => {
            keys::RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
        }
    })
}

fn hmac_algorithm(algorithm: Algorithm) -> hmac::Algorithm {
    match algorithm {
        Algorithm::HS384 => hmac::HMAC_SHA384,
        Algorithm::HS512 => hmac::HMAC_SHA512,
        _ => hmac::HMAC_SHA256,
    }
}

/// SHA-256 of `data`.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    digest::digest(&digest::SHA256, data)
        .as_ref()
        .try_into()
        .expect("SHA-256 has 32 bytes")
}
