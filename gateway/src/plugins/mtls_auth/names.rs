use http::HeaderValue;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// Names that are looked at.
const MAX_NAMES: usize = 100;

/// Whom a certificate names.
#[derive(Debug, PartialEq, Eq)]
pub struct Names {
    /// All of the subject.
    pub subject: String,
    pub common: Option<String>,
    /// Host names, mail addresses and URIs.
    alternatives: Vec<String>,
}

impl Names {
    pub fn of(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let subject = certificate.subject();
        let mut common = subject.iter_common_name();
        let alternatives = certificate.subject_alternative_name().ok()?;
        let alternatives = alternatives.iter().flat_map(|names| {
            names
                .value
                .general_names
                .iter()
                .filter_map(|name| match name {
                    GeneralName::DNSName(name)
                    | GeneralName::RFC822Name(name)
                    | GeneralName::URI(name) => Some(*name),
                    _ => None,
                })
        });
        Some(Self {
            common: common
                .next()
                .and_then(|name| name.as_str().ok())
                .filter(|name| !name.is_empty())
                .map(str::to_owned),
            alternatives: alternatives.take(MAX_NAMES).map(str::to_owned).collect(),
            subject: subject.to_string(),
        })
    }

    /// In the order in which they are looked for.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.alternatives
            .iter()
            .chain(&self.common)
            .map(String::as_str)
    }

    pub fn alternative(&self) -> String {
        self.alternatives.join(", ")
    }

    /// The common name, else the subject.
    pub fn identifier(&self) -> Option<HeaderValue> {
        let name = self.common.as_ref().unwrap_or(&self.subject);
        HeaderValue::from_str(name).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::Names;

    fn certificate(names: &[&str], common: &str) -> Vec<u8> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut about = CertificateParams::new(names).unwrap();
        about.distinguished_name.push(DnType::CommonName, common);
        let made = about.self_signed(&KeyPair::generate().unwrap()).unwrap();
        made.der().to_vec()
    }

    #[test]
    fn other_names_come_before_the_common_one() {
        let names = Names::of(&certificate(&["a.example", "b.example"], "ada")).unwrap();
        let all: Vec<&str> = names.all().collect();
        assert_eq!(all, ["a.example", "b.example", "ada"]);
        assert_eq!(names.alternative(), "a.example, b.example");
        assert_eq!(names.identifier().unwrap(), "ada");
    }

    proptest! {
        /// A certificate comes from whoever connects.
        #[test]
        fn any_bytes_are_read_or_refused(at in 0_usize..400, byte: u8) {
            let mut bytes = certificate(&["a.example"], "ada");
            let place = at % bytes.len();
            bytes[place] = byte;
            if let Some(names) = Names::of(&bytes) {
                names.identifier();
                prop_assert!(names.all().count() <= super::MAX_NAMES + 1);
            }
        }
    }
}
