//! A certificate with its key, and when it is to be replaced.

use std::sync::Arc;

use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::store::certified_key;

pub struct Held {
    pub key: Arc<CertifiedKey>,
    /// Seconds since 1970, like all times here.
    pub due: i64,
    pub expires: i64,
    lifetime: i64,
}

impl Held {
    /// Of key and chain in one text.
    pub fn read(pem: &str) -> Result<Self, String> {
        let key = certified_key(pem, pem)?;
        let leaf = key.cert.first().map(|der| X509Certificate::from_der(der));
        let Some(Ok((_, leaf))) = leaf else {
            return Err("not a valid certificate".to_owned());
        };
        let validity = leaf.validity();
        let (begins, expires) = (
            validity.not_before.timestamp(),
            validity.not_after.timestamp(),
        );
        let lifetime = (expires - begins).max(0);
        Ok(Self {
            due: expires - lifetime / 3 - early(lifetime),
            expires,
            lifetime,
            key: key.into(),
        })
    }

    /// Half of the time for renewals has gone by.
    pub const fn is_urgent(&self, now: i64) -> bool {
        now > self.expires - self.lifetime / 6
    }

    pub fn expires_at(&self) -> String {
        chrono::DateTime::from_timestamp(self.expires, 0)
            .map_or_else(String::new, |time| time.to_rfc3339())
    }
}

/// Gateways that started together do not renew together.
fn early(lifetime: i64) -> i64 {
    fastrand::i64(0..=lifetime / 30)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    #[test]
    fn the_last_third_is_for_the_renewal() {
        let key = KeyPair::generate().unwrap();
        let mut about = CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
        about.not_before = date_time_ymd(2026, 1, 1);
        about.not_after = date_time_ymd(2026, 4, 1);
        let certificate = about.self_signed(&key).unwrap();
        let pem = key.serialize_pem() + &certificate.pem();
        let held = Held::read(&pem).unwrap();
        let day = 24 * 3600;
        let begins = held.expires - 90 * day;
        assert!((57 * day..=60 * day).contains(&(held.due - begins)));
        assert!(!held.is_urgent(begins + 74 * day));
        assert!(held.is_urgent(begins + 76 * day));
        assert!(Held::read(&certificate.pem()).is_err(), "without a key");
        assert!(Held::read(&key.serialize_pem()).is_err(), "a key alone");
    }
}
