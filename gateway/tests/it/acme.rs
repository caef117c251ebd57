//! Certificates that come by themselves, from Debian's `pebble`, which asks for its answers as any
//! authority does.

use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gateway::Acme;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{Backend, TestGateway};

const BINDING: &[u8] = b"a key that pebble and the gateway have";

/// An authority with a name server, on ports of its own. Its names lead here.
struct Authority {
    folder: TempDir,
    port: u16,
    management: u16,
    _names: Process,
    names_management: u16,
    dns: u16,
    /// Whose certificate the authority's own server has.
    trusted: reqwest::Certificate,
    asks_who_we_are: bool,
}

/// Ends when dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn spawn(command: &mut Command) -> Option<Process> {
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().ok().map(Process)
}

/// Free a moment ago: pebble cannot be given an open port.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Authority {
    /// With its name server only; nothing where there is no pebble.
    async fn new() -> Option<Self> {
        let (dns, names_management) = (free_port(), free_port());
        let names = spawn(
            Command::new("pebble-challtestsrv")
                .args(["-http01", "", "-https01", "", "-tlsalpn01", ""])
                .args(["-defaultIPv6", "", "-dns01", &format!("127.0.0.1:{dns}")])
                .args(["-management", &format!("127.0.0.1:{names_management}")]),
        );
        let Some(names) = names else {
            let is_full = service::settings::var("WICKETGATE_TEST_FULL").is_some();
            assert!(!is_full, "there is no pebble");
            eprintln!("skipped: no pebble");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let trusted = own_certificate(folder.path());
        listens(names_management).await;
        Some(Self {
            folder,
            port: free_port(),
            management: free_port(),
            _names: names,
            names_management,
            dns,
            trusted,
            asks_who_we_are: false,
        })
    }

    /// Begins its work: questions go to this port of the names.
    async fn start(&self, http_port: u16) -> Process {
        let path = |name: &str| self.folder.path().join(name);
        let config = json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{}", self.port),
            "managementListenAddress": format!("127.0.0.1:{}", self.management),
            "certificate": path("cert.pem"),
            "privateKey": path("key.pem"),
            "httpPort": http_port,
            "tlsPort": 1,
            "externalAccountBindingRequired": self.asks_who_we_are,
            "externalAccountMACKeys": { "us": URL_SAFE_NO_PAD.encode(BINDING) },
        }});
        fs::write(path("pebble.json"), config.to_string()).unwrap();
        let process = spawn(
            Command::new("pebble")
                .arg("-config")
                .arg(path("pebble.json"))
                .args(["-dnsserver", &format!("127.0.0.1:{}", self.dns)])
                .env("PEBBLE_VA_NOSLEEP", "1")
                // What was answered once is asked again.
                .env("PEBBLE_AUTHZREUSE", "0"),
        );
        listens(self.port).await;
        listens(self.management).await;
        process.unwrap()
    }

    fn directory(&self) -> String {
        format!("https://127.0.0.1:{}/dir", self.port)
    }

    /// Where a gateway with this data folder keeps what it has from here.
    fn kept_in(&self, state_dir: &Path) -> PathBuf {
        let name = format!("127.0.0.1_{}_dir", self.port);
        state_dir.join("acme").join(name)
    }

    /// Nowhere else than to this address.
    async fn leads(&self, name: &str, address: Ipv4Addr) {
        let host = format!("{name}.");
        let add = json!({"host": host, "addresses": [address]});
        for (call, body) in [("clear-a", json!({"host": host})), ("add-a", add)] {
            let url = format!("http://127.0.0.1:{}/{call}", self.names_management);
            let request = service::http::client().post(url).body(body.to_string());
            assert_eq!(request.send().await.unwrap().status(), 200, "{call}");
        }
    }

    /// Of the certificates that it gives.
    async fn root(&self) -> reqwest::Certificate {
        let client = reqwest::Client::builder().tls_certs_only([self.trusted.clone()]);
        let url = format!("https://127.0.0.1:{}/roots/0", self.management);
        let answer = client.build().unwrap().get(url).send().await.unwrap();
        reqwest::Certificate::from_pem(&answer.bytes().await.unwrap()).unwrap()
    }

    fn gateway(&self, state_dir: &Path, hosts: &str) -> TestGateway {
        self.gateway_with(state_dir, hosts, |_| {})
    }

    fn gateway_with(
        &self,
        state_dir: &Path,
        hosts: &str,
        change: impl FnOnce(&mut Acme),
    ) -> TestGateway {
        let mut acme = Acme::new(&self.directory(), hosts).unwrap();
        acme.contact = Some("ops@wicketgate.test".to_owned());
        acme.authorities = vec![self.trusted.clone()];
        acme.first_wait = Duration::from_millis(100);
        change(&mut acme);
        TestGateway::start_with(state_dir, |settings| settings.acme = Some(acme))
    }
}

async fn listens(port: u16) {
    until("it listens", async || {
        tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .is_ok()
    })
    .await;
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_mins(1), waiting).await;
    assert!(waited.is_ok(), "not in time: {what}");
}

/// For a server at 127.0.0.1; answers whom to trust.
fn own_certificate(folder: &Path) -> reqwest::Certificate {
    let (authority_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut about = CertificateParams::default();
    about.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = about.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(about, authority_key);
    let about = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = about.signed_by(&key, &issuer).unwrap();
    fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    reqwest::Certificate::from_pem(authority.pem().as_bytes()).unwrap()
}

/// Whether somebody who trusts this root is content with what the gateway shows for the name.
async fn shows(gateway: &TestGateway, name: &str, root: &reqwest::Certificate) -> bool {
    let client = reqwest::Client::builder()
        .tls_certs_only([root.clone()])
        .resolve(name, gateway.tls)
        .build()
        .unwrap();
    let url = format!("https://{name}:{}/open", gateway.tls.port());
    client.get(url).send().await.is_ok()
}

async fn comes(gateway: &TestGateway, name: &str, root: &reqwest::Certificate) {
    let what = format!("a certificate for {name}");
    until(&what, async || shows(gateway, name, root).await).await;
}

/// End of the certificates by name, as the metrics tell it.
async fn expiries(gateway: &TestGateway) -> BTreeMap<String, i64> {
    let url = format!("{}metrics", gateway.status_url);
    let text = gateway
        .http
        .get(url)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let name = "wicketgate_gateway_certificate_expiry_timestamp_seconds{name=\"";
    let lines = text.lines().filter_map(|line| line.strip_prefix(name));
    let pairs = lines.map(|line| {
        let (name, value) = line.split_once("\"} ").unwrap();
        (name.to_owned(), value.parse().unwrap())
    });
    pairs.collect()
}

#[tokio::test]
async fn certificates_come_for_names_of_the_list_and_of_routes() {
    let Some(authority) = Authority::new().await else {
        return;
    };
    authority
        .leads("lost.wicketgate.test", Ipv4Addr::new(127, 0, 0, 2))
        .await;
    let directory = tempfile::tempdir().unwrap();
    let hosts = "a.wicketgate.test, *.apis.wicketgate.test, lost.wicketgate.test";
    let gateway = authority.gateway(directory.path(), hosts);
    // The authority is away, which keeps nobody from anything.
    let backend = Backend::start().await;
    gateway.publish("open", backend.address, "/open").await;
    assert_eq!(gateway.get("/open").send().await.unwrap().status(), 200);
    let running = authority.start(gateway.proxy.port()).await;
    let root = authority.root().await;
    comes(&gateway, "a.wicketgate.test", &root).await;
    for hosts in [
        json!(["b.apis.wicketgate.test"]),
        json!(["c.wicketgate.test"]),
    ] {
        gateway
            .post("services/open/routes", json!({"hosts": hosts}))
            .await;
    }
    comes(&gateway, "b.apis.wicketgate.test", &root).await;
    assert!(!shows(&gateway, "lost.wicketgate.test", &root).await);
    let known = expiries(&gateway).await;
    let names: Vec<&str> = known.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "a.wicketgate.test",
            "b.apis.wicketgate.test",
            "lost.wicketgate.test"
        ]
    );
    let now = service::clock::now().timestamp();
    assert!(known["a.wicketgate.test"] > now + 3600);
    assert_eq!(known["lost.wicketgate.test"], 0);
    // The name leads here at last.
    authority
        .leads("lost.wicketgate.test", Ipv4Addr::LOCALHOST)
        .await;
    comes(&gateway, "lost.wicketgate.test", &root).await;
    let kept = authority.kept_in(directory.path());
    let files: Vec<_> = fs::read_dir(kept).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 4, "{files:?}");
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file:?}");
    }
    // Without the authority everything is there after a restart.
    drop(running);
    gateway.stop().await;
    let gateway = authority.gateway(directory.path(), hosts);
    for name in ["a.wicketgate.test", "b.apis.wicketgate.test"] {
        comes(&gateway, name, &root).await;
    }
    // A certificate that somebody brings for a name is the one that counts.
    let own = include_str!("tls/one.pem");
    let entity =
        json!({"cert": own, "key": include_str!("tls/one.key"), "snis": ["a.wicketgate.test"]});
    gateway.post("certificates", entity).await;
    assert!(!shows(&gateway, "a.wicketgate.test", &root).await);
    assert!(shows(&gateway, "b.apis.wicketgate.test", &root).await);
}

#[tokio::test]
async fn an_old_certificate_serves_until_there_is_a_new_one() {
    let Some(authority) = Authority::new().await else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let name = "old.wicketgate.test";
    let key = KeyPair::generate().unwrap();
    let mut about = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let now = std::time::SystemTime::now();
    let day = Duration::from_hours(24);
    (about.not_before, about.not_after) = ((now - 70 * day).into(), (now + 20 * day).into());
    let old = about.self_signed(&key).unwrap().pem();
    let kept = authority.kept_in(directory.path());
    fs::create_dir_all(&kept).unwrap();
    let file = kept.join(format!("{name}.pem"));
    fs::write(&file, key.serialize_pem() + &old).unwrap();
    let gateway = authority.gateway(directory.path(), name);
    let old = reqwest::Certificate::from_pem(old.as_bytes()).unwrap();
    comes(&gateway, name, &old).await;
    let running = authority.start(gateway.proxy.port()).await;
    comes(&gateway, name, &authority.root().await).await;
    gateway.stop().await;
    // The authority has forgotten everybody; the account is made anew.
    drop(running);
    let account = fs::read_to_string(kept.join("account.json")).unwrap();
    fs::remove_file(file).unwrap();
    let gateway = authority.gateway(directory.path(), name);
    let _running = authority.start(gateway.proxy.port()).await;
    comes(&gateway, name, &authority.root().await).await;
    assert_ne!(
        fs::read_to_string(kept.join("account.json")).unwrap(),
        account
    );
}

#[tokio::test]
async fn gateways_with_one_account_answer_for_each_other() {
    let Some(authority) = Authority::new().await else {
        return;
    };
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let kept = folders
        .each_ref()
        .map(|folder| authority.kept_in(folder.path()));
    let name = "both.wicketgate.test";
    let first = authority.gateway(folders[0].path(), name);
    // Questions go to this one alone.
    let _running = authority.start(first.proxy.port()).await;
    let root = authority.root().await;
    comes(&first, name, &root).await;
    fs::create_dir_all(&kept[1]).unwrap();
    fs::copy(kept[0].join("account.json"), kept[1].join("account.json")).unwrap();
    let second = authority.gateway(folders[1].path(), name);
    comes(&second, name, &root).await;
    let pem = |folder: &PathBuf| fs::read(folder.join(format!("{name}.pem"))).unwrap();
    assert_ne!(pem(&kept[0]), pem(&kept[1]), "each has its own");
}

#[tokio::test]
async fn an_authority_may_want_to_know_whose_account_it_is() {
    let Some(mut authority) = Authority::new().await else {
        return;
    };
    authority.asks_who_we_are = true;
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let name = "known.wicketgate.test";
    let unknown = authority.gateway(folders[0].path(), name);
    let binding = Some(("us".to_owned(), BINDING.to_vec()));
    let gateway = authority.gateway_with(folders[1].path(), name, |acme| acme.binding = binding);
    let _running = authority.start(gateway.proxy.port()).await;
    comes(&gateway, name, &authority.root().await).await;
    assert_eq!(expiries(&unknown).await[name], 0);
}

#[tokio::test]
async fn certificates_need_a_listener_that_shows_them() {
    let directory = tempfile::tempdir().unwrap();
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let bound = gateway::Bound::new(free, free, free).unwrap();
    let mut settings = gateway::Settings::new(bound, directory.path().to_owned());
    settings.acme = Some(Acme::new("https://ca.example/dir", "a.example").unwrap());
    let served = gateway::serve(
        settings,
        service::health::Readiness::new(),
        tokio_util::sync::CancellationToken::new(),
    );
    let error = served.await.unwrap_err().to_string();
    assert!(error.contains("GATEWAY_TLS_LISTEN"), "{error}");
}
