use std::{rc::Rc, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use service::revocations::{Names, RevocationList};

use super::Refusal;
use crate::live::{Directory, TokenKey};

/// A token whose signature is right. Times are checked at each use.
pub struct Token {
    pub claims: Rc<Map<String, Value>>,
    pub key: Arc<TokenKey>,
    /// Value of the claim that names the key, and the claim.
    pub key_name: String,
    pub key_claim: String,
    /// `exp`, or 0.
    pub expires_at: i64,
}

impl Token {
    pub fn verify(
        text: &[u8],
        key_claim: &str,
        secret_is_base64: bool,
        directory: &Directory,
    ) -> Result<Self, Refusal> {
        const MALFORMED: Refusal = Refusal::Message("Bad token");
        let dots: Vec<usize> = text
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'.')
            .map(|(at, _)| at)
            .collect();
        let [first, second] = dots[..] else {
            return Err(MALFORMED);
        };
        let header = object(&text[..first]).ok_or(MALFORMED)?;
        let claims = object(&text[first + 1..second]).ok_or(MALFORMED)?;
        let signature = URL_SAFE_NO_PAD
            .decode(&text[second + 1..])
            .map_err(|_| MALFORMED)?;
        // Extensions that must be understood are not understood.
        if header.contains_key("crit") {
            return Err(MALFORMED);
        }
        let algorithm = header
            .get("alg")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if !kong::jwt::ALGORITHMS.contains(&algorithm) {
            return Err(Refusal::Message("Invalid algorithm"));
        }
        let key_name = claims
            .get(key_claim)
            .or_else(|| header.get(key_claim))
            .and_then(Value::as_str)
            .filter(|name| !name.is_empty())
            .ok_or(Refusal::Message("The token does not name its key"))?;
        let key = directory
            .token_key(key_name)
            .ok_or(Refusal::Message("No credentials found for this token"))?;
        // The credential decides about the algorithm, never the token.
        if key.key.algorithm != algorithm {
            return Err(Refusal::Message("Invalid algorithm"));
        }
        if !key
            .key
            .verifies(&text[..second], &signature, secret_is_base64)
        {
            return Err(Refusal::Message("Invalid signature"));
        }
        Ok(Self {
            key_name: key_name.to_owned(),
            key_claim: key_claim.to_owned(),
            expires_at: claims
                .get("exp")
                .and_then(Value::as_i64)
                .unwrap_or_default(),
            claims: Rc::new(claims),
            key,
        })
    }
}

/// Whether its auth server has ended a token. Looked at on each use, as the times are.
pub fn was_ended(claims: &Map<String, Value>, revoked: &RevocationList) -> bool {
    if revoked.is_empty() {
        return false;
    }
    let text = |claim: &str| claims.get(claim).and_then(Value::as_str);
    text("iss").is_some_and(|iss| {
        revoked.contains(Names {
            iss,
            jti: text("jti"),
            sid: text("sid"),
            sub: text("sub"),
            iat: claims.get("iat").and_then(Value::as_i64),
        })
    })
}

fn object(part: &[u8]) -> Option<Map<String, Value>> {
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&json).ok()
}
