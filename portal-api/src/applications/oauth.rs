//! What an application may say about itself as an OAuth client.

use sdk::types::applications::OauthSettings;
use serde_json::Value;
use url::Url;

use super::redirect_uris::{self, Leniency, MAX_URIS};
use crate::ApiError;

const MAX_KEYS: usize = 10;
/// Ten RSA keys with certificates have room.
const MAX_JWKS: usize = 32 * 1024;
const MAX_URL: usize = 2048;
/// Base64url characters of an RSA modulus of 2048 bits.
const MIN_MODULUS: usize = 342;
/// Members of private keys (RFC 7518 6.2.2, 6.3.2, 6.4.1).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The settings of a request; nothing when they say nothing.
pub fn read(
    wanted: Option<OauthSettings>,
    leniency: Leniency,
) -> Result<Option<OauthSettings>, ApiError> {
    let Some(settings) = wanted else {
        return Ok(None);
    };
    let uris = &settings.post_logout_redirect_uris;
    if uris.len() > MAX_URIS {
        let message = format!("`postLogoutRedirectUris`: at most {MAX_URIS} addresses.");
        return Err(refuse("length", message));
    }
    if let Some(uri) = uris
        .iter()
        .find(|uri| !redirect_uris::is_valid(uri, leniency))
    {
        let message = format!(
            "`postLogoutRedirectUris`: `{uri}` is not usable: take https, or http to the own \
             machine, or a scheme of your app, without `#`."
        );
        return Err(refuse("redirect-uri", message));
    }
    if let Some(uri) = &settings.backchannel_logout_uri {
        check_receiver(uri, leniency)?;
    }
    if let Some(jwks) = &settings.jwks {
        check_keys(jwks)?;
    }
    Ok(Some(settings))
}

fn refuse(rule: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::invalid("oauth", rule, message.into())
}

/// Which networks it may be in is decided by whoever calls it.
fn check_receiver(uri: &str, leniency: Leniency) -> Result<(), ApiError> {
    let is_web = Url::parse(uri).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if is_web && uri.len() <= MAX_URL && redirect_uris::is_valid(uri, leniency) {
        return Ok(());
    }
    let message = "`backchannelLogoutUri` is an https address without `#`.";
    Err(refuse("url", message))
}

fn check_keys(jwks: &Value) -> Result<(), ApiError> {
    let keys = jwks.get("keys").and_then(Value::as_array);
    let Some(keys) = keys.filter(|keys| (1..=MAX_KEYS).contains(&keys.len())) else {
        let message = format!("`jwks` is a key set: `keys` with 1 to {MAX_KEYS} keys.");
        return Err(refuse("jwks", message));
    };
    if jwks.to_string().len() > MAX_JWKS {
        return Err(refuse("length", "`jwks` is longer than 32 kB."));
    }
    for key in keys {
        if PRIVATE.iter().any(|member| key.get(member).is_some()) {
            let message = "`jwks` holds a private key. Replace that key, it is no longer secret.";
            return Err(refuse("private-key", message));
        }
        if !is_public_key(key) {
            let message = "`jwks`: keys are `EC` (P-256, P-384), `RSA` (2048 bits or more) or \
                           `OKP` (Ed25519).";
            return Err(refuse("key", message));
        }
    }
    Ok(())
}

fn is_public_key(key: &Value) -> bool {
    let text = |member: &str| key.get(member).and_then(Value::as_str).unwrap_or_default();
    match (text("kty"), text("crv")) {
        ("EC", "P-256" | "P-384") => !text("x").is_empty() && !text("y").is_empty(),
        ("OKP", "Ed25519") => !text("x").is_empty(),
        ("RSA", _) => text("n").len() >= MIN_MODULUS && !text("e").is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(value: Value) -> bool {
        let settings = serde_json::from_value(value).unwrap();
        read(Some(settings), Leniency::default()).is_ok()
    }

    #[test]
    fn addresses_are_checked_like_redirect_uris() {
        assert_eq!(read(None, Leniency::default()).unwrap(), None);
        for (uri, is_fine) in [
            ("https://app.example/bye", true),
            ("http://localhost:1/bye", true),
            ("http://app.example/bye", false),
            ("https://app.example/#x", false),
            ("javascript:alert(1)", false),
        ] {
            assert_eq!(
                check(json!({"postLogoutRedirectUris": [uri]})),
                is_fine,
                "{uri}"
            );
            assert_eq!(
                check(json!({"backchannelLogoutUri": uri})),
                is_fine,
                "{uri}"
            );
        }
        assert!(!check(
            json!({"backchannelLogoutUri": "com.example.app:/bye"})
        ));
        assert!(!check(
            json!({"postLogoutRedirectUris": vec!["https://a.example"; 51]})
        ));
    }

    #[test]
    fn keys_are_public_and_strong() {
        let long = "a".repeat(342);
        let ec = json!({"kty": "EC", "crv": "P-256", "x": "a", "y": "b"});
        for (keys, is_fine) in [
            (json!([ec]), true),
            (json!([{"kty": "RSA", "n": long, "e": "AQAB"}]), true),
            (json!([{"kty": "OKP", "crv": "Ed25519", "x": "a"}]), true),
            (json!([]), false),
            (json!("x"), false),
            (json!(["x"]), false),
            (json!([{"kty": "RSA", "n": "short", "e": "AQAB"}]), false),
            (json!([{"kty": "oct", "k": "secret"}]), false),
            (
                json!([{"kty": "EC", "crv": "P-256", "x": "a", "y": "b", "d": "c"}]),
                false,
            ),
            (
                json!([{"kty": "EC", "crv": "secp256k1", "x": "a", "y": "b"}]),
                false,
            ),
            (json!(vec![ec.clone(); 11]), false),
            (
                json!([{"kty": "RSA", "n": "a".repeat(40_000), "e": "AQAB"}]),
                false,
            ),
        ] {
            assert_eq!(
                check(json!({"jwks": {"keys": keys.clone()}})),
                is_fine,
                "{keys}"
            );
        }
    }
}
