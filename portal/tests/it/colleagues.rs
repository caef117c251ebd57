//! What portal-api answers about keys, members, plans and usage of an application.

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{delete, get, patch, post},
};
use serde_json::{Value, json};

use crate::{
    administration::measured,
    neighbours::{Log, is_admin, missing, refused},
};

pub fn router() -> Router<Log> {
    Router::new()
        .route(
            "/applications/{application}/subscriptions/{api}/credentials/{id}",
            patch(extend).delete(revoke),
        )
        .route(
            "/applications/{application}/subscriptions/{api}/credentials/{id}/rotate",
            post(rotate),
        )
        .route("/apis/{api}/usage", get(usage_of_api))
        .route("/applications/{application}/usage", get(usage))
        .route(
            "/applications/{application}/subscriptions/{api}/usage",
            get(usage),
        )
        .route(
            "/applications/{application}/subscriptions/{api}/limits",
            get(limits),
        )
        .route(
            "/applications/{application}/owners/{user}",
            patch(change_role),
        )
        .route(
            "/applications/{application}/invitations",
            get(async || Json(json!([invitation()]))).post(invite),
        )
        .route(
            "/applications/{application}/invitations/{id}",
            delete(withdraw),
        )
        .route(
            "/applications/{application}/invitations/{id}/resend",
            post(resend),
        )
        .route("/invitations/accept", post(accept))
}

fn credential(id: &str) -> Value {
    json!({"id": id, "kind": "key", "name": "default", "classic": true, "prefix": "wg_", "last4": "1234", "createdAt": "2026-11-20T10:00:00Z"})
}

async fn rotate(
    State(log): State<Log>,
    Path((_, _, id)): Path<(String, String, String)>,
    Json(body): Json<Value>,
) -> Response {
    log.note(format!("rotate {id} {body}"));
    if body["overlapSeconds"] == 99 {
        return refused(StatusCode::BAD_REQUEST, "`overlapSeconds` is at most 98.");
    }
    let mut made = credential("c2");
    made["secret"] = json!("wg_rotated-key_9999");
    (StatusCode::CREATED, Json(made)).into_response()
}

async fn extend(
    State(log): State<Log>,
    Path((_, _, id)): Path<(String, String, String)>,
    Json(body): Json<Value>,
) -> Json<Value> {
    log.note(format!("extend {id} {body}"));
    let mut changed = credential(&id);
    changed["expiresAt"] = body["expiresAt"].clone();
    Json(changed)
}

async fn revoke(
    State(log): State<Log>,
    Path((_, _, id)): Path<(String, String, String)>,
    uri: Uri,
) -> StatusCode {
    log.note(format!("revoke {id} {}", uri.query().unwrap_or_default()));
    StatusCode::NO_CONTENT
}

async fn usage(
    State(log): State<Log>,
    uri: Uri,
    Query(query): Query<Vec<(String, String)>>,
) -> Json<Value> {
    log.note(format!("GET {uri}"));
    Json(measured(&query))
}

/// For administrators here; nobody else owns an API.
async fn usage_of_api(headers: HeaderMap, Query(query): Query<Vec<(String, String)>>) -> Response {
    if !is_admin(&headers) {
        return refused(StatusCode::FORBIDDEN, "Not allowed.");
    }
    Json(measured(&query)).into_response()
}

async fn limits() -> Json<Value> {
    let limit = |window: &str, limit: u64, used: u64| {
        let reset = service::clock::now() + chrono::TimeDelta::seconds(90);
        json!({"window": window, "limit": limit, "used": used, "resetAt": reset.to_rfc3339()})
    };
    Json(json!([
        limit("minute", 600, 212),
        limit("day", 50_000, 41_000),
        limit("month", 1_000_000, 1_000_000)
    ]))
}

fn application() -> Value {
    json!({"id": "tracking-dashboard", "name": "Tracking dashboard", "redirectUris": [], "redirectUri": "", "clientType": "confidential", "confidential": true})
}

async fn change_role(
    State(log): State<Log>,
    Path((_, user)): Path<(String, String)>,
    Json(body): Json<Value>,
) -> Response {
    log.note(format!("role {user} {body}"));
    if user == "lena-id" {
        return refused(StatusCode::CONFLICT, "Somebody has to stay owner.");
    }
    Json(application()).into_response()
}

fn invitation() -> Value {
    let end = service::clock::now() + chrono::TimeDelta::hours(150);
    json!({"id": "i1", "email": "ops@kontor.example", "role": "reader", "createdAt": "2026-11-20T10:00:00Z", "expiresAt": end.to_rfc3339()})
}

async fn invite(State(log): State<Log>, Json(body): Json<Value>) -> Response {
    log.note(format!("invite {body}"));
    if body["email"] == "piet@haven.example" {
        return refused(
            StatusCode::CONFLICT,
            "This user has a role on the application already.",
        );
    }
    (StatusCode::CREATED, Json(invitation())).into_response()
}

async fn resend(State(log): State<Log>, Path((_, id)): Path<(String, String)>) -> Json<Value> {
    log.note(format!("resend {id}"));
    Json(invitation())
}

async fn withdraw(State(log): State<Log>, Path((_, id)): Path<(String, String)>) -> StatusCode {
    log.note(format!("withdraw {id}"));
    StatusCode::NO_CONTENT
}

async fn accept(State(log): State<Log>, _: HeaderMap, Json(body): Json<Value>) -> Response {
    log.note(format!("accept {body}"));
    if body["token"] == "old" {
        return missing();
    }
    Json(application()).into_response()
}
