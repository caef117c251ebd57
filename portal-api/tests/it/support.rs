//! A running portal-api and callers who prove who they are.

mod postgres;
pub mod remote;

use std::{path::Path, sync::Arc, time::Duration};

use config::{Configuration, Environment, Origin, Tree};
use http::Method;
use migrations::{Database, Location, portal_api::Migrator};
use portal_api::{
    ConfigurationSource, EventSettings, Neighbours, Settings,
    import::{self, Options, Report, Source},
    passwords::Cost,
    serve,
};
pub use postgres::Postgres;
pub use remote::Remote;
use serde_json::Value;
use service::{
    ServiceName,
    health::Readiness,
    keys::{self, Keys, MasterKey, PortalClient},
    token::Identity,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Users of the test configuration.
pub const ADMIN: &str = "admin-user";
pub const DEVELOPER: &str = "dev-user";
pub const PARTNER: &str = "partner-user";

/// A pool with namespaces.
const TENANTS: &str = r#"{
  "id": "tenants", "name": "Tenants", "requiresNamespace": true,
  "properties": [{"id": "name", "description": "Name", "type": "string", "required": true}]
}"#;

/// Pools that people do not join on their own.
const GUESTS: &str = r#"{
  "id": "guests", "name": "Guests", "requiresInvitation": true,
  "properties": [{"id": "name", "description": "Name", "type": "string", "required": true}]
}"#;

const MEMBERS: &str = r#"{
  "id": "members", "name": "Members", "requiresInvitation": true, "requiresNamespace": true,
  "properties": [{"id": "name", "description": "Name", "type": "string", "required": true}]
}"#;

/// A portal-api on a free port; stops when dropped.
pub struct TestApi {
    address: String,
    keys: Keys,
    pub configuration: Arc<Configuration>,
    shutdown: CancellationToken,
    server: JoinHandle<anyhow::Result<()>>,
    data: Arc<TempDir>,
    /// Dropped last, when the server has stopped using it.
    postgres: Option<Arc<Postgres>>,
}

/// Writes a test that runs on SQLite, and on PostgreSQL where there is a server.
macro_rules! on_both_databases {
    ($(async fn $name:ident($api:ident: TestApi) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn check($api: TestApi) $body

            #[tokio::test]
            async fn on_sqlite() {
                check(TestApi::start().await).await;
            }

            #[tokio::test]
            async fn on_postgres() {
                if let Some(api) = TestApi::start_on_postgres().await {
                    check(api).await;
                }
            }
        }
    )*};
}
pub(crate) use on_both_databases;

impl Drop for TestApi {
    fn drop(&mut self) {
        self.shutdown.cancel();
        self.server.abort();
    }
}

impl TestApi {
    /// Serves the sample with the three users above.
    pub async fn start() -> Self {
        Self::with_files(&[]).await
    }

    /// As [`TestApi::start`], with some files added or replaced.
    pub async fn with_files(files: &[(&str, &str)]) -> Self {
        Self::with(files, |_| {}).await
    }

    pub async fn with(files: &[(&str, &str)], change: impl FnOnce(&mut Settings)) -> Self {
        let keys = Keys::from_master(MasterKey::generate());
        Self::serve(
            Arc::new(tempfile::tempdir().unwrap()),
            None,
            keys,
            files,
            change,
        )
        .await
    }

    /// As [`TestApi::start`], on a database of its own on PostgreSQL; nothing without a server.
    pub async fn start_on_postgres() -> Option<Self> {
        Self::start_on_postgres_with(|_| {}).await
    }

    pub async fn start_on_postgres_with(change: impl FnOnce(&mut Settings)) -> Option<Self> {
        let postgres = Arc::new(Postgres::fresh().await?);
        let data = Arc::new(tempfile::tempdir().unwrap());
        let keys = Keys::from_master(MasterKey::generate());
        Some(Self::serve(data, Some(postgres), keys, &[], change).await)
    }

    /// One for each database there is.
    pub async fn on_each_database(
        files: &[(&str, &str)],
        change: impl Fn(&mut Settings),
    ) -> Vec<Self> {
        let mut apis = vec![Self::with(files, &change).await];
        if let Some(postgres) = Postgres::fresh().await {
            let data = Arc::new(tempfile::tempdir().unwrap());
            let keys = Keys::from_master(MasterKey::generate());
            let postgres = Some(Arc::new(postgres));
            apis.push(Self::serve(data, postgres, keys, files, &change).await);
        }
        apis
    }

    pub const fn is_on_postgres(&self) -> bool {
        self.postgres.is_some()
    }

    /// An installation of its own with the same master key: on SQLite, or on PostgreSQL where
    /// there is a server.
    pub async fn beside(&self, on_postgres: bool) -> Option<Self> {
        let postgres = if on_postgres {
            Some(Arc::new(Postgres::fresh().await?))
        } else {
            None
        };
        let data = Arc::new(tempfile::tempdir().unwrap());
        Some(Self::serve(data, postgres, self.keys.clone(), &[], |_| {}).await)
    }

    /// The keys of the installation, as the other services have them.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// A second instance on the same PostgreSQL database.
    pub async fn another(&self) -> Self {
        self.another_with(|_| {}).await
    }

    pub async fn another_with(&self, change: impl FnOnce(&mut Settings)) -> Self {
        let postgres = self.postgres.clone().expect("SQLite has one owner");
        let (data, keys) = (self.data.clone(), self.keys.clone());
        Self::serve(data, Some(postgres), keys, &[], change).await
    }

    /// Stops the server and starts one on the same data.
    pub async fn restart(self) -> Self {
        self.restart_with(&[], |_| {}).await
    }

    pub async fn restart_with(
        mut self,
        files: &[(&str, &str)],
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        self.stop().await;
        let (data, postgres) = (self.data.clone(), self.postgres.clone());
        Self::serve(data, postgres, self.keys.clone(), files, change).await
    }

    /// Stops the server; what it left behind.
    pub async fn into_parts(mut self) -> Stopped {
        self.stop().await;
        Stopped {
            data: self.data.clone(),
            postgres: self.postgres.clone(),
            keys: self.keys.clone(),
        }
    }

    async fn stop(&mut self) {
        self.shutdown.cancel();
        (&mut self.server).await.unwrap().unwrap();
    }

    async fn serve(
        data: Arc<TempDir>,
        postgres: Option<Arc<Postgres>>,
        keys: Keys,
        files: &[(&str, &str)],
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let configuration = configuration(files);
        let mut settings = settings(data.path(), keys.clone(), configuration.clone());
        settings.database = location(data.path(), postgres.as_deref());
        settings.source.origin = Origin::Memory {
            tree: tree(files),
            name: "test".to_owned(),
        };
        change(&mut settings);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (readiness, shutdown) = (Readiness::new(), CancellationToken::new());
        let server = tokio::spawn(serve(
            settings,
            listener,
            echo,
            readiness.clone(),
            shutdown.clone(),
        ));
        tokio::time::timeout(Duration::from_secs(30), readiness.until_ready())
            .await
            .unwrap_or_else(|_| panic!("portal-api does not start: {:?}", readiness.state()));
        Self {
            address,
            keys,
            configuration,
            shutdown,
            server,
            data,
            postgres,
        }
    }

    /// The portal's own client, computed as the portal does.
    pub fn portal_client(&self) -> PortalClient {
        keys::portal_clients(&self.keys).unwrap().remove(0)
    }

    /// As a service proves itself.
    pub fn identity(&self, service: ServiceName) -> Identity {
        Identity::new(service, self.keys.clone())
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// Which database it is on, for people.
    pub fn database(&self) -> &'static str {
        match self.postgres {
            Some(_) => "PostgreSQL",
            None => "SQLite",
        }
    }

    /// A call without any identity.
    pub fn anonymous(&self) -> Client<'_> {
        Client {
            api: self,
            door: None,
            headers: Vec::new(),
        }
    }

    /// A service acting as itself.
    pub fn service(&self, service: ServiceName) -> Client<'_> {
        let identity = Identity::new(service, self.keys.clone());
        let token = identity.token_for(ServiceName::PortalApi).unwrap();
        let mut client = self.anonymous();
        client
            .headers
            .push(("authorization", format!("Bearer {token}")));
        client
    }

    /// A user whose call came through the gateway of a trusted peer: not an internal call. Needs
    /// [`trust_this_machine`].
    pub fn user_at_gateway(&self, id: &str, scopes: &str) -> Client<'_> {
        self.anonymous()
            .header("x-consumer-custom-id", "consumer")
            .header("x-authenticated-userid", format!("sub={id}"))
            .header("x-authenticated-scope", scopes)
    }

    /// A user, named by the auth server, with these scopes.
    pub fn user(&self, id: &str, scopes: &str) -> Client<'_> {
        let mut client = self.service(ServiceName::AuthServer);
        client
            .headers
            .push(("x-authenticated-userid", format!("sub={id}")));
        client
            .headers
            .push(("x-authenticated-scope", scopes.to_owned()));
        client
    }
}

/// Believes the headers of callers from this machine.
pub fn trust_this_machine(settings: &mut Settings) {
    settings.trusted_peers = vec!["127.0.0.0/8".parse().unwrap()];
}

/// The data of a server that has stopped.
pub struct Stopped {
    data: Arc<TempDir>,
    postgres: Option<Arc<Postgres>>,
    keys: Keys,
}

impl Stopped {
    pub async fn open(&self) -> Database {
        let location = location(self.data.path(), self.postgres.as_deref());
        Database::open::<Migrator>(&location, 2).await.unwrap()
    }

    pub async fn start(self) -> TestApi {
        self.start_with(&[]).await
    }

    pub async fn start_with(self, files: &[(&str, &str)]) -> TestApi {
        TestApi::serve(self.data, self.postgres, self.keys, files, |_| {}).await
    }

    /// Takes data over, with `PORTAL_API_AESKEY` as given.
    pub async fn import(
        &self,
        source: &Source,
        options: &Options,
        files: &[(&str, &str)],
        key: Option<&str>,
    ) -> anyhow::Result<Report> {
        let key = key.map(|key| ("PORTAL_API_AESKEY".to_owned(), key.to_owned()));
        let configuration = configuration_in(files, &Environment::new(key));
        let target = location(self.data.path(), self.postgres.as_deref());
        import::run(source, options, target, self.keys.clone(), configuration).await
    }
}

fn location(data: &Path, postgres: Option<&Postgres>) -> Location {
    match postgres {
        Some(postgres) => Location::Postgres(postgres.url()),
        None => Location::in_folder(data, "portal-api.db"),
    }
}

fn configuration(files: &[(&str, &str)]) -> Arc<Configuration> {
    configuration_in(files, &Environment::default())
}

fn configuration_in(files: &[(&str, &str)], environment: &Environment) -> Arc<Configuration> {
    Configuration::from_tree(&tree(files), "test", environment)
        .unwrap_or_else(|problems| panic!("{problems}"))
        .configuration
}

/// The sample with the three users.
fn tree(files: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::sample();
    let mut globals: Value = serde_json::from_slice(tree.get("globals.json").unwrap()).unwrap();
    let user = |id: &str, groups: &[&str]| serde_json::json!({"id": id, "email": format!("{id}@example.org"), "groups": groups});
    globals["initialUsers"] = serde_json::json!([
        user(ADMIN, &["admin"]),
        user(DEVELOPER, &["dev"]),
        user(PARTNER, &["dev", "partners"]),
    ]);
    tree.insert("globals.json", globals.to_string());
    tree.insert(
        "groups/groups.json",
        r#"{"groups": [{"id": "admin", "adminGroup": true}, {"id": "approvers", "approverGroup": true},
            {"id": "dev"}, {"id": "partners"}]}"#,
    );
    tree.insert("pools/tenants.json", TENANTS);
    tree.insert("pools/guests.json", GUESTS);
    tree.insert("pools/members.json", MEMBERS);
    for (path, text) in files {
        tree.insert(*path, (*text).to_owned());
    }
    tree
}

fn settings(data: &Path, keys: Keys, configuration: Arc<Configuration>) -> Settings {
    let away = "http://127.0.0.1:9/".parse::<url::Url>().unwrap();
    Settings {
        database: location(data, None),
        database_connections: 4,
        keys,
        source: ConfigurationSource {
            origin: Origin::sample(),
            environment: Environment::default(),
            trouble: None,
            poll: Duration::ZERO,
            hook_secret: None,
        },
        configuration,
        password_cost: Cost::CHEAPEST,
        data: data.to_owned(),
        neighbours: Neighbours {
            portal: away.clone(),
            auth_server: away.clone(),
            gateway: away,
        },
        trusted_peers: Vec::new(),
        allow_any_redirect_uri: false,
        unconfirmed_days: None,
        rate_limits: portal_api::RateLimits::OFF,
        events: EventSettings {
            ports: None,
            ..EventSettings::default()
        },
        health_interval: Duration::ZERO,
        first_admin: None,
    }
}

/// Somebody who calls.
pub struct Client<'a> {
    api: &'a TestApi,
    /// Where the call goes, if not straight to the server.
    door: Option<String>,
    headers: Vec<(&'static str, String)>,
}

impl Client<'_> {
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Calls through something that stands in front of the server.
    #[must_use]
    pub fn through(mut self, address: &str) -> Self {
        self.door = Some(address.to_owned());
        self
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        Self::answer(request).await
    }

    /// Sends a body as it is; the content type is one of the caller's headers.
    pub async fn send_bytes(&self, method: Method, path: &str, body: Vec<u8>) -> Answer {
        Self::answer(self.request(method, path).body(body)).await
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let server = self.door.as_ref().unwrap_or(&self.api.address);
        let address = format!("{server}{path}");
        let mut request = service::http::client().request(method, address);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request
    }

    async fn answer(request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer {
            status,
            headers,
            body: response.bytes().await.unwrap().to_vec(),
        }
    }
}

/// What came back.
pub struct Answer {
    pub status: u16,
    headers: http::HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}
