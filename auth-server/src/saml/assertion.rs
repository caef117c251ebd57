//! What a believed assertion says (SAML core 2, profiles 4.1.4).

use chrono::{DateTime, TimeDelta, Utc};
use roxmltree::Node;

use super::{
    ASSERTION,
    xml::{Fault, elements, needed, only, text},
};

/// How far the provider's clock may be from ours.
pub const SKEW: TimeDelta = TimeDelta::seconds(60);
/// Attributes of one person, and the values of one of them.
const MAX_ATTRIBUTES: usize = 200;

const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

/// What was asked for, and by whom.
pub struct Expected<'a> {
    pub request: &'a str,
    /// Where the answer belongs.
    pub assert: &'a str,
    /// Whom it is for.
    pub entity: &'a str,
    /// Who makes it, if the operator wrote that down.
    pub issuer: Option<&'a str>,
    pub now: DateTime<Utc>,
}

/// Who somebody is, as the provider says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    pub id: String,
    pub issuer: String,
    pub name_id: Option<NameId>,
    pub session_index: Option<String>,
    pub authenticated_at: DateTime<Utc>,
    /// From then on nobody believes it.
    pub ends: DateTime<Utc>,
    /// Name and values.
    pub attributes: Vec<(String, Vec<String>)>,
}

/// The provider's name of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameId {
    pub value: String,
    pub format: Option<String>,
}

/// Reads `assertion`, whose signature or that of the whole answer was verified.
pub fn read(assertion: Node<'_, '_>, expected: &Expected) -> Result<Assertion, Fault> {
    let now = expected.now;
    check_message(assertion, now)?;
    let issuer = text(needed(assertion, (ASSERTION, "Issuer"))?)?;
    if issuer.is_empty() || expected.issuer.is_some_and(|known| known != issuer) {
        return Err("the assertion is of another provider");
    }
    let subject = needed(assertion, (ASSERTION, "Subject"))?;
    let confirmed_until = elements(subject)
        .filter(|one| one.has_tag_name((ASSERTION, "SubjectConfirmation")))
        .find_map(|one| confirmation(one, expected))
        .ok_or("the assertion is not for this request, this address and this moment")?;
    let conditions_end = conditions(needed(assertion, (ASSERTION, "Conditions"))?, expected)?;
    let statement = elements(assertion)
        .find(|one| one.has_tag_name((ASSERTION, "AuthnStatement")))
        .ok_or("the assertion does not say that anybody logged in")?;
    if instant(statement, "SessionNotOnOrAfter")?.is_some_and(|end| end <= now - SKEW) {
        return Err("the session at the provider has ended");
    }
    let authenticated_at = instant(statement, "AuthnInstant")?
        .filter(|at| *at <= now + SKEW)
        .ok_or("the assertion does not say when the person logged in")?;
    let ends = conditions_end.map_or(confirmed_until, |end| end.max(confirmed_until));
    Ok(Assertion {
        id: assertion.attribute("ID").unwrap_or_default().to_owned(),
        issuer,
        name_id: name_id(subject)?,
        session_index: statement.attribute("SessionIndex").map(str::to_owned),
        authenticated_at,
        ends: ends + SKEW,
        attributes: attributes(assertion),
    })
}

/// What all messages and assertions begin with.
pub fn check_message(node: Node<'_, '_>, now: DateTime<Utc>) -> Result<(), Fault> {
    if node.attribute("Version") != Some("2.0") {
        return Err("it is not of SAML 2.0");
    }
    if node.attribute("ID").is_none_or(str::is_empty) {
        return Err("it has no id");
    }
    match instant(node, "IssueInstant")? {
        Some(made) if made <= now + SKEW => Ok(()),
        _ => Err("it was not made yet"),
    }
}

/// The moment in an attribute.
pub fn instant(node: Node<'_, '_>, name: &str) -> Result<Option<DateTime<Utc>>, Fault> {
    node.attribute(name)
        .map(|text| {
            DateTime::parse_from_rfc3339(text)
                .map(|time| time.to_utc())
                .map_err(|_| "a time in it cannot be read")
        })
        .transpose()
}

/// The end of a confirmation that is for whoever brings it, here and now, as answer to our request.
fn confirmation(node: Node<'_, '_>, expected: &Expected) -> Option<DateTime<Utc>> {
    let now = expected.now;
    let data = only(node, (ASSERTION, "SubjectConfirmationData")).ok()??;
    let is_for_us = node.attribute("Method") == Some(BEARER)
        && data.attribute("Recipient") == Some(expected.assert)
        && data.attribute("InResponseTo") == Some(expected.request);
    let has_begun = instant(data, "NotBefore")
        .ok()?
        .is_none_or(|start| start <= now + SKEW);
    let end = instant(data, "NotOnOrAfter").ok()??;
    (is_for_us && has_begun && end > now - SKEW).then_some(end)
}

/// The end of what the assertion is bound to.
fn conditions(node: Node<'_, '_>, expected: &Expected) -> Result<Option<DateTime<Utc>>, Fault> {
    let now = expected.now;
    if instant(node, "NotBefore")?.is_some_and(|start| start > now + SKEW) {
        return Err("the assertion does not count yet");
    }
    let end = instant(node, "NotOnOrAfter")?;
    if end.is_some_and(|end| end <= now - SKEW) {
        return Err("the assertion has ended");
    }
    let mut is_for_us = false;
    for condition in elements(node) {
        if condition.has_tag_name((ASSERTION, "AudienceRestriction")) {
            let names_us = |one: Node<'_, '_>| {
                one.has_tag_name((ASSERTION, "Audience"))
                    && text(one).is_ok_and(|audience| audience == expected.entity)
            };
            if !elements(condition).any(names_us) {
                return Err("the assertion is for another audience");
            }
            is_for_us = true;
        } else if !condition.has_tag_name((ASSERTION, "OneTimeUse"))
            && !condition.has_tag_name((ASSERTION, "ProxyRestriction"))
        {
            return Err("the assertion has a condition that is not known");
        }
    }
    is_for_us
        .then_some(end)
        .ok_or("the assertion does not say whom it is for")
}

/// The name in a subject or in the request for a log-out.
pub fn name_id(node: Node<'_, '_>) -> Result<Option<NameId>, Fault> {
    let Some(name) = only(node, (ASSERTION, "NameID"))? else {
        return Ok(None);
    };
    let value = text(name)?;
    Ok((!value.is_empty()).then(|| NameId {
        value,
        format: name.attribute("Format").map(str::to_owned),
    }))
}

fn attributes(assertion: Node<'_, '_>) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    let statements =
        elements(assertion).filter(|one| one.has_tag_name((ASSERTION, "AttributeStatement")));
    for attribute in statements.flat_map(elements) {
        if attribute.has_tag_name((ASSERTION, "EncryptedAttribute")) {
            continue;
        }
        let name = attribute.attribute("Name").unwrap_or_default();
        let values = elements(attribute)
            .filter(|one| one.has_tag_name((ASSERTION, "AttributeValue")))
            .take(MAX_ATTRIBUTES);
        // A value with elements in it is none that a profile can show.
        let values: Vec<String> = values.filter_map(|value| text(value).ok()).collect();
        if name.is_empty() || found.len() >= MAX_ATTRIBUTES {
            continue;
        }
        match found.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => known.extend(values),
            None => found.push((name.to_owned(), values)),
        }
    }
    found
}
