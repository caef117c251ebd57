//! Clients that show a certificate.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::Router;
use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
    date_time_ymd,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Backend, TestGateway};

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut about = CertificateParams::default();
        about.distinguished_name.push(DnType::CommonName, name);
        about.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        about.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(about, key).unwrap())
    }

    fn pem(&self) -> String {
        pem("CERTIFICATE", self.0.der())
    }

    /// A client's certificate with its key.
    fn issue(
        &self,
        common: &str,
        names: &[&str],
        serial: u64,
        change: impl FnOnce(&mut CertificateParams),
    ) -> reqwest::Identity {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut about = CertificateParams::new(names).unwrap();
        about.distinguished_name.push(DnType::CommonName, common);
        about.serial_number = Some(SerialNumber::from(serial));
        about.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut about);
        let key = KeyPair::generate().unwrap();
        let made = about.signed_by(&key, &self.0).unwrap();
        let both = format!(
            "{}{}",
            pem("PRIVATE KEY", &key.serialize_der()),
            pem("CERTIFICATE", made.der())
        );
        reqwest::Identity::from_pem(both.as_bytes()).unwrap()
    }

    fn revoke(&self, serial: u64, until: i32) -> String {
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(until, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![RevokedCertParams {
                serial_number: SerialNumber::from(serial),
                revocation_time: date_time_ymd(2020, 1, 1),
                reason_code: None,
                invalidity_date: None,
            }],
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        pem("X509 CRL", list.signed_by(&self.0).unwrap().der())
    }
}

struct Locked {
    gateway: TestGateway,
    backend: Backend,
    plugin: String,
}

impl Locked {
    async fn new(authority: &Authority, config: Value) -> Self {
        let gateway = TestGateway::start().await;
        let backend = Backend::start().await;
        let service = gateway.publish("locked", backend.address, "/locked").await;
        gateway.publish("open", backend.address, "/open").await;
        let entity = json!({"cert": authority.pem()});
        let entity = gateway.post("ca_certificates", entity).await;
        let mut full = json!({"ca_certificates": [entity["id"]]});
        let fields = config.as_object().unwrap().clone();
        full.as_object_mut().unwrap().extend(fields);
        let plugin = gateway
            .plugin("mtls-auth", Some(&service), None, full)
            .await;
        gateway.consumer("ada").await;
        Self {
            gateway,
            backend,
            plugin: plugin.id.to_string(),
        }
    }

    fn client(identity: Option<&reqwest::Identity>) -> reqwest::Client {
        let client = reqwest::Client::builder().tls_danger_accept_invalid_certs(true);
        match identity {
            Some(identity) => client.identity(identity.clone()),
            None => client,
        }
        .build()
        .unwrap()
    }

    /// Each on a connection of its own.
    async fn status(&self, identity: Option<&reqwest::Identity>) -> u16 {
        self.call(&Self::client(identity), "/locked").await.0
    }

    async fn call(&self, client: &reqwest::Client, path: &str) -> (u16, Value) {
        let url = format!("https://{}{path}", self.gateway.tls);
        let sent = client.get(url).header("x-client-cert-dn", "CN=root");
        let answer = sent.send().await.unwrap();
        if answer.status() == StatusCode::UNAUTHORIZED {
            assert!(answer.headers().contains_key("www-authenticate"));
        }
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

#[tokio::test]
async fn a_certificate_leads_to_its_consumer() {
    let authority = Authority::new("ours");
    let locked = Locked::new(&authority, json!({})).await;
    for (common, names) in [
        ("ada", &[][..]),
        ("else", &["ada"]),
        ("else", &["nobody", "subscription-ada"]),
    ] {
        let identity = authority.issue(common, names, 1, |_| {});
        let client = Locked::client(Some(&identity));
        let (status, seen) = locked.call(&client, "/locked").await;
        assert_eq!(status, 200, "{common} {names:?}");
        let headers = &seen["headers"];
        assert_eq!(headers["x-consumer-username"], "ada");
        assert_eq!(headers["x-credential-identifier"], common);
        assert_eq!(headers["x-client-cert-dn"], format!("CN={common}"));
        // Nobody has to show one elsewhere, and nobody is believed there.
        let (status, seen) = locked.call(&client, "/open").await;
        assert_eq!(status, 200);
        assert_eq!(seen["headers"]["x-client-cert-dn"], Value::Null);
    }
    let stranger = authority.issue("eve", &["evil.example"], 1, |_| {});
    assert_eq!(locked.status(Some(&stranger)).await, 401);
    assert_eq!(locked.status(None).await, 401);
    let plain = locked.gateway.get("/locked").send().await.unwrap();
    assert_eq!(plain.status(), 401);
}

#[tokio::test]
async fn certificates_that_do_not_count_are_refused() {
    let authority = Authority::new("ours");
    let locked = Locked::new(&authority, json!({})).await;
    let expired = authority.issue("ada", &[], 1, |about| {
        about.not_after = date_time_ymd(2021, 1, 1);
    });
    let early = authority.issue("ada", &[], 1, |about| {
        about.not_before = date_time_ymd(2100, 1, 1);
    });
    let server = authority.issue("ada", &[], 1, |about| {
        about.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    // One that only has the same name.
    let foreign = Authority::new("ours").issue("ada", &[], 1, |_| {});
    for (name, identity) in [
        ("expired", expired),
        ("early", early),
        ("server", server),
        ("foreign", foreign),
    ] {
        assert_eq!(locked.status(Some(&identity)).await, 401, "{name}");
    }
    let good = authority.issue("ada", &[], 1, |_| {});
    assert_eq!(locked.status(Some(&good)).await, 200);
    assert_eq!(locked.backend.seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn revoked_certificates_are_refused_on_open_connections_too() {
    let authority = Authority::new("ours");
    let locked = Locked::new(&authority, json!({})).await;
    let (good, bad) = (
        authority.issue("ada", &[], 1, |_| {}),
        authority.issue("ada", &[], 2, |_| {}),
    );
    let client = Locked::client(Some(&bad));
    assert_eq!(locked.call(&client, "/locked").await.0, 200);
    let path = format!("plugins/{}", locked.plugin);
    let change = async |config: Value| {
        let change = json!({ "config": config });
        let (status, answer) = locked.gateway.call(Method::PATCH, &path, change).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    };
    let list = |until| json!([authority.revoke(2, until)]);
    change(json!({"crls": list(2100)})).await;
    assert_eq!(locked.call(&client, "/locked").await.0, 401);
    assert_eq!(locked.status(Some(&good)).await, 200);
    change(json!({"revocation_check_mode": "SKIP"})).await;
    assert_eq!(locked.call(&client, "/locked").await.0, 200);
    // An old list still says who was revoked; who may pass must be said by a new one.
    change(json!({"revocation_check_mode": "IGNORE_CA_ERROR", "crls": list(2021)})).await;
    assert_eq!(locked.status(Some(&bad)).await, 401);
    assert_eq!(locked.status(Some(&good)).await, 200);
    change(json!({"revocation_check_mode": "STRICT"})).await;
    assert_eq!(locked.status(Some(&good)).await, 401);
    change(json!({"crls": list(2100)})).await;
    assert_eq!(locked.status(Some(&good)).await, 200);
    // A list of somebody else says nothing about these.
    change(json!({"crls": [Authority::new("theirs").revoke(1, 2100)]})).await;
    assert_eq!(locked.status(Some(&good)).await, 401);
}

#[tokio::test]
async fn lists_are_fetched_and_renewed() {
    let authority = Authority::new("ours");
    let (good, bad, later) = (
        authority.issue("ada", &[], 1, |_| {}),
        authority.issue("ada", &[], 2, |_| {}),
        authority.issue("ada", &[], 3, |_| {}),
    );
    let der = |list: &str| {
        let lines = list.lines().filter(|line| !line.starts_with("---"));
        STANDARD.decode(lines.collect::<String>()).unwrap()
    };
    // Nothing is there at first.
    let list: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
    let shown = list.clone();
    let server = Router::new().fallback(async move || {
        let list = shown.lock().unwrap().clone();
        list.ok_or(StatusCode::SERVICE_UNAVAILABLE)
    });
    let url = format!("http://{}/ours.crl", crate::support::serve(server).await);
    let config = json!({"crl_urls": [url], "crl_ttl": 1, "revocation_check_mode": "STRICT"});
    let strict = Locked::new(&authority, config.clone()).await;
    let mut config = config;
    config["revocation_check_mode"] = json!("IGNORE_CA_ERROR");
    let lenient = Locked::new(&authority, config).await;
    assert_eq!(strict.status(Some(&good)).await, 401);
    assert_eq!(lenient.status(Some(&bad)).await, 200);
    let becomes = async |locked: &Locked, identity: &reqwest::Identity, status: u16| {
        let client = Locked::client(Some(identity));
        let waiting = async {
            while locked.call(&client, "/locked").await.0 != status {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(30), waiting).await;
        assert!(waited.is_ok(), "{status} does not come");
    };
    let put = |content: Option<Vec<u8>>| *list.lock().unwrap() = content;
    put(Some(der(&authority.revoke(2, 2100))));
    for locked in [&strict, &lenient] {
        becomes(locked, &good, 200).await;
        becomes(locked, &bad, 401).await;
        assert_eq!(locked.status(Some(&later)).await, 200);
    }
    // The next one as PEM, on connections that are open.
    put(Some(authority.revoke(3, 2100).into_bytes()));
    for locked in [&strict, &lenient] {
        becomes(locked, &later, 401).await;
    }
    // What is none, and no answer at all: the last one counts.
    for broken in [Some(b"<html>".to_vec()), None] {
        put(broken);
        for locked in [&strict, &lenient] {
            for _ in 0..3 {
                assert_eq!(locked.status(Some(&good)).await, 200);
                assert_eq!(locked.status(Some(&later)).await, 401);
            }
        }
    }
    // One that has ended.
    put(Some(der(&authority.revoke(3, 2021))));
    becomes(&strict, &good, 401).await;
    assert_eq!(lenient.status(Some(&good)).await, 200);
}

#[tokio::test]
async fn who_is_no_consumer_may_be_let_in_by_name() {
    let authority = Authority::new("ours");
    let locked = Locked::new(&authority, json!({"skip_consumer_lookup": true})).await;
    locked
        .gateway
        .plugin("acl", None, None, json!({"allow": ["printers"]}))
        .await;
    for (common, status) in [("printers", 200), ("ada", 403)] {
        let identity = authority.issue(common, &["p.example"], 1, |_| {});
        let (seen, answer) = locked
            .call(&Locked::client(Some(&identity)), "/locked")
            .await;
        assert_eq!(seen, status, "{common}");
        if status == 200 {
            let headers = &answer["headers"];
            assert_eq!(headers["x-authenticated-groups"], "printers");
            assert_eq!(headers["x-client-cert-san"], "p.example");
            assert_eq!(headers["x-consumer-username"], Value::Null);
        }
    }
}

#[tokio::test]
async fn authorities_are_there_and_stay_as_long_as_they_are_needed() {
    let authority = Authority::new("ours");
    let locked = Locked::new(&authority, json!({})).await;
    let gateway = &locked.gateway;
    let (_, plugin) = gateway
        .call(
            Method::GET,
            &format!("plugins/{}", locked.plugin),
            Value::Null,
        )
        .await;
    let id = plugin["config"]["ca_certificates"][0].as_str().unwrap();
    let path = format!("ca_certificates/{id}");
    let (status, error) = gateway.call(Method::DELETE, &path, Value::Null).await;
    assert_eq!(
        (status, &error["code"]),
        (StatusCode::BAD_REQUEST, &json!(19))
    );
    // Another certificate under the same id counts at once.
    let good = authority.issue("ada", &[], 1, |_| {});
    assert_eq!(locked.status(Some(&good)).await, 200);
    let other = Authority::new("theirs");
    let (status, _) = gateway
        .call(Method::PUT, &path, json!({"cert": other.pem()}))
        .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(locked.status(Some(&good)).await, 401);
    let theirs = other.issue("ada", &[], 1, |_| {});
    assert_eq!(locked.status(Some(&theirs)).await, 200);
    let unknown = "11111111-2222-3333-4444-555555555555";
    for (config, field) in [
        (json!({}), "ca_certificates"),
        (json!({"ca_certificates": []}), "ca_certificates"),
        (json!({"ca_certificates": [unknown]}), "ca_certificates.1"),
        (json!({"ca_certificates": ["x"]}), "ca_certificates"),
        (json!({"ca_certificates": [id], "crls": ["x"]}), "crls"),
        (
            json!({"ca_certificates": [id], "crls": ["-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----"]}),
            "crls.1",
        ),
        (
            json!({"ca_certificates": [id], "revocation_check_mode": "STRICT"}),
            "crls",
        ),
        (
            json!({"ca_certificates": [id], "consumer_by": ["tags"]}),
            "consumer_by",
        ),
        (
            json!({"ca_certificates": [id], "crl_urls": ["ftp://x"]}),
            "crl_urls",
        ),
        (json!({"ca_certificates": [id], "crl_urls": []}), "crl_urls"),
        (json!({"ca_certificates": [id], "crl_ttl": 0}), "crl_ttl"),
        (
            json!({"ca_certificates": [id], "http_timeout": 1}),
            "http_timeout",
        ),
    ] {
        let body = json!({"name": "mtls-auth", "config": config});
        let (status, error) = gateway.call(Method::POST, "plugins", body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{field}");
        let pointer = format!("/fields/config/{}", field.replace('.', "/"));
        assert!(error.pointer(&pointer).is_some(), "{field}: {error}");
    }
}
