//! Where certificates come from by themselves.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, ensure};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use service::settings;
use url::Url;

use super::list;
use crate::acme::Host;

/// An authority that speaks ACME, and for which names it is asked (`GATEWAY_ACME_*`).
#[derive(Clone)]
pub struct Acme {
    pub directory: Url,
    /// Address for mails of the authority.
    pub contact: Option<String>,
    pub hosts: Vec<Host>,
    /// Whom to believe about the authority's own server, beside those of the system.
    pub authorities: Vec<reqwest::Certificate>,
    /// Id and key of an account that the authority knows otherwise (external account binding).
    pub binding: Option<(String, Vec<u8>)>,
    /// Between the first failure of a name and its next try.
    pub first_wait: Duration,
}

impl Acme {
    /// Its terms are taken to be accepted.
    pub fn new(directory: &str, hosts: &str) -> anyhow::Result<Self> {
        let url = Url::parse(directory).ok();
        let url = url.filter(|url| url.scheme() == "https");
        let hosts = list(hosts).map(Host::parse);
        let hosts: Vec<Host> = hosts
            .collect::<Result<_, _>>()
            .context("GATEWAY_ACME_HOSTS")?;
        ensure!(
            !hosts.is_empty(),
            "GATEWAY_ACME_HOSTS: has to name what gets a certificate, such as \
             `api.example.org, *.apis.example.org`"
        );
        Ok(Self {
            directory: url.with_context(|| {
                format!("GATEWAY_ACME_DIRECTORY: `{directory}` is no URL that begins with https://")
            })?,
            contact: None,
            hosts,
            authorities: Vec::new(),
            binding: None,
            first_wait: Duration::from_mins(2),
        })
    }

    pub fn from_env() -> anyhow::Result<Option<Self>> {
        let Some(directory) = settings::var("GATEWAY_ACME_DIRECTORY") else {
            return Ok(None);
        };
        let hosts = settings::var("GATEWAY_ACME_HOSTS").unwrap_or_default();
        let mut acme = Self::new(&directory, &hosts)?;
        ensure!(
            settings::parsed("GATEWAY_ACME_ACCEPT_TERMS")? == Some(true),
            "GATEWAY_ACME_ACCEPT_TERMS: has to be `true`, since the authority at {directory} gives \
             certificates only to those who accept its terms"
        );
        acme.contact = settings::var("GATEWAY_ACME_CONTACT");
        if let Some(contact) = &acme.contact {
            ensure!(
                contact.contains('@') && !contact.contains([':', ',', ' ']),
                "GATEWAY_ACME_CONTACT: `{contact}` is no mail address"
            );
        }
        if let Some(file) = settings::var("GATEWAY_ACME_CA_FILE").map(PathBuf::from) {
            let authorities = service::http::authorities(&file);
            acme.authorities = authorities.context("GATEWAY_ACME_CA_FILE")?;
        }
        let id = settings::var("GATEWAY_ACME_EAB_KID");
        let key = settings::secret("GATEWAY_ACME_EAB_KEY")?;
        ensure!(
            id.is_some() == key.is_some(),
            "GATEWAY_ACME_EAB_KID and GATEWAY_ACME_EAB_KEY: one is of no use without the other"
        );
        if let Some((id, key)) = id.zip(key) {
            let key = URL_SAFE_NO_PAD.decode(key.trim_end_matches('=')).ok();
            let key = key.context("GATEWAY_ACME_EAB_KEY: is not base64url")?;
            acme.binding = Some((id, key));
        }
        Ok(Some(acme))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_named() {
        let name = |directory: &str, hosts: &str| match Acme::new(directory, hosts) {
            Ok(_) => String::new(),
            Err(error) => format!("{error:#}"),
        };
        assert_eq!(name("https://ca.example/dir", "a.example, *.b.example"), "");
        for (directory, hosts, part) in [
            ("http://ca.example", "a.example", "GATEWAY_ACME_DIRECTORY"),
            ("ca", "a.example", "GATEWAY_ACME_DIRECTORY"),
            ("https://ca.example", "", "GATEWAY_ACME_HOSTS"),
            (
                "https://ca.example",
                "a.example, *",
                "GATEWAY_ACME_HOSTS: `*`",
            ),
        ] {
            let said = name(directory, hosts);
            assert!(said.starts_with(part), "{said}");
        }
    }
}
