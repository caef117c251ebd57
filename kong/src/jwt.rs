//! Public keys of token verification: from PEM to the bytes that signature checks take.

use base64::{Engine, engine::general_purpose::STANDARD};

/// Algorithms that credentials may name. `none` is not one of them, ever.
pub const ALGORITHMS: &[&str] = &[
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "PS256", "PS384",
    "PS512", "EdDSA",
];

/// Object identifiers of the key types, DER-encoded without tag and length.
const RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
const ELLIPTIC_CURVE: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
const P256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2B, 0x81, 0x04, 0x00, 0x22];
const ED25519: &[u8] = &[0x2B, 0x65, 0x70];

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
const BIT_STRING: u8 = 0x03;

/// The key inside a PEM `PUBLIC KEY`, checked to be of the type that `algorithm` needs: for RSA
/// the PKCS #1 structure, for elliptic curves the uncompressed point, for `EdDSA` the 32 bytes.
pub fn public_key(algorithm: &str, pem: &str) -> Result<Vec<u8>, String> {
    let der = decode_pem(pem).ok_or("expected a PEM block `PUBLIC KEY`")?;
    let KeyInfo {
        key_type,
        curve,
        key,
    } = KeyInfo::parse(&der).ok_or("not a valid public key")?;
    let fits = match algorithm {
        "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" => key_type == RSA,
        "ES256" => key_type == ELLIPTIC_CURVE && curve == Some(P256) && key.len() == 65,
        "ES384" => key_type == ELLIPTIC_CURVE && curve == Some(P384) && key.len() == 97,
        "EdDSA" => key_type == ED25519 && key.len() == 32,
        _ => false,
    };
    if fits {
        Ok(key.to_vec())
    } else {
        Err(format!("the key does not fit algorithm {algorithm}"))
    }
}

fn decode_pem(pem: &str) -> Option<Vec<u8>> {
    let body = pem.trim().strip_prefix("-----BEGIN PUBLIC KEY-----")?;
    let body = body.strip_suffix("-----END PUBLIC KEY-----")?;
    let base64: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(base64).ok()
}

/// `SubjectPublicKeyInfo` (RFC 5280).
struct KeyInfo<'a> {
    key_type: &'a [u8],
    curve: Option<&'a [u8]>,
    key: &'a [u8],
}

impl<'a> KeyInfo<'a> {
    fn parse(der: &'a [u8]) -> Option<Self> {
        let (info, rest) = element(SEQUENCE, der)?;
        if !rest.is_empty() {
            return None;
        }
        let (algorithm, rest) = element(SEQUENCE, info)?;
        let (key_type, parameters) = element(OBJECT_IDENTIFIER, algorithm)?;
        let curve = element(OBJECT_IDENTIFIER, parameters).map(|(curve, _)| curve);
        let (bits, _) = element(BIT_STRING, rest)?;
        // The first byte counts unused bits; a key has none.
        let key = bits.strip_prefix(&[0])?;
        Some(Self {
            key_type,
            curve,
            key,
        })
    }
}

/// The content of the DER element with this tag, and what follows it.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.split_first()?;
    if *first != tag {
        return None;
    }
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match *length {
        short @ 0..=0x7F => (usize::from(short), rest),
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => (
            usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?])),
            rest.get(2..)?,
        ),
        _ => return None,
    };
    Some((rest.get(..length)?, rest.get(length..)?))
}
