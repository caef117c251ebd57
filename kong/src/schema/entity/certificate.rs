//! Certificates for TLS. Whether a key fits its certificate is checked by whoever can compute it.

use serde_json::{Map, Value};

use super::{Faults, Field, Record, Type, text, with_common};
use crate::Kind;

pub fn certificate() -> Record {
    Record::new(with_common(
        Kind::Certificate,
        vec![
            Field::new("cert", Type::checked(certificate_pem).referenceable()).required(),
            Field::new("key", Type::checked(key_pem).referenceable())
                .required()
                .secret(),
            Field::new("cert_alt", Type::checked(certificate_pem).referenceable()),
            Field::new("key_alt", Type::checked(key_pem).referenceable()).secret(),
            // Entities of their own; written together with the certificate.
            Field::new("snis", Type::set(Type::checked(sni_name))),
        ],
    ))
    .with_check(check)
}

pub fn sni() -> Record {
    Record::new(with_common(
        Kind::Sni,
        vec![
            Field::new("name", Type::checked(sni_name))
                .required()
                .unique(),
            Field::new("certificate", Type::Reference(Kind::Certificate)).required(),
        ],
    ))
}

pub fn authority() -> Record {
    Record::new(with_common(
        Kind::CaCertificate,
        vec![
            Field::new("cert", Type::checked(certificate_pem)).required(),
            Field::new("cert_digest", Type::checked(text::digest))
                .unique()
                .auto(),
        ],
    ))
}

fn check(certificate: &Map<String, Value>, faults: &mut Faults) {
    let is_set = |field| !certificate.get(field).is_none_or(Value::is_null);
    for (one, other) in [("cert_alt", "key_alt"), ("key_alt", "cert_alt")] {
        if is_set(one) && !is_set(other) && !faults.contains(other) {
            faults.field(other, format!("required together with {one}"));
        }
    }
}

fn certificate_pem(pem: &str) -> Result<(), String> {
    if pem.contains("-----BEGIN CERTIFICATE-----") {
        Ok(())
    } else {
        Err("expected a PEM block `CERTIFICATE`".to_owned())
    }
}

fn key_pem(pem: &str) -> Result<(), String> {
    if pem.contains("PRIVATE KEY-----") {
        Ok(())
    } else {
        Err("expected a PEM block `PRIVATE KEY`".to_owned())
    }
}

/// A host name, `*.x`, `x.*` or `*`.
pub fn sni_name(name: &str) -> Result<(), String> {
    if name == "*" {
        return Ok(());
    }
    if name.contains(':') {
        return Err("a port is not possible here".to_owned());
    }
    text::route_host(name)?;
    if name.parse::<std::net::IpAddr>().is_ok() {
        return Err("expected a host name, not an address".to_owned());
    }
    Ok(())
}
