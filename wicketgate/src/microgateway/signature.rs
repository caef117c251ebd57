//! Signatures of artefacts: Ed25519 (RFC 8032), with keys as `openssl genpkey -algorithm ed25519`
//! writes them.

use std::{fmt, fs, path::Path};

use anyhow::{Context, anyhow, bail};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use x509_parser::{pem::parse_x509_pem, prelude::FromDer, x509::SubjectPublicKeyInfo};

const ALGORITHM: &str = "ed25519";
/// RFC 8410
const OID: &str = "1.3.101.112";

pub struct PrivateKey(Ed25519KeyPair);

impl PrivateKey {
    /// Reads PKCS #8 as PEM.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let der = pem(path)?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der);
        let pair = pair.map_err(|_| anyhow!("`{}` is no Ed25519 key", path.display()))?;
        Ok(Self(pair))
    }

    /// The line of an artefact.
    pub fn sign(&self, content: &[u8]) -> Signature {
        Signature {
            key: self.0.public_key().as_ref().to_vec(),
            signature: self.0.sign(content).as_ref().to_vec(),
        }
    }
}

pub struct PublicKey(Vec<u8>);

impl PublicKey {
    /// Reads a `SubjectPublicKeyInfo` as PEM.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let der = pem(path)?;
        let info = SubjectPublicKeyInfo::from_der(&der).ok();
        let info = info.filter(|(_, info)| info.algorithm.algorithm.to_id_string() == OID);
        let (_, info) =
            info.with_context(|| format!("`{}` is no public Ed25519 key", path.display()))?;
        Ok(Self(info.subject_public_key.data.to_vec()))
    }
}

fn pem(path: &Path) -> anyhow::Result<Vec<u8>> {
    let text = fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let (_, pem) =
        parse_x509_pem(&text).map_err(|_| anyhow!("`{}` is no PEM file", path.display()))?;
    Ok(pem.contents)
}

/// A signature and who made it.
#[derive(Debug)]
pub struct Signature {
    key: Vec<u8>,
    signature: Vec<u8>,
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encode = |bytes: &Vec<u8>| URL_SAFE_NO_PAD.encode(bytes);
        let (key, signature) = (encode(&self.key), encode(&self.signature));
        write!(f, "{ALGORITHM} {key} {signature}")
    }
}

impl Signature {
    /// Reads what [`Display`](fmt::Display) writes, with the end of the line.
    pub fn parse(line: &[u8]) -> anyhow::Result<Self> {
        let text = std::str::from_utf8(line).ok();
        let text = text.and_then(|text| text.strip_suffix('\n'));
        let parts: Vec<&str> = text.unwrap_or_default().split(' ').collect();
        let [ALGORITHM, key, signature] = parts.as_slice() else {
            bail!("the line of the signature cannot be read");
        };
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).context("the signature");
        Ok(Self {
            key: decode(key)?,
            signature: decode(signature)?,
        })
    }

    /// Whether it is of this content and, if somebody is expected, theirs.
    pub fn verify(&self, content: &[u8], expected: Option<&PublicKey>) -> anyhow::Result<()> {
        if expected.is_some_and(|expected| expected.0 != self.key) {
            bail!("the artefact is signed with another key");
        }
        UnparsedPublicKey::new(&ED25519, &self.key)
            .verify(content, &self.signature)
            .map_err(|_| anyhow!("the signature of the artefact is not valid"))
    }
}

#[cfg(test)]
pub mod tests {
    use ring::rand::SystemRandom;

    use super::*;

    pub fn pair() -> (PrivateKey, PublicKey) {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(der.as_ref()).unwrap();
        let public = PublicKey(pair.public_key().as_ref().to_vec());
        (PrivateKey(pair), public)
    }
}
