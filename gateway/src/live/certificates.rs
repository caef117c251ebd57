//! Certificates for handshakes with clients: found by the name that a client asks for.

mod self_signed;

use std::{collections::HashMap, fmt, sync::Arc};

use arc_swap::ArcSwap;
use kong::Kind;
use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use crate::store::{self, Row, Tables};

/// Swapped as a whole; a handshake in progress keeps what it has.
pub struct Certificates {
    known: ArcSwap<Known>,
    /// Those that come by themselves.
    managed: ArcSwap<HashMap<String, Arc<CertifiedKey>>>,
    /// For names that nobody has configured.
    built_in: Option<Arc<CertifiedKey>>,
}

#[derive(Default)]
struct Known {
    exact: HashMap<String, Chain>,
    /// `.x` of `*.x`.
    suffixes: HashMap<String, Chain>,
    /// `x.` of `x.*`.
    prefixes: HashMap<String, Chain>,
    any: Option<Chain>,
}

/// A certificate, and perhaps one with a key of another type.
#[derive(Clone)]
struct Chain {
    first: Arc<CertifiedKey>,
    other: Option<Arc<CertifiedKey>>,
}

impl Default for Certificates {
    fn default() -> Self {
        Self {
            known: ArcSwap::default(),
            managed: ArcSwap::default(),
            built_in: self_signed::new().map(Arc::new),
        }
    }
}

/// Keys never stand in a log.
impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificates")
    }
}

impl Certificates {
    pub fn load(&self, tables: &Tables) {
        let mut known = Known::default();
        for certificate in tables.all(Kind::Certificate, None) {
            let Some(chain) = Chain::new(certificate) else {
                tracing::error!(certificate.id = %certificate.id, "a certificate cannot be used");
                continue;
            };
            let snis = tables.children((Kind::Certificate, certificate.id), Kind::Sni);
            for name in snis.filter_map(|sni| sni.text("name")) {
                known.add(&name.to_ascii_lowercase(), &chain);
            }
        }
        self.known.store(Arc::new(known));
    }

    /// Takes these in the place of all that came by themselves so far.
    pub fn manage(&self, keys: HashMap<String, Arc<CertifiedKey>>) {
        self.managed.store(Arc::new(keys));
    }
}

impl Known {
    fn add(&mut self, name: &str, chain: &Chain) {
        if name == "*" {
            self.any = Some(chain.clone());
        } else if let Some(suffix) = name.strip_prefix('*') {
            self.suffixes.insert(suffix.to_owned(), chain.clone());
        } else if let Some(prefix) = name.strip_suffix('*') {
            self.prefixes.insert(prefix.to_owned(), chain.clone());
        } else {
            self.exact.insert(name.to_owned(), chain.clone());
        }
    }

    /// Exact name, `*.x`, `x.*`, `*`.
    fn find(&self, name: &str) -> Option<&Chain> {
        let after_dots = name.match_indices('.');
        let mut suffixes = after_dots.clone().map(|(dot, _)| &name[dot..]);
        let mut prefixes = after_dots.map(|(dot, _)| &name[..=dot]);
        self.exact
            .get(name)
            .or_else(|| suffixes.find_map(|suffix| self.suffixes.get(suffix)))
            .or_else(|| prefixes.find_map(|prefix| self.prefixes.get(prefix)))
            .or(self.any.as_ref())
    }
}

impl Chain {
    fn new(row: &Row) -> Option<Self> {
        let first = store::certified_key(&row.text("cert")?, &row.text("key")?).ok()?;
        let other = row.text("cert_alt").zip(row.text("key_alt"));
        let other = other.and_then(|(cert, key)| store::certified_key(&cert, &key).ok());
        Some(Self {
            first: first.into(),
            other: other.map(Arc::new),
        })
    }

    /// The one whose key the client can check.
    fn fitting(&self, hello: &ClientHello<'_>) -> Arc<CertifiedKey> {
        let fits = |key: &CertifiedKey| key.key.choose_scheme(hello.signature_schemes()).is_some();
        match &self.other {
            Some(other) if !fits(&self.first) && fits(other) => other.clone(),
            _ => self.first.clone(),
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().unwrap_or_default();
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let known = self.known.load();
        // What somebody has configured for this very name is what is wanted.
        if !known.exact.contains_key(&name)
            && let Some(key) = self.managed.load().get(&name)
        {
            return Some(key.clone());
        }
        match known.find(&name) {
            Some(chain) => Some(chain.fitting(&hello)),
            None => self.built_in.clone(),
        }
    }
}
