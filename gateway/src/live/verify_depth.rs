use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use x509_parser::prelude::{FromDer, X509Certificate};

/// As usual, and a chain must not have more authorities between certificate and root than so many
/// (`tls_verify_depth`).
#[derive(Debug)]
pub struct VerifyDepth {
    usual: Arc<WebPkiServerVerifier>,
    most: usize,
}

impl VerifyDepth {
    pub fn new(roots: RootCertStore, most: u8) -> Result<Self, String> {
        let usual = WebPkiServerVerifier::builder(Arc::new(roots)).build();
        Ok(Self {
            usual: usual.map_err(|error| error.to_string())?,
            most: most.into(),
        })
    }
}

/// Servers may send the root, too.
fn is_root(certificate: &CertificateDer<'_>) -> bool {
    X509Certificate::from_der(certificate)
        .is_ok_and(|(_, certificate)| certificate.subject() == certificate.issuer())
}

impl ServerCertVerifier for VerifyDepth {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self
            .usual
            .verify_server_cert(certificate, between, name, ocsp, now)?;
        let depth = between
            .iter()
            .filter(|certificate| !is_root(certificate))
            .count();
        if depth > self.most {
            let reason = CertificateError::ApplicationVerificationFailure;
            return Err(Error::InvalidCertificate(reason));
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}
