//! portal-api alone, in the environment of a wicked deployment: its variables, its configuration
//! folder of an old version, and calls as wicked's components make them.

use std::{collections::BTreeMap, fs, path::Path, process::Stdio};

use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use url::Url;

use crate::support::{eventually, postgres};

/// Key text of the published vectors of the old encryption.
const KEY: &str = "correct-horse-battery-staple";
/// `Hello, wicked config!`, encrypted by wicked with that key.
const TITLE: &str = "1961fcd2629cee12d9058e7d26b6ed4dc0e6a79fda0ff84e215ec4634e1b764fe945c441a0ab13c2cf8aff9d996c02891fc5161efa52f20ac9b68d09f9";
/// Tells a wrong key; made with that key.
const KEY_CHECK: &str = "1961fcd2629cee12d9058e7d26b6ed4dc0e6a79fda0ff84e215ec4634e1b764fe945c441a0ab13c2e18af79294211bc64190484fad40a055c1b5800dba481e87227f3ab20f627089801b6cfd2a8d5a566b784324d33a";

/// A folder as it was written for version 2: old names of options, no pools, no auth server, no
/// routes.
fn configuration(folder: &Path, storage: &Value) {
    let write = |path: &str, text: String| {
        let file = folder.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    let json = |path: &str, document: Value| write(path, document.to_string());
    json(
        "globals.json",
        json!({
            "version": 2, "title": "$ACME_TITLE", "footer": "", "configKeyCheck": KEY_CHECK,
            "validatedUserGroup": "dev", "storage": storage,
            "api": {"headerName": "X-ApiKey", "portal": {"enableApi": true}},
            "network": {
                "schema": "$PORTAL_NETWORK_SCHEMA", "apiHost": "$PORTAL_NETWORK_APIHOST",
                "portalHost": "$PORTAL_NETWORK_PORTALHOST", "apiUrl": "$PORTAL_API_URL",
                "portalUrl": "$PORTAL_PORTAL_URL", "kongAdapterUrl": "$PORTAL_KONG_ADAPTER_URL",
                "kongAdminUrl": "$PORTAL_KONG_ADMIN_URL", "mailerUrl": "$PORTAL_MAILER_URL",
                "chatbotUrl": "$PORTAL_CHATBOT_URL",
            },
            "db": {"staticConfig": "$PORTAL_API_STATIC_CONFIG", "dynamicConfig": "$PORTAL_API_DYNAMIC_CONFIG"},
            "initialUsers": [{"id": "1", "email": "admin@example.org", "groups": ["admin"],
                "password": "$PORTAL_INITIALUSERS0_PASSWORD"}],
            "chatbot": {"useChatbot": false, "hookUrls": ["https://chat.example.org/x"], "events": {}},
            "auth": {"useAuth": true},
        }),
    );
    json(
        "env/default.json",
        json!({
            "ACME_TITLE": {"value": TITLE, "encrypted": true},
            "PORTAL_NETWORK_SCHEMA": {"value": "https"},
            "PORTAL_INITIALUSERS0_PASSWORD": {"value": "wicked"},
        }),
    );
    json(
        "env/k8s.json",
        json!({"PORTAL_NETWORK_PORTALHOST": {"value": "portal.example.org"}}),
    );
    json(
        "groups/groups.json",
        json!({"groups": [
            {"id": "admin", "name": "Admins", "adminGroup": true, "alt_ids": ["CN=Admins"]}, {"id": "dev", "name": "Developers"},
        ]}),
    );
    let limits = json!({"plugins": [{"name": "rate-limiting", "config": {"hour": 10, "continue_on_error": true, "async": true}}]});
    json(
        "plans/plans.json",
        json!({"plans": [{"id": "basic", "name": "Basic", "config": limits}]}),
    );
    json(
        "apis/apis.json",
        json!({"apis": [
            {"id": "weather", "name": "Weather", "desc": "Rain", "auth": "key-auth", "plans": ["basic"]},
        ]}),
    );
    json(
        "apis/weather/config.json",
        json!({
            "api": {"upstream_url": "http://weather.internal/v1", "name": "weather", "request_path": "/weather", "strip_request_path": true},
            "plugins": [{"name": "cors", "config": {"origin": "*"}}],
        }),
    );
    json(
        "apis/weather/swagger.json",
        json!({"swagger": "2.0", "info": {"title": "Weather", "version": "1"}, "paths": {}}),
    );
    write("apis/desc.md", "All APIs".to_owned());
    write("index.jade", "h1 Welcome".to_owned());
}

/// The process, with what wicked's compose file gives it.
struct PortalApi {
    _process: Child,
    _folder: TempDir,
    url: String,
    http: Client,
}

impl PortalApi {
    async fn start(storage: Value, storage_variables: BTreeMap<String, String>) -> Self {
        service::http::install_crypto();
        let folder = tempfile::tempdir().unwrap();
        configuration(&folder.path().join("static"), &storage);
        let [port, echo_port] = [(); 2].map(|()| {
            let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            socket.local_addr().unwrap().port().to_string()
        });
        let base = folder.path().display();
        let process = Command::new(env!("CARGO_BIN_EXE_wicketgate"))
            .arg("portal-api")
            .current_dir(folder.path())
            .env_clear()
            .envs(storage_variables)
            .envs([
                ("NODE_ENV", "k8s"),
                ("LOG_LEVEL", "warn"),
                ("DEBUG", ""),
                ("PORT", port.as_str()),
                ("ECHO_PORT", echo_port.as_str()),
                ("PORTAL_CONFIG_KEY", KEY),
                ("PORTAL_API_AESKEY", KEY),
                ("PORTAL_NETWORK_APIHOST", "api.example.org"),
                ("PORTAL_NETWORK_PORTALHOST", ""),
                ("GIT_REPO", ""),
                ("GIT_CREDENTIALS", ""),
                ("PORTAL_API_HEALTH_INTERVAL", "0"),
                ("PORTAL_API_EXPIRY_INTERVAL", "60000"),
                ("POSTGRES_CONNECT_RETRIES", "30"),
                ("POSTGRES_MAX_CLIENTS", "3"),
                // The components of wicked are still in use.
                ("PORTAL_API_TRUSTED_PEERS", "127.0.0.0/8"),
            ])
            .env("PORTAL_API_STATIC_CONFIG", format!("{base}/static"))
            .env("PORTAL_API_DYNAMIC_CONFIG", format!("{base}/dynamic"))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let started = Self {
            _process: process,
            _folder: folder,
            url: format!("http://127.0.0.1:{port}"),
            http: Client::builder().no_proxy().build().unwrap(),
        };
        eventually("portal-api answers", async || {
            let answer = started
                .http
                .get(format!("{}/ping", started.url))
                .send()
                .await;
            answer
                .ok()
                .filter(|answer| answer.status() == StatusCode::OK)
        })
        .await;
        started
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = self.http.get(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }
}

/// What a component of wicked does when it starts (portal-api 25).
async fn bootstrap(api: &PortalApi) {
    let hash = api.get("/confighash", &[]).await.text().await.unwrap();
    let agent = ("user-agent", "wicked.kong-adapter/1.0.0-rc.14");
    let known = ("x-config-hash", hash.as_str());
    let globals: Value = api
        .get("/globals", &[agent, known])
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(globals["title"], "Hello, wicked config!");
    assert_eq!(globals["environment"], "k8s");
    assert_eq!(globals["version"], 23);
    assert_eq!(globals["network"]["apiHost"], "api.example.org");
    assert_eq!(globals["network"]["portalHost"], "portal.example.org");
    assert_eq!(globals["chatbot"]["targets"][0]["type"], "slack");

    let reading = ("x-authenticated-scope", "read_users");
    let look_up = "/users?customId=internal:kong-adapter";
    let missing = api.get(look_up, &[agent, known, reading]).await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    let machine = json!({
        "customId": "internal:kong-adapter", "firstName": "Machine-User", "lastName": "kong-adapter",
        "email": "kong-adapter@wicked.haufe.io", "validated": true, "groups": ["admin"],
    });
    let created = api
        .http
        .post(format!("{}/users/machine", api.url))
        .json(&machine)
        .send()
        .await;
    let user: Value = created.unwrap().json().await.unwrap();
    let user = format!("sub={}", user["id"].as_str().unwrap());
    let named = ("x-authenticated-userid", user.as_str());
    let scoped = ("x-authenticated-scope", "read_apis read_plans");
    let own: Value = api
        .get("/apis/portal-api", &[named, scoped])
        .await
        .json()
        .await
        .unwrap();
    assert!(own["settings"]["scopes"]["read_users"].is_object());
    let apis: Value = api
        .get("/apis", &[named, scoped])
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(apis["apis"][0]["id"], "weather");
    let config: Value = api
        .get("/apis/weather/config", &[named, scoped])
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(
        config["api"]["routes"],
        json!([{"paths": ["/weather"], "strip_path": true}])
    );
    assert_eq!(config["plugins"][0]["config"]["origins"], "*");
    let plans: Value = api
        .get("/plans", &[named, scoped])
        .await
        .json()
        .await
        .unwrap();
    let options = &plans["plans"][0]["config"]["plugins"][0]["config"];
    assert_eq!(
        (&options["fault_tolerant"], options.get("async")),
        (&json!(true), None)
    );
}

#[tokio::test]
async fn an_old_configuration_and_wickeds_variables_are_enough() {
    let api = PortalApi::start(json!({"type": "json"}), BTreeMap::new()).await;
    bootstrap(&api).await;
}

#[tokio::test]
async fn the_database_is_found_as_wicked_names_it() {
    let Some(database) = postgres::fresh().await else {
        return;
    };
    let database: Url = database.parse().unwrap();
    let variables = [
        ("PGHOST", database.host_str().unwrap().to_owned()),
        ("PGPORT", database.port().unwrap_or(5432).to_string()),
        ("PGUSER", database.username().to_owned()),
        (
            "PGPASSWORD",
            database.password().unwrap_or("unused").to_owned(),
        ),
        (
            "PGDATABASE",
            database.path().trim_start_matches('/').to_owned(),
        ),
    ];
    let storage = json!({
        "type": "postgres", "pgHost": "$PORTAL_STORAGE_PGHOST", "pgPort": "$PORTAL_STORAGE_PGPORT",
        "pgUser": "$PORTAL_STORAGE_PGUSER", "pgPassword": "$PORTAL_STORAGE_PGPASSWORD",
        "pgDatabase": "$PORTAL_STORAGE_PGDATABASE",
    });
    let variables = variables.map(|(name, value)| (format!("PORTAL_STORAGE_{name}"), value));
    let api = PortalApi::start(storage, variables.into()).await;
    bootstrap(&api).await;
}
