//! A running portal-api and callers who prove who they are.

use std::{path::Path, sync::Arc, time::Duration};

use config::{Configuration, Environment, Tree};
use http::Method;
use migrations::Location;
use portal_api::{Neighbours, Settings, passwords::Cost, serve};
use serde_json::Value;
use service::{
    ServiceName,
    health::Readiness,
    keys::{Keys, MasterKey},
    token::Identity,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Users of the test configuration.
pub const ADMIN: &str = "admin-user";
pub const DEVELOPER: &str = "dev-user";
pub const PARTNER: &str = "partner-user";

/// A portal-api on a free port; stops when dropped.
pub struct TestApi {
    address: String,
    keys: Keys,
    pub configuration: Arc<Configuration>,
    shutdown: CancellationToken,
    server: JoinHandle<anyhow::Result<()>>,
    _data: TempDir,
}

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
        let data = tempfile::tempdir().unwrap();
        let keys = Keys::from_master(MasterKey::generate());
        let configuration = configuration(files);
        let mut settings = settings(data.path(), keys.clone(), configuration.clone());
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
            _data: data,
        }
    }

    /// A call without any identity.
    pub fn anonymous(&self) -> Client<'_> {
        Client {
            api: self,
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

fn configuration(files: &[(&str, &str)]) -> Arc<Configuration> {
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
    for (path, text) in files {
        tree.insert(*path, (*text).to_owned());
    }
    Configuration::from_tree(&tree, "test", &Environment::default())
        .unwrap_or_else(|problems| panic!("{problems}"))
        .configuration
}

fn settings(data: &Path, keys: Keys, configuration: Arc<Configuration>) -> Settings {
    let away = "http://127.0.0.1:9/".parse::<url::Url>().unwrap();
    Settings {
        database: Location::Sqlite(data.join("portal-api.db")),
        database_connections: 4,
        keys,
        configuration,
        password_cost: Cost::CHEAPEST,
        data: data.to_owned(),
        neighbours: Neighbours {
            portal: away.clone(),
            auth_server: away.clone(),
            gateway: away,
        },
        trusted_peers: Vec::new(),
        listener_networks: Vec::new(),
        health_interval: Duration::ZERO,
        first_admin: None,
    }
}

/// Somebody who calls.
pub struct Client<'a> {
    api: &'a TestApi,
    headers: Vec<(&'static str, String)>,
}

impl Client<'_> {
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request =
            service::http::client().request(method, format!("{}{path}", self.api.address));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
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

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}
