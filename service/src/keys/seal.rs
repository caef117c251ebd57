//! Encryption at rest: XChaCha20-Poly1305 with a random nonce and the id of the key in front.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use ring::hmac;

use super::Key;

const NONCE_BYTES: usize = 24;

/// Why a sealed text could not be opened.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("the value was not encrypted by this version, or it is damaged")]
    Malformed,
    #[error("the value was encrypted with another master key")]
    OtherKey,
}

impl Key {
    /// Encrypts `plain`. `context` (for example the id of the record) is not stored; opening with
    /// another context fails, so a ciphertext cannot be moved to another record.
    pub fn seal(&self, plain: &[u8], context: &[u8]) -> String {
        let mut nonce = [0; NONCE_BYTES];
        crate::random::fill(&mut nonce);
        let ciphertext = XChaCha20Poly1305::new(&self.current.into())
            .encrypt(
                XNonce::from_slice(&nonce),
                Payload {
                    msg: plain,
                    aad: context,
                },
            )
            .expect("memory holds the plain text, so it holds the ciphertext");
        let sealed = [nonce.as_slice(), &ciphertext].concat();
        format!("{}{}", self.mark(), URL_SAFE_NO_PAD.encode(sealed))
    }

    /// The same value under the current key; nothing if it cannot be opened.
    pub fn reseal(&self, sealed: &str, context: &[u8]) -> Option<String> {
        let plain = self.open(sealed, context).ok()?;
        Some(self.seal(&plain, context))
    }

    /// What everything begins with that is sealed with the current key.
    pub fn mark(&self) -> String {
        format!("v1.{}.", self.id())
    }

    /// Tells it from other keys, and tells nothing about it: eight hex digits.
    pub fn id(&self) -> String {
        key_id(&self.current)
    }

    /// Opens what [`Key::seal`] made, also with the previous key during a rotation.
    pub fn open(&self, sealed: &str, context: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (id, data) = sealed
            .strip_prefix("v1.")
            .and_then(|rest| rest.split_once('.'))
            .ok_or(OpenError::Malformed)?;
        let key = std::iter::once(&self.current)
            .chain(self.previous.as_ref())
            .find(|key| key_id(key) == id)
            .ok_or(OpenError::OtherKey)?;
        let data = URL_SAFE_NO_PAD
            .decode(data)
            .map_err(|_| OpenError::Malformed)?;
        let (nonce, ciphertext) = data
            .split_at_checked(NONCE_BYTES)
            .ok_or(OpenError::Malformed)?;
        XChaCha20Poly1305::new(&(*key).into())
            .decrypt(
                XNonce::from_slice(nonce),
                Payload {
                    msg: ciphertext,
                    aad: context,
                },
            )
            .map_err(|_| OpenError::Malformed)
    }
}

/// Eight hex digits that tell keys apart without telling anything about them.
pub(super) fn key_id(key: &[u8; 32]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hex::encode(&hmac::sign(&key, b"wicketgate key id").as_ref()[..4])
}

#[cfg(test)]
mod tests {
    use crate::keys::{Keys, MasterKey, Purpose};

    use super::*;

    #[test]
    fn what_was_sealed_opens_with_its_context_and_key_only() {
        let old = MasterKey::generate();
        let key = Keys::from_master(old.clone())
            .derive(&Purpose::Credential)
            .unwrap();
        let sealed = key.seal(b"secret", b"record 1");
        assert_eq!(key.open(&sealed, b"record 1").unwrap(), b"secret");
        assert_eq!(key.open(&sealed, b"record 2"), Err(OpenError::Malformed));
        let other = Keys::from_master(MasterKey::generate())
            .derive(&Purpose::Credential)
            .unwrap();
        assert_eq!(other.open(&sealed, b"record 1"), Err(OpenError::OtherKey));
        let rotated = Keys::from_rotation(MasterKey::generate(), old);
        let rotated = rotated.derive(&Purpose::Credential).unwrap();
        assert_eq!(rotated.open(&sealed, b"record 1").unwrap(), b"secret");
    }

    #[test]
    fn a_changed_ciphertext_is_refused() {
        let key = Keys::from_master(MasterKey::generate())
            .derive(&Purpose::Cookie)
            .unwrap();
        let mut sealed = key.seal(b"secret", b"");
        let last = if sealed.pop() == Some('A') { 'B' } else { 'A' };
        sealed.push(last);
        sealed.push('A');
        assert!(key.open(&sealed, b"").is_err());
        assert_eq!(key.open("plain text", b""), Err(OpenError::Malformed));
    }
}
