//! XML signatures, in the one shape that SAML allows: enveloped, about the element that carries them,
//! by a key that the operator wrote down.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, DecodingKey};
use ring::digest;
use roxmltree::Node;

use super::{
    DSIG,
    canonical::canonical,
    xml::{Fault, elements, needed, only, text},
};

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// There are no comments by then.
const EXCLUSIVE_WITH_COMMENTS: &str = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// Whether `element` is signed with one of `keys`. A signature that is there and not right is an error.
pub fn verify(element: Node<'_, '_>, keys: &[DecodingKey]) -> Result<bool, Fault> {
    let Some(signature) = only(element, (DSIG, "Signature"))? else {
        return Ok(false);
    };
    // What else may stand in a signature (`Object`) is where the original is hidden in attacks.
    let known = ["SignedInfo", "SignatureValue", "KeyInfo"];
    if !elements(signature).all(|child| known.iter().any(|name| child.has_tag_name((DSIG, *name))))
    {
        return Err("the signature has more in it than it should");
    }
    let signed_info = needed(signature, (DSIG, "SignedInfo"))?;
    check_digest(element, signature, signed_info)?;
    let method = needed(signed_info, (DSIG, "CanonicalizationMethod"))?;
    let prefixes = exclusive(method)?.ok_or("the signature has an unknown canonical form")?;
    let message = canonical(signed_info, None, &prefixes);
    let method = needed(signed_info, (DSIG, "SignatureMethod"))?;
    let algorithm = signature_algorithm(method.attribute("Algorithm").unwrap_or_default())
        .ok_or("the signature's algorithm is not among those that are accepted")?;
    let value = decode(needed(signature, (DSIG, "SignatureValue"))?)?;
    if is_signed(message.as_bytes(), &value, algorithm, keys) {
        Ok(true)
    } else {
        Err("the signature is not by a known key")
    }
}

/// Whether one of `keys` has made `signature`.
pub fn is_signed(
    message: &[u8],
    signature: &[u8],
    algorithm: Algorithm,
    keys: &[DecodingKey],
) -> bool {
    let signature = URL_SAFE_NO_PAD.encode(signature);
    let is_by = |key: &DecodingKey| {
        key.family() == algorithm.family()
            && jsonwebtoken::crypto::verify(&signature, message, key, algorithm).unwrap_or(false)
    };
    keys.iter().any(is_by)
}

/// Those without a broken digest, and with keys: nothing that the receiver could have made, too.
pub fn signature_algorithm(uri: &str) -> Option<Algorithm> {
    Some(match uri {
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" => Algorithm::RS256,
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384" => Algorithm::RS384,
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512" => Algorithm::RS512,
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256" => Algorithm::ES256,
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384" => Algorithm::ES384,
        _ => return None,
    })
}

fn digest_algorithm(uri: &str) -> Option<&'static digest::Algorithm> {
    Some(match uri {
        "http://www.w3.org/2001/04/xmlenc#sha256" => &digest::SHA256,
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => &digest::SHA384,
        "http://www.w3.org/2001/04/xmlenc#sha512" => &digest::SHA512,
        _ => return None,
    })
}

/// The signature is about `element`, all of it but the signature itself, and nothing else.
fn check_digest(
    element: Node<'_, '_>,
    signature: Node<'_, '_>,
    signed_info: Node<'_, '_>,
) -> Result<(), Fault> {
    let reference = needed(signed_info, (DSIG, "Reference"))?;
    let id = element.attribute("ID").filter(|id| !id.is_empty());
    let uri = reference
        .attribute("URI")
        .and_then(|uri| uri.strip_prefix('#'));
    if id.is_none() || uri != id {
        return Err("the signature is about another element");
    }
    let transforms = needed(reference, (DSIG, "Transforms"))?;
    let mut prefixes = Vec::new();
    let mut seen = (false, false);
    for transform in elements(transforms) {
        let is_enveloped = transform.attribute("Algorithm") == Some(ENVELOPED);
        match (is_enveloped, exclusive(transform)?) {
            (true, _) if seen == (false, false) => seen.0 = true,
            (false, Some(named)) if !seen.1 => (seen.1, prefixes) = (true, named),
            _ => return Err("the signature changes the element before it counts"),
        }
    }
    if seen != (true, true) {
        return Err("the signature has no canonical form that is accepted");
    }
    let method = needed(reference, (DSIG, "DigestMethod"))?;
    let algorithm = digest_algorithm(method.attribute("Algorithm").unwrap_or_default())
        .ok_or("the digest's algorithm is not among those that are accepted")?;
    let content = canonical(element, Some(signature), &prefixes);
    let expected = decode(needed(reference, (DSIG, "DigestValue"))?)?;
    if digest::digest(algorithm, content.as_bytes()).as_ref() != expected {
        return Err("the signed element was changed");
    }
    Ok(())
}

/// The prefixes that an exclusive canonical form writes in any case; nothing for another form.
fn exclusive<'a>(method: Node<'a, '_>) -> Result<Option<Vec<&'a str>>, Fault> {
    let algorithm = method.attribute("Algorithm");
    if algorithm != Some(EXCLUSIVE) && algorithm != Some(EXCLUSIVE_WITH_COMMENTS) {
        return Ok(None);
    }
    let list = only(method, (EXCLUSIVE, "InclusiveNamespaces"))?;
    let list = list.and_then(|list| list.attribute("PrefixList"));
    let prefixes = list.unwrap_or_default().split_ascii_whitespace();
    Ok(Some(
        prefixes
            .map(|prefix| if prefix == "#default" { "" } else { prefix })
            .collect(),
    ))
}

fn decode(node: Node<'_, '_>) -> Result<Vec<u8>, Fault> {
    let mut text = text(node)?;
    text.retain(|character| !character.is_ascii_whitespace());
    STANDARD
        .decode(text)
        .map_err(|_| "the signature is no Base64")
}
