//! How clients are spoken to over TLS: which certificate they see, and whether they are asked for
//! one of their own.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use rustls::{
    DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};

use super::{Authorities, Certificates};

/// The settings of the next handshake.
pub struct Handshakes {
    certificates: Arc<Certificates>,
    provider: Arc<CryptoProvider>,
    current: ArcSwap<ServerConfig>,
    /// Whose certificates clients are asked for; nothing if they are not.
    asked: Mutex<Option<Vec<CertificateDer<'static>>>>,
}

impl Handshakes {
    pub fn new(certificates: Arc<Certificates>) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = config(&certificates, &provider, None);
        Self {
            certificates,
            provider,
            current: ArcSwap::from_pointee(config),
            asked: Mutex::default(),
        }
    }

    pub fn current(&self) -> Arc<ServerConfig> {
        self.current.load_full()
    }

    /// Asks clients for certificates of these authorities from now on, or for none.
    pub fn ask_for(&self, authorities: Option<Vec<CertificateDer<'static>>>) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if *asked == authorities {
            return;
        }
        let config = config(&self.certificates, &self.provider, authorities.as_deref());
        self.current.store(config.into());
        *asked = authorities;
    }
}

fn config(
    certificates: &Arc<Certificates>,
    provider: &Arc<CryptoProvider>,
    asked: Option<&[CertificateDer<'static>]>,
) -> ServerConfig {
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("ring can do all versions");
    let builder = match asked {
        Some(authorities) => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(authorities.iter().cloned());
            builder.with_client_cert_verifier(Arc::new(AnyCertificate {
                hints: roots.subjects(),
                provider: provider.clone(),
            }))
        }
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(certificates.clone());
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

impl Authorities {
    /// The certificates of these authorities.
    pub fn of(&self, ids: impl IntoIterator<Item = uuid::Uuid>) -> Vec<CertificateDer<'static>> {
        let ids = ids.into_iter();
        ids.filter_map(|id| self.get(id).cloned()).collect()
    }
}

/// Takes every certificate whose key the client has. Whether it is good for a call is decided by the
/// plugin of the route, since only there is known whose certificates count.
#[derive(Debug)]
struct AnyCertificate {
    hints: Vec<DistinguishedName>,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for AnyCertificate {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    /// Other routes need none.
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
