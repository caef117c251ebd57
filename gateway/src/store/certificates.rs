//! What only cryptography can tell about certificates: whether a key fits, whether an authority is
//! one.

use crate::{plugins::mtls_auth::revocation_lists, vault};
use kong::{Kind, schema::Faults};
use rustls::{
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use serde_json::{Map, Value, json};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Checks the entity and fills in what is computed from it. `now` in seconds.
pub fn complete(kind: Kind, fields: &mut Map<String, Value>, now: i64) -> Result<(), Faults> {
    let mut faults = Faults::default();
    match kind {
        Kind::Certificate => {
            for (cert, key) in [("cert", "key"), ("cert_alt", "key_alt")] {
                let text = |field: &str| fields.get(field).and_then(Value::as_str);
                if let (Some(chain), Some(secret)) = (text(cert), text(key))
                    && let Err(reason) = certified_key(chain, secret)
                {
                    faults.field(key, reason);
                }
            }
        }
        Kind::CaCertificate => {
            let pem = fields.get("cert").and_then(Value::as_str);
            match authority(pem.unwrap_or_default(), now) {
                Ok(digest) => {
                    fields.insert("cert_digest".to_owned(), json!(digest));
                }
                Err(reason) => faults.field("cert", reason),
            }
        }
        Kind::Plugin => {
            let config = fields.get("config").and_then(Value::as_object);
            if let Some(mut config) = config.cloned()
                && let Err(missing) = vault::resolve_all(&mut config)
            {
                faults.below("config", missing);
            }
            let lists = config.and_then(|config| config.get("crls"));
            let lists = lists.and_then(Value::as_array).into_iter().flatten();
            for (position, list) in lists.enumerate() {
                let text = list.as_str().unwrap_or_default();
                if let Err(reason) = revocation_lists([text].into_iter()) {
                    faults.field(&format!("config.crls.{}", position + 1), reason);
                }
            }
        }
        _ => {}
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

/// The chain with its key, ready for handshakes.
pub fn certified_key(chain: &str, key: &str) -> Result<CertifiedKey, String> {
    let chain = certificates(&vault::resolve(chain)?)?;
    let key = PrivateKeyDer::from_pem_slice(vault::resolve(key)?.as_bytes())
        .map_err(|_| "not a valid private key".to_owned())?;
    let provider = rustls::crypto::ring::default_provider();
    CertifiedKey::from_der(chain, key, &provider)
        .map_err(|_| "the key does not fit the certificate, or is of an unknown type".to_owned())
}

pub fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => Err("not a valid certificate".to_owned()),
    }
}

/// The digest of the one authority in the text.
fn authority(pem: &str, now: i64) -> Result<String, String> {
    let chain = certificates(pem)?;
    let [der] = chain.as_slice() else {
        return Err("expected exactly one certificate".to_owned());
    };
    let (_, certificate) =
        X509Certificate::from_der(der).map_err(|_| "not a valid certificate".to_owned())?;
    if !certificate.is_ca() {
        return Err("the certificate is not one of an authority".to_owned());
    }
    if certificate.validity().not_after.timestamp() <= now {
        return Err("the certificate has expired".to_owned());
    }
    let digest = ring::digest::digest(&ring::digest::SHA256, der);
    Ok(hex::encode(digest))
}
