//! A SAML provider: what it is asked is read, and its answers are signed by xmlsec1.

use std::{io::Read as _, process::Command};

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use flate2::read::DeflateDecoder;
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use url::{Url, form_urlencoded::Serializer};

use super::{der, parameter, self_signed, skip};

const SIGNATURE: &str = r##"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><ds:Reference URI="#ID"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/><ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>"##;

const ENCRYPTION: &str = r#"<xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" Type="http://www.w3.org/2001/04/xmlenc#Element"><xenc:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes256-gcm"/><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"/><xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>"#;

/// The provider, with a key and its certificate.
pub struct SamlProvider {
    folder: TempDir,
    pub certificate: String,
}

/// What somebody was sent with.
pub struct Request {
    pub id: String,
    pub relay_state: String,
    /// Of the answer.
    pub assert: String,
    pub entity: String,
    pub xml: String,
}

/// What the provider says.
pub struct Answer {
    pub id: String,
    pub uid: &'static str,
    pub mail: &'static str,
    pub made: DateTime<Utc>,
    pub status: &'static str,
}

impl Answer {
    pub fn about(uid: &'static str, mail: &'static str) -> Self {
        Self {
            id: format!("_{}", service::random::hex_id()),
            uid,
            mail,
            made: service::clock::now(),
            status: "Success",
        }
    }
}

impl SamlProvider {
    /// Nothing where there is no xmlsec1.
    pub fn start() -> Option<Self> {
        if Command::new("xmlsec1").arg("--version").output().is_err() {
            return skip("xmlsec1");
        }
        let folder = tempfile::tempdir().unwrap();
        let (_, certificate) = self_signed(folder.path())?;
        Some(Self {
            certificate: std::fs::read_to_string(certificate).unwrap(),
            folder,
        })
    }

    /// Settings of a method that leads here, with some of its own.
    pub fn config(&self, more: &Value) -> Value {
        let mut config = json!({
            "profile": {"sub": "{{{uid}}}", "email": "{{{mail}}}", "name": "{{{cn}}}", "staff": true},
            "spOptions": {},
            "idpOptions": {"sso_login_url": "https://idp.example/sso?tenant=1",
                "sso_logout_url": "https://idp.example/slo", "certificates": [self.certificate]},
            "groupField": "Groups", "defaultGroups": {"Engineers": "dev"}
        });
        for (name, value) in more.as_object().unwrap() {
            config[name] = value.clone();
        }
        config
    }

    /// A key like that of the provider, for our own messages.
    pub fn key(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("key.pem")).unwrap()
    }

    /// The signed answer to a request, as it stands in the provider's form.
    pub fn answer(&self, request: &Request, answer: &Answer) -> String {
        let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
        let (made, ends) = (time(answer.made), time(answer.made + TimeDelta::minutes(5)));
        let assertion = &answer.id;
        let assertion = format!(
            r#"<saml:Assertion ID="{assertion}" Version="2.0" IssueInstant="{made}"><saml:Issuer>https://idp.example</saml:Issuer>{signature}<saml:Subject><saml:NameID>{mail}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="{ends}" Recipient="{assert}" InResponseTo="{request}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{made}" NotOnOrAfter="{ends}"><saml:AudienceRestriction><saml:Audience>{entity}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{made}" SessionIndex="s-1"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="UID"><saml:AttributeValue>{uid}</saml:AttributeValue></saml:Attribute><saml:Attribute Name="mail"><saml:AttributeValue>{mail}</saml:AttributeValue></saml:Attribute><saml:Attribute Name="cn"><saml:AttributeValue>Ada &amp; Co</saml:AttributeValue></saml:Attribute><saml:Attribute Name="Groups"><saml:AttributeValue>Engineers</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion>"#,
            signature = SIGNATURE.replace("ID", &answer.id),
            mail = answer.mail,
            uid = answer.uid,
            assert = request.assert,
            entity = request.entity,
            request = request.id,
        );
        let (status, assertion) = match answer.status {
            "Success" => ("Success\"/>".to_owned(), assertion),
            inner => (
                format!(
                    "Responder\"><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:{inner}\"/></samlp:StatusCode>"
                ),
                String::new(),
            ),
        };
        let is_signed = !assertion.is_empty();
        let text = format!(
            r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_{id}" Version="2.0" IssueInstant="{made}" Destination="{assert}" InResponseTo="{request}"><saml:Issuer>https://idp.example</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:{status}</samlp:Status>{assertion}</samlp:Response>"#,
            id = service::random::hex_id(),
            assert = request.assert,
            request = request.id,
        );
        let text = if is_signed {
            self.sign(&text, "assertion:Assertion")
        } else {
            text
        };
        STANDARD.encode(text)
    }

    fn sign(&self, text: &str, element: &str) -> String {
        let key = self.folder.path().join("key.pem");
        let element = format!("urn:oasis:names:tc:SAML:2.0:{element}");
        let options = ["--sign", "--id-attr:ID", &element, "--privkey-pem"];
        self.xmlsec1(&[&options[..], &[key.to_str().unwrap()]].concat(), text)
    }

    /// The answer with its assertion encrypted for the owner of `certificate`, and then signed as a
    /// whole, too.
    pub fn encrypt(&self, answer: &str, certificate: &str, sign: bool) -> String {
        let path = |name: &str| self.folder.path().join(name);
        let text = String::from_utf8(STANDARD.decode(answer).unwrap()).unwrap();
        let text = text
            .replace(
                "<saml:Assertion ",
                "<saml:EncryptedAssertion><saml:Assertion ",
            )
            .replace(
                "</saml:Assertion>",
                "</saml:Assertion></saml:EncryptedAssertion>",
            );
        std::fs::write(path("data.xml"), text).unwrap();
        std::fs::write(path("recipient.pem"), certificate).unwrap();
        let options = [
            "--encrypt",
            "--session-key",
            "aes-256",
            "--pubkey-cert-pem",
            path("recipient.pem").to_str().unwrap(),
            "--xml-data",
            path("data.xml").to_str().unwrap(),
            "--node-name",
            "urn:oasis:names:tc:SAML:2.0:assertion:Assertion",
        ]
        .map(str::to_owned);
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let mut text = self.xmlsec1(&options, ENCRYPTION);
        assert!(!text.contains("<saml:Assertion"), "{text}");
        if sign {
            let id = text
                .split("ID=\"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap();
            let signature = SIGNATURE.replace("#ID", &format!("#{id}"));
            text = text.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1);
            text = self.sign(&text, "protocol:Response");
        }
        STANDARD.encode(text)
    }

    fn xmlsec1(&self, options: &[&str], text: &str) -> String {
        let path = |name: &str| self.folder.path().join(name);
        std::fs::write(path("in.xml"), text).unwrap();
        let output = Command::new("xmlsec1")
            .args(options)
            .arg("--output")
            .arg(path("out.xml"))
            .arg(path("in.xml"))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        std::fs::read_to_string(path("out.xml")).unwrap()
    }

    /// The address with which the provider asks for a log-out.
    pub fn log_out(&self, assert: &str, name_id: &str) -> String {
        let made = service::clock::now().to_rfc3339_opts(SecondsFormat::Secs, true);
        let text = format!(
            r#"<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_{}" Version="2.0" IssueInstant="{made}" Destination="{assert}"><saml:Issuer>https://idp.example</saml:Issuer><saml:NameID>{name_id}</saml:NameID><samlp:SessionIndex>s-1</samlp:SessionIndex></samlp:LogoutRequest>"#,
            service::random::hex_id()
        );
        let mut packed =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut packed, text.as_bytes()).unwrap();
        let query = Serializer::new(String::new())
            .append_pair("SAMLRequest", &STANDARD.encode(packed.finish().unwrap()))
            .append_pair("RelayState", "r 1")
            .append_pair(
                "SigAlg",
                "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            )
            .finish();
        let key = RsaKeyPair::from_pkcs8(&der(&self.key())).unwrap();
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            query.as_bytes(),
            &mut signature,
        )
        .unwrap();
        Serializer::new(query)
            .append_pair("Signature", &STANDARD.encode(signature))
            .finish()
    }
}

/// The message in an address of the provider.
pub fn message(url: &Url, name: &str) -> String {
    let packed = STANDARD.decode(parameter(url, name).unwrap()).unwrap();
    let mut text = String::new();
    DeflateDecoder::new(packed.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    text
}

impl Request {
    /// What somebody was sent to `url` with.
    pub fn read(url: &Url) -> Self {
        let xml = message(url, "SAMLRequest");
        let document = roxmltree::Document::parse(&xml).unwrap();
        let root = document.root_element();
        let attribute = |name: &str| root.attribute(name).unwrap().to_owned();
        let issuer = root.first_element_child().unwrap().text().unwrap();
        Self {
            id: attribute("ID"),
            relay_state: parameter(url, "RelayState").unwrap(),
            assert: attribute("AssertionConsumerServiceURL"),
            entity: issuer.to_owned(),
            xml: xml.clone(),
        }
    }
}
