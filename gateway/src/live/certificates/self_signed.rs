//! A certificate for names that have none, so that a client gets an answer and can say what is
//! wrong with it. Made anew at each start; nobody can trust it.

use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use rustls::{
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    sign::CertifiedKey,
};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTF8_STRING: u8 = 0x0C;
const UTC_TIME: u8 = 0x17;
const VERSION: u8 = 0xA0;

const ECDSA_WITH_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
const ELLIPTIC_CURVE: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
const P256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

pub fn new() -> Option<CertifiedKey> {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).ok()?;
    let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).ok()?;
    let body = body(key.public_key().as_ref());
    let signature = key.sign(&random, &body).ok()?;
    let certificate = element(
        SEQUENCE,
        &[&body, &signed_with(), &bits(signature.as_ref())],
    );
    let chain = vec![CertificateDer::from(certificate)];
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pkcs8.as_ref().to_vec()));
    let provider = rustls::crypto::ring::default_provider();
    CertifiedKey::from_der(chain, key, &provider).ok()
}

/// `TBSCertificate` (RFC 5280).
fn body(public_key: &[u8]) -> Vec<u8> {
    let mut serial = [0; 9];
    service::random::fill(&mut serial);
    // Positive, and of full length.
    serial[0] = 0x01;
    let now = service::clock::now();
    let time = |days| {
        let moment = now + chrono::Duration::days(days);
        let text = moment.format("%y%m%d%H%M%SZ").to_string();
        element(UTC_TIME, &[text.as_bytes()])
    };
    let name = element(
        SEQUENCE,
        &[&element(
            SET,
            &[&element(
                SEQUENCE,
                &[
                    &element(OBJECT_IDENTIFIER, &[COMMON_NAME]),
                    &element(UTF8_STRING, &[b"gateway without certificate"]),
                ],
            )],
        )],
    );
    let key_type = element(
        SEQUENCE,
        &[
            &element(OBJECT_IDENTIFIER, &[ELLIPTIC_CURVE]),
            &element(OBJECT_IDENTIFIER, &[P256]),
        ],
    );
    element(
        SEQUENCE,
        &[
            // Version 3.
            &element(VERSION, &[&element(INTEGER, &[&[2]])]),
            &element(INTEGER, &[&serial]),
            &signed_with(),
            &name,
            &element(SEQUENCE, &[&time(-1), &time(3650)]),
            &name,
            &element(SEQUENCE, &[&key_type, &bits(public_key)]),
        ],
    )
}

fn signed_with() -> Vec<u8> {
    element(
        SEQUENCE,
        &[&element(OBJECT_IDENTIFIER, &[ECDSA_WITH_SHA256])],
    )
}

/// Whole bytes: no bit is unused.
fn bits(content: &[u8]) -> Vec<u8> {
    element(BIT_STRING, &[&[0], content])
}

/// A DER element.
fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut encoded = vec![tag];
    match u8::try_from(length) {
        Ok(short @ 0..=0x7F) => encoded.push(short),
        Ok(long) => encoded.extend([0x81, long]),
        Err(_) => {
            let [.., high, low] = length.to_be_bytes();
            encoded.extend([0x82, high, low]);
        }
    }
    for part in parts {
        encoded.extend_from_slice(part);
    }
    encoded
}

#[cfg(test)]
mod tests {
    use x509_parser::prelude::{FromDer, X509Certificate};

    #[test]
    fn others_can_read_it() {
        let made = super::new().unwrap();
        let (rest, certificate) = X509Certificate::from_der(&made.cert[0]).unwrap();
        assert!(rest.is_empty());
        assert!(certificate.validity().is_valid());
        assert!(made.keys_match().is_ok());
    }
}
