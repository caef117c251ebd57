//! The id of a verification: a secret while it lives.

use ring::digest::{SHA256, digest as sha256};
use service::keys::{Key, Keys, MissingKey, Purpose};

/// Hex digits of the digest that stand for an id where the id itself is not shown.
const FINGERPRINT: usize = 12;

/// What is stored to find an id by. Ids are 160 random bits, so nothing is gained by a keyed digest,
/// and this one survives a change of the master key.
pub fn digest(id: &str) -> String {
    hex::encode(sha256(&SHA256, id.as_bytes()))
}

/// What is shown to those who may not use the id.
pub fn fingerprint(digest: &str) -> String {
    format!("~{}", &digest[..FINGERPRINT])
}

/// The beginning of a digest in a text made by [`fingerprint`].
pub fn digest_prefix(id: &str) -> Option<&str> {
    let prefix = id.strip_prefix('~')?;
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (prefix.len() == FINGERPRINT && prefix.bytes().all(is_hex)).then_some(prefix)
}

/// Ids travel in events, so they share their key.
pub fn key(keys: &Keys) -> Result<Key, MissingKey> {
    keys.derive(&Purpose::EventData)
}

pub fn seal(key: &Key, id: &str, digest: &str) -> String {
    key.seal(id.as_bytes(), digest.as_bytes())
}

/// The id; nothing if it was sealed with a key that is gone.
pub fn open(key: &Key, sealed: &str, digest: &str) -> Option<String> {
    String::from_utf8(key.open(sealed, digest.as_bytes()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_leads_back_to_its_digest_only() {
        let digest = digest("secret");
        let shown = fingerprint(&digest);
        assert!(digest.starts_with(digest_prefix(&shown).unwrap()));
        assert_eq!(digest_prefix("secret"), None);
        assert_eq!(digest_prefix("~%%%%%%%%%%%%"), None);
        assert_eq!(digest_prefix("~abc"), None);
    }
}
