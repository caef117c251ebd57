//! A portal with three APIs, a few people and one application: where the tests of subscriptions
//! begin. It runs on `SQLite` and, where there is a server, on `PostgreSQL`.

use http::Method;
use migrations::Location;
use sea_orm::{ConnectionTrait, Database, Statement};
use serde_json::{Value, json};

use crate::support::{ADMIN, Answer, DEVELOPER, PARTNER, Postgres, TestApi};

/// Decides about APIs of the group `partners`.
pub const APPROVER: &str = "approver-user";
/// Decides about nothing here: no API needs his group.
pub const OTHER_APPROVER: &str = "other-approver";

/// Takes keys, open to everybody.
pub const PETS: &str = "petstore";
/// Takes tokens, open to everybody.
pub const ORDERS: &str = "orders";
/// Takes keys, for partners.
pub const CLOCK: &str = "timezones";
/// Deprecated.
pub const FAXES: &str = "faxes";

const APIS: &str = r#"{"apis": [
  {"id": "petstore", "name": "Pets", "auth": "key-auth", "plans": ["free", "team", "unlimited"]},
  {"id": "orders", "name": "Orders", "auth": "oauth2", "plans": ["free", "team"],
   "authMethods": ["default:local"],
   "settings": {"enable_client_credentials": true, "token_expiration": 3600,
     "scopes": {"read_orders": {"description": "Read"}}}},
  {"id": "timezones", "name": "Clock", "auth": "key-auth", "plans": ["free", "team"],
   "requiredGroup": "partners"},
  {"id": "faxes", "name": "Faxes", "auth": "key-auth", "plans": ["free"], "deprecated": true}
]}"#;

const FAXES_CONFIG: (&str, &str) = (
    "apis/faxes/config.json",
    r#"{"api": {"upstream_url": "http://faxes.example", "routes": [{"paths": ["/faxes"]}]}}"#,
);

const SCOPES: &str = "read_applications write_applications read_subscriptions write_subscriptions \
                      read_approvals read_plans read_apis read_users write_users read_auditlog webhooks health";

/// What the tests vary.
#[derive(Clone, Copy)]
pub struct Options {
    /// `credentials.reveal`
    pub reveal: &'static str,
    /// `gateway.type`
    pub gateway: &'static str,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            reveal: "classic",
            gateway: "embedded",
        }
    }
}

pub struct Market {
    pub api: TestApi,
    database: Location,
    /// Goes after the server that uses it.
    _postgres: Option<Postgres>,
}

impl Market {
    /// On `SQLite`, with the defaults.
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        Self::on(None, options).await
    }

    /// One for each database there is.
    pub async fn on_each_database() -> Vec<Self> {
        let mut markets = vec![Self::start().await];
        if let Some(postgres) = Postgres::fresh().await {
            markets.push(Self::on(Some(postgres), Options::default()).await);
        }
        markets
    }

    async fn on(postgres: Option<Postgres>, options: Options) -> Self {
        let globals = globals(options);
        let files = [
            ("globals.json", globals.as_str()),
            ("apis/apis.json", APIS),
            FAXES_CONFIG,
        ];
        let mut used = None;
        let api = TestApi::with(&files, |settings| {
            if let Some(postgres) = &postgres {
                settings.database = Location::Postgres(postgres.url());
            }
            settings.events.networks = vec!["127.0.0.0/8".parse().unwrap()];
            used = Some(settings.database.clone());
        });
        Self {
            api: api.await,
            database: used.unwrap(),
            _postgres: postgres,
        }
    }

    /// The same, stopped and started again with its data.
    pub async fn restart(self) -> Self {
        let globals = globals(Options::default());
        let files = [
            ("globals.json", globals.as_str()),
            ("apis/apis.json", APIS),
            FAXES_CONFIG,
        ];
        let api = self.api.restart_with(&files, |_| {}).await;
        Self { api, ..self }
    }

    /// The same, started again with an API that is deprecated now.
    pub async fn deprecate(self, api: &str) -> Self {
        let mut apis: Value = serde_json::from_str(APIS).unwrap();
        let all = apis["apis"].as_array_mut().unwrap();
        let found = all.iter_mut().find(|one| one["id"] == api).unwrap();
        found["deprecated"] = true.into();
        let (globals, apis) = (globals(Options::default()), apis.to_string());
        let files = [
            ("globals.json", globals.as_str()),
            ("apis/apis.json", apis.as_str()),
            FAXES_CONFIG,
        ];
        let database = self.database.clone();
        let change = |settings: &mut portal_api::Settings| {
            settings.database = database;
            settings.events.networks = vec!["127.0.0.0/8".parse().unwrap()];
        };
        let api = self.api.restart_with(&files, change).await;
        Self { api, ..self }
    }

    /// A call for `user` with all scopes.
    pub async fn call(&self, user: &str, method: Method, path: &str, body: Value) -> Answer {
        let body = Some(body).filter(|body| !body.is_null());
        self.api.user(user, SCOPES).send(method, path, body).await
    }

    pub async fn get(&self, user: &str, path: &str) -> Answer {
        self.call(user, Method::GET, path, Value::Null).await
    }

    pub async fn post(&self, user: &str, path: &str, body: Value) -> Answer {
        self.call(user, Method::POST, path, body).await
    }

    pub async fn patch(&self, user: &str, path: &str, body: Value) -> Answer {
        self.call(user, Method::PATCH, path, body).await
    }

    pub async fn delete(&self, user: &str, path: &str) -> Answer {
        self.call(user, Method::DELETE, path, Value::Null).await
    }

    /// An application that belongs to `owner`.
    pub async fn application(&self, owner: &str, id: &str) {
        let body = json!({"id": id, "name": id, "clientType": "confidential"});
        self.post(owner, "/applications", body).await.expect(201);
    }

    /// Gives `user` a role.
    pub async fn role(&self, owner: &str, application: &str, user: &str, role: &str) {
        let body = json!({"email": format!("{user}@example.org"), "role": role});
        let path = format!("/applications/{application}/owners");
        self.post(owner, &path, body).await.expect(201);
    }

    pub async fn subscribe(&self, user: &str, application: &str, api: &str, plan: &str) -> Answer {
        let body = json!({"application": application, "api": api, "plan": plan});
        self.post(
            user,
            &format!("/applications/{application}/subscriptions"),
            body,
        )
        .await
    }

    /// The number of rows in `what`, a table with or without a condition.
    pub async fn count(&self, what: &str) -> i64 {
        let url = match &self.database {
            Location::Sqlite(path) => format!("sqlite://{}?mode=ro", path.display()),
            Location::Postgres(url) => format!("{url}?options=-csearch_path%3Dwicketgate"),
        };
        let database = Database::connect(url).await.unwrap();
        let sql = format!("select count(*) as n from {what}");
        let row =
            database.query_one_raw(Statement::from_string(database.get_database_backend(), sql));
        row.await.unwrap().unwrap().try_get("", "n").unwrap()
    }

    /// Begins to keep events.
    pub async fn listen(&self) {
        let body = json!({"id": "test", "url": "https://listener.example.org/", "events": ["*"]});
        self.call(ADMIN, Method::PUT, "/webhooks/listeners/test", body)
            .await
            .expect(200);
    }

    /// The kinds of the events since [`Market::listen`] or the last call, with their data.
    pub async fn events(&self) -> Vec<(String, Value)> {
        let events = self
            .get(ADMIN, "/webhooks/events/test")
            .await
            .expect(200)
            .json();
        self.delete(ADMIN, "/webhooks/events/test")
            .await
            .expect(204);
        let kind = |event: &Value| {
            let part = |name: &str| event[name].as_str().unwrap().to_owned();
            (
                format!("{}.{}", part("entity"), part("action")),
                event["data"].clone(),
            )
        };
        events.as_array().unwrap().iter().map(kind).collect()
    }
}

fn globals(options: Options) -> String {
    let tree = config::Tree::sample();
    let mut globals: Value = serde_json::from_slice(tree.get("globals.json").unwrap()).unwrap();
    let user = |id: &str, groups: &[&str]| json!({"id": id, "email": format!("{id}@example.org"), "groups": groups});
    globals["initialUsers"] = json!([
        user(ADMIN, &["admin"]),
        user(DEVELOPER, &["dev"]),
        user(PARTNER, &["dev", "partners"]),
        user(APPROVER, &["approvers", "partners"]),
        user(OTHER_APPROVER, &["approvers"]),
    ]);
    globals["credentials"]["reveal"] = options.reveal.into();
    globals["gateway"]["type"] = options.gateway.into();
    globals.to_string()
}
