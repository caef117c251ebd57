//! Public keys of token verification: from PEM to the bytes that signature checks take.

use x509_parser::{
    oid_registry::{
        OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_NIST_EC_P521,
        OID_PKCS1_RSAENCRYPTION, OID_SIG_ED25519, Oid,
    },
    pem::parse_x509_pem,
    prelude::FromDer,
    x509::SubjectPublicKeyInfo,
};

/// Algorithms that credentials may name. `none` is not one of them, ever.
pub const ALGORITHMS: &[&str] = &[
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256",
    "PS384", "PS512", "EdDSA",
];

/// The key inside a PEM `PUBLIC KEY`, checked to be of the type that `algorithm` needs: for RSA
/// the PKCS #1 structure, for elliptic curves the uncompressed point, for `EdDSA` the 32 bytes.
pub fn public_key(algorithm: &str, pem: &str) -> Result<Vec<u8>, String> {
    let (_, pem) = parse_x509_pem(pem.trim().as_bytes())
        .ok()
        .filter(|(rest, pem)| rest.is_empty() && pem.label == "PUBLIC KEY")
        .ok_or("expected a PEM block `PUBLIC KEY`")?;
    let (_, info) = SubjectPublicKeyInfo::from_der(&pem.contents)
        .ok()
        .filter(|(rest, info)| rest.is_empty() && info.subject_public_key.unused_bits == 0)
        .ok_or("not a valid public key")?;
    let key = &*info.subject_public_key.data;
    let is = |kind: &Oid| info.algorithm.algorithm == *kind;
    let is_point = |curve: &Oid, length| {
        let named = info.algorithm.parameters.as_ref();
        let named = named.and_then(|parameters| parameters.as_oid().ok());
        is(&OID_KEY_TYPE_EC_PUBLIC_KEY) && named.as_ref() == Some(curve) && key.len() == length
    };
    let fits = match algorithm {
        "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" => is(&OID_PKCS1_RSAENCRYPTION),
        "ES256" => is_point(&OID_EC_P256, 65),
        "ES384" => is_point(&OID_NIST_EC_P384, 97),
        "ES512" => is_point(&OID_NIST_EC_P521, 133),
        "EdDSA" => is(&OID_SIG_ED25519) && key.len() == 32,
        _ => false,
    };
    if fits {
        Ok(key.to_vec())
    } else {
        Err(format!("the key does not fit algorithm {algorithm}"))
    }
}
