use std::collections::HashMap;

use kong::Kind;
use rustls::pki_types::CertificateDer;
use uuid::Uuid;

use crate::store::{self, Tables};

/// Certificates of authorities by the id of their entity.
#[derive(Default)]
pub struct Authorities(HashMap<Uuid, CertificateDer<'static>>);

impl Authorities {
    pub fn new(tables: &Tables) -> Self {
        let rows = tables.all(Kind::CaCertificate, None);
        let known = rows.filter_map(|row| {
            let certificates = store::certificates(&row.text("cert")?).ok()?;
            Some((row.id, certificates.into_iter().next()?))
        });
        Self(known.collect())
    }

    pub fn get(&self, id: Uuid) -> Option<&CertificateDer<'static>> {
        self.0.get(&id)
    }
}
