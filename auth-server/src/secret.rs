//! Values that whoever holds them may use: session ids, codes, refresh tokens.
//! The database only knows their digest.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use service::{crypto, keys::Key, random};

/// A random value of 256 bits. Its `Debug` prints nothing of it.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    pub fn generate() -> Self {
        Self(random::token(32))
    }

    /// Another one, at which can be seen with which key more is computed from it.
    pub fn marked(key: &Key) -> Self {
        Self(format!("{}{}", random::token(32), key.id()))
    }

    /// The one value that follows `used`, whoever asks for it and how often. Nobody without the key can
    /// tell it from a random one.
    pub fn successor(key: &Key, used: &str) -> Self {
        Self(URL_SAFE_NO_PAD.encode(key.hmac_sha256(used.as_bytes())))
    }

    /// The text for the one who may have it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored.
    pub fn digest(&self) -> String {
        digest(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The stored form of a secret that somebody presents. The values have 256 random bits, so one
/// round of SHA-256 is enough, and looking the digest up tells nothing by its time.
pub fn digest(presented: &str) -> String {
    hex::encode(crypto::sha256(presented.as_bytes()))
}
