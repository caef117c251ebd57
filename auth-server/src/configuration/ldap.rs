//! Settings of a directory (static-config 14.3).

use std::{fmt, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use sdk::types::Secret;
use url::Url;

use super::{
    method::PasswordPage,
    read::{Reader, Wrong},
};

/// Where the name is put into a filter.
pub const USERNAME: &str = "%username%";

/// A directory that knows names and passwords.
#[derive(Clone)]
pub struct LdapSettings {
    pub url: Url,
    /// `ldap://` changes to TLS before anything is said.
    pub start_tls: bool,
    pub tls: Arc<ClientConfig>,
    /// Account that may search, with its password; without one the search is anonymous.
    pub account: Option<(String, Secret)>,
    pub base: String,
    pub filter: String,
    /// Claim and attribute.
    pub profile: Vec<(String, String)>,
    pub trust_users: bool,
    /// Attribute with names of groups.
    pub group_field: Option<String>,
    pub default_groups: Vec<(String, String)>,
    pub page: PasswordPage,
}

impl fmt::Debug for LdapSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LdapSettings")
            .field("host", &self.url.host_str())
            .finish_non_exhaustive()
    }
}

impl LdapSettings {
    pub fn read(config: &Reader) -> Result<Self, Wrong> {
        let refused = |text: &str| Wrong::Refused(text.to_owned());
        let url = Url::parse(&config.needed("url")?).ok();
        let is_directory = |url: &Url| matches!(url.scheme(), "ldap" | "ldaps") && url.has_host();
        let url = url
            .filter(is_directory)
            .ok_or_else(|| refused("`url` is no ldap or ldaps URL"))?;
        let filter = config.needed("filter")?;
        if !filter.contains(USERNAME) {
            return Err(refused("`filter` has no `%username%`"));
        }
        let profile = config.texts("profile")?;
        for claim in ["sub", "email"] {
            if profile.iter().all(|(name, _)| name != claim) {
                return Err(Wrong::Refused(format!("`profile.{claim}` is missing")));
            }
        }
        let is_plain = config.value("startTls").is_some() && !config.flag("startTls");
        let start_tls = url.scheme() == "ldap" && !is_plain;
        if url.scheme() == "ldap" && is_plain {
            tracing::warn!(
                method = config.0.name,
                "passwords go to the directory without TLS: `startTls` is false"
            );
        }
        let password = config.text("ldapPassword").unwrap_or_default();
        Ok(Self {
            tls: Arc::new(tls(config.text("certificate"))?),
            account: config.text("ldapUser").map(|user| (user, password.into())),
            base: config.text("base").unwrap_or_default(),
            trust_users: config.flag("trustUsers"),
            group_field: config.text("groupField"),
            default_groups: config.texts("defaultGroups")?,
            page: PasswordPage::read(config),
            url,
            start_tls,
            filter,
            profile,
        })
    }
}

/// Who may have signed the directory's certificate: whom the machine believes, and `own`.
fn tls(own: Option<String>) -> Result<ClientConfig, Wrong> {
    service::crypto::install();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(pem) = own {
        let wrong = || Wrong::Refused("`certificate` is no certificate in PEM form".to_owned());
        // In a variable of the environment line ends are often written out.
        let pem = pem.replace("\\n", "\n");
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|_| wrong())?;
            roots.add(certificate).map_err(|_| wrong())?;
        }
    }
    Ok(ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth())
}
