//! The configuration repository as portal-api shows it to administrators.

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use crate::neighbours::{Log, apis, is_admin, missing, refused};

pub fn router() -> Router<Log> {
    Router::new()
        .route("/config/files/{*path}", get(file))
        .route(
            "/config/draft",
            get(draft).put(keep_draft).delete(forget_draft),
        )
        .route("/config/commits", post(commit).get(history))
}

/// Everybody reads what changed an API; all of it is for administrators.
async fn history(Query(query): Query<Vec<(String, String)>>) -> Json<Value> {
    let message = match query.first() {
        Some((name, api)) if name == "api" => format!("A change of {api} & <more>"),
        _ => "Raise <limits>".to_owned(),
    };
    let commit = |id: &str, day: usize, message: &str| {
        json!({
            "commit": id, "author": "Maren <maren@haven.example>",
            "date": format!("2026-11-{day:02} 10:00:00 +0000"), "message": message,
        })
    };
    let mut commits = vec![commit("a41f9c2aa", 20, &message)];
    if message.contains("invoices") {
        let older = (1..=43)
            .map(|number| commit(&format!("{number:07}"), 19, &format!("Change {number:02}")));
        commits.extend(older);
    }
    commits.push(commit("0ldc0ffee", 19, "First"));
    Json(json!(commits))
}

async fn file(headers: HeaderMap, Path(path): Path<String>) -> Response {
    if !is_admin(&headers) {
        return refused(StatusCode::FORBIDDEN, "Not allowed.");
    }
    let text = match path.as_str() {
        "apis/apis.json" => serde_json::to_string_pretty(&json!({"apis": apis()})).unwrap(),
        "apis/shipments/desc.md" => "One request books a **shipment**.\n".to_owned(),
        "apis/shipments/config.json" => {
            r#"{"api": {"upstream_url": "http://ships.example", "routes": [{"paths": ["/shipments/v2"]}]}}"#
                .to_owned()
        }
        "plans/plans.json" => r#"{"plans": [
            {"id": "starter", "name": "Starter", "config": {"plugins": [{"name": "rate-limiting", "config": {"minute": 10}}]}},
            {"id": "business", "name": "Business", "needsApproval": true}
        ]}"#
        .to_owned(),
        _ => return missing(),
    };
    ([(header::ETAG, "\"c0ffee1\"")], text).into_response()
}

/// The draft is what was kept last.
async fn draft(State(log): State<Log>, headers: HeaderMap) -> Response {
    if !is_admin(&headers) {
        return refused(StatusCode::FORBIDDEN, "Owners only.");
    }
    Json(kept(&log)).into_response()
}

pub fn kept(log: &Log) -> Value {
    let entries = log.entries();
    let last = entries
        .iter()
        .rev()
        .find_map(|entry| entry.strip_prefix("draft "));
    let none = json!({"base": "", "files": []});
    last.map_or(none, |text| serde_json::from_str(text).unwrap())
}

async fn keep_draft(State(log): State<Log>, Json(draft): Json<Value>) -> StatusCode {
    log.note(format!("draft {draft}"));
    StatusCode::NO_CONTENT
}

async fn forget_draft(State(log): State<Log>) -> StatusCode {
    log.note(format!("draft {}", json!({"base": "", "files": []})));
    StatusCode::NO_CONTENT
}

async fn commit(State(log): State<Log>, Json(request): Json<Value>) -> Response {
    let text = request["files"].to_string();
    if request["dryRun"] == true {
        let problem = json!({"severity": "error", "file": "apis/apis.json", "line": 3, "message": "that <is> wrong"});
        return Json(json!({
            "diff": "diff --git a/apis/apis.json b/apis/apis.json\n--- a/apis/apis.json\n+++ b/apis/apis.json\n\
                     @@ -2,1 +2,1 @@\n-  \"name\": \"Shipments\",\n+  \"name\": \"<b>Ships</b>\",\n",
            "problems": if text.contains("broken") { json!([problem]) } else { json!([]) },
            "affectedSubscriptions": [{"api": "shipments", "plan": "business", "subscriptions": 3}],
            "inGit": true,
        }))
        .into_response();
    }
    if text.contains("broken") {
        return refused(StatusCode::BAD_REQUEST, "That is wrong.");
    }
    log.note(format!(
        "commit {} by {}",
        request["message"], request["author"]
    ));
    let commit = json!({"commit": "feed0001", "author": "Ann", "date": "", "message": "x"});
    (StatusCode::CREATED, Json(commit)).into_response()
}
