use std::{
    net::{IpAddr, SocketAddr, TcpListener},
    sync::Arc,
};

use rustls::{ClientConfig, ConfigBuilder, RootCertStore, client::WantsClientCert};

use crate::dns::Resolver;
use crate::plugins::log::is_link_local;
use crate::settings::{RealIp, Settings, Traffic, TrustedPeers};

/// What holds for every request of every worker.
pub struct Rules {
    pub trusted_peers: TrustedPeers,
    pub real_ip: RealIp,
    pub access_log: bool,
    pub traffic: Traffic,
    /// Finds backends by name.
    pub resolver: Arc<Resolver>,
    allow_link_local: bool,
    /// The node's own inner ports, which no service may point to.
    own_ports: Vec<SocketAddr>,
    pub tls_verified: Arc<ClientConfig>,
    pub tls_unverified: Arc<ClientConfig>,
    /// The same for backends that speak HTTP/2.
    h2_verified: Arc<ClientConfig>,
    h2_unverified: Arc<ClientConfig>,
}

impl Rules {
    pub fn new(settings: &Settings) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let verified = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let unverified = unverified().with_no_client_auth();
        let with_h2 = |config: &ClientConfig| {
            let mut config = config.clone();
            config.alpn_protocols = vec![b"h2".to_vec()];
            Arc::new(config)
        };
        Ok(Self {
            h2_verified: with_h2(&verified),
            h2_unverified: with_h2(&unverified),
            trusted_peers: settings.trusted_peers.clone(),
            real_ip: settings.real_ip.clone(),
            access_log: settings.access_log,
            traffic: settings.traffic.clone(),
            resolver: Resolver::here(settings.name_servers.clone()),
            allow_link_local: settings.allow_link_local,
            own_ports: {
                let listeners = &settings.listeners;
                let inner = [&listeners.admin, &listeners.status];
                let inner = inner.into_iter().chain(&listeners.admin_tls);
                inner
                    .map(TcpListener::local_addr)
                    .collect::<Result<_, _>>()?
            },
            tls_verified: Arc::new(verified),
            tls_unverified: Arc::new(unverified),
        })
    }

    /// How a service is spoken to that has no certificates of its own.
    pub fn tls(&self, verifies: bool, grpc: bool) -> &Arc<ClientConfig> {
        match (verifies, grpc) {
            (true, false) => &self.tls_verified,
            (false, false) => &self.tls_unverified,
            (true, true) => &self.h2_verified,
            (false, true) => &self.h2_unverified,
        }
    }

    /// Whether a connection from this address begins with a header of the PROXY protocol.
    pub fn expects_proxy_header(&self, peer: IpAddr) -> bool {
        self.real_ip.proxy_protocol && self.trusted_peers.contains(peer)
    }

    /// Whether a service may be at this address (gateway 10.5). Asked when connecting, after the
    /// name is resolved, so that no name can lead around it.
    pub fn allows(&self, address: SocketAddr) -> bool {
        let is_link_local = is_link_local(address.ip());
        let is_own = self.own_ports.iter().any(|own| {
            own.port() == address.port()
                && (own.ip().is_unspecified()
                    || address.ip().is_unspecified()
                    || own.ip() == address.ip().to_canonical())
        });
        !is_own && (self.allow_link_local || !is_link_local)
    }
}

/// For services with `tls_verify: false`.
pub fn unverified() -> ConfigBuilder<ClientConfig, WantsClientCert> {
    ClientConfig::builder()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate))
}

#[derive(Debug)]
struct AnyCertificate;

impl rustls::client::danger::ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &[rustls::pki_types::CertificateDer<'_>],
        _: &rustls::pki_types::ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &rustls::pki_types::CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signature, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &rustls::pki_types::CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signature, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        rustls::crypto::ring::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
