//! portal-api and auth server as the contract describes them, with a handful of things in them.

use std::sync::{Arc, Mutex};

use axum::{
    Form, Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::{any, delete, get, post},
};
use serde_json::{Value, json};
use service::{
    health::Readiness,
    keys::{Keys, MasterKey},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{account, administration, browser::Browser, colleagues, repository};

/// The token of the one person of these tests.
pub const TOKEN: &str = "access-token-of-lena";
/// And that of the administrator.
const ADMIN_TOKEN: &str = "access-token-of-ann";
/// Of somebody who decides about nothing.
const DEVELOPER_TOKEN: &str = "access-token-of-jo";
/// Lena's, but portal-api takes it for nothing but who she is.
const OLD_TOKEN: &str = "access-token-that-ended";

/// What the neighbours were asked to do.
#[derive(Clone, Default)]
pub struct Log {
    entries: Arc<Mutex<Vec<String>>>,
    writes: Arc<Mutex<Vec<String>>>,
    redirects: Arc<Mutex<Vec<String>>>,
    further: Arc<Mutex<usize>>,
}

impl Log {
    /// Lena's application allows this redirect URI from now on.
    pub fn allow(&self, uri: String) {
        self.redirects.lock().unwrap().push(uri);
    }

    /// Lena has this many applications more from now on, all with the subscriptions of the first.
    pub fn give_applications(&self, further: usize) {
        *self.further.lock().unwrap() = further;
    }

    pub fn entries(&self) -> Vec<String> {
        self.entries.lock().unwrap().clone()
    }

    pub fn note(&self, text: impl Into<String>) {
        self.entries.lock().unwrap().push(text.into());
    }

    /// Everything that was not only read, apart from tokens.
    pub fn writes(&self) -> Vec<String> {
        self.writes.lock().unwrap().clone()
    }
}

/// A running portal with its neighbours; all stop when it is dropped.
pub struct TestPortal {
    pub url: String,
    pub log: Log,
    stop: CancellationToken,
}

impl Drop for TestPortal {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl TestPortal {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// With other globals.
    pub async fn with(change: impl FnOnce(&mut Value)) -> Self {
        Self::at(None, change).await
    }

    /// One that asks for a log-in before each delicate thing.
    pub async fn strict() -> Self {
        Self::new(None, chrono::TimeDelta::zero(), |_| {}).await
    }

    /// The same, as the outside knows it.
    pub async fn at(external: Option<&str>, change: impl FnOnce(&mut Value)) -> Self {
        Self::new(external, portal::Settings::FRESH_LOGIN, change).await
    }

    async fn new(
        external: Option<&str>,
        fresh_login: chrono::TimeDelta,
        change: impl FnOnce(&mut Value),
    ) -> Self {
        service::http::install_crypto();
        let log = Log::default();
        let stop = CancellationToken::new();
        let neighbours = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", neighbours.local_addr().unwrap());
        let mut globals = globals();
        globals["network"]["kongProxyUrl"] = json!(base);
        change(&mut globals);
        tokio::spawn(axum::serve(neighbours, router(log.clone(), globals)).into_future());

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let settings = portal::Settings {
            fresh_login,
            session_limit: portal::Settings::SESSION_LIMIT,
            api_url: base.parse().unwrap(),
            auth_url: format!("{base}/auth/").parse().unwrap(),
            keys: Keys::from_master(MasterKey::generate()),
            external_url: Some(external.unwrap_or(&url).parse().unwrap()),
            issuer: None,
        };
        let readiness = Readiness::new();
        tokio::spawn(portal::serve(
            settings,
            listener,
            readiness.clone(),
            stop.clone(),
        ));
        readiness.until_ready().await;
        Self { url, log, stop }
    }

    pub fn guest(&self) -> Browser {
        Browser::new(&self.url)
    }

    /// Somebody who went through log-in.
    pub async fn lena(&self) -> Browser {
        let mut browser = self.guest();
        browser.log_in("/").await;
        browser
    }

    /// The administrator.
    pub async fn ann(&self) -> Browser {
        let mut browser = self.guest();
        browser.log_in_with("code-of-ann", "/").await;
        browser
    }

    /// A developer who decides about nothing.
    pub async fn jo(&self) -> Browser {
        let mut browser = self.guest();
        browser.log_in_with("code-of-jo", "/").await;
        browser
    }
}

/// The operator's texts of pages: `testTexts` of the globals.
fn own_texts(globals: &Value) -> Router<Log> {
    let texts = globals.get("testTexts").cloned().unwrap_or(json!({}));
    Router::new().route("/templates/texts", get(async move || Json(texts.clone())))
}

fn router(log: Log, globals: Value) -> Router {
    Router::new()
        .merge(own_texts(&globals))
        .route(
            "/ping",
            get(async || Json(json!({"message": "OK", "version": "2.0.0"}))),
        )
        .route("/confighash", get(async || "hash-1"))
        .route("/globals", get(async move || Json(globals.clone())))
        .route("/apis", get(list_of_apis))
        .route(
            "/apis/desc",
            get(async || markdown("What Nordhafen offers.")),
        )
        .route("/apis/{api}", get(api))
        .route("/apis/{api}/context", get(context))
        .route("/apis/{api}/docs", get(guides))
        .route("/apis/{api}/docs/{*path}", get(guide))
        .route(
            "/apis/{api}/desc",
            get(async || markdown("One request books a **shipment**.")),
        )
        .route(
            "/apis/{api}/config",
            get(async || Json(json!({"api": {"routes": [{"paths": ["/shipments/v2"]}]}}))),
        )
        .route(
            "/apis/{api}/plans",
            get(async || Json(json!([plans()[0], plans()[1]]))),
        )
        .route("/apis/{api}/swagger", get(definition_at))
        .route(
            "/plans",
            get(async || Json(json!({"plans": plans(), "_links": {}}))),
        )
        .route("/content", get(async || content_page("Welcome", "# Hello")))
        .route(
            "/content/toc",
            get(async || {
                Json(json!([{"category": "content", "url": "/content/terms", "title": "Terms"}]))
            }),
        )
        .route("/content/{*path}", get(content))
        .route("/users", get(user_by_email))
        .route(
            "/users/{user}",
            get(user).patch(change_user).delete(remove_user),
        )
        .route("/users/{user}/applications", get(applications_of))
        .route("/users/{user}/password", delete(remove_password))
        .route(
            "/registrations/pools/wicked/users/{user}",
            get(registration).put(register_user),
        )
        .route("/pools/wicked", get(async || Json(pool())))
        .route("/groups", get(async || Json(groups())))
        .route("/auth-servers", get(async || Json(json!(["default"]))))
        .route("/auth-servers/default", get(async || Json(auth_server())))
        .route("/unsubscribe", post(stop_mails))
        .route("/applications", post(register))
        .route(
            "/applications/roles",
            get(async || Json(json!([{"role": "owner", "desc": "All rights"}]))),
        )
        .route(
            "/applications/{application}",
            get(application)
                .patch(change_application)
                .delete(remove_application),
        )
        .route(
            "/applications/{application}/owners",
            post(add_owner).delete(remove_owner),
        )
        .route(
            "/applications/{application}/subscriptions",
            get(subscriptions).post(subscribe),
        )
        .route(
            "/applications/{application}/subscriptions/{api}",
            get(subscription)
                .patch(change_subscription)
                .delete(unsubscribe),
        )
        .route(
            "/applications/{application}/subscriptions/{api}/credentials",
            get(credentials).post(create_credential),
        )
        .route("/auth/oauth2/token", post(token))
        .route("/auth/userinfo", get(userinfo))
        .route("/auth/oauth2/revoke", post(revoke))
        .merge(gateway_router())
        .merge(account::router())
        .merge(administration::router())
        .merge(colleagues::router())
        .merge(repository::router())
        .layer(axum::middleware::from_fn_with_state(
            log.clone(),
            note_agent,
        ))
        .with_state(log)
}

/// The gateway, as the portal reaches it.
fn gateway_router() -> Router<Log> {
    Router::new()
        .route(
            "/shipments/v2/redirect",
            any(async || found("http://evil.example/")),
        )
        .route("/shipments/v2/long", any(async || "x".repeat(6 << 20)))
        .route("/shipments/v2/{*rest}", any(gateway))
}

async fn stop_mails(State(log): State<Log>, Json(body): Json<Value>) -> Response {
    if body["token"] != "good" {
        return StatusCode::NOT_FOUND.into_response();
    }
    log.note("mails stopped");
    Json(json!({"mail": "announcement"})).into_response()
}

fn globals() -> Value {
    json!({
        "title": "Nordhafen", "company": "Nordhafen Logistics GmbH", "footer": "A <b>footer</b><script>x</script>",
        "passwordStrategy": "PW_8_24_UPPER_LOWER_DIGIT", "validatedUserGroup": "dev",
        "portal": {"authMethods": ["default:local"]},
        "network": {"schema": "http", "portalHost": "localhost:3000", "apiHost": "localhost:8000"},
        "api": {"headerName": "X-ApiKey"},
        "gateway": {"type": "embedded"}, "credentials": {"reveal": "never"},
    })
}

pub fn apis() -> Value {
    json!([
        {"id": "shipments", "name": "Shipments", "version": "v2.4", "desc": "Book, change and cancel *shipments*.", "auth": "key-auth", "tags": ["Shipping"], "plans": ["starter", "business", "carrier"]},
        {"id": "tracking", "name": "Tracking events", "desc": "Where every parcel is.", "auth": "oauth2", "tags": ["Tracking"], "plans": ["business"],
         "authMethods": ["default:local", "default:corp", "default:none"],
         "settings": {"enable_client_credentials": true, "scopes": {"read": {"description": "Read events"}}}},
        {"id": "invoices", "name": "Invoices", "desc": "Old", "auth": "key-auth", "tags": [], "plans": ["starter"],
         "deprecated": true, "lifecycle": {"state": "deprecated", "sunsetOn": "2027-03-31", "successor": "shipments", "note": "Ask **Maren** <b>now</b>."}},
        {"id": "clock", "name": "World clock", "desc": "Open", "auth": "none", "tags": [], "plans": []},
    ])
}

fn plans() -> Value {
    let limited = |minute: u64| json!({"plugins": [{"name": "rate-limiting", "config": {"minute": minute, "day": minute * 1000}}]});
    json!([
        {"id": "starter", "name": "Starter", "desc": "", "price": "Free", "config": limited(10)},
        {"id": "business", "name": "Business", "desc": "", "price": "€120 a month", "needsApproval": true, "config": limited(600)},
        {"id": "carrier", "name": "Carrier", "desc": "", "requiredGroup": "carriers", "config": limited(3000)},
    ])
}

fn definition() -> Value {
    json!({
        "openapi": "3.1.0", "info": {"title": "Shipments", "version": "2.4"}, "servers": [{"url": "http://localhost:8000/shipments/v2"}],
        "components": {"schemas": {
            "Parcel": {"type": "object", "required": ["kg"], "properties": {"kg": {"type": "number", "minimum": 0.1, "description": "Weight."}, "inside": {"$ref": "#/components/schemas/Parcel"}}},
        }},
        "paths": {
            "/shipments": {
                "get": {"operationId": "listShipments", "summary": "List shipments", "tags": ["Shipments"], "responses": {"200": {"description": "A list"}}},
                "post": {"operationId": "book", "summary": "Book a shipment", "description": "Books **one**.", "tags": ["Shipments"],
                    "parameters": [{"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 64}}],
                    "requestBody": {"content": {"application/json": {"schema": {"type": "object", "required": ["from"], "properties": {
                        "from": {"type": "string", "example": "DEHAM"}, "parcels": {"type": "array", "items": {"$ref": "#/components/schemas/Parcel"}},
                        "service": {"enum": ["cheapest", "fastest"], "default": "cheapest"}}}}}},
                    "responses": {"201": {"description": "Booked", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Parcel"}}}}, "400": {"description": "Faulty"}}},
            },
        },
    })
}

/// As it is, or as it was before the newest commit.
async fn definition_at(Query(query): Query<Vec<(String, String)>>) -> Json<Value> {
    let mut definition = definition();
    if query.iter().any(|(_, commit)| commit == "0ldc0ffee") {
        definition["info"]["version"] = json!("0.9");
        definition["paths"]["/<old>"] = json!({"get": {"responses": {}}});
    }
    Json(definition)
}

fn markdown(text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "text/markdown")], text).into_response()
}

fn content_page(title: &str, text: &'static str) -> Response {
    use base64::Engine as _;
    let metadata = json!({"showTitle": true, "title": title, "subTitle": "Below *it*"}).to_string();
    let metadata = base64::engine::general_purpose::STANDARD.encode(metadata);
    (
        [
            ("content-type", "text/markdown"),
            ("x-metainfo", metadata.as_str()),
        ],
        text,
    )
        .into_response()
}

async fn content(headers: HeaderMap, Path(path): Path<String>) -> Response {
    let language = headers.get(header::ACCEPT_LANGUAGE);
    let is_german = language.is_some_and(|tag| tag.as_bytes().starts_with(b"de"));
    match path.as_str() {
        "terms" if is_german => content_page("Bedingungen", "Seien Sie freundlich."),
        "logo.png" => ([(header::CONTENT_TYPE, "image/png")], "png").into_response(),
        "team" => (
            [(header::CONTENT_TYPE, "text/x-html-template")],
            "<p>{{#authUser}}Hello {{name}}{{/authUser}}{{^authUser}}Who are you?{{/authUser}} \
             {{glob.title}} {{glob.network.apiHost}} {{glob.network.kongProxyUrl}}|</p><script>x</script>",
        )
            .into_response(),
        "terms" => content_page("Terms", "Be kind. <script>alert(1)</script>"),
        "help/trusted" => (
            [(header::CONTENT_TYPE, "text/markdown")],
            "# Our own words\n\n**trust** at {{api}}\n",
        )
            .into_response(),
        _ => missing(),
    }
}

pub fn missing() -> Response {
    (
        StatusCode::NOT_FOUND,
        Json(json!({"status": 404, "message": "Not found."})),
    )
        .into_response()
}

pub fn refused(status: StatusCode, message: &str) -> Response {
    (
        status,
        Json(json!({"status": status.as_u16(), "message": message})),
    )
        .into_response()
}

async fn api(Path(id): Path<String>) -> Response {
    let found = apis()
        .as_array()
        .unwrap()
        .iter()
        .find(|api| api["id"] == id)
        .cloned();
    match found {
        Some(api) => Json(api).into_response(),
        None if id == "portal-api" => Json(json!({"id": id, "name": "Portal",
            "settings": {"scopes": {"read_apis": {"description": "Read APIs"}}}}))
        .into_response(),
        None if id == "parcels" => Json(json!({"id": id, "name": "Parcels", "auth": "oauth2",
            "settings": {"enable_authorization_code": true, "scopes": {"read": {"description": "Read"}}}}))
        .into_response(),
        None if id == "secret" => refused(StatusCode::FORBIDDEN, "Access denied"),
        None => missing(),
    }
}

/// One of them is for administrators.
async fn list_of_apis(headers: HeaderMap) -> Json<Value> {
    let mut apis = apis();
    if is_admin(&headers) {
        let salaries =
            json!({"id": "salaries", "name": "Salaries", "desc": "Payroll", "auth": "key-auth"});
        apis.as_array_mut().unwrap().push(salaries);
    }
    Json(json!({"apis": apis}))
}

async fn guides(Path(id): Path<String>) -> Json<Value> {
    Json(match id.as_str() {
        "shipments" => json!([{"path": "start", "title": "Getting started", "order": 1},
            {"path": "advanced/batches", "title": "Batches"}]),
        _ => json!([]),
    })
}

async fn guide(Path((_, path)): Path<(String, String)>) -> Response {
    match path.as_str() {
        "start" => markdown("Call `POST /shipments`.\n\n```json\n{\"from\": \"DEHAM\"}\n```\n"),
        "advanced/batches" => markdown("Up to 50 at once. <script>alert(1)</script>"),
        _ => missing(),
    }
}

fn auth_server() -> Value {
    json!({"id": "default", "name": "default", "authMethods": [
        {"name": "local", "type": "local", "friendlyShort": "Mail and password"},
        {"name": "corp", "type": "saml", "friendlyShort": "Company", "protected": true},
        {"name": "google", "type": "google", "friendlyShort": "Google"}]})
}

fn pool() -> Value {
    json!({"id": "wicked", "name": "People", "properties": [
        {"id": "name", "description": "Full name", "type": "string", "required": true, "maxLength": 255},
        {"id": "company", "description": "Company", "type": "string"}]})
}

fn groups() -> Value {
    json!({"groups": [{"id": "admin", "name": "Administrators", "adminGroup": true},
        {"id": "dev", "name": "Developers"}], "_links": {}})
}

/// Lena is an approver, Ann an administrator, Jo neither.
fn bearer(headers: &HeaderMap) -> &str {
    let value = headers.get(header::AUTHORIZATION);
    value
        .and_then(|value| value.to_str().unwrap().strip_prefix("Bearer "))
        .unwrap_or_default()
}

pub fn is_lena(headers: &HeaderMap) -> bool {
    matches!(bearer(headers), TOKEN | ADMIN_TOKEN | DEVELOPER_TOKEN)
}

/// Whether the caller decides about something.
pub fn decides(headers: &HeaderMap) -> bool {
    matches!(bearer(headers), TOKEN | ADMIN_TOKEN)
}

/// The log of what components say about themselves.
async fn note_agent(
    State(log): State<Log>,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    let path = request.uri().path().to_owned();
    if request.method() != Method::GET && path != "/auth/oauth2/token" {
        let write = format!("{} {path}", request.method());
        log.writes.lock().unwrap().push(write);
    }
    let headers = request.headers().clone();
    let header = |name: &str| {
        let value = headers.get(name);
        value.map_or("", |value| value.to_str().unwrap()).to_owned()
    };
    if path == "/plans" {
        let (agent, hash) = (header("user-agent"), header("x-config-hash"));
        log.note(format!("{agent} {hash}"));
    }
    if path.ends_with("/swagger") {
        let (user, token) = (header("x-authenticated-userid"), bearer(&headers) == TOKEN);
        log.note(format!(
            "definition for user `{user}`, token of Lena: {token}"
        ));
    }
    let is_log_in = path.starts_with("/users/") || path.starts_with("/auth/");
    if bearer(&headers) == OLD_TOKEN && !is_log_in {
        return refused(StatusCode::UNAUTHORIZED, "The token has ended.");
    }
    next.run(request).await
}

pub fn is_admin(headers: &HeaderMap) -> bool {
    bearer(headers) == ADMIN_TOKEN
}

/// Whether the caller may see and change a user.
fn may(headers: &HeaderMap, id: &str) -> bool {
    match bearer(headers) {
        ADMIN_TOKEN => true,
        TOKEN | OLD_TOKEN => id == "lena-id",
        DEVELOPER_TOKEN => id == "jo-id",
        _ => false,
    }
}

async fn user(headers: HeaderMap, Path(id): Path<String>) -> Response {
    if !may(&headers, &id) {
        return refused(StatusCode::FORBIDDEN, "Not allowed.");
    }
    match a_user(&id) {
        Some(user) => Json(user).into_response(),
        None => missing(),
    }
}

fn a_user(id: &str) -> Option<Value> {
    let user = |email: &str, groups: &[&str], rest: Value| {
        let mut user = json!({"id": id, "email": email, "validated": true, "groups": groups,
            "admin": false, "approver": false, "applications": [], "hasPassword": true});
        for (key, value) in rest.as_object().unwrap() {
            user[key] = value.clone();
        }
        Some(user)
    };
    match id {
        "lena-id" => user(
            "lena@kontor.example",
            &["dev"],
            json!({"approver": true, "applications": [{"id": "tracking-dashboard"}]}),
        ),
        "jo-id" => user("jo@kontor.example", &["dev"], json!({})),
        "1" => user(
            "ann@nordhafen.example",
            &["admin", "gone"],
            json!({"admin": true}),
        ),
        "piet" => user("piet@haven.example", &[], json!({"validated": false})),
        "fed" => user(
            "fed@haven.example",
            &[],
            json!({"customId": "google:7", "hasPassword": null}),
        ),
        "machine" => user("portal@wicked", &[], json!({"customId": "internal:portal"})),
        _ => None,
    }
}

async fn change_user(
    State(log): State<Log>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    log.note(format!("change user {id} {body}"));
    if !may(&headers, &id) || (body.get("groups").is_some() && !is_admin(&headers)) {
        return refused(StatusCode::FORBIDDEN, "Not allowed.");
    }
    if body
        .get("currentPassword")
        .is_some_and(|given| given != "Right-1234")
    {
        return (
            StatusCode::FORBIDDEN,
            Json(json!({"status": 403, "message": "The password is wrong.", "type": "x/wrong-password"})),
        )
            .into_response();
    }
    Json(a_user(&id).unwrap()).into_response()
}

async fn remove_user(
    State(log): State<Log>,
    headers: HeaderMap,
    uri: Uri,
    Path(id): Path<String>,
) -> Response {
    if !may(&headers, &id) {
        return refused(StatusCode::FORBIDDEN, "Not allowed.");
    }
    if id == "lena-id" && uri.query().is_none() {
        return refused(StatusCode::CONFLICT, "The user has applications.");
    }
    log.note(format!(
        "remove user {id} {}",
        uri.query().unwrap_or_default()
    ));
    StatusCode::NO_CONTENT.into_response()
}

async fn user_by_email(Query(query): Query<Vec<(String, String)>>) -> Response {
    if query[..] != [("email".to_owned(), "piet@haven.example".to_owned())] {
        return missing();
    }
    Json(json!([{"id": "piet", "email": "piet@haven.example"}])).into_response()
}

async fn remove_password(
    State(log): State<Log>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    if !is_admin(&headers) {
        return refused(StatusCode::FORBIDDEN, "Only administrators may do this.");
    }
    log.note(format!("remove password {id}"));
    StatusCode::NO_CONTENT.into_response()
}

async fn registration(headers: HeaderMap, Path(id): Path<String>) -> Response {
    if !may(&headers, &id) {
        return refused(StatusCode::FORBIDDEN, "Not allowed.");
    }
    Json(json!({"items": [{"poolId": "wicked", "userId": id, "name": "Lena <b>Brandt</b>", "company": "Kontor"}], "count": 1}))
        .into_response()
}

async fn register_user(
    State(log): State<Log>,
    Path(id): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    log.note(format!("register user {id} {body}"));
    if body["name"] == "" {
        return (
            StatusCode::BAD_REQUEST,
            Json(json!({"status": 400, "message": "`name` is empty.",
                "errors": [{"field": "name", "rule": "required", "message": "`name` is empty."}]})),
        )
            .into_response();
    }
    StatusCode::NO_CONTENT.into_response()
}

fn an_application(id: &str) -> Value {
    let link = json!({"href": "/x"});
    let team = (id == "of-crew").then_some("crew");
    let mut found = json!({"team": team, "id": id, "name": "Tracking dashboard", "description": "Shows *arrivals*", "redirectUris": [], "redirectUri": "",
        "clientType": "confidential", "confidential": true,
        "owners": [{"userId": "lena-id", "email": "lena@kontor.example", "role": "owner"},
            {"userId": "piet", "email": "piet@haven.example", "role": "reader", "_links": {"deleteOwner": link}}],
        "_links": {"addSubscription": link, "patchApplication": link, "addOwner": link, "deleteApplication": link}});
    if team.is_some() {
        let crew = (1..=43).map(|number| {
            json!({"userId": format!("sailor-{number}"), "email": format!("sailor-{number:02}@crew.example"), "role": "reader"})
        });
        found["owners"].as_array_mut().unwrap().extend(crew);
    }
    found
}

/// In pages of 25, whatever is asked for.
async fn applications_of(
    State(log): State<Log>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    if !may(&headers, &id) {
        return refused(StatusCode::FORBIDDEN, "Not allowed.");
    }
    let first = match id.as_str() {
        "lena-id" => "tracking-dashboard",
        _ => return Json(json!({"items": [], "limit": 25})).into_response(),
    };
    let further = 1..=*log.further.lock().unwrap();
    let further = further.map(|number| format!("program-{number:02}"));
    let all: Vec<String> = [first.to_owned()].into_iter().chain(further).collect();
    let cursor = query.iter().find(|(name, _)| name == "cursor");
    let from: usize = cursor.map_or(0, |(_, from)| from.parse().unwrap_or_default());
    let page = all.iter().skip(from).take(25).map(|id| {
        let mut found = an_application(id);
        found["redirectUris"] = json!(*log.redirects.lock().unwrap());
        found["subscriptions"] = json!(["invoices", "parcels"].map(a_subscription));
        found
    });
    let next = (from + 25 < all.len()).then(|| (from + 25).to_string());
    Json(json!({"items": page.collect::<Vec<_>>(), "limit": 25, "next": next})).into_response()
}

async fn application(
    State(log): State<Log>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    match (is_lena(&headers), id.as_str()) {
        (false, _) | (true, "taken") => refused(StatusCode::FORBIDDEN, "Not allowed."),
        (true, "tracking-dashboard" | "new-app" | "of-crew") => {
            let mut found = an_application(&id);
            found["redirectUris"] = json!(*log.redirects.lock().unwrap());
            Json(found).into_response()
        }
        _ => missing(),
    }
}

async fn register(State(log): State<Log>, Json(body): Json<Value>) -> Response {
    log.note(format!("register {body}"));
    match body["id"].as_str().unwrap_or_default() {
        "taken" => refused(StatusCode::CONFLICT, "exists"),
        id if id.len() < 4 => refused(StatusCode::BAD_REQUEST, "Invalid application ID"),
        id => (StatusCode::CREATED, Json(an_application(id))).into_response(),
    }
}

async fn change_application(
    State(log): State<Log>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    // As plain JSON, empty members change nothing.
    assert_eq!(headers["content-type"], "application/merge-patch+json");
    log.note(format!("change {body}"));
    if body["redirectUris"] == json!(["http://evil.example"]) {
        return refused(StatusCode::BAD_REQUEST, "Use https.");
    }
    Json(an_application(&id)).into_response()
}

async fn remove_application(State(log): State<Log>, Path(id): Path<String>) -> StatusCode {
    log.note(format!("remove {id}"));
    StatusCode::NO_CONTENT
}

async fn add_owner(
    State(log): State<Log>,
    Path(id): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    log.note(format!("add owner {body}"));
    if body["email"] == "nobody@haven.example" {
        return refused(StatusCode::BAD_REQUEST, "Unknown user or role.");
    }
    (StatusCode::CREATED, Json(an_application(&id))).into_response()
}

async fn remove_owner(State(log): State<Log>, Path(id): Path<String>, uri: Uri) -> Response {
    log.note(format!("remove owner {}", uri.query().unwrap_or_default()));
    Json(an_application(&id)).into_response()
}

async fn change_subscription(
    State(log): State<Log>,
    Path((_, api)): Path<(String, String)>,
    Json(body): Json<Value>,
) -> Response {
    log.note(format!("change subscription {body}"));
    Json(a_subscription(&api)).into_response()
}

fn a_subscription(api: &str) -> Value {
    json!({"id": "s1", "application": "tracking-dashboard", "api": api, "plan": "starter", "auth": "key-auth", "approved": true, "trusted": false})
}

async fn context(State(log): State<Log>, headers: HeaderMap, path: Path<String>) -> Response {
    let id = path.0.clone();
    let found = api(path).await;
    if found.status() != StatusCode::OK {
        return found;
    }
    let api = apis();
    let api = api.as_array().unwrap().iter().find(|api| api["id"] == id);
    let subscription = (id == "invoices").then(|| a_subscription(&id));
    let declined = (id == "tracking").then(|| json!({"plan": "business", "decidedAt": "2026-11-20T10:00:00Z", "reason": "Use <Starter> first."}));
    let mut applications: Vec<_> = (1..=*log.further.lock().unwrap())
        .map(|number| {
            json!({"id": format!("program-{number:02}"), "name": format!("Program {number:02}"),
            "role": "owner", "maySubscribe": true})
        })
        .collect();
    applications.push(
        json!({"id": "tracking-dashboard", "name": "Tracking dashboard", "role": "owner",
        "maySubscribe": true, "subscription": subscription, "declined": declined}),
    );
    if id == "invoices" {
        // Most of the others use it, too.
        for application in applications.iter_mut().take(30) {
            application["subscription"] = a_subscription(&id);
        }
    }
    let applications = json!(applications);
    let none = json!([]);
    let own = is_lena(&headers);
    let is_owner = is_admin(&headers);
    let plans = json!([plans()[0], plans()[1]]);
    Json(json!({"api": api, "plans": if own { plans } else { none.clone() },
        "applications": if own { applications } else { none },
        "rights": {"subscribe": own, "approve": false, "seeUsage": is_owner, "announce": is_owner, "edit": false}}))
    .into_response()
}

async fn subscriptions(
    State(log): State<Log>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    if !is_lena(&headers) {
        return refused(StatusCode::FORBIDDEN, "Not allowed.");
    }
    let query = uri.query().unwrap_or_default();
    if !query.contains("secrets=false") {
        log.note("secrets were read");
    }
    let many: Vec<String> = (1..=45).map(|number| format!("api-{number:02}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let apis: &[&str] = match id.as_str() {
        "haven-erp" => &["shipments"],
        "of-crew" => &many,
        "new-app" => &["tracking"],
        _ => &["invoices", "parcels"],
    };
    let mut all: Vec<_> = apis.iter().map(|api| a_subscription(api)).collect();
    if query.contains("credentials=true") {
        for subscription in &mut all {
            subscription["credentials"] = json!([a_credential()]);
        }
    }
    Json(all).into_response()
}

async fn subscription(Path((application, api)): Path<(String, String)>) -> Response {
    // Whoever decides has no part in it.
    if application == "haven-erp" {
        return refused(StatusCode::FORBIDDEN, "Not allowed.");
    }
    let mut found = a_subscription(&api);
    match api.as_str() {
        "invoices" => found["apikey"] = json!("wg_key-of-invoices-9876"),
        "tracking" | "parcels" => {
            found["clientId"] = json!("client-1");
            found["clientSecret"] = json!("client-secret-1");
        }
        _ => {}
    }
    Json(found).into_response()
}

async fn subscribe(State(log): State<Log>, Json(body): Json<Value>) -> Response {
    log.note(format!("subscribe {body}"));
    let mut made = a_subscription(body["api"].as_str().unwrap());
    made["plan"] = body["plan"].clone();
    match body["plan"].as_str().unwrap() {
        "starter" => made["apikey"] = json!("wg_the-new-key_1234"),
        "business" => made["approved"] = json!(false),
        _ => {
            return refused(
                StatusCode::CONFLICT,
                "Application already has a subscription",
            );
        }
    }
    (StatusCode::CREATED, Json(made)).into_response()
}

async fn unsubscribe(
    State(log): State<Log>,
    Path((application, api)): Path<(String, String)>,
) -> StatusCode {
    log.note(format!("unsubscribe {application} {api}"));
    StatusCode::NO_CONTENT
}

fn a_credential() -> Value {
    json!({"id": "c1", "kind": "key", "name": "default", "classic": true, "prefix": "wg_", "last4": "1234", "createdAt": "2026-11-20T10:00:00Z"})
}

/// One; of the crew's application one that works after many that are over.
async fn credentials(Path((application, _)): Path<(String, String)>) -> Json<Value> {
    let over = (1..=24).filter(|_| application == "of-crew").map(|number| {
        let mut old = a_credential();
        old["id"] = json!(format!("old-{number}"));
        old["name"] = json!(format!("old {number:02}"));
        old["revokedAt"] = json!("2026-11-20T11:00:00Z");
        old
    });
    Json(over.chain([a_credential()]).collect())
}

async fn create_credential(State(log): State<Log>, Json(body): Json<Value>) -> Response {
    log.note(format!("create credential {body}"));
    let mut made = a_credential();
    made["secret"] = json!("wg_another-key_5678");
    (StatusCode::CREATED, Json(made)).into_response()
}

async fn token(
    State(log): State<Log>,
    headers: HeaderMap,
    Form(form): Form<Vec<(String, String)>>,
) -> Response {
    let field = |name: &str| {
        form.iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    };
    log.note(format!(
        "token {} verifier:{}",
        field("grant_type"),
        field("code_verifier").len()
    ));
    let basic = headers
        .get(header::AUTHORIZATION)
        .is_some_and(|value| value.to_str().unwrap().starts_with("Basic "));
    if field("grant_type") == "client_credentials" {
        let basic = headers[header::AUTHORIZATION].to_str().unwrap();
        log.note(format!("client token {basic} {}", field("scope")));
        return Json(json!({"access_token": "token-of-client-1", "expires_in": 600}))
            .into_response();
    }
    if field("code") == "code-for-client-1" {
        let basic = headers[header::AUTHORIZATION].to_str().unwrap();
        log.note(format!("client code {basic} at {}", field("redirect_uri")));
        let answer = json!({"access_token": "token-of-lena-by-client-1", "expires_in": 600});
        return Json(answer).into_response();
    }
    let token = match (field("code"), field("subject_token")) {
        ("good-code", _) | (_, "wgp_of-lena") => TOKEN,
        ("code-of-ann", _) => ADMIN_TOKEN,
        ("code-of-jo", _) => DEVELOPER_TOKEN,
        ("code-of-the-old", _) => OLD_TOKEN,
        _ if field("refresh_token") == "refresh-1" => TOKEN,
        _ => "",
    };
    if !basic || token.is_empty() {
        return (
            StatusCode::BAD_REQUEST,
            Json(json!({"error": "invalid_grant", "error_description": "The code is not valid."})),
        )
            .into_response();
    }
    Json(json!({"access_token": token, "refresh_token": "refresh-1", "expires_in": 1800, "token_type": "Bearer"})).into_response()
}

async fn userinfo(headers: HeaderMap) -> Json<Value> {
    Json(match bearer(&headers) {
        ADMIN_TOKEN => json!({"sub": "1", "name": "Ann", "email": "ann@nordhafen.example"}),
        DEVELOPER_TOKEN => json!({"sub": "jo-id", "name": "Jo", "email": "jo@kontor.example"}),
        _ => json!({"sub": "lena-id", "name": "Lena Brandt", "email": "lena@kontor.example"}),
    })
}

fn found(target: &str) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, target.to_owned())]).into_response()
}

/// Answers with what it got, apart from the credential, which it notes.
async fn gateway(
    State(log): State<Log>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    let text = |name: &str| {
        let value = headers.get(name);
        value.map_or("", |value| value.to_str().unwrap()).to_owned()
    };
    let credential = [text("x-apikey"), text("authorization")].concat();
    let host = text("host");
    log.note(format!(
        "gateway {method} {uri} at {host} with {credential}"
    ));
    let echo = json!({"path": uri.path(), "query": uri.query(), "body": body,
        "type": text("content-type"), "idempotency": text("idempotency-key"), "cookie": text("cookie")});
    ([("x-ratelimit-remaining-minute", "599")], Json(echo)).into_response()
}

async fn revoke(State(log): State<Log>, Form(form): Form<Vec<(String, String)>>) -> StatusCode {
    log.note(format!("revoke {}", form[0].1));
    StatusCode::OK
}
