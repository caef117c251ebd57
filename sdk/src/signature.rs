//! Signatures of webhook deliveries: Standard Webhooks 1.0 (events-and-adapters B5).
//!
//! Sender and receiver are both here, so that they cannot disagree.

use std::{fmt, sync::Arc};

use http::HeaderMap;
use service::keys::{Keys, MissingKey, Purpose};
use standardwebhooks::{Webhook, WebhookError};

pub use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};

/// The secrets of one listener, newest first; during a rotation there are two.
#[derive(Clone, Default)]
pub struct Secrets(Vec<Arc<Webhook>>);

/// A text that is no webhook secret. Does not repeat it.
#[derive(Debug, thiserror::Error)]
#[error("a webhook secret is `whsec_` and the base64 of 24 to 64 bytes")]
pub struct InvalidSecret;

impl Secrets {
    /// The derived secret of one of our own listeners.
    pub fn of_listener(keys: &Keys, listener: &str) -> Result<Self, MissingKey> {
        let key = keys.derive(&Purpose::Listener(listener.to_owned()))?;
        let secrets = std::iter::once(key.bytes()).chain(key.previous());
        Ok(Self(secrets.map(|bytes| webhook(bytes)).collect()))
    }

    /// Adds an older secret in text form.
    pub fn push(&mut self, secret: &str) -> Result<(), InvalidSecret> {
        let webhook = Webhook::new(secret).map_err(|_| InvalidSecret)?;
        self.0.push(Arc::new(webhook));
        Ok(())
    }

    /// Adds an older secret as the bytes it stands for.
    pub fn push_bytes(&mut self, secret: &[u8]) {
        self.0.push(webhook(secret));
    }

    /// Whether there is none: then nothing can be checked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of `webhook-signature`: one signature per secret.
    pub fn sign(&self, message_id: &str, timestamp: i64, body: &str) -> String {
        let signatures = self.0.iter().map(|secret| {
            let signature = secret.sign(message_id, timestamp, body.as_bytes());
            signature.expect("only a body that is not UTF-8 cannot be signed")
        });
        signatures.collect::<Vec<_>>().join(" ")
    }

    /// Whether one of the secrets made the signature, within the last five minutes.
    /// Compares in constant time.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), WebhookError> {
        let mut result = Err(WebhookError::InvalidSignature);
        for secret in &self.0 {
            result = secret.verify(body, headers);
            if result.is_ok() {
                break;
            }
        }
        result
    }
}

fn webhook(secret: &[u8]) -> Arc<Webhook> {
    Arc::new(Webhook::from_bytes(secret.to_vec()).expect("every text of bytes is a key for HMAC"))
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use service::keys::MasterKey;

    use super::*;

    fn headers(secrets: &Secrets, timestamp: i64, body: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let signature = secrets.sign("msg_1", timestamp, body);
        headers.insert(HEADER_WEBHOOK_ID, "msg_1".parse().unwrap());
        headers.insert(
            HEADER_WEBHOOK_TIMESTAMP,
            timestamp.to_string().parse().unwrap(),
        );
        headers.insert(HEADER_WEBHOOK_SIGNATURE, signature.parse().unwrap());
        headers
    }

    #[test]
    fn only_the_same_body_in_time_and_with_the_listener_s_secret_is_accepted() {
        let keys = Keys::from_master(MasterKey::generate());
        let secrets = Secrets::of_listener(&keys, "mailer").unwrap();
        let now = service::clock::now().timestamp();
        assert!(secrets.verify(&headers(&secrets, now, "[]"), b"[]").is_ok());
        assert!(
            secrets
                .verify(&headers(&secrets, now, "[]"), b"[ ]")
                .is_err()
        );
        assert!(
            secrets
                .verify(&headers(&secrets, now - 301, "[]"), b"[]")
                .is_err()
        );
        assert!(
            secrets
                .verify(&headers(&secrets, now + 310, "[]"), b"[]")
                .is_err()
        );
        let other = Secrets::of_listener(&keys, "chatbot").unwrap();
        assert!(other.verify(&headers(&secrets, now, "[]"), b"[]").is_err());
        assert!(secrets.verify(&HeaderMap::new(), b"[]").is_err());
    }

    #[test]
    fn during_a_rotation_both_secrets_verify() {
        let (old, new) = (MasterKey::generate(), MasterKey::generate());
        let before = Secrets::of_listener(&Keys::from_master(old.clone()), "mailer").unwrap();
        let during = Secrets::of_listener(&Keys::from_rotation(new, old), "mailer").unwrap();
        let now = service::clock::now().timestamp();
        assert!(during.verify(&headers(&before, now, "[]"), b"[]").is_ok());
        assert!(before.verify(&headers(&during, now, "[]"), b"[]").is_ok());
    }
}
