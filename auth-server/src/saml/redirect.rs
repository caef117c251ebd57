//! Messages in the address of a redirect (SAML bindings 3.4).

use std::io::{Read as _, Write as _};

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use jsonwebtoken::DecodingKey;
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use url::{Url, form_urlencoded::Serializer};

use super::{signature, xml::Fault};

const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
/// Longest message that is unpacked.
const MAX_MESSAGE: u64 = 64 * 1024;

/// `endpoint` with a message (`SAMLRequest` or `SAMLResponse`), signed if there is a key.
pub fn address(
    endpoint: &Url,
    (name, message): (&str, &str),
    relay_state: Option<&str>,
    key: Option<&RsaKeyPair>,
) -> String {
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::default());
    let packed = packed
        .write_all(message.as_bytes())
        .and_then(|()| packed.finish())
        .expect("memory takes everything");
    let mut query = Serializer::new(String::new());
    query.append_pair(name, &STANDARD.encode(packed));
    if let Some(relay_state) = relay_state {
        query.append_pair("RelayState", relay_state);
    }
    if key.is_some() {
        query.append_pair("SigAlg", RSA_SHA256);
    }
    let mut query = query.finish();
    if let Some(key) = key {
        let mut signature = vec![0; key.public().modulus_len()];
        let signed = key.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            query.as_bytes(),
            &mut signature,
        );
        // It fails only without memory or randomness; the provider refuses what is not signed.
        if signed.is_ok() {
            query = Serializer::new(query)
                .append_pair("Signature", &STANDARD.encode(signature))
                .finish();
        }
    }
    let mut url = endpoint.clone();
    let query = match endpoint.query() {
        Some(own) if !own.is_empty() => format!("{own}&{query}"),
        _ => query,
    };
    url.set_query(Some(&query));
    url.into()
}

/// The message in a query, if it is signed with one of `keys`.
pub fn signed_message(query: &str, name: &str, keys: &[DecodingKey]) -> Result<String, Fault> {
    // What is signed is the text as the provider has written it.
    let raw = |name: &str| {
        let mut found = query
            .split('&')
            .filter(|pair| pair.split('=').next() == Some(name));
        match (found.next(), found.next()) {
            (first, None) => Ok(first),
            _ => Err("a member of the address stands twice"),
        }
    };
    let missing = "the message in the address is not signed";
    let message = raw(name)?.ok_or("there is no message in the address")?;
    let algorithm = raw("SigAlg")?.ok_or(missing)?;
    let signature = raw("Signature")?.ok_or(missing)?;
    let signed: Vec<&str> = [Some(message), raw("RelayState")?, Some(algorithm)]
        .into_iter()
        .flatten()
        .collect();
    let value = |pair: &str| {
        let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
        pairs
            .next()
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    let algorithm = signature::signature_algorithm(&value(algorithm))
        .ok_or("the signature's algorithm is not among those that are accepted")?;
    let signature = STANDARD
        .decode(value(signature))
        .map_err(|_| "the signature is no Base64")?;
    if !signature::is_signed(signed.join("&").as_bytes(), &signature, algorithm, keys) {
        return Err("the signature is not by a known key");
    }
    unpack(&value(message))
}

fn unpack(message: &str) -> Result<String, Fault> {
    let packed = STANDARD
        .decode(message)
        .map_err(|_| "the message is no Base64")?;
    let mut text = String::new();
    DeflateDecoder::new(packed.as_slice())
        .take(MAX_MESSAGE + 1)
        .read_to_string(&mut text)
        .map_err(|_| "the message cannot be unpacked")?;
    if text.len() as u64 > MAX_MESSAGE {
        return Err("the message is too long");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message_of(address: &str) -> Result<String, Fault> {
        let url = Url::parse(address).unwrap();
        let (_, message) = url
            .query_pairs()
            .find(|(name, _)| name == "SAMLRequest")
            .unwrap();
        unpack(&message)
    }

    #[test]
    fn a_message_survives_the_way_and_the_endpoints_own_query_stays() {
        let endpoint = Url::parse("https://idp.example/sso?tenant=1").unwrap();
        let address = address(&endpoint, ("SAMLRequest", "<a>ü</a>"), Some("r s"), None);
        assert!(address.starts_with("https://idp.example/sso?tenant=1&SAMLRequest="));
        assert!(address.ends_with("&RelayState=r+s"));
        assert_eq!(message_of(&address).unwrap(), "<a>ü</a>");
    }

    #[test]
    fn a_message_that_grows_without_end_is_not_unpacked() {
        let endpoint = Url::parse("https://idp.example/sso").unwrap();
        let bomb = "a".repeat(200_000);
        let address = address(&endpoint, ("SAMLRequest", &bomb), None, None);
        assert!(address.len() < 2000);
        assert!(message_of(&address).is_err());
    }

    #[test]
    fn what_is_not_signed_is_no_message() {
        let endpoint = Url::parse("https://idp.example/sso").unwrap();
        let address = address(&endpoint, ("SAMLRequest", "<a/>"), None, None);
        let query = address.split_once('?').unwrap().1;
        assert!(signed_message(query, "SAMLRequest", &[]).is_err());
        let query = format!("{query}&SigAlg=x&Signature=eA%3D%3D");
        assert!(signed_message(&query, "SAMLRequest", &[]).is_err());
    }
}
