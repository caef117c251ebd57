//! What providers are told about us (SAML metadata 2.4.4).

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::header;
use sdk::template::html::escape;

use crate::{
    configuration::SamlSettings,
    local::method_of,
    pages::{Fault, PageError},
    state::AppState,
};

use super::{DSIG, PROTOCOL, Place, encrypted};

/// `GET {B}/{method}/metadata.xml`
pub async fn show(
    State(state): State<AppState>,
    Path(method): Path<String>,
) -> Result<Response, PageError> {
    let method = method_of(&state, &method)?;
    let Some(settings) = super::settings(&method) else {
        return Err(PageError::new(&state, Fault::NotFound));
    };
    let text = description(settings, &Place::of(&state, &method.id));
    Ok(([(header::CONTENT_TYPE, "application/xml")], text).into_response())
}

fn description(settings: &SamlSettings, place: &Place) -> String {
    let (entity, assert) = (escape(&place.entity), escape(&place.assert));
    let certificate = settings.certificate_text();
    let key = |uses: &str, methods: &str| {
        certificate.as_ref().map_or_else(String::new, |der| {
            format!(
                "<md:KeyDescriptor use=\"{uses}\"><ds:KeyInfo xmlns:ds=\"{DSIG}\"><ds:X509Data><ds:X509Certificate>{der}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>{methods}</md:KeyDescriptor>"
            )
        })
    };
    let mut keys = key("signing", "");
    if settings.decryption_key.is_some() {
        let method = |uri: &str| format!("<md:EncryptionMethod Algorithm=\"{uri}\"/>");
        let methods: String = encrypted::METHODS.into_iter().map(method).collect();
        keys.push_str(&key("encryption", &methods));
    }
    let logout = if settings.sso_logout_url.is_some() {
        format!(
            "<md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"{assert}\"/>"
        )
    } else {
        String::new()
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{entity}\"><md:SPSSODescriptor AuthnRequestsSigned=\"{signed}\" WantAssertionsSigned=\"true\" protocolSupportEnumeration=\"{PROTOCOL}\">{keys}{logout}<md:NameIDFormat>{format}</md:NameIDFormat><md:AssertionConsumerService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"{assert}\" index=\"0\" isDefault=\"true\"/></md:SPSSODescriptor></md:EntityDescriptor>\n",
        signed = settings.signing_key.is_some(),
        format = escape(&settings.name_id_format),
    )
}
