//! A portal-api in memory: the calls that the auth server makes, answered as the contract says,
//! and only to the auth server's own service token.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use chrono::{DateTime, TimeDelta, Utc};
use http::{StatusCode, header};
use sdk::signature::{
    HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Secrets,
};
use serde_json::{Map, Value, json};
use service::{ServiceName, keys::Keys, random, token::Verifier};
use tokio::net::TcpListener;
use url::Url;

/// Password of all users.
pub const PASSWORD: &str = "open sesame";

/// The running stand-in. Cheap to clone.
#[derive(Clone)]
pub struct PortalApi {
    pub url: Url,
    data: Arc<Mutex<Data>>,
    keys: Keys,
    verifier: Verifier,
}

#[derive(Default)]
struct Data {
    users: Vec<User>,
    clients: Vec<Value>,
    grants: Vec<Value>,
    /// How much later it is for them.
    grants_aged: TimeDelta,
    registrations: Vec<Value>,
    /// With their tokens.
    invitations: Vec<Value>,
    verifications: Vec<Value>,
    calls: Vec<String>,
    /// Addresses of a Kong that keeps the tokens: Admin API and proxy.
    kong: Option<(Url, Url)>,
    /// `tokens.algorithm`.
    algorithm: Option<&'static str>,
    /// Where a service of the operator's checks names and passwords.
    external: Option<Url>,
    /// Further login methods, which API `social` accepts beside `local`.
    methods: Vec<Value>,
    /// Further APIs.
    apis: Vec<Value>,
    records: Vec<Value>,
    /// How often records are not taken before they are.
    refuses_records: usize,
    /// Where events are delivered.
    listener: Option<String>,
    /// `globals.recaptcha`.
    captcha: Value,
    /// The operator's own pages.
    pages: Value,
    /// The operator's texts of ours.
    texts: Value,
}

impl Data {
    /// As portal-api answers: without what has ended.
    fn living_grants(&self) -> Vec<Value> {
        let now = service::clock::now() + self.grants_aged;
        let lives = |scope: &Value| match scope["expiresDate"].as_str() {
            Some(end) => end.parse::<DateTime<Utc>>().unwrap() > now,
            None => true,
        };
        let mut grants = self.grants.clone();
        for grant in &mut grants {
            grant["grants"].as_array_mut().unwrap().retain(lives);
        }
        grants.retain(|grant| grant["grants"] != json!([]));
        grants
    }
}

#[derive(Clone)]
struct User {
    id: String,
    email: String,
    password: String,
    validated: bool,
    groups: Vec<String>,
    must_change_password: bool,
    custom_id: Option<String>,
    disabled: bool,
    sessions_ended_at: Option<DateTime<Utc>>,
}

impl User {
    fn json(&self) -> Value {
        json!({"id": self.id, "email": self.email, "validated": self.validated,
            "groups": self.groups, "mustChangePassword": self.must_change_password,
            "customId": self.custom_id, "disabled": self.disabled, "admin": self.groups.iter().any(|group| group == "admin"),
            "sessionsEndedAt": self.sessions_ended_at})
    }
}

impl PortalApi {
    pub async fn start(keys: Keys) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let api = Self {
            url: url.parse().unwrap(),
            data: Arc::default(),
            verifier: Verifier::new(ServiceName::PortalApi, keys.clone()),
            keys,
        };
        let router = Router::new()
            .route("/globals", get(globals))
            .route("/auth-servers/default", get(auth_server))
            .route("/apis", get(apis))
            .route("/apis/{api}/config", get(api_config))
            .route("/pools/{pool}", get(pool))
            .route("/pools/{pool}/namespaces/{namespace}", get(namespace))
            .route("/subscriptions/{client}", get(subscription))
            .route("/subscriptions/{client}/verify", post(verify))
            .route("/applications/{application}", get(application))
            .route("/content/{*path}", get(content))
            .route("/templates/auth", get(page_templates))
            .route("/templates/texts", get(own_texts))
            .route("/auditlog/records", post(add_records))
            .route("/webhooks/listeners/{id}", put(listen))
            .route("/login", post(login))
            .route("/users", get(find_users).post(create_user))
            .route("/users/{id}", get(user).patch(patch_user))
            .route(
                "/registrations/pools/{pool}/users/{user}",
                get(registrations).put(register),
            )
            .route("/registrations/invitations/open", post(open_invitation))
            .route("/grants/{user}", get(grants))
            .route(
                "/grants/{user}/applications/{application}/apis/{api}",
                get(grant).put(put_grant).delete(delete_grant),
            )
            .route("/verifications", post(create_verification))
            .route("/verifications/consume", post(consume))
            .route("/verifications/{id}", get(verification))
            .layer(middleware::from_fn_with_state(
                api.clone(),
                only_auth_server,
            ))
            .with_state(api.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        api.add_user("ada", &["dev"]);
        api
    }

    fn data(&self) -> std::sync::MutexGuard<'_, Data> {
        self.data.lock().unwrap()
    }

    /// What was put on record.
    pub fn records(&self) -> Vec<Value> {
        self.data().records.clone()
    }

    /// The next calls with records fail.
    pub fn refuse_records(&self, times: usize) {
        self.data().refuses_records = times;
    }

    /// From now on there is a method `directory`, for API `team`.
    pub fn use_external(&self, validate: &Url) {
        self.data().external = Some(validate.clone());
    }

    /// Adds a login method, for API `social`.
    pub fn add_method(&self, name: &str, kind: &str, config: impl Into<Value>) {
        let config: Value = config.into();
        let method = json!({"name": name, "type": kind, "config": config});
        self.data().methods.push(method);
    }

    /// The operator has pages of his own.
    pub fn use_pages(&self, pages: Value) {
        self.data().pages = pages;
    }

    /// The operator has words of his own on our pages.
    pub fn use_texts(&self, texts: Value) {
        self.data().texts = texts;
    }

    /// New people have to solve something.
    pub fn use_captcha(&self, captcha: Value) {
        self.data().captcha = captcha;
    }

    /// Adds an API, or takes the place of one that was added before.
    pub fn add_api(&self, api: Value) {
        let mut data = self.data();
        data.apis.retain(|one| one["id"] != api["id"]);
        data.apis.push(api);
    }

    /// The groups of an account.
    pub fn groups(&self, id: &str) -> Vec<String> {
        let data = self.data();
        let user = data.users.iter().find(|user| user.id == id).unwrap();
        user.groups.clone()
    }

    /// The account that was made for somebody from elsewhere, with its address.
    pub fn find_custom(&self, custom_id: &str) -> Option<(String, String, bool)> {
        let data = self.data();
        let mut users = data.users.iter();
        let user = users.find(|user| user.custom_id.as_deref() == Some(custom_id))?;
        Some((user.id.clone(), user.email.clone(), user.validated))
    }

    /// From now on tokens are Kong's.
    pub fn use_kong(&self, admin: &Url, proxy: &Url) {
        self.data().kong = Some((admin.clone(), proxy.clone()));
    }

    pub fn use_algorithm(&self, name: &'static str) {
        self.data().algorithm = Some(name);
    }

    /// A user `<id>@example.org` with the common password.
    pub fn add_user(&self, id: &str, groups: &[&str]) {
        self.data().users.push(User {
            id: id.to_owned(),
            email: format!("{id}@example.org"),
            password: PASSWORD.to_owned(),
            validated: true,
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            must_change_password: false,
            custom_id: None,
            disabled: false,
            sessions_ended_at: None,
        });
    }

    pub fn change_user(&self, id: &str, groups: &[&str], must_change_password: bool) {
        let mut data = self.data();
        let user = data.users.iter_mut().find(|user| user.id == id).unwrap();
        user.groups = groups.iter().map(|group| (*group).to_owned()).collect();
        user.must_change_password = must_change_password;
    }

    /// Whether the user has shown that the address is his.
    pub fn set_validated(&self, id: &str, validated: bool) {
        let mut data = self.data();
        let user = data.users.iter_mut().find(|user| user.id == id).unwrap();
        user.validated = validated;
    }

    pub fn remove_user(&self, id: &str) {
        self.data().users.retain(|user| user.id != id);
    }

    /// An administrator locks the user.
    pub fn lock(&self, id: &str) {
        let mut data = self.data();
        let user = data.users.iter_mut().find(|user| user.id == id).unwrap();
        user.disabled = true;
    }

    /// His password was changed, elsewhere than at the auth server.
    pub fn end_sessions(&self, id: &str, at: DateTime<Utc>) {
        let mut data = self.data();
        let user = data.users.iter_mut().find(|user| user.id == id).unwrap();
        user.sessions_ended_at = Some(at);
    }

    /// Delivers an event, and waits until it was worked on.
    pub async fn tell(&self, entity: &str, action: &str, event: Value) {
        super::until("the listener is registered", || {
            self.data().listener.is_some()
        })
        .await;
        let url = self.data().listener.clone().unwrap();
        let (id, now) = (random::hex_id(), service::clock::now().timestamp());
        let event =
            json!([{"id": id, "utc": now, "entity": entity, "action": action, "data": event}]);
        let body = event.to_string();
        let secrets = Secrets::of_listener(&self.keys, "auth").unwrap();
        let answer = service::http::client()
            .post(url)
            .header(HEADER_WEBHOOK_ID, &id)
            .header(HEADER_WEBHOOK_TIMESTAMP, now)
            .header(HEADER_WEBHOOK_SIGNATURE, secrets.sign(&id, now, &body))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .send()
            .await
            .unwrap();
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["acked"], json!([id]), "{answer}");
    }

    pub fn is_validated(&self, email: &str) -> bool {
        self.data()
            .users
            .iter()
            .any(|user| user.email == email && user.validated)
    }

    /// A client of `api`: id `<application>-<api>`, secret `secret`.
    pub fn add_client(&self, application: &str, api: &str, kind: &str, trusted: bool) -> String {
        let id = format!("{application}-{api}");
        self.data().clients.push(json!({
            "subscription": {
                "id": format!("sub-{id}"), "application": application, "api": api, "plan": "free",
                "auth": "oauth2", "approved": true, "clientId": id, "trusted": trusted,
                "allowedScopesMode": "all"
            },
            "application": {
                "id": application, "name": application.to_uppercase(), "clientType": kind,
                "redirectUris": [super::REDIRECT, "http://127.0.0.1/cb"]
            }
        }));
        id
    }

    /// The portal itself, with secret `secret`.
    pub fn add_portal_client(&self) -> String {
        let id = service::keys::portal_clients(&self.keys).unwrap()[0]
            .client_id
            .clone();
        self.add_client("__portal", "portal-api", "confidential", true);
        let mut data = self.data();
        let client = data.clients.last_mut().unwrap();
        client["subscription"]["clientId"] = json!(id);
        id
    }

    /// The scopes that a subscription may have.
    pub fn limit_scopes(&self, client_id: &str, mode: &str, allowed: &[&str]) {
        let mut data = self.data();
        let mut clients = data.clients.iter_mut();
        let client = clients.find(|client| client["subscription"]["clientId"] == client_id);
        let subscription = &mut client.unwrap()["subscription"];
        subscription["allowedScopesMode"] = json!(mode);
        subscription["allowedScopes"] = json!(allowed);
    }

    /// What an application says about itself as an OAuth client.
    pub fn set_oauth(&self, application: &str, oauth: &Value) {
        for client in &mut self.data().clients {
            if client["application"]["id"] == application {
                client["application"]["oauth"] = oauth.clone();
            }
        }
    }

    /// One more address that the application of a client comes back to.
    pub fn add_redirect_uri(&self, client_id: &str, uri: &str) {
        let mut data = self.data();
        let mut clients = data.clients.iter_mut();
        let client = clients.find(|client| client["subscription"]["clientId"] == client_id);
        let uris = &mut client.unwrap()["application"]["redirectUris"];
        uris.as_array_mut().unwrap().push(json!(uri));
    }

    /// All consent is withdrawn, elsewhere than at the auth server.
    pub fn forget_grants(&self) {
        self.data().grants.clear();
    }

    /// The application of a client has no address to come back to.
    /// So much later is it for whoever asks what was granted.
    pub fn let_grants_age(&self, by: TimeDelta) {
        self.data().grants_aged = by;
    }

    pub fn remove_redirect_uris(&self, client_id: &str) {
        let mut data = self.data();
        let mut clients = data.clients.iter_mut();
        let client = clients.find(|client| client["subscription"]["clientId"] == client_id);
        client.unwrap()["application"]["redirectUris"] = json!([]);
    }

    pub fn add_registration(&self, pool: &str, user: &str, namespace: Option<&str>) {
        let registration = json!({"poolId": pool, "userId": user, "namespace": namespace});
        self.data().registrations.push(registration);
    }

    /// Somebody is invited into namespace `acme` of pool `guests`.
    pub fn invite(&self, token: &str) {
        let now = service::clock::now();
        self.data().invitations.push(json!({
            "token": token, "id": "i1", "poolId": "guests", "namespace": "acme",
            "email": "ada@example.org", "createdAt": now, "expiresAt": now,
        }));
    }

    /// The one who is registered in a pool, and where.
    pub fn registered(&self, pool: &str) -> Option<(String, String)> {
        let data = self.data();
        let found = data
            .registrations
            .iter()
            .find(|one| one["poolId"] == *pool)?;
        let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
        Some((text("userId"), text("namespace")))
    }

    /// The id of the latest mail link.
    pub fn latest_mail(&self) -> Option<(String, Value)> {
        let data = self.data();
        let latest = data.verifications.last()?.clone();
        Some((latest["id"].as_str()?.to_owned(), latest))
    }

    pub fn mails(&self) -> usize {
        self.data().verifications.len()
    }

    /// How often `POST /login` was called.
    pub fn calls(&self, of: &str) -> usize {
        self.data().calls.iter().filter(|call| *call == of).count()
    }
}

/// Nobody else is answered.
async fn only_auth_server(State(api): State<PortalApi>, request: Request, next: Next) -> Response {
    let caller = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
        .and_then(|token| api.verifier.verify(token).ok());
    if caller != Some(ServiceName::AuthServer) {
        return refuse(403, "who are you?");
    }
    let call = format!("{} {}", request.method(), request.uri().path());
    api.data().calls.push(call);
    next.run(request).await
}

fn refuse(status: u16, message: &str) -> Response {
    let body = Json(json!({"status": status, "message": message}));
    (StatusCode::from_u16(status).unwrap(), body).into_response()
}

fn found(value: Option<Value>) -> Response {
    value.map_or_else(
        || refuse(404, "not found"),
        |value| Json(value).into_response(),
    )
}

async fn globals(State(api): State<PortalApi>) -> Json<Value> {
    let mut network =
        json!({"schema": "http", "portalHost": "localhost:3000", "apiHost": "localhost:8000"});
    if let Some((admin, proxy)) = &api.data().kong {
        network["kongAdminUrl"] = json!(admin);
        network["kongProxyUrl"] = json!(proxy);
    }
    Json(json!({
        "title": "Nordhafen", "company": "Nordhafen GmbH", "passwordStrategy": "PW_6_24",
        "network": network, "recaptcha": api.data().captcha
    }))
}

async fn auth_server(State(api): State<PortalApi>) -> Json<Value> {
    let mode = match api.data().kong {
        Some(_) => "kong-oauth2",
        None => "jwt",
    };
    let directory = json!({"name": "directory", "type": "external",
        "enabled": api.data().external.is_some(), "config": {
            "validateUserPassUrl": api.data().external, "usernamePrompt": "Staff number",
            "passwordPrompt": "Secret word",
            "forgotPasswordUrl": "https://staff.example/forgotten"}});
    let mut methods = vec![
        json!({"name": "local", "type": "local", "friendlyShort": "Mail and password", "config": {}}),
        json!({"name": "staff", "type": "local", "config": {"trustUsers": "true"}}),
        directory,
        json!({"name": "off", "type": "local", "enabled": false, "config": {}}),
    ];
    methods.extend(api.data().methods.iter().cloned());
    Json(json!({
        "id": "default", "name": "default", "tokens": {"mode": mode, "algorithm": api.data().algorithm},
        "config": {"api": {"routes": [{"paths": ["/auth"]}]}},
        "authMethods": methods
    }))
}

async fn apis(State(api): State<PortalApi>) -> Json<Value> {
    let settings = |code: bool| {
        json!({"enable_client_credentials": true, "enable_authorization_code": code,
            "token_expiration": "1800",
            "scopes": {"read": {"description": "Read orders"}, "write": {"description": "Write orders"}}})
    };
    let methods = json!(["default:local"]);
    let mut signed = settings(true);
    signed["token_mode"] = json!("jwt");
    let mut sealed = settings(true);
    sealed["token_mode"] = json!("opaque");
    sealed["token_expiration"] = json!("86400");
    let mut direct = settings(true);
    direct["enable_implicit_grant"] = json!(true);
    direct["enable_password_grant"] = json!(true);
    let data = api.data();
    let added = data.methods.iter();
    let added = added.map(|method| format!("default:{}", method["name"].as_str().unwrap()));
    let mut social: Vec<String> = vec!["default:local".to_owned()];
    social.extend(added);
    let mut apis = json!([
        {"id": "orders", "name": "Orders", "auth": "oauth2", "authMethods": methods, "settings": settings(true)},
        {"id": "machines", "auth": "oauth2", "authMethods": methods, "settings": settings(false)},
        {"id": "signed", "auth": "oauth2", "authMethods": methods, "settings": signed},
        {"id": "sealed", "auth": "oauth2", "authMethods": methods, "settings": sealed},
        {"id": "direct", "auth": "oauth2", "authMethods": methods, "settings": direct},
        {"id": "team", "auth": "oauth2", "authMethods": ["default:directory"], "settings": direct},
        {"id": "both", "auth": "oauth2", "authMethods": ["default:local", "default:staff"], "settings": settings(true)},
        {"id": "portal-api", "auth": "oauth2", "authMethods": methods, "settings": direct, "registrationPool": "wicked"},
        {"id": "tenants", "auth": "oauth2", "authMethods": methods, "settings": direct, "registrationPool": "tenants"},
        {"id": "guests", "auth": "oauth2", "authMethods": methods, "settings": direct, "registrationPool": "guests"},
        {"id": "social", "auth": "oauth2", "authMethods": social, "settings": direct}
    ]);
    apis.as_array_mut()
        .unwrap()
        .extend(data.apis.iter().cloned());
    Json(json!({"apis": apis}))
}

async fn api_config(Path(api): Path<String>) -> Json<Value> {
    let path = format!("/{api}/v1");
    Json(json!({"api": {"upstream_url": "http://backend/", "routes": [{"paths": [path]}]}}))
}

async fn pool(Path(pool): Path<String>) -> Response {
    let property = |id: &str, claim: &str, required: bool| json!({"id": id, "description": id, "type": "string", "required": required, "oidcClaim": claim});
    found(match pool.as_str() {
        "wicked" => Some(json!({"id": "wicked", "requiresNamespace": false,
            "properties": [property("name", "name", true), property("company", "wicked.haufe.io:company", false)]})),
        "tenants" => Some(json!({"id": "tenants", "requiresNamespace": true,
            "properties": [property("name", "name", true)]})),
        "closed" => Some(json!({"id": "closed", "requiresNamespace": false,
            "disableRegister": true, "properties": [property("name", "name", true)]})),
        "guests" => Some(
            json!({"id": "guests", "name": "Guests", "requiresNamespace": true,
            "requiresInvitation": true, "properties": [property("name", "name", true)]}),
        ),
        _ => None,
    })
}

/// Every namespace exists but one.
async fn namespace(Path((pool, namespace)): Path<(String, String)>) -> Response {
    let description = format!("The {namespace} company");
    let all = json!({"poolId": pool, "namespace": namespace, "description": description});
    found((namespace != "gone").then_some(all))
}

fn client(api: &PortalApi, id: &str) -> Option<Value> {
    api.data()
        .clients
        .iter()
        .find(|client| client["subscription"]["clientId"] == id)
        .cloned()
}

async fn subscription(State(api): State<PortalApi>, Path(id): Path<String>) -> Response {
    found(client(&api, &id))
}

async fn verify(
    State(api): State<PortalApi>,
    Path(id): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    match client(&api, &id) {
        Some(_) if body["clientSecret"] != "secret" => refuse(403, "wrong"),
        client => found(client),
    }
}

async fn application(State(api): State<PortalApi>, Path(id): Path<String>) -> Response {
    let data = api.data();
    let client = data
        .clients
        .iter()
        .find(|client| client["application"]["id"] == *id);
    found(client.map(|client| client["application"].clone()))
}

async fn login(State(api): State<PortalApi>, Json(body): Json<Value>) -> Response {
    let user = api
        .data()
        .users
        .iter()
        .find(|user| body["email"] == *user.email)
        .cloned();
    match user {
        Some(user) if body["password"] == *user.password => {
            Json(json!([user.json()])).into_response()
        }
        Some(_) => refuse(403, "wrong"),
        None => refuse(404, "unknown"),
    }
}

fn texts(list: &Value) -> Vec<String> {
    let texts = list.as_array().into_iter().flatten();
    texts
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect()
}

async fn create_user(State(api): State<PortalApi>, Json(body): Json<Value>) -> Response {
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let (email, password) = (text("email").to_lowercase(), text("password"));
    let is_federated = body["customId"].is_string();
    if !(6..=24).contains(&password.len()) && !is_federated || !email.contains('.') {
        return refuse(400, "against a rule");
    }
    let mut data = api.data();
    if data.users.iter().any(|user| user.email == email) {
        return refuse(409, "taken");
    }
    let user = User {
        id: random::hex_id(),
        email,
        password,
        validated: body["validated"] == true,
        groups: texts(&body["groups"]),
        must_change_password: false,
        custom_id: body["customId"].as_str().map(str::to_owned),
        disabled: false,
        sessions_ended_at: None,
    };
    let answer = (StatusCode::CREATED, Json(user.json())).into_response();
    data.users.push(user);
    answer
}

async fn add_records(State(api): State<PortalApi>, Json(body): Json<Vec<Value>>) -> Response {
    let mut data = api.data();
    if data.refuses_records > 0 {
        data.refuses_records -= 1;
        return refuse(503, "later");
    }
    for record in body {
        if data.records.iter().all(|one| one["id"] != record["id"]) {
            data.records.push(record);
        }
    }
    StatusCode::NO_CONTENT.into_response()
}

async fn listen(State(api): State<PortalApi>, Json(body): Json<Value>) -> Json<Value> {
    api.data().listener = body["url"].as_str().map(str::to_owned);
    Json(body)
}

async fn page_templates(State(api): State<PortalApi>) -> Response {
    of_this_release(api.data().pages.clone())
}

async fn own_texts(State(api): State<PortalApi>) -> Response {
    of_this_release(api.data().texts.clone())
}

/// Nothing as of a portal-api that is a release older.
fn of_this_release(value: Value) -> Response {
    match value {
        Value::Null => refuse(404, "no such address"),
        value => Json(value).into_response(),
    }
}

async fn content(Path(path): Path<String>) -> Response {
    match path.as_str() {
        "wicked.css" => ([(header::CONTENT_TYPE, "text/css")], "body {}").into_response(),
        "images/wicked-40.png" => ([(header::CONTENT_TYPE, "image/png")], "png").into_response(),
        "page" => ([(header::CONTENT_TYPE, "text/html")], "<p>").into_response(),
        _ => refuse(404, "no such file"),
    }
}

async fn find_users(State(api): State<PortalApi>, Query(query): Query<Value>) -> Response {
    let data = api.data();
    let custom_id = query["customId"].as_str().unwrap();
    let found = data
        .users
        .iter()
        .filter(|user| user.custom_id.as_deref() == Some(custom_id));
    let found: Vec<Value> = found.map(User::json).collect();
    if found.is_empty() {
        return refuse(404, "nobody");
    }
    Json(found).into_response()
}

async fn user(State(api): State<PortalApi>, Path(id): Path<String>) -> Response {
    found(
        api.data()
            .users
            .iter()
            .find(|user| user.id == id)
            .map(User::json),
    )
}

async fn patch_user(
    State(api): State<PortalApi>,
    Path(id): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    let mut data = api.data();
    let Some(user) = data.users.iter_mut().find(|user| user.id == id) else {
        return refuse(404, "unknown");
    };
    if let Some(password) = body["password"].as_str() {
        if password.len() < 6 {
            return refuse(400, "against the rule");
        }
        password.clone_into(&mut user.password);
    }
    if body["groups"].is_array() {
        user.groups = texts(&body["groups"]);
    }
    user.must_change_password = body["mustChangePassword"]
        .as_bool()
        .unwrap_or(user.must_change_password);
    Json(user.json()).into_response()
}

async fn registrations(
    State(api): State<PortalApi>,
    Path((pool, user)): Path<(String, String)>,
) -> Json<Value> {
    let data = api.data();
    let of_user = |one: &&Value| one["poolId"] == *pool && one["userId"] == *user;
    let items: Vec<Value> = data.registrations.iter().filter(of_user).cloned().collect();
    Json(json!({"count": items.len(), "items": items}))
}

async fn register(
    State(api): State<PortalApi>,
    Path((pool, user)): Path<(String, String)>,
    Json(mut body): Json<Map<String, Value>>,
) -> Response {
    if body
        .get("name")
        .and_then(Value::as_str)
        .is_none_or(str::is_empty)
    {
        return refuse(400, "Property `name` is required.");
    }
    let shown = body.remove("invitation");
    if pool == "guests" {
        let mut data = api.data();
        let mut all = data.invitations.iter();
        let Some(place) = all.position(|one| Some(&one["token"]) == shown.as_ref()) else {
            return refuse(403, "not invited");
        };
        data.invitations.remove(place);
    }
    body.insert("poolId".to_owned(), pool.into());
    body.insert("userId".to_owned(), user.into());
    api.data().registrations.push(body.into());
    StatusCode::NO_CONTENT.into_response()
}

async fn open_invitation(State(api): State<PortalApi>, Json(body): Json<Value>) -> Response {
    let data = api.data();
    let mut all = data.invitations.iter();
    found(all.find(|one| one["token"] == body["token"]).cloned())
}

async fn grants(State(api): State<PortalApi>, Path(user): Path<String>) -> Json<Value> {
    let living = api.data().living_grants();
    let items: Vec<&Value> = living
        .iter()
        .filter(|grant| grant["userId"] == *user)
        .collect();
    Json(json!({"count": items.len(), "items": items}))
}

type GrantPath = Path<(String, String, String)>;

fn is_grant(grant: &Value, (user, application, api): &(String, String, String)) -> bool {
    grant["userId"] == **user && grant["applicationId"] == **application && grant["apiId"] == **api
}

async fn grant(State(api): State<PortalApi>, Path(path): GrantPath) -> Response {
    let mut living = api.data().living_grants().into_iter();
    found(living.find(|grant| is_grant(grant, &path)))
}

async fn put_grant(
    State(api): State<PortalApi>,
    Path(path): GrantPath,
    Json(body): Json<Value>,
) -> StatusCode {
    let dated = |grant: &Value| {
        json!({"scope": grant["scope"], "grantedDate": "2026-11-21T00:00:00Z",
            "expiresDate": grant["expiresDate"]})
    };
    let scopes: Vec<Value> = body["grants"]
        .as_array()
        .unwrap()
        .iter()
        .map(dated)
        .collect();
    let mut data = api.data();
    data.grants.retain(|grant| !is_grant(grant, &path));
    data.grants.push(
        json!({"userId": path.0, "applicationId": path.1, "apiId": path.2, "grants": scopes}),
    );
    StatusCode::NO_CONTENT
}

async fn delete_grant(State(api): State<PortalApi>, Path(path): GrantPath) -> Response {
    let mut data = api.data();
    let before = data.grants.len();
    data.grants.retain(|grant| !is_grant(grant, &path));
    if data.grants.len() == before {
        return refuse(404, "none");
    }
    StatusCode::NO_CONTENT.into_response()
}

async fn create_verification(State(api): State<PortalApi>, Json(body): Json<Value>) -> StatusCode {
    let mut data = api.data();
    let user = data
        .users
        .iter()
        .find(|user| body["email"] == *user.email)
        .cloned();
    if let Some(user) = user {
        let verification = json!({"id": random::hex_id(), "type": body["type"], "email": user.email,
            "userId": user.id, "link": body["link"], "utc": 0});
        data.verifications.push(verification);
    }
    StatusCode::NO_CONTENT
}

async fn verification(
    State(api): State<PortalApi>,
    Path(id): Path<String>,
    Query(_): Query<Value>,
) -> Response {
    found(
        api.data()
            .verifications
            .iter()
            .find(|one| one["id"] == *id)
            .cloned(),
    )
}

async fn consume(State(api): State<PortalApi>, Json(body): Json<Value>) -> Response {
    let mut data = api.data();
    let Some(index) = data
        .verifications
        .iter()
        .position(|one| one["id"] == body["token"])
    else {
        return refuse(404, "unknown");
    };
    let password = body["password"].as_str().map(str::to_owned);
    if password.as_ref().is_some_and(|password| password.len() < 6) {
        return refuse(400, "against the rule");
    }
    let verification = data.verifications.remove(index);
    let user = data
        .users
        .iter_mut()
        .find(|user| verification["userId"] == *user.id)
        .unwrap();
    match password {
        Some(password) => user.password = password,
        None => user.validated = true,
    }
    StatusCode::NO_CONTENT.into_response()
}
