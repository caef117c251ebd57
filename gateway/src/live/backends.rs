//! Backends, compiled: where they are, and how they are reached.

use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Duration};

use http::{HeaderValue, Uri};
use kong::Kind;
use rustls::{ClientConfig, RootCertStore};
use uuid::Uuid;

use super::{upstream::Upstream, verify_depth::VerifyDepth};
use crate::store::{self, Row, Tables};

/// What two services must have in common to share connections, as a number: workers keep their
/// connections by it. Even; the odd ones are each worker's own, for names that clients choose.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Origin(pub usize);

/// What an origin is known by.
#[derive(Clone, PartialEq, Eq, Hash)]
struct OriginKey {
    host: Arc<str>,
    port: u16,
    tls: bool,
    grpc: bool,
    verify: bool,
    server_name: Arc<str>,
    depth: Option<u8>,
    /// Rows of certificates of the service's own, by id and time of the last change.
    own: Arc<[(Uuid, i64)]>,
}

/// All origins there ever were in this process: a number never changes its meaning.
#[derive(Clone, Default)]
pub struct Origins(HashMap<OriginKey, Origin>);

/// A backend.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says one thing of how it is reached"
)]
pub struct Service {
    pub id: Uuid,
    pub row: Row,
    /// Name, else id.
    pub label: Arc<str>,
    pub tls: bool,
    /// Speaks HTTP/2, whatever else could be agreed on.
    pub grpc: bool,
    pub tls_verify: bool,
    /// Where it has certificates of its own.
    pub tls_config: Option<Arc<ClientConfig>>,
    /// Chooses among the end points.
    pub upstream: Option<Arc<Upstream>>,
    /// One, or as many as the upstream has targets.
    pub endpoints: Vec<Endpoint>,
    pub base_path: String,
    pub retries: u16,
    pub connect_timeout: Duration,
    pub write_timeout: Duration,
    pub read_timeout: Duration,
    /// Whether the sessions of portal and auth server may reach it (gateway 5.4).
    pub may_see_sessions: bool,
    host: String,
    own: Arc<[(Uuid, i64)]>,
}

/// An address of a backend.
pub struct Endpoint {
    pub origin: Origin,
    pub host: Arc<str>,
    /// Of a host that is an address.
    pub address: Option<IpAddr>,
    pub port: u16,
    /// `Host` for the backend.
    pub authority: HeaderValue,
    /// The name that its certificate is for.
    pub server_name: Arc<str>,
}

/// Compiles services.
pub struct Compiler<'a> {
    tables: &'a Tables,
    upstreams: &'a HashMap<String, (Vec<Row>, Arc<Upstream>)>,
    origins: Origins,
}

impl<'a> Compiler<'a> {
    pub const fn new(
        tables: &'a Tables,
        upstreams: &'a HashMap<String, (Vec<Row>, Arc<Upstream>)>,
        origins: Origins,
    ) -> Self {
        Self {
            tables,
            upstreams,
            origins,
        }
    }

    pub fn into_origins(self) -> Origins {
        self.origins
    }

    /// Whether what the service refers to has not changed.
    pub fn is_current(&self, service: &Service) -> bool {
        let upstream = self.upstream(&service.host);
        let is_same = match (upstream, &service.upstream) {
            (Some(now), Some(before)) => Arc::ptr_eq(now, before),
            (None, None) => true,
            _ => false,
        };
        is_same && *self.own(&service.row, upstream) == *service.own
    }

    fn upstream(&self, host: &str) -> Option<&'a Arc<Upstream>> {
        let known = self.upstreams.get(&host.to_ascii_lowercase());
        known.map(|(_, upstream)| upstream)
    }

    /// Nothing for a service that is switched off.
    pub fn service(&mut self, row: &Row) -> Option<Service> {
        let service: kong::Service = row.parse().ok()?;
        if !service.enabled {
            return None;
        }
        let tls = matches!(service.protocol.as_str(), "https" | "grpcs");
        let grpc = matches!(service.protocol.as_str(), "grpc" | "grpcs");
        let tls_verify = service.tls_verify.unwrap_or(true);
        let upstream = self.upstream(&service.host).cloned();
        let own = self.own(row, upstream.as_ref());
        let depth = service.tls_verify_depth.filter(|_| tls && tls_verify);
        let mut endpoint = |host: &str, port: u16| {
            let header = upstream
                .as_ref()
                .and_then(|upstream| upstream.host_header.as_ref());
            let authority = match header {
                Some(header) => header.clone(),
                None => authority(host, port, tls)?,
            };
            let name = name_of(authority.to_str().ok()?);
            let server_name: Arc<str> = name.into();
            let host: Arc<str> = unbracketed(host).into();
            let key = OriginKey {
                host: host.clone(),
                port,
                tls,
                grpc,
                verify: tls_verify,
                server_name: server_name.clone(),
                depth,
                own: own.clone(),
            };
            let next = Origin(2 * self.origins.0.len());
            Some(Endpoint {
                origin: *self.origins.0.entry(key).or_insert(next),
                address: host.parse().ok(),
                host,
                port,
                authority,
                server_name,
            })
        };
        let endpoints: Vec<Endpoint> = match &upstream {
            Some(upstream) => {
                let peers = upstream.peers.iter();
                peers
                    .map(|peer| endpoint(&peer.host, peer.port))
                    .collect::<Option<_>>()?
            }
            None => vec![endpoint(&service.host, service.port)?],
        };
        let tls_config = if own.is_empty() && depth.is_none() {
            None
        } else {
            match self.tls_config(row, upstream.as_ref(), tls_verify, depth) {
                Ok(mut config) => {
                    if grpc {
                        config.alpn_protocols = vec![b"h2".to_vec()];
                    }
                    Some(Arc::new(config))
                }
                Err(reason) => {
                    tracing::error!("service {} cannot be reached: {reason}", row.id);
                    return None;
                }
            }
        };
        let tags = service.tags.as_deref().unwrap_or_default();
        let timeout = |milliseconds: u32| Duration::from_millis(u64::from(milliseconds));
        Some(Service {
            id: service.id,
            row: row.clone(),
            label: service
                .name
                .clone()
                .unwrap_or_else(|| service.id.to_string())
                .into(),
            tls,
            grpc,
            tls_verify,
            tls_config,
            upstream,
            endpoints,
            base_path: service.path.clone().unwrap_or_else(|| "/".to_owned()),
            retries: service.retries,
            connect_timeout: timeout(service.connect_timeout),
            write_timeout: timeout(service.write_timeout),
            read_timeout: timeout(service.read_timeout),
            may_see_sessions: tags.iter().any(|tag| tag == kong::SESSIONS_TAG),
            host: service.host,
            own,
        })
    }

    /// The certificates of the service's own, and when they were last changed.
    fn own(&self, row: &Row, upstream: Option<&Arc<Upstream>>) -> Arc<[(Uuid, i64)]> {
        if !matches!(row.text("protocol").as_deref(), Some("https" | "grpcs")) {
            return Arc::default();
        }
        let changed = |kind, id| {
            let row = self.tables.get(kind, id)?;
            Some((id, row.value("updated_at").as_i64()?))
        };
        let client = client_certificate(row, upstream);
        let client = client.and_then(|id| changed(Kind::Certificate, id));
        let authorities = authorities(row)
            .into_iter()
            .filter_map(|id| changed(Kind::CaCertificate, id));
        client.into_iter().chain(authorities).collect()
    }

    fn tls_config(
        &self,
        row: &Row,
        upstream: Option<&Arc<Upstream>>,
        verifies: bool,
        depth: Option<u8>,
    ) -> Result<ClientConfig, String> {
        let text = |kind, id, field| {
            let row: &Row = self.tables.get(kind, id)?;
            row.text(field)
        };
        let mut roots = RootCertStore::empty();
        for id in authorities(row) {
            let pem = text(Kind::CaCertificate, id, "cert").unwrap_or_default();
            for certificate in store::certificates(&pem)? {
                roots.add(certificate).map_err(|error| error.to_string())?;
            }
        }
        if roots.is_empty() {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        let builder = match depth {
            _ if !verifies => crate::proxy::unverified(),
            None => ClientConfig::builder().with_root_certificates(roots),
            Some(most) => ClientConfig::builder()
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(VerifyDepth::new(roots, most)?)),
        };
        let Some(id) = client_certificate(row, upstream) else {
            return Ok(builder.with_no_client_auth());
        };
        let part = |field| text(Kind::Certificate, id, field).unwrap_or_default();
        let key = store::certified_key(&part("cert"), &part("key"))?;
        Ok(builder.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(key))))
    }
}

fn client_certificate(row: &Row, upstream: Option<&Arc<Upstream>>) -> Option<Uuid> {
    row.reference("client_certificate")
        .or_else(|| upstream.and_then(|upstream| upstream.client_certificate))
}

fn authorities(row: &Row) -> Vec<Uuid> {
    serde_json::from_value(row.value("ca_certificates")).unwrap_or_default()
}

fn unbracketed(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// The host without its port, as certificates name it.
fn name_of(authority: &str) -> String {
    let name = match authority.rsplit_once(':') {
        Some((name, _)) if !name.contains(':') || name.ends_with(']') => name,
        _ => authority,
    };
    unbracketed(name).to_owned()
}

/// The schema allows only what makes a valid authority.
fn authority(host: &str, port: u16, tls: bool) -> Option<HeaderValue> {
    let default_port = if tls { 443 } else { 80 };
    let bare = unbracketed(host);
    let host = match bare.parse() {
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => bare.to_owned(),
    };
    let authority = if port == default_port {
        host
    } else {
        format!("{host}:{port}")
    };
    authority.parse::<Uri>().ok()?;
    HeaderValue::from_str(&authority).ok()
}
