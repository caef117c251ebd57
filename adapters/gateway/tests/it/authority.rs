//! An authority that nobody believes unless told to, and a server behind a certificate of it.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer},
    },
};
use url::Url;

pub struct Authority {
    key: Pair,
    certificate: Vec<u8>,
}

struct Pair {
    pkcs8: Vec<u8>,
    pair: EcdsaKeyPair,
}

// Object identifiers, as they are written.
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];
const BASIC_CONSTRAINTS: [u8; 3] = [0x55, 0x1D, 0x13];
const ALTERNATIVE_NAME: [u8; 3] = [0x55, 0x1D, 0x11];
const ECDSA_WITH_SHA256: [u8; 8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
const EC_PUBLIC_KEY: [u8; 7] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
const P256: [u8; 8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];

impl Authority {
    pub fn new() -> Self {
        let key = Pair::new();
        // A certificate that may sign others.
        let extension = extension(&BASIC_CONSTRAINTS, sequence(&[der(1, &[0xFF])]));
        let certificate = certificate("authority of a test", &key, &key, &extension);
        Self { key, certificate }
    }

    pub fn pem(&self) -> String {
        let text = STANDARD.encode(&self.certificate);
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
    }

    /// Puts TLS in front of a server, with a certificate for `name`.
    pub async fn cover(&self, behind: &Url, name: &str) -> u16 {
        let key = Pair::new();
        let names = extension(&ALTERNATIVE_NAME, sequence(&[der(0x82, name.as_bytes())]));
        let certificate = certificate(name, &key, &self.key, &names);
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from(certificate)],
                PrivateKeyDer::Pkcs8(key.pkcs8.clone().into()),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let behind = behind.socket_addrs(|| None).unwrap()[0];
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let (Ok(mut client), Ok(mut server)) = (
                        acceptor.accept(client).await,
                        TcpStream::connect(behind).await,
                    ) else {
                        return;
                    };
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        port
    }
}

impl Pair {
    fn new() -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pkcs8 = pkcs8.as_ref().to_vec();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, &pkcs8, &random).unwrap();
        Self { pkcs8, pair }
    }
}

/// A certificate of version 3 (RFC 5280, 4.1).
fn certificate(subject: &str, key: &Pair, issuer: &Pair, extension: &[u8]) -> Vec<u8> {
    let algorithm = sequence(&[der(6, &ECDSA_WITH_SHA256)]);
    let name = |name: &str| {
        let name = sequence(&[der(6, &COMMON_NAME), der(12, name.as_bytes())]);
        sequence(&[der(0x31, &name)])
    };
    let point = [&[0], key.pair.public_key().as_ref()].concat();
    let to_be_signed = sequence(&[
        der(0xA0, &der(2, &[2])),
        der(2, &[1]),
        algorithm.clone(),
        name("authority of a test"),
        sequence(&[der(23, b"200101000000Z"), der(23, b"491231235959Z")]),
        name(subject),
        sequence(&[
            sequence(&[der(6, &EC_PUBLIC_KEY), der(6, &P256)]),
            der(3, &point),
        ]),
        der(0xA3, &sequence(&[extension.to_vec()])),
    ]);
    let signature = issuer
        .pair
        .sign(&SystemRandom::new(), &to_be_signed)
        .unwrap();
    let signature = [&[0], signature.as_ref()].concat();
    sequence(&[to_be_signed, algorithm, der(3, &signature)])
}

/// A critical extension.
fn extension(id: &[u8], value: Vec<u8>) -> Vec<u8> {
    sequence(&[der(6, id), der(1, &[0xFF]), der(4, &value)])
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    der(0x30, &parts.concat())
}

/// Tag, length and contents.
fn der(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = u16::try_from(contents.len()).unwrap().to_be_bytes();
    let length = match length {
        [0, short] if short < 0x80 => vec![short],
        [0, long] => vec![0x81, long],
        [high, low] => vec![0x82, high, low],
    };
    [&[tag], length.as_slice(), contents].concat()
}
