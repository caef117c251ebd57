//! A certificate for names that have none, so that a client gets an answer and can say what is
//! wrong with it. Made anew at each start; nobody can trust it.

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::{
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    sign::CertifiedKey,
};

pub fn new() -> Option<CertifiedKey> {
    let key = KeyPair::generate().ok()?;
    let mut about = CertificateParams::default();
    about.distinguished_name = DistinguishedName::new();
    let name = (DnType::CommonName, "gateway without certificate");
    about.distinguished_name.push(name.0, name.1);
    let certificate = about.self_signed(&key).ok()?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = rustls::crypto::ring::default_provider();
    CertifiedKey::from_der(vec![certificate.into()], key, &provider).ok()
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
