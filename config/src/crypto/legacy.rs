//! wicked's encryption: AES-256-CTR with key and counter from `EVP_BytesToKey` (MD5, one round, no
//! salt). The key stream is the same for every value and nothing protects integrity, so this is
//! read and never written.

use aes::Aes256;
use ctr::cipher::{KeyIvInit, StreamCipher};
use md5::{Digest, Md5};

use super::DecryptError;

type Aes256Ctr = ctr::Ctr128BE<Aes256>;

/// Random hex characters in front of every value.
const SALT_CHARACTERS: usize = 40;

/// Decrypts the hex text that wicked writes to environment files.
pub fn decrypt(key_text: &str, hex_text: &str) -> Result<String, DecryptError> {
    let mut bytes = hex::decode(hex_text).map_err(|_| DecryptError::Malformed)?;
    if bytes.len() < SALT_CHARACTERS {
        return Err(DecryptError::Malformed);
    }
    let (key, counter) = derive(key_text);
    Aes256Ctr::new(&key.into(), &counter.into()).apply_keystream(&mut bytes);
    let (salt, value) = bytes.split_at(SALT_CHARACTERS);
    // The only sign of a wrong key that the format has.
    if !salt.iter().all(u8::is_ascii_hexdigit) {
        return Err(DecryptError::WrongKey);
    }
    String::from_utf8(value.to_vec()).map_err(|_| DecryptError::WrongKey)
}

/// Reads a credential as wicked stores it in its database: `!` and hex, or clear text.
pub fn decrypt_credential(key_text: &str, stored: &str) -> Result<String, DecryptError> {
    match stored.strip_prefix('!') {
        Some(hex_text) => decrypt(key_text, hex_text),
        None => Ok(stored.to_owned()),
    }
}

/// Whether a decrypted `configKeyCheck` is what the right key gives: 40 random hex characters and
/// `wicked`.
pub fn is_key_check(decrypted: &str) -> bool {
    decrypted.get(SALT_CHARACTERS..) == Some("wicked")
}

fn derive(key_text: &str) -> ([u8; 32], [u8; 16]) {
    let first = Md5::digest(key_text.as_bytes());
    let second = Md5::new()
        .chain_update(first)
        .chain_update(key_text)
        .finalize();
    let third = Md5::new()
        .chain_update(second)
        .chain_update(key_text)
        .finalize();
    let mut key = [0; 32];
    key[..16].copy_from_slice(&first);
    key[16..].copy_from_slice(&second);
    (key, third.into())
}

#[cfg(test)]
mod tests {
    use aes::cipher::{KeyIvInit, StreamCipher};
    use proptest::prelude::*;

    use super::{super::DecryptError, decrypt, decrypt_credential, derive, is_key_check};

    const KEY: &str = "correct-horse-battery-staple";

    #[test]
    fn ascii_values_of_wicked_are_decrypted() {
        let (key, counter) = derive(KEY);
        assert_eq!(
            hex::encode(key),
            "d4bda60d8d790aa9cde7a92177bd0bc64320fc7bd32eed670f0854befd99ff79"
        );
        assert_eq!(hex::encode(counter), "6f9114c66c306213104c6dcc5345ed55");
        let value = "1961fcd2629cee12d9058e7d26b6ed4dc0e6a79fda0ff84e215ec4634e1b764fe945c441a0ab13\
                     c2cf8aff9d996c02891fc5161efa52f20ac9b68d09f9";
        assert_eq!(decrypt(KEY, value).unwrap(), "Hello, wicked config!");
    }

    #[test]
    fn other_languages_survive_in_key_and_value() {
        let value = "db1e83cd672b5f75769952cd215ecaddd5c24cb140f5da4fee06ee64b8e3e8d44c0f212d0f49ae\
                     f0892ada4c33a489f597c4032b70";
        assert_eq!(decrypt("clé-ünïcode", value).unwrap(), "påssword €");
    }

    #[test]
    fn the_key_check_of_wicked_is_recognised() {
        let value = "1961fcd2629cee12d9058e7d26b6ed4dc0e6a79fda0ff84e215ec4634e1b764fe945c441a0ab13\
                     c2e18af79294211bc64190484fad40a055c1b5800dba481e87227f3ab20f627089801b6cfd2a8d\
                     5a566b784324d33a";
        assert!(is_key_check(&decrypt(KEY, value).unwrap()));
        assert!(!is_key_check("0123"));
    }

    #[test]
    fn a_credential_at_rest_is_decrypted_and_clear_text_stays() {
        let stored = "!1961fcd2629cee12d9058e7d26b6ed4dc0e6a79fda0ff84e215ec4634e1b764fe945c441a0ab\
                      13c2f48af08393340f9f06cf5010fb0b";
        assert_eq!(decrypt_credential(KEY, stored).unwrap(), "secret-api-key");
        assert_eq!(decrypt_credential(KEY, "clear").unwrap(), "clear");
    }

    #[test]
    fn a_wrong_key_is_noticed() {
        let value = "1961fcd2629cee12d9058e7d26b6ed4dc0e6a79fda0ff84e215ec4634e1b764fe945c441a0ab13\
                     c2cf8aff9d996c02891fc5161efa52f20ac9b68d09f9";
        assert_eq!(decrypt("other", value), Err(DecryptError::WrongKey));
        assert_eq!(decrypt(KEY, "no hex"), Err(DecryptError::Malformed));
        assert_eq!(decrypt(KEY, "1961"), Err(DecryptError::Malformed));
    }

    /// As wicked wrote values (static-config 4.2); we never do.
    fn encrypt(key_text: &str, random: [u8; 20], value: &str) -> String {
        let (key, counter) = derive(key_text);
        let mut bytes = format!("{}{value}", hex::encode(random)).into_bytes();
        ctr::Ctr128BE::<aes::Aes256>::new(&key.into(), &counter.into()).apply_keystream(&mut bytes);
        hex::encode(bytes)
    }

    proptest! {
        #[test]
        fn what_wicked_encrypted_is_read(key in ".+", random: [u8; 20], value: String) {
            let stored = encrypt(&key, random, &value);
            prop_assert_eq!(decrypt(&key, &stored), Ok(value.clone()));
            prop_assert_eq!(decrypt_credential(&key, &format!("!{stored}")), Ok(value));
        }

        #[test]
        fn no_text_breaks_it(key in ".*", text in "!?([0-9a-f]{2}){0,80}.?") {
            let _ = decrypt(&key, &text);
            let _ = decrypt_credential(&key, &text);
        }
    }
}
