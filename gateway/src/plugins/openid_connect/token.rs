use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

/// A token that nobody has looked into yet.
#[derive(Debug)]
pub struct Parsed {
    pub algorithm: String,
    pub kid: Option<String>,
    pub claims: Map<String, Value>,
    pub signature: Vec<u8>,
    /// Length of what is signed.
    signed: usize,
}

impl Parsed {
    pub fn new(text: &str) -> Result<Self, &'static str> {
        const MALFORMED: &str = "Bad token";
        let mut parts = text.splitn(4, '.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(MALFORMED);
        };
        let signed = header.len() + 1 + claims.len();
        let header = object(header).ok_or(MALFORMED)?;
        // Extensions that must be understood are not understood, a payload that is no JSON is none.
        if header.contains_key("crit") || header.contains_key("b64") {
            return Err(MALFORMED);
        }
        let member = |name: &str| header.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            algorithm: member("alg").ok_or(MALFORMED)?,
            kid: member("kid"),
            claims: object(claims).ok_or(MALFORMED)?,
            signature: URL_SAFE_NO_PAD.decode(signature).map_err(|_| MALFORMED)?,
            signed,
        })
    }

    /// The part of the text that is signed.
    pub fn message<'a>(&self, text: &'a str) -> &'a [u8] {
        &text.as_bytes()[..self.signed]
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "([A-Za-z0-9_-]{0,20}\\.?){0,5}|.{0,60}") {
            if let Ok(token) = Parsed::new(&text) {
                prop_assert_eq!(text.matches('.').count(), 2);
                prop_assert!(token.message(&text).len() < text.len());
            }
        }

        #[test]
        fn what_was_written_is_read(alg in "[A-Z0-9]{1,6}", kid in ".{0,8}", signature: Vec<u8>) {
            let header = serde_json::json!({ "alg": alg, "kid": kid });
            let part = |text: &[u8]| URL_SAFE_NO_PAD.encode(text);
            let signed = format!("{}.{}", part(header.to_string().as_bytes()), part(b"{\"a\":1}"));
            let text = format!("{signed}.{}", part(&signature));
            let token = Parsed::new(&text).unwrap();
            prop_assert_eq!(token.message(&text), signed.as_bytes());
            prop_assert_eq!((token.algorithm, token.kid), (alg, Some(kid)));
            prop_assert_eq!(token.signature, signature);
            let with_more = format!("{text}.x");
            prop_assert!(Parsed::new(&with_more).is_err());
        }
    }
}
