//! What a browser says about a passkey (W3C Web Authentication, level 2), checked step by step.
//!
//! Over ring, like all signatures here: the crates that do this need OpenSSL or bring a second set of
//! algorithms. Which maker an authenticator is of does not matter here, so there is no attestation to
//! check, and what is left is short.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{self, UnparsedPublicKey};
use serde::Deserialize;
use service::crypto;
use url::Url;

/// Longest text that is read.
pub const MAX_LENGTH: usize = 16 * 1024;
const MAX_CREDENTIAL_ID: usize = 1023;

/// For whom a passkey is made, and what it has to sign.
pub struct Expected<'a> {
    /// The host of this server.
    pub rp_id: &'a str,
    /// `https://host[:port]`
    pub origin: &'a str,
    /// In base64url.
    pub challenge: &'a str,
}

/// Why a passkey proves nothing. Logged; the person learns only that it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unproven(&'static str);

/// What the page's script hands over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Credential {
    id: String,
    #[serde(rename = "clientDataJSON")]
    client_data_json: String,
    authenticator_data: String,
    /// When one is used.
    signature: Option<String>,
}

/// A new passkey.
#[derive(Debug, PartialEq, Eq)]
pub struct Registered {
    pub id: Vec<u8>,
    /// COSE.
    pub public_key: Vec<u8>,
    pub sign_count: u32,
}

/// Host and origin of the pages below `issuer`.
pub fn place(issuer: &str) -> Option<(String, String)> {
    let url = Url::parse(issuer).ok()?;
    let host = url.host_str()?.to_owned();
    Some((host, url.origin().ascii_serialization()))
}

impl Credential {
    /// Nothing if it is none, or too long.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        serde_json::from_str(text).ok()
    }

    pub fn id(&self) -> Option<Vec<u8>> {
        decode(&self.id).ok()
    }

    /// Checks that an authenticator has made a passkey here and now.
    pub fn registered(&self, expected: &Expected<'_>) -> Result<Registered, Unproven> {
        check_client_data(
            &decode(&self.client_data_json)?,
            "webauthn.create",
            expected,
        )?;
        let data = decode(&self.authenticator_data)?;
        let parsed = AuthenticatorData::parse(&data, expected)?;
        let (id, public_key) = parsed.attested.ok_or(Unproven("there is no key"))?;
        if decode(&self.id)? != id {
            return Err(Unproven("the key has another id"));
        }
        // That it can be read later.
        PublicKey::parse(public_key).ok_or(Unproven("the key is of no known kind"))?;
        Ok(Registered {
            id: id.to_vec(),
            public_key: public_key.to_vec(),
            sign_count: parsed.sign_count,
        })
    }

    /// Checks that the holder of `public_key` answers here and now. Answers the counter.
    pub fn asserted(&self, expected: &Expected<'_>, public_key: &[u8]) -> Result<u32, Unproven> {
        let client_data = decode(&self.client_data_json)?;
        check_client_data(&client_data, "webauthn.get", expected)?;
        let data = decode(&self.authenticator_data)?;
        let parsed = AuthenticatorData::parse(&data, expected)?;
        let signature = self
            .signature
            .as_deref()
            .ok_or(Unproven("there is no signature"))?;
        let signature = decode(signature)?;
        let key = PublicKey::parse(public_key).ok_or(Unproven("the key is of no known kind"))?;
        let signed = [data.as_slice(), &crypto::sha256(&client_data)].concat();
        if key.verifies(&signed, &signature) {
            Ok(parsed.sign_count)
        } else {
            Err(Unproven("the signature is wrong"))
        }
    }
}

fn decode(text: &str) -> Result<Vec<u8>, Unproven> {
    URL_SAFE_NO_PAD
        .decode(text.trim_end_matches('='))
        .map_err(|_| Unproven("it is no base64url"))
}

fn check_client_data(json: &[u8], kind: &str, expected: &Expected<'_>) -> Result<(), Unproven> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ClientData {
        #[serde(rename = "type")]
        kind: String,
        challenge: String,
        origin: String,
        #[serde(default)]
        cross_origin: bool,
    }

    let data: ClientData =
        serde_json::from_slice(json).map_err(|_| Unproven("the client data is no JSON"))?;
    if data.kind != kind {
        return Err(Unproven("it was made for something else"));
    }
    if data.challenge.trim_end_matches('=') != expected.challenge {
        return Err(Unproven("it answers another challenge"));
    }
    if data.origin != expected.origin || data.cross_origin {
        return Err(Unproven("it was made on another site"));
    }
    Ok(())
}

struct AuthenticatorData<'a> {
    sign_count: u32,
    /// Id and key of a new passkey.
    attested: Option<(&'a [u8], &'a [u8])>,
}

impl<'a> AuthenticatorData<'a> {
    const USER_PRESENT: u8 = 0x01;
    const USER_VERIFIED: u8 = 0x04;
    const ATTESTED: u8 = 0x40;

    fn parse(data: &'a [u8], expected: &Expected<'_>) -> Result<Self, Unproven> {
        let short = || Unproven("the authenticator data is too short");
        let (host, rest) = data.split_at_checked(32).ok_or_else(short)?;
        let (&flags, rest) = rest.split_first().ok_or_else(short)?;
        let (count, rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
        if host != crypto::sha256(expected.rp_id.as_bytes()) {
            return Err(Unproven("it is for another host"));
        }
        if flags & Self::USER_PRESENT == 0 || flags & Self::USER_VERIFIED == 0 {
            return Err(Unproven("the authenticator has not asked who holds it"));
        }
        let attested = if flags & Self::ATTESTED == 0 {
            None
        } else {
            let (_, rest) = rest.split_at_checked(16).ok_or_else(short)?;
            let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(short)?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (id, rest) = rest.split_at_checked(length).ok_or_else(short)?;
            if !(1..=MAX_CREDENTIAL_ID).contains(&id.len()) {
                return Err(Unproven("its id is too long"));
            }
            let length = cose::length(rest).ok_or(Unproven("its key cannot be read"))?;
            Some((id, &rest[..length]))
        };
        Ok(Self {
            sign_count: u32::from_be_bytes(*count),
            attested,
        })
    }
}

/// A key in the form that signatures are checked with.
enum PublicKey {
    Es256(Vec<u8>),
    Ed25519(Vec<u8>),
    Rs256 { n: Vec<u8>, e: Vec<u8> },
}

impl PublicKey {
    /// Reads a COSE key (RFC 9052, 9053).
    fn parse(cose: &[u8]) -> Option<Self> {
        let key = cose::Key::parse(cose)?;
        match (key.number(1)?, key.number(3)?) {
            (2, -7) if key.number(-1) == Some(1) => {
                let (x, y) = (key.bytes(-2)?, key.bytes(-3)?);
                let is_point = x.len() == 32 && y.len() == 32;
                is_point.then(|| Self::Es256([&[0x04], x, y].concat()))
            }
            (1, -8) if key.number(-1) == Some(6) => {
                let x = key.bytes(-2)?;
                (x.len() == 32).then(|| Self::Ed25519(x.to_vec()))
            }
            (3, -257) => Some(Self::Rs256 {
                n: key.bytes(-1)?.to_vec(),
                e: key.bytes(-2)?.to_vec(),
            }),
            _ => None,
        }
    }

    fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Es256(point) => UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_ASN1, point)
                .verify(signed, signature),
            Self::Ed25519(key) => {
                UnparsedPublicKey::new(&signature::ED25519, key).verify(signed, signature)
            }
            Self::Rs256 { n, e } => signature::RsaPublicKeyComponents { n, e }.verify(
                &signature::RSA_PKCS1_2048_8192_SHA256,
                signed,
                signature,
            ),
        }
        .is_ok()
    }
}

/// As much of CBOR (RFC 8949) as a COSE key has: a map of numbers to numbers and bytes.
mod cose {
    /// Longest key that is read: RSA of 8192 bits.
    const MAX_LENGTH: usize = 1200;
    const MAX_MEMBERS: u64 = 10;

    enum Value<'a> {
        Number(i64),
        Bytes(&'a [u8]),
    }

    pub struct Key<'a> {
        members: Vec<(i64, Value<'a>)>,
        length: usize,
    }

    /// How many bytes the key at the beginning of `data` has.
    pub fn length(data: &[u8]) -> Option<usize> {
        Key::parse(data).map(|key| key.length)
    }

    impl<'a> Key<'a> {
        pub fn parse(data: &'a [u8]) -> Option<Self> {
            let (kind, count, mut rest) = head(data)?;
            if kind != 5 || count > MAX_MEMBERS {
                return None;
            }
            let mut members = Vec::new();
            for _ in 0..count {
                let (name, after) = number(rest)?;
                let (value, after) = value(after)?;
                members.push((name, value));
                rest = after;
            }
            let length = data.len() - rest.len();
            (length <= MAX_LENGTH).then_some(Self { members, length })
        }

        fn member(&self, name: i64) -> Option<&Value<'a>> {
            let mut members = self.members.iter();
            members
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value)
        }

        pub fn number(&self, name: i64) -> Option<i64> {
            match self.member(name)? {
                Value::Number(number) => Some(*number),
                Value::Bytes(_) => None,
            }
        }

        pub fn bytes(&self, name: i64) -> Option<&'a [u8]> {
            match self.member(name)? {
                Value::Bytes(bytes) => Some(bytes),
                Value::Number(_) => None,
            }
        }
    }

    fn value(data: &[u8]) -> Option<(Value<'_>, &[u8])> {
        let (kind, length, rest) = head(data)?;
        if kind == 2 {
            let length = usize::try_from(length).ok()?;
            let (bytes, rest) = rest.split_at_checked(length)?;
            return Some((Value::Bytes(bytes), rest));
        }
        number(data).map(|(number, rest)| (Value::Number(number), rest))
    }

    fn number(data: &[u8]) -> Option<(i64, &[u8])> {
        let (kind, value, rest) = head(data)?;
        let value = i64::try_from(value).ok()?;
        match kind {
            0 => Some((value, rest)),
            1 => Some((-1 - value, rest)),
            _ => None,
        }
    }

    /// Kind, length or value, and what follows.
    fn head(data: &[u8]) -> Option<(u8, u64, &[u8])> {
        let (&first, rest) = data.split_first()?;
        let (kind, low) = (first >> 5, first & 0x1f);
        let (value, rest) = match low {
            0..=23 => (u64::from(low), rest),
            24..=27 => {
                let (bytes, rest) = rest.split_at_checked(1 << (low - 24))?;
                let value = bytes
                    .iter()
                    .fold(0, |value, byte| value << 8 | u64::from(*byte));
                (value, rest)
            }
            _ => return None,
        };
        Some((kind, value, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn es256() -> Vec<u8> {
        // {1: 2, 3: -7, -1: 1, -2: x, -3: y}
        let mut key = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        key.extend([7; 32]);
        key.extend([0x22, 0x58, 0x20]);
        key.extend([9; 32]);
        key
    }

    #[test]
    fn keys_are_read_and_others_refused() {
        let key = es256();
        let Some(PublicKey::Es256(point)) = PublicKey::parse(&key) else {
            panic!("it is a key");
        };
        assert_eq!((point.len(), point[0], point[64]), (65, 4, 9));
        assert_eq!(
            cose::length(&[key.as_slice(), b"more"].concat()),
            Some(key.len())
        );
        for cut in 0..key.len() {
            assert!(PublicKey::parse(&key[..cut]).is_none(), "{cut}");
        }
        let mut other = key;
        other[4] = 0x27;
        assert!(PublicKey::parse(&other).is_none(), "ES256 is no EdDSA");
        assert!(PublicKey::parse(&[0xbf]).is_none());
        assert!(PublicKey::parse(&[0xbb, 255, 255, 255, 255, 255, 255, 255, 255]).is_none());
    }

    #[test]
    fn the_place_is_the_host_of_the_pages() {
        let place = place("https://api.example.org:8443/auth").unwrap();
        assert_eq!(place.0, "api.example.org");
        assert_eq!(place.1, "https://api.example.org:8443");
    }
}
