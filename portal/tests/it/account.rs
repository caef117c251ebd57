//! The own account, teams, and what owners of an API announce.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{delete, get, post, put},
};
use serde_json::{Value, json};

use crate::neighbours::{Log, TestPortal, is_admin, missing, refused};

pub fn router() -> Router<Log> {
    Router::new()
        .route(
            "/auth/account/sessions",
            get(async || Json(json!({"items": [session("here", true), session("there", false)]})))
                .delete(async |State(log): State<Log>| noted(&log, "end others")),
        )
        .route(
            "/auth/account/sessions/{id}",
            delete(async |State(log): State<Log>, Path(id): Path<String>| {
                noted(&log, &format!("end {id}"))
            }),
        )
        .route(
            "/auth/account/tokens",
            get(async || Json(json!({"items": [token(false)], "count": 1}))).post(make_token),
        )
        .route(
            "/auth/account/tokens/{id}",
            delete(async |State(log): State<Log>, Path(id): Path<String>| {
                noted(&log, &format!("end token {id}"))
            }),
        )
        .route("/grants/{user}", get(grants))
        .route(
            "/grants/{user}/applications/{application}/apis/{api}",
            delete(
                async |State(log): State<Log>, Path(of): Path<(String, String, String)>| {
                    noted(&log, &format!("take back {} {} {}", of.0, of.1, of.2))
                },
            ),
        )
        .route("/users/{user}/preferences", get(preferences).put(prefer))
        .route(
            "/users/{user}/export",
            get(async || {
                Json(
                    json!({"user": {"id": "lena-id", "email": "lena@kontor.example"},
                    "createdAt": "2026-11-20T10:00:00Z", "registrations": [], "applications": [],
                    "teams": [], "grants": [], "requests": [], "activity": []}),
                )
            }),
        )
        .route("/teams", get(teams).post(make_team))
        .route(
            "/teams/{team}",
            get(a_team)
                .patch(a_team)
                .delete(async |State(log): State<Log>| noted(&log, "team deleted")),
        )
        .route(
            "/teams/{team}/members/{user}",
            put(put_member).delete(
                async |State(log): State<Log>, Path((_, user)): Path<(String, String)>| {
                    noted(&log, &format!("take out {user}"))
                },
            ),
        )
        .route("/apis/{api}/announcements", post(announce))
}

fn noted(log: &Log, text: &str) -> StatusCode {
    log.note(text);
    StatusCode::NO_CONTENT
}

fn session(id: &str, current: bool) -> Value {
    json!({"id": id, "createdAt": "2026-11-20T10:00:00.000Z", "lastSeenAt": "2026-11-22T05:00:00.000Z",
        "expiresAt": "2026-12-20T10:00:00.000Z", "methods": ["pwd"], "address": "192.0.2.7",
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0 <b>", "current": current})
}

async fn grants(Path(user): Path<String>) -> Json<Value> {
    let grant = json!({"userId": user, "applicationId": "mailer-app", "apiId": "shipments",
        "grants": [{"scope": "read", "grantedDate": "2026-11-20T10:00:00Z"}]});
    Json(json!({"items": [grant], "count": 1}))
}

fn token(is_new: bool) -> Value {
    let mut token = json!({"id": "t1", "name": "nightly", "last4": "9876", "scopes": ["read_apis"],
        "createdAt": "2026-11-20T10:00:00Z", "expiresAt": "2027-11-20T10:00:00Z", "lastUsedAt": null});
    if is_new {
        token["token"] = json!("wgp_the-new-token_9876");
    }
    token
}

async fn make_token(State(log): State<Log>, Json(body): Json<Value>) -> Response {
    log.note(format!("token for {}", body["scopes"]));
    if body["scopes"] == json!([]) {
        let problem = json!({"status": 400, "message": "`scopes` has to name at least one."});
        return (StatusCode::BAD_REQUEST, Json(problem)).into_response();
    }
    (StatusCode::CREATED, Json(token(true))).into_response()
}

async fn preferences() -> Json<Value> {
    Json(json!({"mails": {"announcement": false}, "digest": false}))
}

async fn prefer(State(log): State<Log>, Json(body): Json<Value>) -> Json<Value> {
    log.note(format!("prefer {body}"));
    Json(body)
}

/// The crew, and many others further on.
async fn teams(State(log): State<Log>, uri: Uri) -> Json<Value> {
    log.note(format!("teams {}", uri.query().unwrap_or_default()));
    let is_second = uri.query().is_some_and(|query| query.contains("offset=20"));
    let count = if is_second { 45 } else { 1 };
    Json(json!({"items": [team()], "count": count}))
}

fn team() -> Value {
    json!({"id": "crew", "name": "The <crew>", "applications": [],
        "members": [{"userId": "lena-id", "email": "lena@kontor.example", "role": "owner"},
            {"userId": "piet", "email": "piet@haven.example", "role": "reader"}]})
}

async fn a_team(Path(id): Path<String>) -> Response {
    match id.as_str() {
        "crew" => Json(team()).into_response(),
        "closed" => refused(StatusCode::FORBIDDEN, "Not allowed."),
        _ => missing(),
    }
}

async fn make_team(State(log): State<Log>, Json(body): Json<Value>) -> Response {
    log.note(format!("team {body}"));
    if body["id"] == "taken" {
        return refused(
            StatusCode::CONFLICT,
            "There is a team with this id already.",
        );
    }
    (StatusCode::CREATED, Json(team())).into_response()
}

async fn put_member(
    State(log): State<Log>,
    Path((_, user)): Path<(String, String)>,
    Json(body): Json<Value>,
) -> Response {
    log.note(format!("member {user} {body}"));
    if user == "nobody@haven.example" {
        return missing();
    }
    Json(team()).into_response()
}

async fn announce(State(log): State<Log>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    if !is_admin(&headers) {
        return refused(StatusCode::FORBIDDEN, "Not allowed.");
    }
    if body["subject"] == "" {
        return refused(StatusCode::BAD_REQUEST, "`subject` is empty.");
    }
    log.note(format!("announce {body}"));
    let sent = json!({"id": "n1", "subject": body["subject"], "text": body["text"],
        "createdAt": "2026-11-22T05:00:00Z"});
    (StatusCode::CREATED, Json(sent)).into_response()
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let page = lena.get("/users/me/sessions").await;
    page.shows("Firefox, Linux");
    page.shows("192.0.2.7");
    let ended = lena
        .submit(
            "/users/me/sessions",
            "/users/me/sessions",
            &[("end", "there")],
        )
        .await;
    assert_eq!(ended.location(), "/users/me/sessions");
    lena.submit("/users/me/sessions", "/users/me/sessions", &[])
        .await;
    page.shows("mailer-app");
    let back = [("application", "mailer-app"), ("api", "shipments")];
    let taken = lena
        .submit("/users/me/sessions", "/users/me/sessions", &back)
        .await;
    assert_eq!(taken.location(), "/users/me/sessions");
    let log = portal.log.entries();
    assert!(log.contains(&"end there".to_owned()) && log.contains(&"end others".to_owned()));
    assert!(log.contains(&"take back lena-id mailer-app shipments".to_owned()));
    let (_, body) = lena.json("/users/me/sessions").await;
    assert_eq!(body["grants"][0]["applicationId"], "mailer-app");
    assert_eq!(body["sessions"][0]["current"], true);
    for path in ["sessions", "tokens", "notifications", "export"] {
        let path = format!("/users/me/{path}");
        assert!(
            portal
                .guest()
                .get(&path)
                .await
                .location()
                .starts_with("/login"),
            "{path}"
        );
        assert_eq!(
            portal.guest().json(&path).await.0,
            StatusCode::FORBIDDEN,
            "{path}"
        );
    }
}

#[tokio::test]
async fn tokens_are_shown_once() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let path = "/users/me/tokens";
    lena.get(path).await.shows("wgp_…9876");
    let form = [("name", "nightly"), ("scope", "read_apis"), ("days", "30")];
    let made = lena.submit(path, path, &form).await;
    made.shows("wgp_the-new-token_9876");
    assert_eq!(made.header("cache-control"), "no-store");
    assert!(!lena.get(path).await.body.contains("the-new-token"));
    let refused = lena.submit(path, path, &[("name", "my nightly")]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    refused.shows("has to name at least one");
    refused.shows(r#"value="my nightly""#);
    let ended = lena.send_json(path, &json!({"delete": "t1"})).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    assert!(portal.log.entries().contains(&"end token t1".to_owned()));
}

#[tokio::test]
async fn mails_are_chosen_and_data_taken_along() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let path = "/users/me/notifications";
    let page = lena.get(path).await;
    page.shows(r#"name="secret_expires" value="on" checked"#);
    assert!(
        !page
            .body
            .contains(r#"name="announcement" value="on" checked"#)
    );
    let form = [
        ("__mails", "on"),
        ("announcement", "on"),
        ("language", "de"),
    ];
    assert_eq!(lena.submit(path, path, &form).await.location(), path);
    let log = portal.log.entries();
    let saved = log
        .iter()
        .find(|entry| entry.starts_with("prefer "))
        .unwrap();
    assert!(saved.contains(r#""announcement":true"#), "{saved}");
    assert!(saved.contains(r#""secret_expires":false"#) && saved.contains(r#""language":"de""#));
    // Scripts change what they name.
    let answer = lena.send_json(path, &json!({"digest": true})).await.json();
    assert_eq!(answer["mails"], json!({"announcement": false}));
    assert_eq!(answer["digest"], true);
    let file = lena
        .submit("/users/me/export", "/users/me/export", &[])
        .await;
    assert_eq!(
        file.header("content-disposition"),
        "attachment; filename=\"my-data.json\""
    );
    assert_eq!(file.json()["user"]["id"], "lena-id");
}

#[tokio::test]
async fn teams_are_made_and_looked_after() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    lena.get("/teams").await.shows("The &#60;crew&#62;");
    let second = lena.get("/teams?pageIndex=2&q=crew").await;
    second.shows("21–21 of 45");
    second.shows(r#"href="/teams?q=crew&#38;pageIndex=3""#);
    let asked = portal.log.entries();
    let is_second = |entry: &String| entry.contains("offset=20") && entry.contains("crew");
    assert!(asked.iter().any(is_second), "{asked:?}");
    let made = lena
        .submit("/teams", "/teams", &[("id", "crew"), ("name", "Crew")])
        .await;
    assert_eq!(made.location(), "/teams/crew");
    let taken = lena
        .submit("/teams", "/teams", &[("id", "taken"), ("name", "My name")])
        .await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
    taken.shows(r#"value="My name""#);
    let page = "/teams/crew";
    lena.get(page).await.shows("piet@haven.example");
    let add = [("email", "jo@kontor.example"), ("role", "owner")];
    let added = lena.submit(page, "/teams/crew/members", &add).await;
    assert_eq!(added.location(), page);
    let add = [("email", "nobody@haven.example"), ("role", "owner")];
    lena.submit(page, "/teams/crew/members", &add).await;
    lena.get(page).await.shows("Not found.");
    let king = json!({"email": "jo@kontor.example", "role": "king"});
    let answer = lena.send_json("/teams/crew/members", &king).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let left = lena
        .submit(page, "/teams/crew/members/remove", &[("user", "lena-id")])
        .await;
    assert_eq!(left.location(), "/teams");
    assert_eq!(
        lena.submit(page, "/teams/crew/delete", &[])
            .await
            .location(),
        "/teams"
    );
    assert_eq!(
        lena.get("/teams/closed").await.status,
        StatusCode::FORBIDDEN
    );
    assert!(
        portal
            .guest()
            .get("/teams")
            .await
            .location()
            .starts_with("/login")
    );
    let log = portal.log.entries();
    assert!(
        log.contains(&r#"member jo@kontor.example {"role":"owner"}"#.to_owned()),
        "{log:?}"
    );
}

#[tokio::test]
async fn an_application_leaves_its_team() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let settings = "/applications/of-crew/settings";
    let page = lena.get(settings).await;
    page.shows(r#"<option value="crew" selected>"#);
    page.shows("No team");
    let left = lena
        .submit(settings, "/applications/of-crew/patch", &[("team", "")])
        .await;
    assert_eq!(left.location(), "/applications/of-crew");
    let sent = r#"change {"id":"of-crew","team":""}"#.to_owned();
    assert!(portal.log.entries().contains(&sent));
}

#[tokio::test]
async fn owners_of_an_api_announce() {
    let portal = TestPortal::start().await;
    let mut ann = portal.ann().await;
    let path = "/apis/shipments/announcements";
    ann.get("/apis/shipments").await.shows(path);
    let refused = ann
        .submit(path, path, &[("subject", ""), ("text", "Soon")])
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    refused.shows("Soon");
    let sent = ann
        .submit(path, path, &[("subject", "v3"), ("text", "Soon")])
        .await;
    assert_eq!(sent.location(), "/apis/shipments");
    let mut lena = portal.lena().await;
    assert_eq!(lena.get(path).await.status, StatusCode::FORBIDDEN);
    let answer = lena
        .send_json(path, &json!({"subject": "v3", "text": "x"}))
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}
