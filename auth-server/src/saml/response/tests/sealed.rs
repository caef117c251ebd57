//! Encrypted assertions, and what attackers make of them.

use base64::{Engine, engine::general_purpose::STANDARD};
use openssl::{encrypt::Encrypter, hash::MessageDigest, rsa::Padding, rsa::Rsa};
use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::*;

const GCM: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
const OAEP: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";

fn own_key() -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()
}

fn read_with(text: &str, key: Option<&PKey<Private>>) -> Result<Assertion, Refused> {
    let keys = keys(CERTIFICATE);
    let keys = Keys {
        decryption: key,
        ..only_signing(&keys)
    };
    read(text, keys, &expected())
}

/// `content` encrypted for the owner of `key`, as a provider writes it.
fn seal(content: &str, key: &PKey<Private>) -> String {
    seal_by(content, key, (GCM, OAEP), "")
}

/// The same by other algorithms; `more` says with which digests.
fn seal_by(content: &str, key: &PKey<Private>, (block, wrap): (&str, &str), more: &str) -> String {
    let cipher = if block.contains("128") {
        &AES_128_GCM
    } else {
        &AES_256_GCM
    };
    let secret = vec![7; cipher.key_len()];
    let sealing = LessSafeKey::new(UnboundKey::new(cipher, &secret).unwrap());
    let nonce = [9; 12];
    let mut data = content.as_bytes().to_vec();
    let unique = Nonce::assume_unique_for_key(nonce);
    sealing
        .seal_in_place_append_tag(unique, Aad::empty(), &mut data)
        .unwrap();
    let mut encrypter = Encrypter::new(key).unwrap();
    if wrap.ends_with("rsa-1_5") {
        encrypter.set_rsa_padding(Padding::PKCS1).unwrap();
    } else {
        encrypter.set_rsa_padding(Padding::PKCS1_OAEP).unwrap();
        if more.contains("sha256") {
            encrypter.set_rsa_oaep_md(MessageDigest::sha256()).unwrap();
        }
        if more.contains("mgf1sha256") {
            encrypter.set_rsa_mgf1_md(MessageDigest::sha256()).unwrap();
        } else {
            encrypter.set_rsa_mgf1_md(MessageDigest::sha1()).unwrap();
        }
    }
    let mut wrapped = vec![0; encrypter.encrypt_len(&secret).unwrap()];
    let length = encrypter.encrypt(&secret, &mut wrapped).unwrap();
    let (data, wrapped) = (
        STANDARD.encode([&nonce, data.as_slice()].concat()),
        STANDARD.encode(&wrapped[..length]),
    );
    format!(
        r#"<saml:EncryptedAssertion><xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#"><xenc:EncryptionMethod Algorithm="{block}"/><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="{wrap}">{more}</xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>{wrapped}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue>{data}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData></saml:EncryptedAssertion>"#
    )
}

/// The signed answer with something else in the place of its assertion.
fn answer_with(instead: &str) -> String {
    let (before, _, behind) = cut(SIGNED_ASSERTION, "saml:Assertion ");
    format!("{before}{instead}{behind}")
}

fn assertion() -> &'static str {
    cut(SIGNED_ASSERTION, "saml:Assertion ").1
}

#[test]
fn what_is_encrypted_for_us_is_read_like_what_is_not() {
    let key = own_key();
    let clear = read_as(SIGNED_ASSERTION, &expected()).unwrap();
    let sha256 = r#"<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>"#;
    let both = format!(
        r#"{sha256}<xenc11:MGF xmlns:xenc11="http://www.w3.org/2009/xmlenc11#" Algorithm="http://www.w3.org/2009/xmlenc11#mgf1sha256"/>"#
    );
    let newer = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
    let small = "http://www.w3.org/2009/xmlenc11#aes128-gcm";
    for (methods, more) in [
        ((GCM, OAEP), ""),
        ((small, OAEP), sha256),
        ((GCM, newer), sha256),
        ((small, newer), &both),
    ] {
        let text = answer_with(&seal_by(assertion(), &key, methods, more));
        assert_eq!(read_with(&text, Some(&key)).as_ref(), Ok(&clear), "{more}");
        assert!(read_with(&text, None).is_err(), "no key was offered");
        assert!(read_with(&text, Some(&own_key())).is_err(), "another's key");
    }
    // The key may stand beside the data.
    let sealed = seal(assertion(), &key);
    let (_, wrapped, _) = cut(&sealed, "xenc:EncryptedKey");
    let wrapped = wrapped.replace(
        "<xenc:EncryptedKey",
        r#"<xenc:EncryptedKey xmlns:xenc="http://www.w3.org/2001/04/xmlenc#""#,
    );
    let end = "</saml:EncryptedAssertion>";
    let beside = without(&sealed, "xenc:EncryptedKey").replace(end, &format!("{wrapped}{end}"));
    assert_eq!(read_with(&answer_with(&beside), Some(&key)), Ok(clear));
}

#[test]
fn encryption_proves_nothing_and_hides_nothing() {
    let key = own_key();
    let forged = without(assertion(), "ds:Signature ");
    let (sealed, clear) = (seal(assertion(), &key), assertion());
    let nested = format!("<saml:Assertion>{clear}</saml:Assertion>");
    let break_out = format!("{clear}</assertion><assertion>");
    for (why, text) in [
        ("not signed", seal(&forged, &key)),
        ("beside one in clear", format!("{sealed}{clear}")),
        ("beside one in clear", format!("{clear}{sealed}")),
        ("beside one in clear", format!("{sealed}{forged}")),
        ("two", format!("{sealed}{sealed}")),
        ("two inside", seal(&format!("{clear}{forged}"), &key)),
        ("within another", seal(&nested, &key)),
        ("encrypted twice", seal(&sealed, &key)),
        ("nothing inside", seal("", &key)),
        ("no XML inside", seal("<", &key)),
        ("out of its place", seal(&break_out, &key)),
        ("changed", seal(&with(assertion(), ">ada<", ">root<"), &key)),
        (
            "a document type inside",
            seal(&format!("<!DOCTYPE x>{clear}"), &key),
        ),
    ] {
        assert!(read_with(&answer_with(&text), Some(&key)).is_err(), "{why}");
    }
}

#[test]
fn whatever_is_changed_in_the_cipher_nothing_is_believed() {
    let key = own_key();
    let text = answer_with(&seal(assertion(), &key));
    for value in 0..2 {
        let start = text
            .match_indices("<xenc:CipherValue>")
            .nth(value)
            .unwrap()
            .0
            + 18;
        let length = text[start..].find('<').unwrap();
        for place in (0..length - 4).step_by(41) {
            let place = start + place;
            let instead = if &text[place..=place] == "A" {
                "B"
            } else {
                "A"
            };
            let changed = format!("{}{instead}{}", &text[..place], &text[place + 1..]);
            assert!(read_with(&changed, Some(&key)).is_err(), "{place}");
        }
        let shorter = format!("{}{}", &text[..start], &text[start + length..]);
        assert!(read_with(&shorter, Some(&key)).is_err());
    }
}

#[test]
fn ciphers_that_can_be_asked_for_their_content_are_refused() {
    let key = own_key();
    let xenc = "http://www.w3.org/2001/04/xmlenc#";
    let (old_wrap, cbc) = (format!("{xenc}rsa-1_5"), format!("{xenc}aes256-cbc"));
    for methods in [
        (GCM, old_wrap.as_str()),
        (cbc.as_str(), OAEP),
        ("", OAEP),
        (GCM, ""),
    ] {
        let text = answer_with(&seal_by(assertion(), &key, methods, ""));
        assert!(read_with(&text, Some(&key)).is_err(), "{methods:?}");
    }
}

#[test]
fn an_operator_may_refuse_what_is_not_encrypted() {
    let (signing, key) = (keys(CERTIFICATE), own_key());
    let keys = Keys {
        signing: &signing,
        decryption: Some(&key),
        only_encrypted: true,
    };
    for text in [SIGNED_ASSERTION, SIGNED_RESPONSE, SIGNED_BOTH] {
        assert!(read(text, keys, &expected()).is_err());
    }
    let text = answer_with(&seal(assertion(), &key));
    assert!(read(&text, keys, &expected()).is_ok());
}
