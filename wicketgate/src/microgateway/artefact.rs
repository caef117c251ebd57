//! The file that a microgateway serves: lines that end with the digest of all before it, so that a
//! changed one is noticed.
//!
//! 1. The content, as JSON.
//! 2. Only if it is signed: `ed25519`, the public key and the signature of line 1, as base64url.
//! 3. `sha256` and the digest of what stands before this line, as hex.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::signature::{PrivateKey, PublicKey, Signature};

const FORMAT: &str = "wicketgate-microgateway/1";
const DIGEST: &str = "sha256 ";
/// `sha256`, a blank, 64 hex digits, the end of the line.
const LAST_LINE: usize = 72;

/// What is served.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artefact {
    format: String,
    pub name: String,
    pub apis: Vec<String>,
    /// When credentials end, in seconds since 1970.
    pub expires: BTreeMap<Uuid, i64>,
    /// A declarative document (gateway 3).
    pub document: Value,
}

impl Artefact {
    pub fn new(
        name: String,
        apis: Vec<String>,
        expires: BTreeMap<Uuid, i64>,
        document: Value,
    ) -> Self {
        Self {
            format: FORMAT.to_owned(),
            name,
            apis,
            expires,
            document,
        }
    }

    pub fn to_bytes(&self, key: Option<&PrivateKey>) -> anyhow::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.push(b'\n');
        if let Some(key) = key {
            let line = format!("{}\n", key.sign(&bytes));
            bytes.extend_from_slice(line.as_bytes());
        }
        let last = format!("{DIGEST}{}\n", digest_of(&bytes));
        bytes.extend_from_slice(last.as_bytes());
        Ok(bytes)
    }

    /// Reads a file, and refuses it if a byte of it was changed, or if it is not signed with the
    /// key that is asked for.
    pub fn read(path: &Path, signed_by: Option<&PublicKey>) -> anyhow::Result<Self> {
        let name = || format!("`{}`", path.display());
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", name()))?;
        Self::parse(&bytes, signed_by).with_context(name)
    }

    fn parse(bytes: &[u8], signed_by: Option<&PublicKey>) -> anyhow::Result<Self> {
        let start = bytes.len().saturating_sub(LAST_LINE);
        let (signed, last) = bytes.split_at(start);
        if last != format!("{DIGEST}{}\n", digest_of(signed)).as_bytes() {
            bail!("this is no artefact of a microgateway, or it was changed since it was built");
        }
        let mut lines = signed.split_inclusive(|byte| *byte == b'\n');
        let content = lines.next().unwrap_or_default();
        let signature = lines.next();
        ensure!(lines.next().is_none(), "the artefact has a line too many");
        let signature = signature.map(Signature::parse).transpose()?;
        match (&signature, signed_by) {
            (Some(signature), expected) => signature.verify(content, expected)?,
            (None, Some(_)) => bail!("the artefact is not signed"),
            (None, None) => {}
        }
        let artefact: Self = serde_json::from_slice(content).context("the content")?;
        ensure!(
            artefact.format == FORMAT,
            "the artefact is of the format `{}`, and this program reads `{FORMAT}`",
            artefact.format
        );
        Ok(artefact)
    }

    /// The document as of `now` (seconds since 1970): credentials that have ended are not in it,
    /// and API keys end by themselves.
    pub fn document_at(mut self, now: i64) -> Value {
        let consumers = self
            .document
            .get_mut("consumers")
            .and_then(Value::as_array_mut);
        for consumer in consumers.into_iter().flatten() {
            for (list, can_end) in [("keyauth_credentials", true), ("jwt_secrets", false)] {
                let Some(credentials) = consumer.get_mut(list).and_then(Value::as_array_mut) else {
                    continue;
                };
                credentials.retain_mut(|credential| {
                    let id = credential["id"].as_str().and_then(|id| id.parse().ok());
                    let end = id.and_then(|id: Uuid| self.expires.get(&id));
                    let Some(end) = end else { return true };
                    if can_end {
                        credential["ttl"] = (end - now).into();
                    }
                    now < *end
                });
            }
        }
        self.document
    }
}

fn digest_of(bytes: &[u8]) -> String {
    hex::encode(service::crypto::sha256(bytes))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::microgateway::signature::tests::pair;

    const KEY: Uuid = Uuid::from_u128(7);

    fn artefact() -> Artefact {
        let credential = json!({ "id": KEY, "key_digest": "ab" });
        let document = json!({ "consumers": [{ "keyauth_credentials": [credential] }] });
        let expires = BTreeMap::from([(KEY, 1000)]);
        Artefact::new(
            "edge".to_owned(),
            vec!["pets".to_owned()],
            expires,
            document,
        )
    }

    #[test]
    fn one_changed_byte_is_refused_wherever_it_is() {
        let (private, public) = pair();
        let parse = |bytes: &[u8], key| Artefact::parse(bytes, key).map(|read| read.name);
        for (bytes, key) in [
            (artefact().to_bytes(None).unwrap(), None),
            (artefact().to_bytes(Some(&private)).unwrap(), Some(&public)),
        ] {
            assert_eq!(parse(&bytes, key).unwrap(), "edge");
            for place in 0..bytes.len() {
                let mut changed = bytes.clone();
                changed[place] ^= 1;
                assert!(parse(&changed, key).is_err(), "byte {place}");
            }
            assert!(parse(&bytes[1..], key).is_err());
            assert!(parse(&bytes[..bytes.len() - 1], key).is_err());
            assert!(parse(&[bytes.as_slice(), b"\n"].concat(), key).is_err());
        }
        assert!(parse(b"", None).is_err());
    }

    #[test]
    fn whoever_asks_for_a_signature_gets_that_one_or_nothing() {
        let (private, public) = pair();
        let (_, other) = pair();
        let signed = artefact().to_bytes(Some(&private)).unwrap();
        let unsigned = artefact().to_bytes(None).unwrap();
        assert!(Artefact::parse(&signed, None).is_ok());
        assert!(Artefact::parse(&signed, Some(&public)).is_ok());
        assert!(Artefact::parse(&signed, Some(&other)).is_err());
        assert!(Artefact::parse(&unsigned, Some(&public)).is_err());
    }

    #[test]
    fn credentials_end_when_they_were_meant_to() {
        let keys = |now| artefact().document_at(now)["consumers"][0]["keyauth_credentials"].take();
        assert_eq!(keys(400)[0]["ttl"], 600);
        assert_eq!(keys(1000), json!([]));
    }
}
