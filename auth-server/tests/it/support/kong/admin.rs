//! The Admin API: tokens are found by id or by themselves, and by nothing else; filters are ignored.

use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use http::StatusCode;
use serde_json::{Value, json};

use super::{EXPIRES_IN, Kong, TokenRow};

/// Rows per page, whatever is asked for.
const PAGE: usize = 2;

pub fn router(kong: Kong) -> Router {
    Router::new()
        .route("/oauth2_tokens", get(list))
        .route("/oauth2_tokens/{id}", get(read).delete(delete))
        .route("/oauth2/{id}", get(credential))
        .route("/services/{name}/routes", get(routes))
        .route("/services/{name}/plugins", get(plugins))
        .layer(middleware::from_fn_with_state(kong.clone(), count))
        .with_state(kong)
}

async fn count(State(kong): State<Kong>, request: Request, next: Next) -> Response {
    let kind = request.uri().path().split('/').nth(1).unwrap_or_default();
    let call = format!("{} /{kind}", request.method());
    kong.data().calls.push(call);
    next.run(request).await
}

fn found(value: Option<Value>) -> Response {
    value.map_or_else(
        || {
            let body = json!({"message": "Not found", "name": "not found", "code": 6});
            (StatusCode::NOT_FOUND, Json(body)).into_response()
        },
        |value| Json(value).into_response(),
    )
}

fn row(token: &TokenRow) -> Value {
    json!({
        "id": token.id, "access_token": token.access_token, "refresh_token": token.refresh_token,
        "authenticated_userid": token.user, "scope": token.scope, "token_type": "bearer",
        "expires_in": EXPIRES_IN, "created_at": token.created_at,
        "credential": {"id": token.credential}, "service": null,
    })
}

async fn list(State(kong): State<Kong>, Query(query): Query<Value>) -> Json<Value> {
    let size: usize = query["size"].as_str().unwrap().parse().unwrap();
    assert!((1..=1000).contains(&size));
    let from = query["offset"]
        .as_str()
        .map_or(0, |offset| offset.parse().unwrap());
    let tokens = kong.tokens();
    let data: Vec<Value> = tokens.iter().skip(from).take(PAGE).map(row).collect();
    let next = from + PAGE;
    let offset = (next < tokens.len()).then(|| next.to_string());
    Json(json!({"data": data, "offset": offset}))
}

fn matches(token: &TokenRow, id: &str) -> bool {
    token.id.to_string() == id || token.access_token == id
}

async fn read(State(kong): State<Kong>, Path(id): Path<String>) -> Response {
    found(
        kong.tokens()
            .iter()
            .find(|token| matches(token, &id))
            .map(row),
    )
}

async fn delete(State(kong): State<Kong>, Path(id): Path<String>) -> StatusCode {
    kong.data().tokens.retain(|token| !matches(token, &id));
    StatusCode::NO_CONTENT
}

async fn credential(State(kong): State<Kong>, Path(id): Path<String>) -> Response {
    let data = kong.data();
    let mut all = data.credentials.iter();
    let credential = all.find(|one| one.id.to_string() == id || one.client_id == id);
    found(credential.map(|one| {
        json!({
            "id": one.id, "client_id": one.client_id, "client_secret": one.client_secret,
            "client_type": "confidential", "name": "application", "hash_secret": false,
            "redirect_uris": one.redirect_uris, "consumer": {"id": one.id},
        })
    }))
}

async fn routes(State(kong): State<Kong>, Path(name): Path<String>) -> Response {
    let data = kong.data();
    let api = data.apis.iter().find(|api| api.name == name);
    found(api.map(
        |api| json!({"data": [{"id": uuid::Uuid::nil(), "paths": [api.path], "strip_path": true}]}),
    ))
}

async fn plugins(State(kong): State<Kong>, Path(name): Path<String>) -> Response {
    let data = kong.data();
    let api = data.apis.iter().find(|api| api.name == name);
    found(api.map(|api| {
        let config = json!({"provision_key": api.provision_key, "scopes": api.scopes});
        let nil = uuid::Uuid::nil();
        json!({"data": [
            {"id": nil, "name": "acl", "enabled": true, "config": {"allow": [name]}},
            {"id": nil, "name": "oauth2", "enabled": true, "config": config},
        ]})
    }))
}
