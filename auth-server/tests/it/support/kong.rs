//! A double of Kong 3 with a database, as far as its `oauth2` plugin goes: the token end points
//! below the path of each API, and the Admin API's tokens, clients, routes and plugins. What it
//! refuses, and with which words, is what the contract says (auth-server 15, events-and-adapters C11).

mod admin;
mod plugin;

use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use serde_json::Value;
use service::{
    clock,
    keys::{Keys, Purpose, provision_key},
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

use super::REDIRECT;

/// The running double. Cheap to clone.
#[derive(Clone)]
pub struct Kong {
    pub admin: Arc<Port>,
    pub proxy: Arc<Port>,
    data: Arc<Mutex<Data>>,
}

#[derive(Default)]
struct Data {
    apis: Vec<Api>,
    credentials: Vec<Credential>,
    codes: Vec<IssuedCode>,
    tokens: Vec<TokenRow>,
    /// `<METHOD> <path>` of what the Admin API was asked, and of the token end points.
    calls: Vec<String>,
}

struct Api {
    name: &'static str,
    path: String,
    provision_key: String,
    scopes: Vec<String>,
    flows: Vec<&'static str>,
}

#[derive(Clone)]
struct Credential {
    id: Uuid,
    client_id: String,
    client_secret: String,
    redirect_uris: Vec<String>,
}

struct IssuedCode {
    code: String,
    credential: Uuid,
    api: &'static str,
    user: Option<String>,
    scope: Option<String>,
}

/// A row of `oauth2_tokens`.
#[derive(Clone, Debug)]
pub struct TokenRow {
    pub id: Uuid,
    pub access_token: String,
    pub refresh_token: Option<String>,
    pub user: Option<String>,
    pub scope: Option<String>,
    pub credential: Uuid,
    pub api: &'static str,
    pub created_at: i64,
}

/// Seconds that access tokens live.
pub const EXPIRES_IN: u64 = 1800;

impl Kong {
    /// With the OAuth APIs of the stand-in of portal-api.
    pub async fn start(keys: &Keys) -> Self {
        let key = keys.derive(&Purpose::Provision).unwrap();
        let api = |name: &'static str, flows: &[&'static str]| Api {
            name,
            path: format!("/{name}/v1"),
            provision_key: provision_key(&key, name),
            scopes: ["read", "write", "wicked:dev", "wicked:admin"]
                .map(str::to_owned)
                .into(),
            flows: flows.to_vec(),
        };
        let kong = Self {
            admin: Arc::default(),
            proxy: Arc::default(),
            data: Arc::default(),
        };
        kong.data().apis = vec![
            api("orders", &["code", "client_credentials"]),
            api("machines", &["client_credentials"]),
            api("through", &["code", "password"]),
            api(
                "direct",
                &["code", "token", "password", "client_credentials"],
            ),
        ];
        kong.admin.open(admin::router(kong.clone())).await;
        kong.proxy.open(plugin::router(kong.clone())).await;
        kong
    }

    fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap()
    }

    /// What the gateway adapter would have made of a client of the stand-in of portal-api. Public
    /// clients have a secret, too, which they do not know.
    pub fn add_client(&self, client_id: &str, secret: &str) -> Uuid {
        let id = Uuid::new_v4();
        self.data().credentials.push(Credential {
            id,
            client_id: client_id.to_owned(),
            client_secret: secret.to_owned(),
            redirect_uris: vec![REDIRECT.to_owned()],
        });
        id
    }

    /// A token that was there before the auth server.
    pub fn add_token(&self, credential: Uuid, refresh_token: &str, user: &str, scope: &str) {
        self.data().tokens.push(TokenRow {
            id: Uuid::new_v4(),
            access_token: random_token(),
            refresh_token: Some(refresh_token.to_owned()),
            user: Some(user.to_owned()),
            scope: Some(scope.to_owned()),
            credential,
            api: "orders",
            created_at: clock::now().timestamp() - 600,
        });
    }

    /// Of an installation that was taken over.
    pub fn set_provision_key(&self, api: &str, key: &str) {
        let mut data = self.data();
        let api = data.apis.iter_mut().find(|one| one.name == api).unwrap();
        key.clone_into(&mut api.provision_key);
    }

    pub fn remove_api(&self, api: &str) {
        self.data().apis.retain(|one| one.name != api);
    }

    pub fn tokens(&self) -> Vec<TokenRow> {
        self.data().tokens.clone()
    }

    /// The row of an access token.
    pub fn token(&self, access_token: &str) -> Option<TokenRow> {
        let mut tokens = self.tokens().into_iter();
        tokens.find(|token| token.access_token == access_token)
    }

    /// How often this was asked.
    pub fn calls(&self, of: &str) -> usize {
        self.data().calls.iter().filter(|call| *call == of).count()
    }

    /// Waits until Kong has exactly these access tokens.
    pub async fn until_only(&self, access_tokens: &[&str]) {
        let is_so = || {
            let tokens = self.tokens();
            tokens.len() == access_tokens.len()
                && access_tokens.iter().all(|one| self.token(one).is_some())
        };
        super::until("Kong has the right tokens", is_so).await;
    }
}

fn random_token() -> String {
    let hex = service::random::hex_id();
    hex.chars().take(32).collect()
}

/// A port that can be closed, as when Kong is being restarted.
#[derive(Default)]
pub struct Port {
    open: Mutex<Option<(CancellationToken, JoinHandle<()>)>>,
    address: Mutex<Option<(Url, Router)>>,
}

impl Port {
    async fn open(&self, router: Router) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let url: Url = url.parse().unwrap();
        *self.address.lock().unwrap() = Some((url, router));
        self.listen(listener);
    }

    fn listen(&self, listener: TcpListener) {
        let (_, router) = self.address.lock().unwrap().clone().unwrap();
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let task = tokio::spawn(async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(stopped)
                .await
                .unwrap();
        });
        *self.open.lock().unwrap() = Some((stop, task));
    }

    pub fn url(&self) -> Url {
        self.address.lock().unwrap().clone().unwrap().0
    }

    /// Nobody listens any more.
    pub async fn close(&self) {
        let open = self.open.lock().unwrap().take();
        let (stop, task) = open.unwrap();
        stop.cancel();
        task.await.unwrap();
    }

    /// The same address again.
    pub async fn reopen(&self) {
        let address = self.url().socket_addrs(|| None).unwrap()[0];
        self.listen(TcpListener::bind(address).await.unwrap());
    }
}

fn text(body: &Value, name: &str) -> String {
    body[name].as_str().unwrap_or_default().to_owned()
}
