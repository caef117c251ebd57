//! An authenticator in software: makes a passkey and signs with it, as a browser would hand it over.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use service::crypto::sha256;

/// One passkey for one host.
pub struct Authenticator {
    key: EcdsaKeyPair,
    id: Vec<u8>,
    pub origin: String,
    pub host: String,
    /// Present, verified.
    pub flags: u8,
    pub count: u32,
}

impl Authenticator {
    pub fn new() -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
        Self {
            id: sha256(key.public_key().as_ref())[..16].to_vec(),
            key,
            origin: "http://localhost:8000".to_owned(),
            host: "localhost".to_owned(),
            flags: 0x05,
            count: 0,
        }
    }

    fn client_data(&self, kind: &str, challenge: &str) -> String {
        json!({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false})
            .to_string()
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let mut data = sha256(self.host.as_bytes()).to_vec();
        data.push(flags);
        data.extend(self.count.to_be_bytes());
        data
    }

    /// The answer to `navigator.credentials.create`.
    pub fn create(&self, challenge: &str) -> String {
        let mut data = self.data(self.flags | 0x40);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        let point = self.key.public_key().as_ref();
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(&point[1..33]);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(&point[33..65]);
        let client_data = self.client_data("webauthn.create", challenge);
        self.answer(&client_data, &data, &Value::Null)
    }

    /// The answer to `navigator.credentials.get`.
    pub fn get(&self, challenge: &str) -> String {
        let data = self.data(self.flags);
        let client_data = self.client_data("webauthn.get", challenge);
        let signed = [data.as_slice(), &sha256(client_data.as_bytes())].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        let signature = json!(URL_SAFE_NO_PAD.encode(signature));
        self.answer(&client_data, &data, &signature)
    }

    fn answer(&self, client_data: &str, data: &[u8], signature: &Value) -> String {
        json!({
            "id": URL_SAFE_NO_PAD.encode(&self.id),
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "signature": signature,
        })
        .to_string()
    }
}
