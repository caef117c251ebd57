//! Assertions that only we can read (XML Encryption 1.1, SAML core 2.3.4): a key for AES-GCM, wrapped
//! by RSA-OAEP. The older RSA 1.5 and AES-CBC let strangers find out the content by asking, so nobody
//! is answered who uses them.
//!
//! RSA is done by the OpenSSL that libgit2 brings along: it takes the same time whatever is decrypted,
//! which the RSA in Rust does not (RUSTSEC-2023-0071).

use std::fmt::Write as _;

use base64::{Engine, engine::general_purpose::STANDARD};
use openssl::{
    encrypt::Decrypter,
    error::ErrorStack,
    hash::MessageDigest,
    pkey::{PKey, Private},
    rsa::Padding,
};
use ring::aead::{
    AES_128_GCM, AES_256_GCM, Aad, Algorithm, LessSafeKey, NONCE_LEN, Nonce, UnboundKey,
};
use roxmltree::Node;
use sdk::template::html::escape;

use super::{
    DSIG,
    xml::{Fault, elements, needed, only, text},
};

const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";
const XENC11: &str = "http://www.w3.org/2009/xmlenc11#";

/// What providers are told to use.
pub const METHODS: [&str; 3] = [
    "http://www.w3.org/2009/xmlenc11#aes256-gcm",
    "http://www.w3.org/2009/xmlenc11#aes128-gcm",
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
];

/// Whatever is wrong inside: who tries must not learn how far he came.
const UNREADABLE: Fault = "its assertion cannot be decrypted";

/// The text of the assertion in `encrypted`, in an element that declares what is declared around it:
/// some providers leave that out. Who has made it is not known yet.
pub fn open(encrypted: Node<'_, '_>, key: &PKey<Private>) -> Result<String, Fault> {
    let data = needed(encrypted, (XENC, "EncryptedData"))?;
    let cipher = content_cipher(&algorithm_of(data)?)
        .ok_or("its assertion is encrypted by another algorithm than AES-GCM")?;
    let wrapped = wrapped_key(encrypted, data)?;
    let padding = KeyPadding::of(needed(wrapped, (XENC, "EncryptionMethod"))?)?;
    let (wrapped, sealed) = (value(wrapped)?, value(data)?);
    let secret = padding.unwrap(key, &wrapped).map_err(|_| UNREADABLE)?;
    let content = decrypt(cipher, &secret, sealed).ok_or(UNREADABLE)?;
    let mut around = String::from("<assertion");
    for namespace in encrypted.namespaces() {
        let name = match namespace.name() {
            Some("xml") => continue,
            Some(prefix) => format!("xmlns:{prefix}"),
            None => "xmlns".to_owned(),
        };
        let _ = write!(around, " {name}=\"{}\"", escape(namespace.uri()));
    }
    Ok(format!("{around}>{content}</assertion>"))
}

fn algorithm_of(node: Node<'_, '_>) -> Result<String, Fault> {
    let method = needed(node, (XENC, "EncryptionMethod"))?;
    Ok(method.attribute("Algorithm").unwrap_or_default().to_owned())
}

fn content_cipher(uri: &str) -> Option<&'static Algorithm> {
    match uri.strip_prefix(XENC11)? {
        "aes128-gcm" => Some(&AES_128_GCM),
        "aes256-gcm" => Some(&AES_256_GCM),
        _ => None,
    }
}

/// The one wrapped key: with the data, or beside it.
fn wrapped_key<'a, 'input>(
    encrypted: Node<'a, 'input>,
    data: Node<'a, 'input>,
) -> Result<Node<'a, 'input>, Fault> {
    let info = only(data, (DSIG, "KeyInfo"))?;
    let places = info.into_iter().chain([encrypted]);
    let mut keys = places
        .flat_map(elements)
        .filter(|one| one.has_tag_name((XENC, "EncryptedKey")));
    match (keys.next(), keys.next()) {
        (Some(key), None) => Ok(key),
        _ => Err("its assertion does not come with exactly one key"),
    }
}

/// How the key is wrapped.
struct KeyPadding {
    digest: MessageDigest,
    mask: MessageDigest,
}

impl KeyPadding {
    fn of(method: Node<'_, '_>) -> Result<Self, Fault> {
        let other = "the key of its assertion is wrapped by another algorithm than RSA-OAEP";
        let digest = match only(method, (DSIG, "DigestMethod"))? {
            Some(digest) => {
                digest_of(digest.attribute("Algorithm").unwrap_or_default()).ok_or(other)?
            }
            None => MessageDigest::sha1(),
        };
        let algorithm = method.attribute("Algorithm").unwrap_or_default();
        let mask = match algorithm.strip_prefix(XENC11) {
            Some("rsa-oaep") => match only(method, (XENC11, "MGF"))? {
                Some(mask) => {
                    mask_of(mask.attribute("Algorithm").unwrap_or_default()).ok_or(other)?
                }
                None => MessageDigest::sha1(),
            },
            None if algorithm.strip_prefix(XENC) == Some("rsa-oaep-mgf1p") => MessageDigest::sha1(),
            _ => return Err(other),
        };
        if only(method, (XENC, "OAEPparams"))?.is_some() {
            return Err("the key of its assertion is wrapped with a label");
        }
        Ok(Self { digest, mask })
    }

    fn unwrap(&self, key: &PKey<Private>, wrapped: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let mut decrypter = Decrypter::new(key)?;
        decrypter.set_rsa_padding(Padding::PKCS1_OAEP)?;
        decrypter.set_rsa_oaep_md(self.digest)?;
        decrypter.set_rsa_mgf1_md(self.mask)?;
        let mut secret = vec![0; decrypter.decrypt_len(wrapped)?];
        let length = decrypter.decrypt(wrapped, &mut secret)?;
        secret.truncate(length);
        Ok(secret)
    }
}

fn digest_of(uri: &str) -> Option<MessageDigest> {
    Some(match uri {
        "http://www.w3.org/2000/09/xmldsig#sha1" => MessageDigest::sha1(),
        "http://www.w3.org/2001/04/xmlenc#sha256" => MessageDigest::sha256(),
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => MessageDigest::sha384(),
        "http://www.w3.org/2001/04/xmlenc#sha512" => MessageDigest::sha512(),
        _ => return None,
    })
}

fn mask_of(uri: &str) -> Option<MessageDigest> {
    Some(match uri.strip_prefix(XENC11)? {
        "mgf1sha1" => MessageDigest::sha1(),
        "mgf1sha256" => MessageDigest::sha256(),
        "mgf1sha384" => MessageDigest::sha384(),
        "mgf1sha512" => MessageDigest::sha512(),
        _ => return None,
    })
}

fn value(node: Node<'_, '_>) -> Result<Vec<u8>, Fault> {
    let data = needed(node, (XENC, "CipherData"))?;
    let mut encoded = text(needed(data, (XENC, "CipherValue"))?)?;
    encoded.retain(|character| !character.is_ascii_whitespace());
    STANDARD.decode(encoded).map_err(|_| UNREADABLE)
}

/// A nonce, the content, and what proves that it is whole (XML Encryption 1.1, 5.2.4).
fn decrypt(cipher: &'static Algorithm, secret: &[u8], mut sealed: Vec<u8>) -> Option<String> {
    let key = LessSafeKey::new(UnboundKey::new(cipher, secret).ok()?);
    let (nonce, content) = sealed.split_at_mut_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let content = key.open_in_place(nonce, Aad::empty(), content).ok()?;
    String::from_utf8(content.to_vec()).ok()
}
