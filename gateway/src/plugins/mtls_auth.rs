//! A client shows a certificate at the handshake. Whose certificates count is decided per call, by
//! the authorities of the route's plugin.

mod lists;
mod names;

use std::{
    cell::RefCell,
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use futures_util::future::join_all;
use http::{HeaderName, HeaderValue, StatusCode, header::WWW_AUTHENTICATE};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime, pem::PemObject},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{Credential, Verdict, authentication};
use crate::{
    live::{Authorities, Consumer, Directory},
    proxy::{Answer, Exchange},
    worker::Worker,
};
use lists::{Lists, Source};
use names::Names;

const DN: HeaderName = HeaderName::from_static("x-client-cert-dn");
const SAN: HeaderName = HeaderName::from_static("x-client-cert-san");
/// How long it is remembered whether a certificate counts; it may end while its connection lasts.
const REMEMBERED_FOR: Duration = Duration::from_secs(10);
/// Plugins that one connection remembers this of.
const MAX_FINDINGS: usize = 8;

#[derive(Deserialize)]
pub struct Config {
    ca_certificates: Vec<Uuid>,
    consumer_by: Option<Vec<By>>,
    skip_consumer_lookup: bool,
    authenticated_group_by: Option<GroupBy>,
    revocation_check_mode: RevocationCheck,
    crls: Option<Vec<String>>,
    crl_urls: Option<Vec<String>>,
    crl_ttl: u64,
    anonymous: Option<String>,
}

/// The field of a consumer that a name of the certificate is compared with.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum By {
    Username,
    CustomId,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
enum GroupBy {
    #[serde(rename = "CN")]
    CommonName,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum RevocationCheck {
    Skip,
    /// An authority without a list in force does not matter.
    IgnoreCaError,
    /// Each authority of the chain has to have one.
    Strict,
}

pub struct MtlsAuth {
    authorities: Vec<Uuid>,
    by: Vec<By>,
    looks_up: bool,
    has_groups: bool,
    check: RevocationCheck,
    revoked: Vec<CertificateRevocationListDer<'static>>,
    /// Where there are further lists.
    sources: Vec<Arc<Source>>,
    anonymous: Option<String>,
    challenge: HeaderValue,
    built: ArcSwapOption<Built>,
}

/// Verifies certificates, as long as authorities and fetched lists are these.
pub struct Built {
    of: Arc<Authorities>,
    lists: Vec<Option<Arc<Lists>>>,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
}

/// A certificate that a client has shown, with those that it was issued by.
pub struct ClientCertificate {
    chain: Vec<CertificateDer<'static>>,
    findings: RefCell<Vec<Finding>>,
}

/// Whether a certificate counts.
struct Finding {
    by: Arc<Built>,
    at: Instant,
    counts: bool,
}

impl MtlsAuth {
    pub fn new(config: Config) -> Result<Self, String> {
        let both = || vec![By::Username, By::CustomId];
        Ok(Self {
            authorities: config.ca_certificates,
            by: config.consumer_by.unwrap_or_else(both),
            looks_up: !config.skip_consumer_lookup,
            has_groups: config.authenticated_group_by.is_some(),
            check: config.revocation_check_mode,
            revoked: revocation_lists(config.crls.iter().flatten().map(String::as_str))?,
            sources: {
                let is_checked = config.revocation_check_mode != RevocationCheck::Skip;
                let urls = config.crl_urls.iter().flatten().filter(|_| is_checked);
                let fresh = Duration::from_secs(config.crl_ttl);
                urls.map(|url| Source::known(url, fresh)).collect()
            },
            anonymous: config.anonymous,
            challenge: authentication::challenge("Certificate", None)?,
            built: ArcSwapOption::empty(),
        })
    }

    /// Whose certificates clients are asked for.
    pub fn authorities(&self) -> impl Iterator<Item = Uuid> {
        self.authorities.iter().copied()
    }

    /// Whether there are lists to fetch.
    pub const fn fetches(&self) -> bool {
        !self.sources.is_empty()
    }

    /// With the lists that there are elsewhere. Without them the mode decides.
    pub async fn access_with_lists(&self, exchange: &mut Exchange<'_>, worker: &Worker) -> Verdict {
        let runtime = &worker.shared.runtime;
        join_all(self.sources.iter().map(|source| source.prepare(runtime))).await;
        self.access(exchange, worker)
    }

    pub fn access(&self, exchange: &mut Exchange<'_>, worker: &Worker) -> Verdict {
        let anonymous = self.anonymous.as_deref();
        if authentication::is_satisfied(exchange, anonymous) {
            return Verdict::Continue;
        }
        match self.identify(exchange, worker) {
            Ok(()) => Verdict::Continue,
            Err(message) => {
                let answer = Answer::new(StatusCode::UNAUTHORIZED, message)
                    .header(WWW_AUTHENTICATE, self.challenge.clone());
                authentication::refuse(exchange, worker, anonymous, answer)
            }
        }
    }

    fn identify(&self, exchange: &mut Exchange<'_>, worker: &Worker) -> Result<(), &'static str> {
        const UNTRUSTED: &str = "TLS certificate failed verification";
        let connection = exchange.connection;
        let shown = connection.tls.as_ref().and_then(|tls| tls.client.as_ref());
        let shown = shown.ok_or("No required TLS certificate was sent")?;
        let [certificate, ..] = &shown.chain[..] else {
            return Err(UNTRUSTED);
        };
        if !shown.counts(self.built(worker)) {
            return Err(UNTRUSTED);
        }
        let names = Names::of(certificate).ok_or(UNTRUSTED)?;
        if self.looks_up {
            let consumer = self.consumer(&names, &worker.live().directory);
            let consumer = consumer.ok_or("No consumer has the name of the certificate")?;
            let credential = Credential {
                id: consumer.id(),
                identifier: names.identifier(),
            };
            authentication::accept(exchange, consumer, credential);
        } else {
            authentication::accept_stranger(exchange, certificate, names.identifier());
            if self.has_groups {
                exchange.groups = names.common.iter().cloned().collect();
            }
        }
        for (name, value) in [(DN, &names.subject), (SAN, &names.alternative())] {
            if let Ok(value) = HeaderValue::from_str(value)
                && !value.is_empty()
            {
                exchange.tell(name, value);
            }
        }
        Ok(())
    }

    fn consumer(&self, names: &Names, directory: &Directory) -> Option<Arc<Consumer>> {
        let mut names = names.all();
        names.find_map(|name| {
            self.by.iter().find_map(|by| match by {
                By::Username => directory.consumer_by_username(name),
                By::CustomId => directory.consumer_of(name),
            })
        })
    }

    /// Made anew when an authority has changed.
    fn built(&self, worker: &Worker) -> Arc<Built> {
        let of = worker.live().authorities.load_full();
        let lists: Vec<_> = self.sources.iter().map(|source| source.lists()).collect();
        if let Some(built) = self.built.load_full()
            && Arc::ptr_eq(&built.of, &of)
            && are_same(&built.lists, &lists)
        {
            return built;
        }
        let verifier = self.verifier(&of, &lists);
        let verifier = verifier
            .inspect_err(|reason| tracing::error!("no client certificate can count: {reason}"))
            .ok();
        let built = Arc::new(Built {
            of,
            lists,
            verifier,
        });
        self.built.store(Some(built.clone()));
        built
    }

    fn verifier(
        &self,
        known: &Authorities,
        lists: &[Option<Arc<Lists>>],
    ) -> Result<Arc<dyn ClientCertVerifier>, String> {
        let mut roots = RootCertStore::empty();
        for certificate in known.of(self.authorities()) {
            roots.add(certificate).map_err(|error| error.to_string())?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        if self.check != RevocationCheck::Skip {
            let fetched = lists.iter().flatten().flat_map(|lists| &lists.lists);
            let all: Vec<_> = self.revoked.iter().chain(fetched).cloned().collect();
            // Without any list the library would ask for none.
            if all.is_empty() && self.check == RevocationCheck::Strict {
                return Err("there is no revocation list yet".to_owned());
            }
            builder = builder.with_crls(all);
        }
        builder = match self.check {
            RevocationCheck::Strict => builder.enforce_revocation_expiration(),
            _ => builder.allow_unknown_revocation_status(),
        };
        builder.build().map_err(|error| error.to_string())
    }
}

/// The lists in the texts, one or more in each.
pub fn revocation_lists<'a>(
    texts: impl Iterator<Item = &'a str>,
) -> Result<Vec<CertificateRevocationListDer<'static>>, String> {
    let mut lists = Vec::new();
    for text in texts {
        let before = lists.len();
        for list in CertificateRevocationListDer::pem_slice_iter(text.as_bytes()) {
            let list = list.map_err(|_| "not a valid PEM block `X509 CRL`")?;
            if !is_list(&list) {
                return Err("not a valid revocation list".to_owned());
            }
            lists.push(list);
        }
        if lists.len() == before {
            return Err("expected a PEM block `X509 CRL`".to_owned());
        }
    }
    Ok(lists)
}

fn is_list(der: &[u8]) -> bool {
    let parsed = x509_parser::parse_x509_crl(der).map(|(rest, _)| rest.is_empty());
    matches!(parsed, Ok(true))
}

fn are_same(one: &[Option<Arc<Lists>>], other: &[Option<Arc<Lists>>]) -> bool {
    let pointer = |lists: &Option<Arc<Lists>>| lists.as_ref().map(Arc::as_ptr);
    one.iter().map(pointer).eq(other.iter().map(pointer))
}

impl ClientCertificate {
    /// Nothing if the client has shown none.
    pub fn new(chain: Option<&[CertificateDer<'_>]>) -> Option<Self> {
        let chain = chain?.iter().map(|one| one.clone().into_owned());
        Some(Self {
            chain: chain.collect(),
            findings: RefCell::default(),
        })
    }

    /// What was found out about it last, as log records have it.
    pub fn verdict(&self) -> &'static str {
        match self.findings.borrow().last() {
            Some(finding) if finding.counts => "SUCCESS",
            Some(_) => "FAILED",
            // No plugin has wanted to know.
            None => "NONE",
        }
    }

    /// Whether it is one of these authorities, in force, and not revoked.
    fn counts(&self, by: Arc<Built>) -> bool {
        let mut findings = self.findings.borrow_mut();
        findings.retain(|finding| finding.at.elapsed() < REMEMBERED_FOR);
        if let Some(known) = findings.iter().find(|known| Arc::ptr_eq(&known.by, &by)) {
            return known.counts;
        }
        let now = u64::try_from(service::clock::now().timestamp()).unwrap_or_default();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
        let verified = match (&self.chain[..], &by.verifier) {
            ([certificate, others @ ..], Some(verifier)) => {
                verifier.verify_client_cert(certificate, others, now)
            }
            _ => Err(rustls::Error::NoCertificatesPresented),
        };
        if let Err(reason) = &verified {
            tracing::debug!("a client certificate does not count: {reason}");
        }
        let counts = verified.is_ok();
        if findings.len() >= MAX_FINDINGS {
            findings.remove(0);
        }
        findings.push(Finding {
            by,
            at: Instant::now(),
            counts,
        });
        counts
    }
}
