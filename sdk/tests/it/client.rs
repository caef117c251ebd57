use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::Request, response::IntoResponse};
use http::StatusCode;
use sdk::{
    Auth, Client, Error, Optional,
    client::SnapshotAnswer,
    types::{
        ListQuery, Secret,
        users::{CreateUser, PatchUser},
    },
};
use serde_json::json;
use service::{
    ServiceName,
    http::{CorrelationId, with_correlation_id},
    keys::{Keys, MasterKey},
    token::Identity,
};
use tokio::net::TcpListener;
use url::Url;

/// A server that answers every request by `answer`, given how many came before.
async fn server<F, R>(answer: F) -> (Url, Arc<AtomicUsize>)
where
    F: Fn(usize, Request) -> R + Clone + Send + Sync + 'static,
    R: IntoResponse,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counting = count.clone();
    let app = Router::new().fallback(async move |request: Request| {
        answer(counting.fetch_add(1, Ordering::SeqCst), request).into_response()
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, count)
}

fn user_json() -> String {
    json!({"id": "ada", "email": "ada@example.org", "groups": null}).to_string()
}

#[tokio::test]
async fn reading_is_repeated_after_a_5xx_and_changing_is_not() {
    let (url, count) = server(|before, _| {
        if before < 2 {
            (StatusCode::BAD_GATEWAY, String::new())
        } else {
            (StatusCode::OK, user_json())
        }
    })
    .await;
    let client = Client::new(url, Auth::Anonymous);
    assert_eq!(client.user("ada").await.unwrap().email, "ada@example.org");
    assert_eq!(count.load(Ordering::SeqCst), 3);

    let (url, count) = server(|_, _| StatusCode::SERVICE_UNAVAILABLE).await;
    let client = Client::new(url, Auth::Anonymous);
    let error = client
        .patch_user("ada", &PatchUser::default())
        .await
        .unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn creating_is_repeated_under_the_same_idempotency_key() {
    let keys = Arc::new(Mutex::new(Vec::new()));
    let seen = keys.clone();
    let (url, _) = server(move |before, request| {
        let key = request.headers().get("idempotency-key").cloned();
        seen.lock().unwrap().push(key.expect("a key"));
        if before < 2 {
            (StatusCode::BAD_GATEWAY, String::new())
        } else {
            (StatusCode::CREATED, user_json())
        }
    })
    .await;
    let client = Client::new(url, Auth::Anonymous);
    for _ in 0..2 {
        client.create_user(&CreateUser::default()).await.unwrap();
    }
    let keys = keys.lock().unwrap();
    let [first, second, third, other] = keys.as_slice() else {
        panic!("{keys:?}");
    };
    assert!(first == second && second == third && third != other);
}

#[tokio::test]
async fn repeating_ends_when_the_patience_does() {
    let (url, count) = server(|_, _| StatusCode::INTERNAL_SERVER_ERROR).await;
    let client = Client::new(url, Auth::Anonymous).with_patience(Duration::from_millis(200));
    assert!(client.user("ada").await.is_err());
    assert!((2..=10).contains(&count.load(Ordering::SeqCst)));
    let nobody = Url::parse("http://127.0.0.1:1/").unwrap();
    let client = Client::new(nobody, Auth::Anonymous).with_patience(Duration::from_millis(100));
    assert!(matches!(
        client.ping().await,
        Err(Error::Unreachable { .. })
    ));
}

#[tokio::test]
async fn refusals_keep_what_the_server_says() {
    let (url, _) = server(|_, _| {
        let body = json!({
            "status": 400, "message": "The name is empty.", "type": "urn:wicketgate:problem:invalid-request",
            "errors": [{"field": "name", "rule": "required", "message": "The name is empty."}],
        });
        (StatusCode::BAD_REQUEST, axum::Json(body))
    })
    .await;
    let Err(Error::Api(error)) = Client::new(url, Auth::Anonymous).user("ada").await else {
        panic!("expected a refusal");
    };
    assert_eq!(
        (error.kind.as_str(), error.errors[0].field.as_str()),
        ("invalid-request", "name")
    );
    let (url, _) = server(|_, _| (StatusCode::NOT_FOUND, "<html>")).await;
    let client = Client::new(url, Auth::Anonymous);
    assert_eq!(client.user("ada").await.optional().unwrap(), None);
    assert_eq!(client.user_by_email("a+b@example.org").await.unwrap(), None);
}

#[tokio::test]
async fn identity_user_and_correlation_id_travel_along() {
    let (url, _) = server(|_, request| {
        let header = |name: &str| {
            request
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or("-")
                .to_owned()
        };
        let token = header("authorization");
        let is_service = service::token::is_service_token(token.trim_start_matches("Bearer "));
        let seen = [
            is_service.to_string(),
            header("x-authenticated-userid"),
            header("x-authenticated-scope"),
            header("correlation-id"),
        ];
        axum::Json(json!({"id": seen.join("|"), "email": token}))
    })
    .await;
    let keys = Keys::from_master(MasterKey::generate());
    let identity = Identity::new(ServiceName::AuthServer, keys);
    let client =
        Client::new(url.clone(), Auth::Service(identity)).as_user("ada", &["read_users", "login"]);
    let call = async { client.user("x").await };
    let user = with_correlation_id(CorrelationId("abc".to_owned()), call)
        .await
        .unwrap();
    assert_eq!(user.id, "true|sub=ada|read_users login|abc");
    let bearer = client.with_auth(Auth::Bearer(Secret::new("user-token")));
    let user = bearer.user("x").await.unwrap();
    assert_eq!(user.id, "false|-|-|-");
    assert_eq!(user.email, "Bearer user-token");
}

#[tokio::test]
async fn queries_are_encoded_and_empty_ones_leave_no_mark() {
    let (url, _) = server(|_, request| {
        let item = json!({"id": "1", "email": request.uri().to_string()});
        axum::Json(
            json!({"items": [item], "count": 1, "count_cached": false, "offset": 0, "limit": 0}),
        )
    })
    .await;
    let client = Client::new(url, Auth::Anonymous);
    let plain = client.users(&ListQuery::default()).await.unwrap();
    assert_eq!(plain.items[0].email, "/users");
    let query = ListQuery {
        limit: 10,
        offset: 20,
        ..ListQuery::default()
    };
    assert_eq!(
        client.users(&query).await.unwrap().items[0].email,
        "/users?limit=10&offset=20"
    );
}

#[tokio::test]
async fn a_known_snapshot_is_not_sent_again() {
    let snapshot = json!({
        "revision": "h.7", "seq": 7, "globals": {}, "apis": [], "authServers": [], "plans": [],
        "groups": [], "applications": [], "subscriptions": [],
    });
    let text = snapshot.to_string();
    let (url, _) = server(
        move |_, request| match request.headers().get("if-none-match") {
            Some(etag) if etag == "\"h.7\"" => StatusCode::NOT_MODIFIED.into_response(),
            _ => ([("etag", "\"h.7\"")], text.clone()).into_response(),
        },
    )
    .await;
    let client = Client::new(url, Auth::Anonymous);
    let SnapshotAnswer::Changed { etag, snapshot } = client.snapshot(None).await.unwrap() else {
        panic!("expected a snapshot");
    };
    assert_eq!(snapshot.seq, 7);
    let again = client.snapshot(etag.as_deref()).await.unwrap();
    assert!(matches!(again, SnapshotAnswer::Unchanged));
    let mut file = Vec::new();
    let streamed = client.snapshot_to(None, &mut file).await.unwrap();
    assert!(
        matches!(streamed, SnapshotAnswer::Changed { snapshot: n, .. } if n == file.len() as u64)
    );
}
