//! Our own format for encrypted values: `wg1:` and base64url of salt (16 bytes), nonce (24 bytes)
//! and XChaCha20-Poly1305 ciphertext. The key is HKDF-SHA256 of the key text with that salt.
//!
//! Key texts are random (20 bytes as hex), so no slow password hash is needed.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use ring::hkdf;

use super::{DecryptError, random};

const PREFIX: &str = "wg1:";
const INFO: &[u8] = b"wicketgate/config-value/v1";
const SALT: usize = 16;
const NONCE: usize = 24;

pub fn is_sealed(value: &str) -> bool {
    value.starts_with(PREFIX)
}

pub fn seal(key_text: &str, value: &str) -> String {
    let (salt, nonce) = (random::<SALT>(), random::<NONCE>());
    let payload = Payload {
        msg: value.as_bytes(),
        aad: INFO,
    };
    let ciphertext = cipher(key_text, &salt)
        .encrypt(XNonce::from_slice(&nonce), payload)
        .expect("a value in memory is shorter than the cipher's limit");
    format!(
        "{PREFIX}{}",
        URL_SAFE_NO_PAD.encode([&salt[..], &nonce, &ciphertext].concat())
    )
}

pub fn open(key_text: &str, value: &str) -> Result<String, DecryptError> {
    let text = value.strip_prefix(PREFIX).ok_or(DecryptError::Malformed)?;
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| DecryptError::Malformed)?;
    if bytes.len() < SALT + NONCE {
        return Err(DecryptError::Malformed);
    }
    let (salt, rest) = bytes.split_at(SALT);
    let (nonce, ciphertext) = rest.split_at(NONCE);
    let payload = Payload {
        msg: ciphertext,
        aad: INFO,
    };
    let plain = cipher(key_text, salt)
        .decrypt(XNonce::from_slice(nonce), payload)
        .map_err(|_| DecryptError::WrongKey)?;
    String::from_utf8(plain).map_err(|_| DecryptError::Malformed)
}

fn cipher(key_text: &str, salt: &[u8]) -> XChaCha20Poly1305 {
    let mut key = [0; 32];
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(key_text.as_bytes())
        .expand(&[INFO], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut key))
        .expect("32 bytes are within the limit of HKDF");
    XChaCha20Poly1305::new(&key.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{open, seal};
    use crate::crypto::DecryptError;

    #[test]
    fn a_sealed_value_opens_with_its_key_only() {
        let sealed = seal("key", "påssword €");
        assert_eq!(open("key", &sealed).unwrap(), "påssword €");
        assert_eq!(open("other", &sealed), Err(DecryptError::WrongKey));
    }

    #[test]
    fn equal_values_look_different_and_changes_are_noticed() {
        let (first, second) = (seal("key", "value"), seal("key", "value"));
        assert_ne!(first, second);
        let last = if first.ends_with('A') { 'B' } else { 'A' };
        let damaged = format!("{}{last}", &first[..first.len() - 1]);
        assert!(open("key", &damaged).is_err());
        assert_eq!(open("key", "wg1:AAAA"), Err(DecryptError::Malformed));
    }

    proptest! {
        #[test]
        fn every_value_comes_back_with_every_key(key in ".+", value: String) {
            let config_key = crate::crypto::ConfigKey::new(key.clone()).unwrap();
            prop_assert_eq!(config_key.decrypt(&config_key.encrypt(&value)), Ok(value.clone()));
            prop_assert_eq!(open(&format!("{key}x"), &seal(&key, &value)), Err(DecryptError::WrongKey));
        }

        #[test]
        fn a_value_with_one_other_character_is_refused(
            value in ".{0,40}", place: prop::sample::Index, other in "[A-Za-z0-9_-]",
        ) {
            let sealed = seal("key", &value);
            let place = 4 + place.index(sealed.len() - 4);
            prop_assume!(sealed[place..=place] != other);
            let damaged = format!("{}{other}{}", &sealed[..place], &sealed[place + 1..]);
            prop_assert!(open("key", &damaged).is_err());
        }

        #[test]
        fn no_text_breaks_it(key in ".*", text in "wg1:[A-Za-z0-9_=-]{0,120}.?") {
            prop_assert!(open(&key, &text).is_err());
        }
    }
}
