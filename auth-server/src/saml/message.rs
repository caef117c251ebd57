//! The messages that are sent: requests for a log-in, for a log-out, and the answer to one.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};
use sdk::template::html::escape;

use crate::configuration::SamlSettings;

use super::{ASSERTION, PROTOCOL, Place, assertion::NameId};

const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// How a log-in is asked for.
pub struct LogIn<'a> {
    pub id: &'a str,
    /// Although there is a session at the provider.
    pub fresh: bool,
    /// Without showing anything.
    pub passive: bool,
    pub now: DateTime<Utc>,
}

/// `AuthnRequest` (SAML core 3.4.1)
pub fn log_in(settings: &SamlSettings, place: &Place, request: &LogIn) -> String {
    let mut text = begin(
        "AuthnRequest",
        (request.id, request.now),
        settings.sso_login_url.as_str(),
    );
    if request.fresh {
        text.push_str(" ForceAuthn=\"true\"");
    }
    if request.passive {
        text.push_str(" IsPassive=\"true\"");
    }
    let _ = write!(
        text,
        " AssertionConsumerServiceURL=\"{}\" ProtocolBinding=\"{POST}\">{}",
        escape(&place.assert),
        issuer(place)
    );
    let _ = write!(
        text,
        "<samlp:NameIDPolicy Format=\"{}\" AllowCreate=\"true\"/>",
        escape(&settings.name_id_format)
    );
    if let Some(context) = &settings.context {
        let _ = write!(
            text,
            "<samlp:RequestedAuthnContext Comparison=\"{}\">",
            context.comparison
        );
        for class in &context.classes {
            let _ = write!(
                text,
                "<saml:AuthnContextClassRef>{}</saml:AuthnContextClassRef>",
                escape(class)
            );
        }
        text.push_str("</samlp:RequestedAuthnContext>");
    }
    text.push_str("</samlp:AuthnRequest>");
    text
}

/// `LogoutRequest` (3.7.1)
pub fn log_out(
    place: &Place,
    (id, now): (&str, DateTime<Utc>),
    to: &str,
    (name_id, session_index): (&NameId, Option<&str>),
) -> String {
    let mut text = begin("LogoutRequest", (id, now), to);
    let format = name_id.format.as_deref();
    let format = format.map_or_else(String::new, |format| {
        format!(" Format=\"{}\"", escape(format))
    });
    let _ = write!(
        text,
        ">{}<saml:NameID{format}>{}</saml:NameID>",
        issuer(place),
        escape(&name_id.value)
    );
    if let Some(index) = session_index {
        let _ = write!(
            text,
            "<samlp:SessionIndex>{}</samlp:SessionIndex>",
            escape(index)
        );
    }
    text.push_str("</samlp:LogoutRequest>");
    text
}

/// `LogoutResponse` (3.7.2)
pub fn logged_out(
    place: &Place,
    (id, now): (&str, DateTime<Utc>),
    to: &str,
    request: &str,
    is_done: bool,
) -> String {
    let status = if is_done { "Success" } else { "Requester" };
    let mut text = begin("LogoutResponse", (id, now), to);
    let _ = write!(
        text,
        " InResponseTo=\"{}\">{}<samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:{status}\"/></samlp:Status></samlp:LogoutResponse>",
        escape(request),
        issuer(place)
    );
    text
}

/// The start of a message, up to its last common attribute.
fn begin(name: &str, (id, now): (&str, DateTime<Utc>), to: &str) -> String {
    format!(
        "<samlp:{name} xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{}\" Destination=\"{}\"",
        now.to_rfc3339_opts(SecondsFormat::Secs, true),
        escape(to)
    )
}

fn issuer(place: &Place) -> String {
    format!("<saml:Issuer>{}</saml:Issuer>", escape(&place.entity))
}
