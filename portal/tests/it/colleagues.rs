//! What portal-api answers about keys, members, plans, usage and listeners of an application.

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{any, delete, get, patch, post, put},
};
use serde_json::{Value, json};

use crate::{
    administration::{delivery, measured},
    neighbours::{Log, TestPortal, is_admin, is_lena as is_member, missing, refused},
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
        .route(
            "/applications/{application}/listeners",
            get(listeners).post(make_listener),
        )
        .route(
            "/applications/{application}/listeners/{listener}",
            put(change_listener).delete(work),
        )
        .route(
            "/applications/{application}/listeners/{listener}/{*what}",
            any(work),
        )
}

fn listener() -> Value {
    json!({"id": "l1", "url": "https://crm.example/<hook>", "mode": "ack", "format": "standard",
        "events": ["subscription.*"], "enabled": true, "maxAttempts": 12})
}

async fn listeners(headers: HeaderMap) -> Response {
    if !is_member(&headers) {
        return refused(StatusCode::FORBIDDEN, "Not allowed.");
    }
    Json(json!([listener()])).into_response()
}

async fn make_listener(State(log): State<Log>, Json(body): Json<Value>) -> Response {
    log.note(format!("make listener {body}"));
    if body["url"] == "http://crm.example/" {
        return refused(StatusCode::BAD_REQUEST, "`url` has to begin with https.");
    }
    let made = json!({"listener": listener(),
        "secret": {"secret": "whsec_new", "keyId": "k1", "createdAt": "2026-11-21T10:00:00Z"}});
    (StatusCode::CREATED, Json(made)).into_response()
}

async fn change_listener(State(log): State<Log>, Json(body): Json<Value>) -> Json<Value> {
    log.note(format!("change listener {body}"));
    Json(listener())
}

async fn work(State(log): State<Log>, method: Method, uri: Uri, body: String) -> Response {
    let Some((_, what)) = uri.path().split_once("/l1") else {
        return missing();
    };
    log.note(format!("{method} listener{what} {body}"));
    match what {
        "/stats" => Json(
            json!({"waiting": 1, "dead": 1, "delivered24h": 9, "failed24h": 1,
            "p95Ms": 120, "hours": []}),
        )
        .into_response(),
        "/deliveries" => {
            Json(json!({"items": [delivery()], "limit": 20, "next": null})).into_response()
        }
        "/deliveries/ev1" => Json(delivery()).into_response(),
        "/test" => Json(json!({"status": 204, "durationMs": 12})).into_response(),
        "/secret" => {
            let made =
                json!({"secret": "whsec_next", "keyId": "k2", "createdAt": "2026-11-21T10:00:00Z"});
            (StatusCode::CREATED, Json(made)).into_response()
        }
        "/replay" | "/dead/retry" => {
            (StatusCode::ACCEPTED, Json(json!({"count": 2}))).into_response()
        }
        _ => StatusCode::NO_CONTENT.into_response(),
    }
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

const LISTENERS: &str = "/applications/tracking-dashboard/listeners";

#[tokio::test]
async fn a_listener_of_an_application_is_made_and_looked_after() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let list = lena.get(LISTENERS).await;
    list.shows("&#60;hook&#62;");
    list.shows("subscription.*");
    let plain = [("url", "http://crm.example/"), ("events", "a.b, c.*")];
    let refused = lena.submit(LISTENERS, LISTENERS, &plain).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    refused.shows("has to begin with https.");
    refused.shows(r#"value="a.b, c.*""#);
    let right = [
        ("url", "https://crm.example/"),
        ("events", "a.b, c.*"),
        ("format", "cloudevents"),
    ];
    let made = lena.submit(LISTENERS, LISTENERS, &right).await;
    made.shows("whsec_new");
    assert_eq!(made.header("cache-control"), "no-store");
    let page = format!("{LISTENERS}/l1");
    let opened = lena.get(&format!("{page}?delivery=ev1")).await;
    opened.shows("&#60;no channel&#62;");
    assert!(!opened.body.contains("whsec_"));
    for (action, fields, said) in [
        (
            "/replay",
            &[("id", "ev1")][..],
            "2 events are queued again.",
        ),
        ("/retry", &[], "2 events are queued again."),
        ("/test", &[], "It answered 204 after 12 ms."),
        ("/disable", &[], "The listener is paused"),
        ("/enable", &[], "The listener gets events again."),
        (
            "",
            &[("url", "https://other.example/"), ("events", "")],
            "The listener is changed.",
        ),
    ] {
        let done = lena.submit(&page, &format!("{page}{action}"), fields).await;
        assert_eq!(done.location(), page, "{action}");
        lena.get(&page).await.shows(said);
    }
    lena.submit(&page, &format!("{page}/secret"), &[])
        .await
        .shows("whsec_next");
    let gone = lena.submit(&page, &format!("{page}/delete"), &[]).await;
    assert_eq!(gone.location(), LISTENERS);
    let unknown = lena.get(&format!("{LISTENERS}/l2")).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let log = portal.log.entries();
    for entry in [
        r#"make listener {"id":"","url":"https://crm.example/","format":"cloudevents","events":["a.b","c.*"]}"#,
        r#"change listener {"id":"l1","url":"https://other.example/","mode":"ack","format":"standard","maxAttempts":12,"enabled":true}"#,
        r#"POST listener/replay {"ids":["ev1"]}"#,
        "DELETE listener ",
    ] {
        assert!(log.iter().any(|own| own == entry), "{entry} in {log:#?}");
    }
}

#[tokio::test]
async fn listeners_of_an_application_are_objects_for_scripts() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let (_, body) = lena.json(LISTENERS).await;
    assert_eq!(body["listeners"][0]["id"], "l1");
    let (_, body) = lena.json(&format!("{LISTENERS}/l1")).await;
    for member in ["title", "listener", "deliveries", "stats"] {
        assert!(body.get(member).is_some(), "{member} in {body}");
    }
    for (path, body, status) in [
        ("", json!({"url": "https://crm.example/"}), 201),
        ("", json!({"url": "http://crm.example/"}), 400),
        ("/l1", json!({"events": ["a.b"]}), 200),
        ("/l1/test", json!({}), 200),
        ("/l1/replay", json!({}), 400),
        ("/l1/delete", json!({}), 204),
        ("/l%20x/test", json!({}), 400),
    ] {
        let path = format!("{LISTENERS}{path}");
        let answer = lena.send_json(&path, &body).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        let guest = portal
            .guest()
            .post_json(&path, &body, &[("accept", "application/json")])
            .await;
        assert_eq!(guest.status, StatusCode::FORBIDDEN, "{path}");
    }
}
