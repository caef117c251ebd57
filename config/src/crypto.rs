//! Encrypted values of environment files.
//!
//! Two formats are read: wicked's ([`legacy`], hex, no integrity) and our own ([`sealed`],
//! authenticated, recognised by its prefix). Only our own is written.

pub mod legacy;
pub mod sealed;

use std::{fmt, fs, io, path::Path};

/// The key text of a configuration (`PORTAL_CONFIG_KEY` or the `*envkey` file).
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigKey(String);

impl ConfigKey {
    /// `None` for an empty text.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        (!text.is_empty()).then_some(Self(text))
    }

    /// A new random key, for `init`.
    pub fn generate() -> Self {
        Self(hex::encode(random::<20>()))
    }

    /// The text of the key, as it stands in `deploy.envkey`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key file of a configuration folder, or of its subfolder `static`.
    pub fn in_folder(folder: &Path) -> io::Result<Option<Self>> {
        let sub = folder.join("static");
        for folder in [&sub, folder] {
            if !folder.is_dir() {
                continue;
            }
            let mut names = Vec::new();
            for entry in fs::read_dir(folder)? {
                names.extend(entry?.file_name().into_string());
            }
            names.sort_unstable();
            if let Some(name) = names.iter().find(|name| crate::files::is_key_file(name)) {
                let text = fs::read_to_string(folder.join(name))?;
                return Ok(Self::new(text.trim()));
            }
        }
        Ok(None)
    }

    /// Decrypts a value in either format.
    pub fn decrypt(&self, value: &str) -> Result<String, DecryptError> {
        let value = value.trim();
        if sealed::is_sealed(value) {
            return sealed::open(&self.0, value);
        }
        legacy::decrypt(&self.0, value)
    }

    /// Encrypts a value in our own format.
    pub fn encrypt(&self, value: &str) -> String {
        sealed::seal(&self.0, value)
    }
}

impl fmt::Debug for ConfigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConfigKey(…)")
    }
}

/// Why a value could not be decrypted. Says nothing about the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecryptError {
    #[error("the encrypted value is damaged")]
    Malformed,
    #[error("the encrypted value does not belong to this key (PORTAL_CONFIG_KEY or *envkey file)")]
    WrongKey,
}

pub(crate) fn random<const N: usize>() -> [u8; N] {
    use ring::rand::{SecureRandom, SystemRandom};
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the operating system gives random bytes");
    bytes
}
