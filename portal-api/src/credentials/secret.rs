//! Digest and ciphertext of secrets.

use ring::hmac;
use sdk::types::Secret;
use service::keys::{Key, Keys, MissingKey, Purpose};
use subtle::ConstantTimeEq;

/// The two keys that credentials need.
pub struct SecretKeys {
    lookup: Key,
    sealing: Key,
}

impl SecretKeys {
    pub fn new(keys: &Keys) -> Result<Self, MissingKey> {
        Ok(Self {
            lookup: keys.derive(&Purpose::CredentialLookup)?,
            sealing: keys.derive(&Purpose::Credential)?,
        })
    }

    /// What is stored to recognise `secret`, and what a gateway compares with.
    pub fn digest(&self, secret: &Secret) -> String {
        hex::encode(self.lookup.hmac_sha256(secret.expose().as_bytes()))
    }

    /// Whether `digest` was made of `secret`, now or before a running rotation of the master key.
    /// Takes the same time whatever the answer is.
    pub fn matches(&self, secret: &Secret, digest: &str) -> bool {
        let current = self.digest(secret).as_bytes().ct_eq(digest.as_bytes());
        let previous = self.lookup.previous().map(|key| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key);
            let made = hex::encode(hmac::sign(&key, secret.expose().as_bytes()));
            made.as_bytes().ct_eq(digest.as_bytes())
        });
        (current | previous.unwrap_or_else(|| 0.into())).into()
    }

    /// Encrypts the secret of the credential `id`.
    pub fn seal(&self, secret: &Secret, id: &str) -> String {
        self.sealing.seal(secret.expose().as_bytes(), id.as_bytes())
    }

    /// The secret of the credential `id`. A ciphertext that cannot be opened is nothing to show,
    /// not a reason to refuse everything else; the log says which one it is.
    pub fn open(&self, sealed: &str, id: &str) -> Option<Secret> {
        let opened = self
            .sealing
            .open(sealed, id.as_bytes())
            .inspect_err(|error| {
                tracing::warn!(credential.id = %id, "cannot decrypt a credential: {error}");
            });
        String::from_utf8(opened.ok()?).ok().map(Secret::from)
    }
}

#[cfg(test)]
mod tests {
    use service::keys::MasterKey;

    use super::*;

    #[test]
    fn a_secret_is_recognised_during_a_rotation_of_the_master_key() {
        let old = MasterKey::generate();
        let secret = Secret::from("wg_secret");
        let before = SecretKeys::new(&Keys::from_master(old.clone())).unwrap();
        let digest = before.digest(&secret);
        assert!(before.matches(&secret, &digest));
        assert!(!before.matches(&Secret::from("wg_other"), &digest));
        let during = Keys::from_rotation(MasterKey::generate(), old);
        assert!(SecretKeys::new(&during).unwrap().matches(&secret, &digest));
        let after = SecretKeys::new(&Keys::from_master(MasterKey::generate())).unwrap();
        assert!(!after.matches(&secret, &digest));
    }

    #[test]
    fn a_ciphertext_opens_for_its_own_credential_only() {
        let keys = SecretKeys::new(&Keys::from_master(MasterKey::generate())).unwrap();
        let sealed = keys.seal(&Secret::from("wg_secret"), "c1");
        assert_eq!(keys.open(&sealed, "c1").unwrap().expose(), "wg_secret");
        assert!(keys.open(&sealed, "c2").is_none());
    }
}
