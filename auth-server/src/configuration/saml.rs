//! Settings of a SAML provider (static-config 14.2).

use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::DecodingKey;
use openssl::{
    pkey::{PKey, Private},
    x509::X509,
};
use ring::signature::RsaKeyPair;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use sdk::template::Template;
use serde_json::Value;
use url::Url;

use crate::saml::{ResponseKeys, Source};

use super::read::{Reader, Wrong};

/// A provider that vouches for people with signed assertions.
#[derive(Clone)]
pub struct SamlSettings {
    pub sso_login_url: Url,
    /// Without it only our own session ends.
    pub sso_logout_url: Option<Url>,
    /// The provider's own name, if it has to be right.
    pub issuer: Option<String>,
    /// What its messages are signed with.
    pub signers: Vec<DecodingKey>,
    /// What its assertions may be encrypted for.
    pub decryption_key: Option<PKey<Private>>,
    /// Others are not accepted.
    pub only_encrypted: bool,
    pub name_id_format: String,
    pub context: Option<AuthContext>,
    /// A session at the provider is never enough.
    pub force_authn: bool,
    /// What our messages are signed with.
    pub signing_key: Option<Arc<RsaKeyPair>>,
    /// Ours, for the description; DER.
    pub certificate: Option<Vec<u8>>,
    /// Claim, and what it is made of.
    pub profile: Vec<(String, Source)>,
    pub trust_users: bool,
    /// Attribute with names of groups.
    pub group_field: Option<String>,
    pub default_groups: Vec<(String, String)>,
}

impl fmt::Debug for SamlSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SamlSettings")
            .field("host", &self.sso_login_url.host_str())
            .finish_non_exhaustive()
    }
}

/// How people have to log in at the provider.
#[derive(Clone, Debug)]
pub struct AuthContext {
    pub comparison: &'static str,
    pub classes: Vec<String>,
}

impl SamlSettings {
    pub fn read(config: &Reader) -> Result<Self, Wrong> {
        let either = |name: &str| {
            ["spOptions", "idpOptions"]
                .iter()
                .any(|options| config.flag(&format!("{options}/{name}")))
        };
        let format = config
            .text("spOptions/nameid_format")
            .unwrap_or_else(|| "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified".to_owned());
        let certificate = own_certificate(config)?;
        let decryption_key = decryption_key(config, certificate.as_deref())?;
        Ok(Self {
            sso_login_url: config.needed_url("idpOptions/sso_login_url")?,
            sso_logout_url: config.url("idpOptions/sso_logout_url")?,
            issuer: config.text("idpOptions/entity_id"),
            signers: signers(config)?,
            only_encrypted: decryption_key.is_some() && forbids_clear(config),
            decryption_key,
            name_id_format: format,
            context: context(config)?,
            force_authn: either("force_authn"),
            signing_key: if either("sign_get_request") {
                Some(Arc::new(private_key(config)?))
            } else {
                None
            },
            certificate,
            profile: profile(config)?,
            trust_users: config.flag("trustUsers"),
            group_field: config.text("groupField"),
            default_groups: config.texts("defaultGroups")?,
        })
    }
}

/// The keys of the provider's certificates. Whatever key comes with a message proves nothing.
fn signers(config: &Reader) -> Result<Vec<DecodingKey>, Wrong> {
    let path = "idpOptions/certificates";
    let texts: Vec<&str> = match config.value(path) {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let texts = texts.into_iter().filter(|text| !text.trim().is_empty());
    let keys = texts.map(key).collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() {
        let text = "`idpOptions.certificates` is missing; without it nobody can tell who made an assertion";
        return Err(Wrong::LeftOut(text.to_owned()));
    }
    Ok(keys)
}

/// Certificates stand in metadata without the lines around them.
fn key(text: &str) -> Result<DecodingKey, Wrong> {
    let pem = with_lines(text, "CERTIFICATE");
    DecodingKey::from_rsa_pem(pem.as_bytes())
        .or_else(|_| DecodingKey::from_ec_pem(pem.as_bytes()))
        .map_err(|_| {
            Wrong::Refused(
                "`idpOptions.certificates` has something that is no certificate in PEM form"
                    .to_owned(),
            )
        })
}

fn with_lines(text: &str, label: &str) -> String {
    // In a variable of the environment line ends are often written out.
    let text = text.replace("\\n", "\n");
    if text.contains("-----BEGIN") {
        return text;
    }
    let plain: String = text.split_whitespace().collect();
    format!("-----BEGIN {label}-----\n{plain}\n-----END {label}-----\n")
}

fn private_key(config: &Reader) -> Result<RsaKeyPair, Wrong> {
    let wrong = || {
        let text =
            "`spOptions.private_key` is no RSA key in PEM form, which `sign_get_request` needs";
        Wrong::Refused(text.to_owned())
    };
    let pem = config
        .needed("spOptions/private_key")
        .map_err(|_| wrong())?;
    let pem = with_lines(&pem, "PRIVATE KEY");
    let key = match PrivateKeyDer::from_pem_slice(pem.as_bytes()) {
        Ok(PrivateKeyDer::Pkcs8(der)) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        Ok(PrivateKeyDer::Pkcs1(der)) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
        _ => return Err(wrong()),
    };
    key.map_err(|_| wrong())
}

/// Ours, if the provider is given the certificate to encrypt with.
fn decryption_key(
    config: &Reader,
    certificate: Option<&[u8]>,
) -> Result<Option<PKey<Private>>, Wrong> {
    let (Some(certificate), Some(pem)) = (certificate, config.text("spOptions/private_key")) else {
        return Ok(None);
    };
    let wrong = |text: &str| Wrong::LeftOut(text.to_owned());
    let pem = with_lines(&pem, "PRIVATE KEY");
    let key = PKey::private_key_from_pem(pem.as_bytes())
        .ok()
        .filter(|key| key.rsa().is_ok())
        .ok_or_else(|| wrong("`spOptions.private_key` is no RSA key in PEM form"))?;
    let public = X509::from_der(certificate).and_then(|own| own.public_key());
    if public.is_ok_and(|public| public.public_eq(&key)) {
        return Ok(Some(key));
    }
    Err(wrong(
        "`spOptions.certificate` is not that of `spOptions.private_key`",
    ))
}

/// Whether the operator has written that assertions have to be encrypted.
fn forbids_clear(config: &Reader) -> bool {
    let name = "allow_unencrypted_assertion";
    let written = |options: &str| config.value(&format!("{options}/{name}")).is_some();
    let allowed = |options: &str| config.flag(&format!("{options}/{name}"));
    let options = ["spOptions", "idpOptions"];
    options.iter().any(|one| written(one)) && !options.iter().any(|one| allowed(one))
}

fn own_certificate(config: &Reader) -> Result<Option<Vec<u8>>, Wrong> {
    let Some(text) = config.text("spOptions/certificate") else {
        return Ok(None);
    };
    let pem = with_lines(&text, "CERTIFICATE");
    match CertificateDer::from_pem_slice(pem.as_bytes()) {
        Ok(certificate) => Ok(Some(certificate.to_vec())),
        Err(_) => Err(Wrong::Refused(
            "`spOptions.certificate` is no certificate in PEM form".to_owned(),
        )),
    }
}

fn context(config: &Reader) -> Result<Option<AuthContext>, Wrong> {
    let Some(classes) = config.value("spOptions/auth_context/class_refs") else {
        return Ok(None);
    };
    let wrong = |text: &str| Wrong::Refused(format!("`spOptions.auth_context.{text}"));
    let classes = classes.as_array().into_iter().flatten();
    let classes: Option<Vec<String>> = classes
        .map(|class| class.as_str().map(str::to_owned))
        .collect();
    let classes = classes.ok_or_else(|| wrong("class_refs` is no list of texts"))?;
    let wanted = config.text("spOptions/auth_context/comparison");
    let wanted = wanted.as_deref().unwrap_or("exact");
    let comparison = ["exact", "minimum", "maximum", "better"]
        .into_iter()
        .find(|known| *known == wanted)
        .ok_or_else(|| wrong("comparison` is none of exact, minimum, maximum, better"))?;
    Ok((!classes.is_empty()).then_some(AuthContext {
        comparison,
        classes,
    }))
}

fn profile(config: &Reader) -> Result<Vec<(String, Source)>, Wrong> {
    let wrong = |text: String| Wrong::Refused(text);
    let members = config.value("profile").and_then(Value::as_object);
    let members = members.ok_or_else(|| wrong("`profile` is missing".to_owned()))?;
    for claim in ["sub", "email"] {
        if !members.get(claim).is_some_and(Value::is_string) {
            return Err(wrong(format!("`profile.{claim}` is missing")));
        }
    }
    members
        .iter()
        .map(|(claim, value)| match value {
            Value::String(text) => match Template::parse(text) {
                Ok(template) => Ok((claim.clone(), Source::Text(Arc::new(template)))),
                Err(error) => Err(wrong(format!("`profile.{claim}`: {error}"))),
            },
            Value::Bool(_) | Value::Number(_) => {
                Ok((claim.clone(), Source::Literal(value.clone())))
            }
            _ => Err(wrong(format!(
                "`profile.{claim}` is neither a text nor a flag nor a number"
            ))),
        })
        .collect()
}

impl SamlSettings {
    pub fn keys(&self) -> ResponseKeys<'_> {
        ResponseKeys {
            signing: &self.signers,
            decryption: self.decryption_key.as_ref(),
            only_encrypted: self.only_encrypted,
        }
    }

    /// Our certificate as it stands in a description.
    pub fn certificate_text(&self) -> Option<String> {
        self.certificate.as_ref().map(|der| STANDARD.encode(der))
    }
}
