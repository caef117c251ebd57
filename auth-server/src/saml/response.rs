//! The answer of a provider (SAML core 3.2.2, 3.3.3): whether it is believed, and what it says.

use jsonwebtoken::DecodingKey;
use roxmltree::Node;

use super::{
    ASSERTION, DSIG, PROTOCOL,
    assertion::{self, Assertion, Expected},
    signature,
    xml::{self, Fault, needed, only, text},
};

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const NO_PASSIVE: &str = "urn:oasis:names:tc:SAML:2.0:status:NoPassive";

/// Why an answer lets nobody in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The person would have had to be asked, which the client did not want.
    #[error("the provider would have to ask the person")]
    NoPassive,
    #[error("the provider lets nobody in")]
    Status,
    #[error("the provider's answer is not accepted: {0}")]
    Unbelievable(Fault),
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self::Unbelievable(fault)
    }
}

/// Reads an answer that has to be signed with one of `keys`, as a whole or the assertion in it.
pub fn read(text: &str, keys: &[DecodingKey], expected: &Expected) -> Result<Assertion, Refused> {
    let document = xml::parse(text)?;
    let response = document.root_element();
    if !response.has_tag_name((PROTOCOL, "Response")) {
        return Err("it is no answer to a log-in".into());
    }
    assertion::check_message(response, expected.now)?;
    if response.attribute("InResponseTo") != Some(expected.request) {
        return Err("it answers another request".into());
    }
    let destination = response
        .attribute("Destination")
        .filter(|to| !to.is_empty());
    if destination.is_some_and(|to| to != expected.assert) {
        return Err("it is for another address".into());
    }
    check_status(response)?;
    let assertion = only_assertion(response)?;
    let is_whole = signature::verify(response, keys)?;
    let is_signed = signature::verify(assertion, keys)?;
    if !is_whole && !is_signed {
        return Err("it is not signed".into());
    }
    if is_whole && destination.is_none() {
        return Err("it does not say for which address it is".into());
    }
    // Every signature that stands anywhere is one of the two that were verified.
    let signatures = response
        .descendants()
        .filter(|node| node.has_tag_name((DSIG, "Signature")))
        .count();
    if signatures != usize::from(is_whole) + usize::from(is_signed) {
        return Err("there is a signature where none belongs".into());
    }
    let believed = assertion::read(assertion, expected)?;
    if let Some(issuer) = only(response, (ASSERTION, "Issuer"))?
        && xml::text(issuer)? != believed.issuer
    {
        return Err("it is of another provider than its assertion".into());
    }
    Ok(believed)
}

/// The one assertion, directly in the answer: whatever else is called so was put there by somebody
/// who wants it to be read instead.
fn only_assertion<'a, 'input>(response: Node<'a, 'input>) -> Result<Node<'a, 'input>, Fault> {
    let count = |name: &str| {
        let all = response.descendants();
        all.filter(|node| node.tag_name().name() == name).count()
    };
    if count("EncryptedAssertion") > 0 {
        return Err("its assertion is encrypted, for which no key was offered");
    }
    if count("Assertion") != 1 || count("Response") != 1 {
        return Err("it has not exactly one assertion");
    }
    needed(response, (ASSERTION, "Assertion"))
}

fn check_status(response: Node<'_, '_>) -> Result<(), Refused> {
    let status = needed(response, (PROTOCOL, "Status"))?;
    let code = needed(status, (PROTOCOL, "StatusCode"))?;
    if code.attribute("Value") == Some(SUCCESS) {
        return Ok(());
    }
    let inner = only(code, (PROTOCOL, "StatusCode"))?;
    let is_passive = inner.and_then(|inner| inner.attribute("Value")) == Some(NO_PASSIVE);
    Err(if is_passive {
        Refused::NoPassive
    } else {
        Refused::Status
    })
}

/// A request of the provider to end a session. Its signature is that of the address it came with.
#[derive(Debug, PartialEq, Eq)]
pub struct LogoutRequest {
    pub id: String,
    pub issuer: String,
    pub name_id: Option<String>,
    pub session_indexes: Vec<String>,
}

/// Reads the request for a log-out that came to `expected.assert`.
pub fn read_logout(text: &str, expected: &Expected) -> Result<LogoutRequest, Fault> {
    let document = xml::parse(text)?;
    let request = document.root_element();
    if !request.has_tag_name((PROTOCOL, "LogoutRequest")) {
        return Err("it is no request for a log-out");
    }
    assertion::check_message(request, expected.now)?;
    if request.attribute("Destination") != Some(expected.assert) {
        return Err("it is for another address");
    }
    let end = assertion::instant(request, "NotOnOrAfter")?;
    let made = assertion::instant(request, "IssueInstant")?;
    let is_old = made.is_none_or(|made| made + MAX_AGE < expected.now);
    if is_old || end.is_some_and(|end| end <= expected.now - assertion::SKEW) {
        return Err("it has ended");
    }
    let issuer = self::text(needed(request, (ASSERTION, "Issuer"))?)?;
    if expected.issuer.is_some_and(|known| known != issuer) {
        return Err("it is of another provider");
    }
    let indexes = xml::elements(request).filter(|one| one.has_tag_name((PROTOCOL, "SessionIndex")));
    Ok(LogoutRequest {
        id: request.attribute("ID").unwrap_or_default().to_owned(),
        issuer,
        name_id: assertion::name_id(request)?.map(|name| name.value),
        session_indexes: indexes.map(self::text).collect::<Result<_, _>>()?,
    })
}

/// How long a request for a log-out counts, if it does not say so itself.
pub const MAX_AGE: chrono::TimeDelta = chrono::TimeDelta::minutes(5);

#[cfg(test)]
mod tests;
