//! A running auth server and browsers and clients that use it.

mod authenticator;
mod browser;
mod directory;
mod kong;
mod logs;
mod portal_api;
mod provider;
mod receiver;
mod saml;

use std::{path::PathBuf, time::Duration};

use auth_server::{OldGrants, PasswordGrant, Settings};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use migrations::Location;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use service::{
    ServiceName,
    health::Readiness,
    keys::{Keys, MasterKey},
    token::Identity,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use url::Url;

pub use authenticator::Authenticator;
pub use browser::{Browser, Page, code_of};
pub use directory::Directory;
pub use kong::{EXPIRES_IN, Kong};
pub use logs::Logs;
pub use portal_api::{PASSWORD, PortalApi};
pub use provider::{Kind, Provider, back};
pub use receiver::Receiver;
pub use saml::{
    Answer as SamlAnswer, Request as SamlRequest, SamlProvider, message as saml_message,
};

/// Redirect URI of the applications.
pub const REDIRECT: &str = "https://app.example/cb?x=1";
/// Of every confidential client.
pub const SECRET: (&str, &str) = ("client_secret", "secret");
/// A PKCE verifier with its challenge (RFC 7636, appendix B).
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

const OLD_GRANTS: OldGrants = OldGrants {
    implicit: true,
    password: PasswordGrant::Confidential,
    plain_pkce: false,
    error_pages: false,
};

/// Members of a form.
pub type Form<'a> = &'a [(&'a str, &'a str)];

/// An auth server on a free port; stops when dropped.
pub struct TestServer {
    /// `http://127.0.0.1:<port>/auth`
    pub base: String,
    pub portal: PortalApi,
    pub keys: Keys,
    http: reqwest::Client,
    shutdown: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
    data: TempDir,
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.shutdown.cancel();
        self.task.abort();
    }
}

impl TestServer {
    /// On SQLite.
    pub async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let keys = Keys::from_master(MasterKey::generate());
        let portal = PortalApi::start(keys.clone()).await;
        let location = Location::in_folder(data.path(), "auth-server.db");
        Self::on(location, data, portal, keys, OldGrants::default()).await
    }

    /// On SQLite, with a client `<application>-<api>` of this kind (and trusted or not).
    pub async fn start_with_client(
        application: &str,
        api: &str,
        kind: &str,
        trusted: bool,
    ) -> Self {
        let server = Self::start().await;
        server.portal.add_client(application, api, kind, trusted);
        server
    }

    /// On SQLite, with the grants that are off by default.
    pub async fn start_with_old_grants() -> Self {
        Self::start_beside(|_| {}).await
    }

    /// As [`Self::start_with_old_grants`], after something was done with the stand-in of portal-api.
    pub async fn start_beside(first: impl FnOnce(&PortalApi)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let keys = Keys::from_master(MasterKey::generate());
        let portal = PortalApi::start(keys.clone()).await;
        first(&portal);
        let location = Location::in_folder(data.path(), "auth-server.db");
        Self::on(location, data, portal, keys, OLD_GRANTS).await
    }

    /// On SQLite, with all that only old clients need.
    pub async fn start_for_old_clients() -> Self {
        let data = tempfile::tempdir().unwrap();
        let keys = Keys::from_master(MasterKey::generate());
        let portal = PortalApi::start(keys.clone()).await;
        let location = Location::in_folder(data.path(), "auth-server.db");
        let grants = OldGrants {
            implicit: true,
            password: PasswordGrant::All,
            plain_pkce: true,
            error_pages: true,
        };
        Self::on(location, data, portal, keys, grants).await
    }

    /// On SQLite, with tokens that a Kong keeps.
    pub async fn start_with_kong() -> (Self, Kong) {
        Self::start_with(|_| async {}).await
    }

    /// As [`Self::start_with_kong`]; something is done with Kong first.
    pub async fn start_with<F: Future<Output = ()>>(first: impl FnOnce(Kong) -> F) -> (Self, Kong) {
        Self::start_with_kong_beside(|_| {}, first).await
    }

    /// As [`Self::start_with`]; something is done with the stand-in of portal-api, too.
    pub async fn start_with_kong_beside<F: Future<Output = ()>>(
        prepare: impl FnOnce(&PortalApi),
        first: impl FnOnce(Kong) -> F,
    ) -> (Self, Kong) {
        let data = tempfile::tempdir().unwrap();
        let keys = Keys::from_master(MasterKey::generate());
        let portal = PortalApi::start(keys.clone()).await;
        prepare(&portal);
        let kong = Kong::start(&keys).await;
        portal.use_kong(&kong.admin.url(), &kong.proxy.url());
        first(kong.clone()).await;
        let location = Location::in_folder(data.path(), "auth-server.db");
        let server = Self::on(location, data, portal, keys, OLD_GRANTS).await;
        (server, kong)
    }

    /// On SQLite, with the address at which it is reached as issuer.
    pub async fn start_as_issuer() -> Self {
        let data = tempfile::tempdir().unwrap();
        let keys = Keys::from_master(MasterKey::generate());
        let portal = PortalApi::start(keys.clone()).await;
        let location = Location::in_folder(data.path(), "auth-server.db");
        let own = |settings: &mut Settings, origin: &str| {
            settings.external_url = Some(origin.parse().unwrap());
        };
        Self::on_with(location, data, portal, keys, own).await
    }

    /// Two instances on one PostgreSQL; nothing where there is none.
    pub async fn start_two() -> Option<(Self, Self)> {
        Self::start_two_beside(|_| {}).await
    }

    /// As [`Self::start_two`], after something was done with the stand-in of portal-api.
    pub async fn start_two_beside(first: impl FnOnce(&PortalApi)) -> Option<(Self, Self)> {
        let url = fresh_postgres().await?;
        let location = Location::parse(&url).unwrap();
        let keys = Keys::from_master(MasterKey::generate());
        let portal = PortalApi::start(keys.clone()).await;
        first(&portal);
        let folder = || tempfile::tempdir().unwrap();
        let (one, two) = tokio::join!(
            Self::on(
                location.clone(),
                folder(),
                portal.clone(),
                keys.clone(),
                OldGrants::default()
            ),
            Self::on(
                location,
                folder(),
                portal.clone(),
                keys.clone(),
                OldGrants::default()
            ),
        );
        Some((one, two))
    }

    /// As [`Self::start_two`], with tokens that one Kong keeps.
    pub async fn start_two_with_kong() -> Option<(Self, Self, Kong)> {
        let location = Location::parse(&fresh_postgres().await?).unwrap();
        let keys = Keys::from_master(MasterKey::generate());
        let portal = PortalApi::start(keys.clone()).await;
        let kong = Kong::start(&keys).await;
        portal.use_kong(&kong.admin.url(), &kong.proxy.url());
        let start = || {
            let folder = tempfile::tempdir().unwrap();
            Self::on(
                location.clone(),
                folder,
                portal.clone(),
                keys.clone(),
                OLD_GRANTS,
            )
        };
        let (one, two) = tokio::join!(start(), start());
        Some((one, two, kong))
    }

    /// On SQLite, with other settings than usual, after something was done with the stand-in of
    /// portal-api.
    pub async fn start_changed(
        first: impl FnOnce(&PortalApi),
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let data = tempfile::tempdir().unwrap();
        let keys = Keys::from_master(MasterKey::generate());
        let portal = PortalApi::start(keys.clone()).await;
        first(&portal);
        let location = Location::in_folder(data.path(), "auth-server.db");
        let set = |settings: &mut Settings, _: &str| change(settings);
        Self::on_with(location, data, portal, keys, set).await
    }

    async fn on(
        database: Location,
        data: TempDir,
        portal: PortalApi,
        keys: Keys,
        grants: OldGrants,
    ) -> Self {
        let set = |settings: &mut Settings, _: &str| settings.grants = grants;
        Self::on_with(database, data, portal, keys, set).await
    }

    async fn on_with(
        database: Location,
        data: TempDir,
        portal: PortalApi,
        keys: Keys,
        set: impl FnOnce(&mut Settings, &str),
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let own_url = format!("http://{address}/").parse().unwrap();
        let mut settings = Settings::new(portal.url.clone(), own_url, keys.clone(), data.path());
        settings.database = database;
        settings.render_json = true;
        settings.receiver_networks = vec!["127.0.0.0/8".parse().unwrap()];
        set(&mut settings, &format!("http://{address}"));
        let (readiness, shutdown) = (Readiness::new(), CancellationToken::new());
        let task = tokio::spawn(auth_server::serve(
            settings,
            listener,
            readiness.clone(),
            shutdown.clone(),
        ));
        tokio::time::timeout(Duration::from_secs(30), readiness.until_ready())
            .await
            .unwrap_or_else(|_| panic!("the auth server does not start: {:?}", readiness.state()));
        Self {
            base: format!("http://{address}/auth"),
            portal,
            keys,
            http: service::http::client(),
            shutdown,
            task,
            data,
        }
    }

    /// All bytes of the database, on SQLite.
    pub fn stored(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.data.path()).unwrap();
        files
            .flat_map(|file| std::fs::read(file.unwrap().path()).unwrap())
            .collect()
    }

    /// Ends it at once, whatever it is doing.
    pub fn kill(&self) {
        self.shutdown.cancel();
        self.task.abort();
    }

    /// A browser without cookies.
    pub fn browser(&self) -> Browser<'_> {
        Browser::new(self)
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.http.get(self.url(path)).send().await.unwrap()).await
    }

    pub async fn get_with(&self, path: &str, authorization: &str) -> Answer {
        let request = self
            .http
            .get(self.url(path))
            .header("authorization", authorization);
        Answer::of(request.send().await.unwrap()).await
    }

    pub async fn post(&self, path: &str, form: Form<'_>) -> Answer {
        Answer::of(
            self.http
                .post(self.url(path))
                .form(form)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    pub async fn post_as(&self, path: &str, bearer: &str, form: Form<'_>) -> Answer {
        let request = self
            .http
            .post(self.url(path))
            .bearer_auth(bearer)
            .form(form);
        Answer::of(request.send().await.unwrap()).await
    }

    /// A call with a token and perhaps a JSON body.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> Answer {
        let mut request = self.http.request(method, self.url(path)).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        Answer::of(request.send().await.unwrap()).await
    }

    /// The tokens for a code of this confidential client.
    pub async fn redeem(&self, client: &str, code: &str) -> Answer {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", client),
            SECRET,
            ("code", code),
            ("code_verifier", VERIFIER),
        ];
        self.token(&form).await.expect(200)
    }

    /// Whether introspection calls the token good.
    pub async fn is_active(&self, token: &str) -> bool {
        let service = self.service_token();
        let form = [("token", token)];
        let answer = self.post_as("/oauth2/introspect", &service, &form).await;
        answer.expect(200).json()["active"] == true
    }

    /// `POST /oauth2/token`
    pub async fn token(&self, form: Form<'_>) -> Answer {
        self.post("/oauth2/token", form).await
    }

    /// A service token of the portal for this server.
    pub fn service_token(&self) -> String {
        Identity::new(ServiceName::Portal, self.keys.clone())
            .token_for(ServiceName::AuthServer)
            .unwrap()
    }

    pub fn url(&self, path: &str) -> String {
        if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.base)
        }
    }
}

/// An answer, read completely.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub async fn of(response: reqwest::Response) -> Self {
        Self {
            status: response.status(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The answer, if it has this status.
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// Status and OAuth error code.
    pub fn error(&self) -> (u16, String) {
        let code = self.json()["error"].as_str().unwrap_or_default().to_owned();
        (self.status.as_u16(), code)
    }

    pub fn member(&self, name: &str) -> String {
        self.json()[name]
            .as_str()
            .unwrap_or_else(|| panic!("no `{name}`: {self:?}"))
            .to_owned()
    }

    pub fn location(&self) -> Url {
        let location = self
            .headers
            .get("location")
            .unwrap_or_else(|| panic!("no redirect: {self:?}"));
        let location = location.to_str().unwrap();
        let base = Url::parse("http://relative.invalid/").unwrap();
        base.join(location).unwrap()
    }
}

/// Waits for something that happens by itself.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(30), "not yet: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The parameter of a URL.
pub fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// The claims of a token, unverified.
pub fn claims(token: &str) -> Value {
    part(token, 1)
}

/// Header (0) or claims (1) of a token.
pub fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// A text with another part in a token.
pub fn with_part(token: &str, index: usize, value: &Value) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts[index] = URL_SAFE_NO_PAD.encode(json!(value).to_string());
    parts.join(".")
}

/// A certificate in PEM form with its key; nothing where there is no openssl.
pub fn certificate() -> Option<(String, ring::signature::RsaKeyPair)> {
    let folder = tempfile::tempdir().unwrap();
    let (key, certificate) = self_signed(folder.path())?;
    let key = der(&std::fs::read_to_string(key).unwrap());
    let key = ring::signature::RsaKeyPair::from_pkcs8(&key).unwrap();
    Some((std::fs::read_to_string(certificate).unwrap(), key))
}

/// Files with a key and its certificate, for 127.0.0.1 and `localhost`.
pub fn self_signed(folder: &std::path::Path) -> Option<(PathBuf, PathBuf)> {
    let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
    let mut command = std::process::Command::new("openssl");
    command
        .args([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
        ])
        .args(["-subj", "/CN=localhost", "-addext"])
        .arg("subjectAltName=IP:127.0.0.1,DNS:localhost")
        // One that may sign others is not taken for that of a server.
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate);
    match command.output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{text}");
            Some((key, certificate))
        }
        Err(_) => skip("openssl"),
    }
}

/// What is between the first and the last line.
fn der(pem: &str) -> Vec<u8> {
    let lines: Vec<&str> = pem.lines().collect();
    STANDARD.decode(lines[1..lines.len() - 1].concat()).unwrap()
}

/// Nothing, and a line that says so; a failure where everything has to be there.
pub fn skip<T>(missing: &str) -> Option<T> {
    let full = service::settings::var("WICKETGATE_TEST_FULL");
    assert!(full.is_none(), "there is no {missing}");
    // Written past the test runner, which shows nothing of tests that pass.
    let test = std::thread::current();
    let test = test.name().unwrap_or_default();
    let _ = std::io::Write::write_fmt(
        &mut std::io::stderr(),
        format_args!("skipped: {test}: no {missing}\n"),
    );
    None
}

/// A new database on the server that `WICKETGATE_TEST_POSTGRES_URL` names.
async fn fresh_postgres() -> Option<String> {
    use sea_orm::ConnectionTrait as _;
    use service::settings::var;

    let Some(server) = var("WICKETGATE_TEST_POSTGRES_URL") else {
        return skip("PostgreSQL (WICKETGATE_TEST_POSTGRES_URL)");
    };
    let name = format!("auth_{}", service::random::hex_id());
    let admin = sea_orm::Database::connect(&server).await.unwrap();
    admin
        .execute_unprepared(&format!("create database {name}"))
        .await
        .unwrap();
    let mut url: Url = server.parse().unwrap();
    url.set_path(&name);
    Some(url.into())
}
