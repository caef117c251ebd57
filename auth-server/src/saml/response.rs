//! The answer of a provider (SAML core 3.2.2, 3.3.3): whether it is believed, and what it says.

use jsonwebtoken::DecodingKey;
use openssl::pkey::{PKey, Private};
use roxmltree::Node;

use super::{
    ASSERTION, DSIG, PROTOCOL,
    assertion::{self, Assertion, Expected},
    encrypted, signature,
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

/// What a provider's answer is checked and read with.
#[derive(Clone, Copy)]
pub struct Keys<'a> {
    /// The provider's: one of them has signed the answer as a whole, or the assertion in it.
    pub signing: &'a [DecodingKey],
    /// Ours, for assertions that are encrypted.
    pub decryption: Option<&'a PKey<Private>>,
    /// An assertion that anybody could read is refused.
    pub only_encrypted: bool,
}

/// Reads the answer of a provider.
pub fn read(text: &str, keys: Keys<'_>, expected: &Expected) -> Result<Assertion, Refused> {
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
    let clear = is_clear(response)?;
    if clear && keys.only_encrypted {
        return Err("its assertion is not encrypted".into());
    }
    let is_whole = signature::verify(response, keys.signing)?;
    if is_whole && destination.is_none() {
        return Err("it does not say for which address it is".into());
    }
    let (name, whole) = ((ASSERTION, "Assertion"), usize::from(is_whole));
    let believed = if clear {
        let assertion = needed(response, name)?;
        believe(assertion, is_whole, keys, (response, whole), expected)?
    } else {
        count_signatures(response, whole)?;
        let sealed = needed(response, (ASSERTION, "EncryptedAssertion"))?;
        let key = keys.decryption;
        let key = key.ok_or("its assertion is encrypted, for which no key was offered")?;
        let opened = encrypted::open(sealed, key)?;
        let document = xml::parse(&opened)?;
        let around = document.root_element();
        if !is_clear(around)? || xml::elements(around).count() != 1 {
            return Err("what is encrypted in it is not one assertion".into());
        }
        let assertion = needed(around, name)?;
        believe(assertion, is_whole, keys, (around, 0), expected)?
    };
    if let Some(issuer) = only(response, (ASSERTION, "Issuer"))?
        && xml::text(issuer)? != believed.issuer
    {
        return Err("it is of another provider than its assertion".into());
    }
    Ok(believed)
}

/// Reads an assertion that is signed, or stands in a message that is. `tree` is where it was found,
/// with the number of signatures that were verified there already.
fn believe(
    assertion: Node<'_, '_>,
    is_whole: bool,
    keys: Keys<'_>,
    (tree, verified): (Node<'_, '_>, usize),
    expected: &Expected,
) -> Result<Assertion, Fault> {
    let is_signed = signature::verify(assertion, keys.signing)?;
    if !is_whole && !is_signed {
        return Err("it is not signed");
    }
    count_signatures(tree, verified + usize::from(is_signed))?;
    assertion::read(assertion, expected)
}

/// Every signature that stands anywhere is one of those that were verified.
fn count_signatures(tree: Node<'_, '_>, verified: usize) -> Result<(), Fault> {
    let all = tree.descendants();
    let found = all.filter(|node| node.has_tag_name((DSIG, "Signature")));
    if found.count() == verified {
        return Ok(());
    }
    Err("there is a signature where none belongs")
}

/// Whether the one assertion, directly below `tree`, can be read as it is. Whatever else is called so
/// was put there by somebody who wants it to be read instead.
fn is_clear(tree: Node<'_, '_>) -> Result<bool, Fault> {
    let count = |name: &str| {
        let below = tree.descendants().filter(|node| *node != tree);
        below.filter(|node| node.tag_name().name() == name).count()
    };
    if count("Response") > 0 {
        return Err("there is an answer within it");
    }
    match (count("Assertion"), count("EncryptedAssertion")) {
        (1, 0) => Ok(true),
        (0, 1) => Ok(false),
        _ => Err("it has not exactly one assertion"),
    }
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
