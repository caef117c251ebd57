//! Answers that xmlsec1 has signed (with a key that was thrown away), and what attackers make of them.

use chrono::{DateTime, TimeDelta, Utc};

use super::*;

const SIGNED_ASSERTION: &str = include_str!("signed_assertion.xml");
const SIGNED_RESPONSE: &str = include_str!("signed_response.xml");
const SIGNED_BOTH: &str = include_str!("signed_both.xml");
const CERTIFICATE: &str = include_str!("certificate.pem");
const OTHER_CERTIFICATE: &str = include_str!("other_certificate.pem");

const ASSERT: &str = "https://api.example/auth/corp/assert";
const ENTITY: &str = "https://api.example/auth/corp/metadata.xml";

mod sealed;

/// When the answers were made.
fn now() -> DateTime<Utc> {
    "2026-11-22T06:00:00Z".parse().unwrap()
}

fn expected() -> Expected<'static> {
    Expected {
        request: "_request",
        assert: ASSERT,
        entity: ENTITY,
        issuer: None,
        now: now(),
    }
}

fn keys(certificate: &str) -> Vec<DecodingKey> {
    service::crypto::install();
    vec![DecodingKey::from_rsa_pem(certificate.as_bytes()).unwrap()]
}

fn read_as(text: &str, expected: &Expected) -> Result<Assertion, Refused> {
    read_by(text, CERTIFICATE, expected)
}

fn read_by(text: &str, certificate: &str, expected: &Expected) -> Result<Assertion, Refused> {
    read(text, only_signing(&keys(certificate)), expected)
}

fn only_signing(signing: &[DecodingKey]) -> Keys<'_> {
    Keys {
        signing,
        decryption: None,
        only_encrypted: false,
    }
}

fn is_refused(text: &str) -> bool {
    read_as(text, &expected()).is_err()
}

/// `text` with something else in it, which has to be there.
fn with(text: &str, what: &str, instead: &str) -> String {
    assert!(text.contains(what), "{what}");
    text.replace(what, instead)
}

/// The first element `name` of `text`, and what is before and behind it.
fn cut<'a>(text: &'a str, name: &str) -> (&'a str, &'a str, &'a str) {
    let start = text.find(&format!("<{name}")).unwrap();
    let close = format!("</{}>", name.trim_end());
    let end = text.find(&close).unwrap() + close.len();
    (&text[..start], &text[start..end], &text[end..])
}

fn without(text: &str, name: &str) -> String {
    let (before, _, behind) = cut(text, name);
    format!("{before}{behind}")
}

#[test]
fn what_the_provider_has_signed_is_believed() {
    for text in [SIGNED_ASSERTION, SIGNED_RESPONSE, SIGNED_BOTH] {
        let said = read_as(text, &expected()).unwrap();
        assert_eq!(said.id, "_assertion");
        assert_eq!(said.issuer, "https://idp.example/metadata");
        assert_eq!(said.name_id.unwrap().value, "ada@example.org");
        assert_eq!(said.session_index.as_deref(), Some("_session"));
        assert_eq!(
            said.authenticated_at,
            now() - TimeDelta::milliseconds(119_877)
        );
        assert_eq!(said.ends, now() + TimeDelta::minutes(11));
        let values = |values: &[&str]| values.iter().map(ToString::to_string).collect();
        assert_eq!(
            said.attributes,
            [
                ("uid".to_owned(), values(&["ada"])),
                ("Groups".to_owned(), values(&["Staff & Co", "Dev"])),
            ]
        );
    }
}

type Change = fn(&mut Expected);

#[test]
fn it_has_to_be_for_this_request_this_place_and_this_moment() {
    let cases: [(&str, Change); 8] = [
        ("another request", |e| e.request = "_other"),
        ("another address", |e| {
            e.assert = "https://api.example/auth/x/assert";
        }),
        ("another audience", |e| e.entity = "https://evil.example"),
        ("another provider", |e| {
            e.issuer = Some("https://evil.example");
        }),
        ("expired", |e| e.now += TimeDelta::seconds(361)),
        ("long expired", |e| e.now += TimeDelta::days(1)),
        ("not begun", |e| e.now -= TimeDelta::seconds(91)),
        ("not made", |e| e.now -= TimeDelta::days(1)),
    ];
    for (name, change) in cases {
        for text in [SIGNED_ASSERTION, SIGNED_RESPONSE, SIGNED_BOTH] {
            let mut expected = expected();
            change(&mut expected);
            assert!(read_as(text, &expected).is_err(), "{name}");
        }
    }
    // Clocks differ by a little.
    for seconds in [-60, 0, 300, 359] {
        let mut expected = expected();
        expected.now += TimeDelta::seconds(seconds);
        assert!(read_as(SIGNED_BOTH, &expected).is_ok(), "{seconds}");
    }
}

#[test]
fn what_was_forged_or_changed_is_refused() {
    for text in [SIGNED_ASSERTION, SIGNED_RESPONSE, SIGNED_BOTH] {
        assert!(read_by(text, OTHER_CERTIFICATE, &expected()).is_err());
        assert!(read(text, only_signing(&[]), &expected()).is_err());
        let (before, signature, behind) = cut(text, "ds:Signature ");
        assert!(is_refused(&format!("{before}{behind}{signature}")));
        for (what, instead) in [
            (">ada<", ">root<"),
            ("ada@example.org", "root@example.org"),
            ("Staff &amp; Co", "Admins"),
            ("AuthnInstant=\"2026", "AuthnInstant=\"2025"),
            ("#rsa-sha256", "#hmac-sha256"),
            ("more#rsa-sha256", "more#rsa-sha512"),
            (
                "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
                "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
            ),
            (
                "http://www.w3.org/2001/04/xmlenc#sha256",
                "http://www.w3.org/2000/09/xmldsig#sha1",
            ),
            ("URI=\"#_", "URI=\"\" X=\"#_"),
            (
                "<ds:Transforms>",
                "<ds:Transforms><ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"/>",
            ),
            ("#enveloped-signature", "#base64"),
            (
                "2001/10/xml-exc-c14n#\"/>",
                "TR/2001/REC-xml-c14n-20010315\"/>",
            ),
            (
                "</ds:Reference>",
                "</ds:Reference><ds:Reference URI=\"#_x\"/>",
            ),
            ("</ds:SignedInfo>", "<x/></ds:SignedInfo>"),
            ("<samlp:Response ", "<!DOCTYPE x><samlp:Response "),
            ("Version=\"2.0\"", "Version=\"1.1\""),
            ("ada@example.org", "ada@example.org<x/>"),
        ] {
            assert!(is_refused(&with(text, what, instead)), "{what} → {instead}");
        }
    }
    let bare = without(&without(SIGNED_BOTH, "ds:Signature "), "ds:Signature ");
    assert!(is_refused(&bare));
    // One right signature does not make up for a wrong one.
    let outside = with(
        SIGNED_ASSERTION,
        "</samlp:Response>",
        &format!(
            "{}</samlp:Response>",
            cut(SIGNED_RESPONSE, "ds:Signature ").1
        ),
    );
    assert!(is_refused(&outside));
}

#[test]
fn a_comment_does_not_shorten_a_name() {
    for comment in ["<!---->", "<!-- x -->", "<?x?>"] {
        let name = format!("ada@example.org{comment}.evil.example");
        for text in [SIGNED_ASSERTION, SIGNED_RESPONSE, SIGNED_BOTH] {
            assert!(is_refused(&with(text, "ada@example.org", &name)));
            // The signature itself would not notice this one.
            let split = format!("ada{comment}@example.org");
            assert!(is_refused(&with(text, "ada@example.org", &split)));
        }
    }
}

/// The eight ways to wrap a signed element of Somorovsky et al., "On Breaking SAML".
#[test]
fn what_is_wrapped_around_a_signed_element_is_not_read() {
    let forge = |text: &str| {
        text.replace(">ada<", ">root<")
            .replace("ada@example.org", "root@example.org")
    };
    for evil_id in ["_evil", "_assertion"] {
        let (before, assertion, behind) = cut(SIGNED_ASSERTION, "saml:Assertion ");
        let (_, signature, _) = cut(assertion, "ds:Signature ");
        let unsigned = without(assertion, "ds:Signature ");
        let evil = forge(&unsigned).replace("\"_assertion\"", &format!("\"{evil_id}\""));
        let evil_with = |more: &str| {
            with(
                &evil,
                "</saml:Assertion>",
                &format!("{more}</saml:Assertion>"),
            )
        };
        let holding = |inner: &str| {
            with(
                signature,
                "</ds:Signature>",
                &format!("<ds:Object>{inner}</ds:Object></ds:Signature>"),
            )
        };
        let after_issuer = |text: &str, more: &str| {
            let at = text.find("</saml:Issuer>").unwrap() + "</saml:Issuer>".len();
            format!("{}{more}{}", &text[..at], &text[at..])
        };
        let wrapped = [
            (3, format!("{before}{evil}{assertion}{behind}")),
            (3, format!("{before}{assertion}{evil}{behind}")),
            (4, format!("{before}{}{behind}", evil_with(assertion))),
            (
                5,
                format!(
                    "{before}{}{unsigned}{behind}",
                    after_issuer(&evil, signature)
                ),
            ),
            (
                6,
                format!(
                    "{before}{}{behind}",
                    after_issuer(
                        &evil,
                        &with(
                            signature,
                            "</ds:Signature>",
                            &format!("{unsigned}</ds:Signature>")
                        )
                    )
                ),
            ),
            (
                7,
                format!("{before}<samlp:Extensions>{evil}</samlp:Extensions>{assertion}{behind}"),
            ),
            (
                8,
                format!(
                    "{before}{}{behind}",
                    after_issuer(&evil, &holding(&unsigned))
                ),
            ),
        ];
        for (number, text) in &wrapped {
            assert!(roxmltree::Document::parse(text).is_ok(), "XSW{number}");
            assert!(is_refused(text), "XSW{number}");
        }
    }
    for evil_id in ["_evil", "_answer"] {
        let (_, signature, _) = cut(SIGNED_RESPONSE, "ds:Signature ");
        let original = without(SIGNED_RESPONSE, "ds:Signature ");
        let original = original.trim_start_matches("<?xml version=\"1.0\"?>\n");
        let evil = forge(original).replace("ID=\"_answer\"", &format!("ID=\"{evil_id}\""));
        let holding = with(
            signature,
            "</ds:Signature>",
            &format!("<ds:Object>{original}</ds:Object></ds:Signature>"),
        );
        let end = "</samlp:Response>";
        let wrapped = [
            (1, with(&evil, end, &format!("{holding}{end}"))),
            (2, with(&evil, end, &format!("{original}{signature}{end}"))),
            (2, with(&evil, end, &format!("{signature}{original}{end}"))),
        ];
        for (number, text) in &wrapped {
            assert!(roxmltree::Document::parse(text).is_ok(), "XSW{number}");
            assert!(is_refused(text), "XSW{number}");
        }
    }
}

#[test]
fn refusals_of_the_provider_are_told_apart() {
    let status = |inner: &str| {
        let success = "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/>";
        let code = format!(
            "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Responder\">{inner}</samlp:StatusCode>"
        );
        read_as(&with(SIGNED_ASSERTION, success, &code), &expected()).unwrap_err()
    };
    let passive = "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:NoPassive\"/>";
    assert_eq!(status(passive), Refused::NoPassive);
    assert_eq!(status(""), Refused::Status);
}

#[test]
fn whatever_is_changed_in_an_answer_nothing_else_is_believed() {
    for text in [SIGNED_ASSERTION, SIGNED_RESPONSE, SIGNED_BOTH] {
        let original = read_as(text, &expected()).unwrap();
        let places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
        for place in places.into_iter().step_by(11) {
            let (before, behind) = text.split_at(place);
            let mut rest = behind.chars();
            let character = rest.next().unwrap();
            for instead in ["", "x", "<", "ü", "&amp;", " "] {
                let changed = format!("{before}{instead}{}", rest.as_str());
                if let Ok(said) = read_as(&changed, &expected()) {
                    assert_eq!(said, original, "`{character}` → `{instead}` at {place}");
                }
            }
        }
    }
}
