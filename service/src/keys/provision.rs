//! The key by which the auth server proves itself to Kong's OAuth 2.0 plugin. Adapter and auth
//! server compute the same one, so nobody has to ask the gateway (events-and-adapters C10).

use super::Key;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Digits of a number of 256 bits.
const ALL: usize = 43;
const LENGTH: usize = 32;

/// The first 32 digits, to the base 62, of the HMAC of the API's id. `key` is that of purpose
/// `provision`.
pub fn provision_key(key: &Key, api: &str) -> String {
    let mut number = key.hmac_sha256(api.as_bytes());
    let mut digits = [b'0'; ALL];
    for digit in digits.iter_mut().rev() {
        // One division of the whole number, from its most significant byte on.
        let mut rest = 0_u16;
        for byte in &mut number {
            let value = rest * 256 + u16::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
            rest = value % 62;
        }
        *digit = DIGITS[usize::from(rest)];
    }
    digits[..LENGTH].iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use crate::keys::{Keys, MasterKey, Purpose};

    use super::*;

    #[test]
    fn each_api_has_a_key_of_its_own_that_never_changes() {
        let master = MasterKey::parse(&"00".repeat(32)).unwrap();
        let key = Keys::from_master(master)
            .derive(&Purpose::Provision)
            .unwrap();
        let pets = provision_key(&key, "pets");
        assert_eq!(pets.len(), 32);
        assert!(pets.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_eq!(pets, provision_key(&key, "pets"));
        assert_ne!(pets, provision_key(&key, "cats"));
    }
}
