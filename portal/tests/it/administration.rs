//! What portal-api answers to administrators and approvers.

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{any, delete, get, post, put},
};
use serde_json::{Value, json};

use crate::neighbours::{Log, decides, is_admin, missing, refused};

/// Rows of every long list; some CSV downloads need more than one page of them.
const MANY: u64 = 1203;

pub fn router() -> Router<Log> {
    Router::new()
        .route("/approvals", get(approvals))
        .route("/approvals/{id}", get(one_approval).patch(assign))
        .route("/approvals/{id}/approve", post(decide))
        .route("/approvals/{id}/decline", post(decide))
        .route("/approvals/{id}/comments", post(comment))
        .route("/registrations/pools/wicked", get(users))
        .route("/applications", get(applications))
        .route("/subscriptions", get(subscriptions))
        .route("/auditlog", get(audit_log))
        .route(
            "/apis/{api}/subscriptions",
            delete(end_all).get(async || Json(page(&[], 0))),
        )
        .route("/webhooks/listeners", get(listeners))
        .route("/webhooks/listeners/{id}/{*what}", any(listener))
        .route(
            "/webhooks/events/{id}",
            get(async || Json(json!([event()]))),
        )
        .route("/webhooks/deliveries/{id}", get(deliveries))
        .route(
            "/webhooks/deliveries/{id}/{event}",
            get(async || Json(delivery())),
        )
        .route("/webhooks/dead/{id}/retry", post(act))
        .route("/webhooks/replay/{id}", post(act))
        .route("/verifications", get(verifications).post(act))
        .route("/verifications/{id}", delete(act))
        .route("/pools", get(async || Json(pools())))
        .route(
            "/pools/{pool}/namespaces",
            get(async || Json(page(&[json!({"namespace": "acme"})], 1))),
        )
        .route(
            "/registrations/pools/{pool}/invitations",
            get(invitations).post(invite),
        )
        .route("/registrations/pools/{pool}/invitations/{id}", delete(act))
        .route(
            "/registrations/pools/{pool}/invitations/{id}/resend",
            post(invite),
        )
        .route("/systemhealth", get(health))
        .route("/gateway/status", get(gateway))
        .route("/config/status", get(async || Json(configuration())))
        .route("/config/fetch", post(act))
        .route("/setup", get(async || Json(setup())).merge(put(act_setup)))
        .route("/usage", get(usage))
}

/// Many have been invited into `crew`.
async fn invitations(Path(pool): Path<String>) -> Json<Value> {
    let count = if pool == "crew" { 45 } else { 1 };
    let many = (1..=count).map(|number| {
        let mut one = invitation();
        if count > 1 {
            one["email"] = format!("sailor-{number:02}@haven.example").into();
        }
        one
    });
    Json(many.collect())
}

fn not_allowed() -> Response {
    refused(StatusCode::FORBIDDEN, "Not allowed.")
}

fn approval(id: &str) -> Value {
    json!({"id": id, "subscriptionId": "s2", "user": {"id": "piet", "email": "piet@haven.example"},
        "api": {"id": "shipments", "name": "Shipments", "requiredGroup": ""},
        "application": {"id": "haven-erp", "name": "=Haven ERP", "trusted": false, "description": "Books; \"all\""},
        "plan": {"id": "business", "name": "Business"}, "purpose": "We show <arrival> times.",
        "changedDate": "2026-11-20T10:00:00Z", "state": "open",
        "comments": [{"id": "m1", "user": {"id": "mika-id", "email": "mika@haven.example"}, "text": "<Who> is that?", "createdAt": "2026-11-20T11:00:00Z"}]})
}

async fn approvals(headers: HeaderMap, Query(query): Query<Vec<(String, String)>>) -> Response {
    if !decides(&headers) {
        return not_allowed();
    }
    let get = |name: &str| query.iter().find(|(own, _)| own == name);
    if get("cursor").is_none() {
        return Json(json!([approval("a1")])).into_response();
    }
    let mut found = approval("a1");
    if get("state").is_some_and(|(_, state)| state == "declined") {
        found["state"] = json!("declined");
        found["reason"] = json!("Use the Team plan first.");
    }
    Json(json!({"items": [found], "limit": 10})).into_response()
}

async fn one_approval(headers: HeaderMap, Path(id): Path<String>) -> Response {
    match (decides(&headers), id.as_str()) {
        (false, _) => not_allowed(),
        (true, "a1" | "a3") => Json(approval(&id)).into_response(),
        _ => missing(),
    }
}

async fn decide(State(log): State<Log>, uri: Uri, Json(body): Json<Value>) -> Response {
    log.note(format!("{} {body}", uri.path()));
    if uri.path().contains("a3") {
        return refused(StatusCode::CONFLICT, "This request was decided already.");
    }
    StatusCode::NO_CONTENT.into_response()
}

async fn assign(
    State(log): State<Log>,
    Path(id): Path<String>,
    Json(body): Json<Value>,
) -> Json<Value> {
    log.note(format!("assign {id} {body}"));
    Json(approval(&id))
}

async fn comment(
    State(log): State<Log>,
    Path(id): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    log.note(format!("comment {id} {body}"));
    if body["text"] == "" {
        return refused(
            StatusCode::BAD_REQUEST,
            "`text`: write what you want to say.",
        );
    }
    let made = json!({"id": "m2", "user": {"id": "lena-id", "email": "lena@kontor.example"}, "text": body["text"], "createdAt": "2026-11-20T12:00:00Z"});
    (StatusCode::CREATED, Json(made)).into_response()
}

fn page(items: &[Value], count: u64) -> Value {
    json!({"items": items, "count": count, "count_cached": false, "offset": 0, "limit": 10})
}

/// The page that a query asks for, of as many rows as there are: by offset or by cursor.
fn rows(query: &[(String, String)], row: impl Fn(u64) -> Value) -> Json<Value> {
    let get = |name: &str| {
        let found = query.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    };
    let number = |name| get(name).and_then(|text| text.parse().ok());
    let limit = number("limit").unwrap_or(10);
    if let Some(cursor) = get("cursor") {
        let first = cursor.parse().unwrap_or(0);
        let last = MANY.min(first + limit);
        let items: Vec<Value> = (first..last).map(row).collect();
        let mut page = json!({"items": items, "limit": limit});
        if last < MANY {
            page["next"] = json!(last.to_string());
        }
        return Json(page);
    }
    let offset = number("offset").unwrap_or(0);
    let items: Vec<Value> = (offset..MANY.min(offset + limit)).map(row).collect();
    let mut page = page(&items, MANY);
    page["offset"] = json!(offset);
    page["limit"] = json!(limit);
    Json(page)
}

type Asked = Query<Vec<(String, String)>>;

fn noted(log: &Log, uri: &Uri) {
    log.note(format!("GET {uri}"));
}

async fn users(
    State(log): State<Log>,
    headers: HeaderMap,
    uri: Uri,
    Query(query): Asked,
) -> Response {
    noted(&log, &uri);
    if !is_admin(&headers) {
        return not_allowed();
    }
    rows(&query, |number| {
        json!({"id": format!("r{number}"), "poolId": "wicked", "userId": format!("user-{number}"),
            "name": format!("Person <{number}>"), "email": format!("p{number}@haven.example"), "customId": "google:7"})
    })
    .into_response()
}

async fn applications(
    State(log): State<Log>,
    headers: HeaderMap,
    uri: Uri,
    Query(query): Asked,
) -> Response {
    noted(&log, &uri);
    if !is_admin(&headers) {
        return not_allowed();
    }
    rows(&query, |number| {
        json!({"id": format!("app-{number}"), "name": format!("App {number}"), "clientType": "confidential", "confidential": true,
            "redirectUris": [], "redirectUri": "", "ownerUserId": "piet", "ownerEmail": "piet@haven.example"})
    })
    .into_response()
}

async fn subscriptions(
    State(log): State<Log>,
    headers: HeaderMap,
    uri: Uri,
    Query(query): Asked,
) -> Response {
    noted(&log, &uri);
    if !decides(&headers) {
        return not_allowed();
    }
    rows(&query, |number| {
        json!({"id": format!("s{number}"), "application": format!("app-{number}"), "api": "shipments", "plan": "starter",
            "approved": number != 0, "trusted": number == 1, "application_name": format!("@App {number}"),
            "owner": "piet@haven.example ada@haven.example", "user": "Piet Ada",
            "owner_data": [
                {"applications_id": format!("app-{number}"), "users_id": "piet", "role": "owner", "email": "piet@haven.example", "name": "Piet"},
                {"applications_id": format!("app-{number}"), "users_id": "ada", "role": "reader", "email": "ada@haven.example", "name": "Ada"}]})
    })
    .into_response()
}

async fn audit_log(
    State(log): State<Log>,
    headers: HeaderMap,
    uri: Uri,
    Query(query): Asked,
) -> Response {
    noted(&log, &uri);
    if !is_admin(&headers) {
        return not_allowed();
    }
    rows(&query, |number| {
        json!({"id": format!("e{number}"), "time": "2026-11-20T10:00:05Z", "actor": {"type": "user"}, "action": "add",
            "entity": "subscription", "outcome": "ok", "before": {"plan": "free"}, "after": {"plan": "<starter>"}, "sourceAddress": "192.0.2.9", "utc": 1_795_000_000, "changedDate": "2026-11-20T10:00:05Z",
            "created_at": "2026-11-20T10:00:05Z", "activity": "add subscription", "user": "-Piet", "email": "piet@haven.example",
            "plan": "starter", "role": "owner", "api": "shipments", "application": format!("app-{number}")})
    })
    .into_response()
}

async fn end_all(State(log): State<Log>, headers: HeaderMap, Path(api): Path<String>) -> Response {
    if !is_admin(&headers) {
        return not_allowed();
    }
    log.note(format!("end all {api}"));
    Json(json!({"deleted": 7, "failed": 0})).into_response()
}

async fn listeners(headers: HeaderMap) -> Response {
    if !is_admin(&headers) {
        return not_allowed();
    }
    Json(json!([
        {"id": "mailer", "url": "http://portal-mailer:3003/", "enabled": true, "events": ["*.*"]},
        {"id": "chatbot", "url": "http://portal-chatbot:3004/", "enabled": false, "disabledReason": "Answered 500"},
    ]))
    .into_response()
}

async fn listener(
    State(log): State<Log>,
    method: Method,
    Path((id, what)): Path<(String, String)>,
    body: String,
) -> Response {
    if what == "stats" {
        let hours: Vec<Value> = (0..24)
            .map(|hour| json!({"hour": format!("2026-11-21T{hour:02}:00:00Z"), "delivered": hour, "failed": u8::from(hour == 23)}))
            .collect();
        return Json(json!({"waiting": 3, "dead": 1, "delivered24h": 276, "failed24h": 1, "p95Ms": 121, "hours": hours}))
            .into_response();
    }
    log.note(format!("{method} {id} {what} {body}"));
    match what.as_str() {
        "test" => Json(json!({"status": 204, "durationMs": 12})).into_response(),
        "secret" => (
            StatusCode::CREATED,
            Json(
                json!({"secret": "whsec_new", "keyId": "k2", "createdAt": "2026-11-21T10:00:00Z"}),
            ),
        )
            .into_response(),
        "enable" if id == "chatbot" => refused(StatusCode::CONFLICT, "It does not answer."),
        _ => StatusCode::NO_CONTENT.into_response(),
    }
}

fn event() -> Value {
    json!({"id": "ev1", "utc": 1_795_000_000, "action": "add", "entity": "subscription", "data": {"applicationId": "haven-erp"}})
}

pub fn delivery() -> Value {
    json!({"eventId": "ev1", "seq": 7, "entity": "subscription", "action": "add", "about": "application:haven-erp",
        "state": "dead", "attempts": 12, "lastStatus": 502, "lastDurationMs": 112, "lastError": "502",
        "log": [{"at": "2026-11-21T10:00:00Z", "status": 502, "durationMs": 112, "requestHeaders": {"webhook-id": "ev1"},
            "requestBody": {"action": "<add>"}, "responseSnippet": "{\"error\": \"<no channel>\"}"}]})
}

async fn deliveries(State(log): State<Log>, uri: Uri) -> Json<Value> {
    noted(&log, &uri);
    Json(json!({"items": [delivery()], "limit": 20, "next": "7"}))
}

async fn act(
    State(log): State<Log>,
    headers: HeaderMap,
    method: Method,
    uri: Uri,
    body: String,
) -> Response {
    if !is_admin(&headers) {
        return not_allowed();
    }
    log.note(format!("{method} {} {body}", uri.path()));
    if uri.path().starts_with("/webhooks") {
        return (StatusCode::ACCEPTED, Json(json!({"count": 2}))).into_response();
    }
    StatusCode::NO_CONTENT.into_response()
}

async fn act_setup(State(log): State<Log>, Json(body): Json<Value>) -> Json<Value> {
    log.note(format!("setup {body}"));
    let mut after = setup();
    after["hidden"] = body["hidden"].clone();
    Json(after)
}

async fn verifications(headers: HeaderMap) -> Response {
    if !is_admin(&headers) {
        return not_allowed();
    }
    Json(json!([{"id": "~abc", "type": "lostpassword", "email": "piet@haven.example", "userId": "piet",
        "link": "http://localhost:8000/auth/default/resetpassword/{{id}}", "utc": 1_795_000_000}]))
    .into_response()
}

fn pools() -> Value {
    let pool = |id: &str, invited: bool| {
        json!({"id": id, "name": id.to_uppercase(), "requiresNamespace": true,
            "requiresInvitation": invited, "properties": []})
    };
    json!({"wicked": pool("wicked", false), "guests": pool("guests", true), "crew": pool("crew", true)})
}

fn invitation() -> Value {
    json!({"id": "i1", "poolId": "guests", "namespace": "acme", "email": "new@haven.example",
        "createdAt": "2026-11-20T10:00:00Z", "expiresAt": "2099-11-20T10:00:00Z"})
}

async fn invite(State(log): State<Log>, method: Method, uri: Uri, body: String) -> Response {
    log.note(format!("{method} {} {body}", uri.path()));
    if body.contains("twice@") {
        return refused(StatusCode::CONFLICT, "This address was invited already.");
    }
    (StatusCode::CREATED, Json(invitation())).into_response()
}

async fn health(headers: HeaderMap) -> Response {
    if !is_admin(&headers) {
        return not_allowed();
    }
    let part = |name: &str, healthy: u8, pending: i64| {
        json!({"name": name, "message": "Up and running", "uptime": 183_662, "healthy": healthy, "pingUrl": "http://x/ping",
            "pendingEvents": pending, "version": "2.0.0"})
    };
    let mut failing = part("chatbot", 0, 37);
    failing["error"] = json!("Slack answered <403>");
    failing["deadEvents"] = json!(3);
    Json(json!([part("api", 1, -1), part("mailer", 2, 0), failing])).into_response()
}

async fn gateway(headers: HeaderMap) -> Response {
    if !is_admin(&headers) {
        return not_allowed();
    }
    Json(json!({"revision": "h.412", "lastReconcile": "2026-11-21T10:00:00Z",
        "nodes": [{"name": "gw-ham-1", "inSync": true, "revision": "h.412", "callsPerSecond": 1204.5, "appliedAt": "2026-11-21T10:00:00Z"},
            {"name": "gw-got-1", "inSync": false}],
        "problems": [{"kind": "api", "id": "invoices", "message": "Plugin <x> is not known."}]}))
    .into_response()
}

fn configuration() -> Value {
    json!({"source": "https://git.haven.example/config", "branch": "main", "fetchedAt": "2026-11-21T10:00:00Z",
        "serving": {"commit": "a41f9c2aa", "author": "Maren", "date": "2026-11-20T10:00:00Z", "hash": "hash-1", "apis": 31, "plans": 9},
        "newest": {"commit": "d07b3e1bb", "author": "Ole", "refused": true,
            "problems": [{"severity": "error", "file": "apis.json", "path": "apis[2].plans[0]", "line": 7, "message": "names plan “<gold>”"}]}})
}

fn setup() -> Value {
    let step = |id: &str, done: bool| json!({"id": id, "done": done});
    json!({"hidden": false, "steps": [step("own-account", true), step("own-configuration", false), step("mail-server", false),
        step("publish-api", false), step("first-application", true), step("first-subscription", false)]})
}

/// Measured at the beginning of this hour, or of this day.
async fn usage(
    State(log): State<Log>,
    headers: HeaderMap,
    uri: Uri,
    Query(query): Asked,
) -> Response {
    noted(&log, &uri);
    if !is_admin(&headers) {
        return not_allowed();
    }
    Json(measured(&query)).into_response()
}

pub fn measured(query: &[(String, String)]) -> Value {
    let get = |name: &str| {
        let found = query.iter().find(|(own, _)| own == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let now = service::clock::now();
    let at = match get("step") {
        "1d" => now.format("%Y-%m-%dT00:00:00Z"),
        "1h" => now.format("%Y-%m-%dT%H:00:00Z"),
        _ => now.format("%Y-%m-%dT%H:%M:00Z"),
    }
    .to_string();
    let series = |key: &str, calls: u64, errors: u64| json!({"key": key, "points": [{"at": at, "calls": calls, "errors": errors, "p50": 42.0, "p95": 138.0}]});
    let series = match get("by") {
        "status" => vec![
            series("2xx", 1200, 0),
            series("4xx", 30, 30),
            series("5xx", 4, 4),
        ],
        "api" => vec![series("shipments", 1234, 34)],
        "application" => vec![series("app-0", 1234, 34)],
        "plan" => vec![series("starter", 1234, 34)],
        "operation" => vec![series("GET /shipments/{id}", 1234, 34)],
        _ => vec![series("", 1234, 34)],
    };
    json!({"step": get("step"), "series": series})
}
