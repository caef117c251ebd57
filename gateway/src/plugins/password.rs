//! Passwords of `basic-auth`: stored as PBKDF2, compared in constant time.

use std::num::NonZeroU32;

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use ring::{digest, pbkdf2};
use subtle::ConstantTimeEq;
use uuid::Uuid;

const ROUNDS: NonZeroU32 = NonZeroU32::new(120_000).unwrap();
const PREFIX: &str = "$pbkdf2-sha256$i=";
/// Kong's: SHA-1 of password and consumer id, as hex.
const OF_KONG: &str = "$kong-sha1$";
/// Longer passwords are refused: hashing them would be somebody else's way to keep us busy.
pub const MAX_LENGTH: usize = 1024;

/// A stored password.
pub enum Hash {
    Pbkdf2 {
        rounds: NonZeroU32,
        salt: Vec<u8>,
        hash: Vec<u8>,
    },
    OfKong {
        consumer: Uuid,
        hash: Vec<u8>,
    },
}

pub fn hash(password: &str) -> String {
    let (mut salt, mut hash) = ([0; 16], [0; 32]);
    service::random::fill(&mut salt);
    let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
    pbkdf2::derive(algorithm, ROUNDS, &salt, password.as_bytes(), &mut hash);
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    format!("{PREFIX}{ROUNDS}${salt}${hash}")
}

/// Whether the text is what [`hash`] makes, or a taken over hash.
pub fn is_hash(text: &str) -> bool {
    Hash::parse(text, Uuid::nil()).is_some()
}

/// A hash of Kong in our form; nothing if the text is none.
pub fn taken_over(text: &str) -> Option<String> {
    let is_sha1 = text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_sha1.then(|| format!("{OF_KONG}{}", text.to_ascii_lowercase()))
}

impl Hash {
    pub fn parse(text: &str, consumer: Uuid) -> Option<Self> {
        if let Some(hash) = text.strip_prefix(OF_KONG) {
            let hash = hex::decode(hash).ok().filter(|hash| hash.len() == 20)?;
            return Some(Self::OfKong { consumer, hash });
        }
        let mut parts = text.strip_prefix(PREFIX)?.split('$');
        let (rounds, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self::Pbkdf2 {
            // Bounded: a written one must not keep a core busy for minutes.
            rounds: rounds
                .parse()
                .ok()
                .filter(|rounds: &NonZeroU32| rounds.get() <= 2_000_000)?,
            salt: STANDARD_NO_PAD.decode(salt).ok()?,
            hash: STANDARD_NO_PAD.decode(hash).ok()?,
        })
    }

    /// Whether it was taken over, and is weak.
    pub const fn is_of_kong(&self) -> bool {
        matches!(self, Self::OfKong { .. })
    }

    /// Slow on purpose.
    pub fn fits(&self, password: &[u8]) -> bool {
        match self {
            Self::Pbkdf2 { rounds, salt, hash } => {
                let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
                pbkdf2::verify(algorithm, *rounds, salt, password, hash).is_ok()
            }
            Self::OfKong { consumer, hash } => {
                let text = [password, consumer.to_string().as_bytes()].concat();
                let computed = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &text);
                computed.as_ref().ct_eq(hash).into()
            }
        }
    }
}

/// Takes as long as comparing with a real one.
pub fn waste_time(password: &[u8]) {
    let mut hash = [0; 32];
    let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
    pbkdf2::derive(algorithm, ROUNDS, &[0; 16], password, &mut hash);
    std::hint::black_box(hash);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_fits() {
        let consumer = Uuid::from_u128(7);
        let own = hash("secret");
        let digest = digest::digest(
            &digest::SHA1_FOR_LEGACY_USE_ONLY,
            format!("secret{consumer}").as_bytes(),
        );
        let kong = taken_over(&hex::encode(digest)).unwrap();
        for stored in [own, kong] {
            let stored = Hash::parse(&stored, consumer).unwrap();
            assert!(stored.fits(b"secret"));
            assert!(!stored.fits(b"Secret"));
        }
        assert!(!is_hash("secret"));
        assert!(!is_hash("$pbkdf2-sha256$i=0$AA$AA"));
    }
}
