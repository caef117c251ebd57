//! A chat platform: takes posts, or answers what the test says.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Instant,
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify};

#[derive(Clone)]
pub struct Hook(Arc<Inner>);

struct Inner {
    url: String,
    posts: Mutex<Vec<Post>>,
    answers: Mutex<VecDeque<(StatusCode, &'static str)>>,
    arrived: Notify,
}

#[derive(Clone, Debug)]
pub struct Post {
    pub body: Value,
    pub headers: HeaderMap,
    pub at: Instant,
}

impl Hook {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let hook = Self(Arc::new(Inner {
            url: format!("http://{}/services/hush", listener.local_addr().unwrap()),
            posts: Mutex::default(),
            answers: Mutex::default(),
            arrived: Notify::new(),
        }));
        let app = Router::new().fallback(take).with_state(hook.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        hook
    }

    /// A target of the configuration that wants `messages`.
    pub fn target(&self, kind: &str, messages: &[&str]) -> Value {
        let events: Value = messages
            .iter()
            .map(|message| ((*message).to_owned(), json!(true)))
            .collect();
        json!({"type": kind, "hookUrl": self.0.url, "events": events})
    }

    /// What the next posts are answered, instead of 200; `Retry-After` seconds if not empty.
    pub fn answer(&self, status: StatusCode, retry_after: &'static str) {
        self.0
            .answers
            .lock()
            .unwrap()
            .push_back((status, retry_after));
    }

    pub fn posts(&self) -> Vec<Post> {
        self.0.posts.lock().unwrap().clone()
    }

    /// Waits for that many posts.
    pub async fn until(&self, count: usize) -> Vec<Post> {
        loop {
            let arrived = self.0.arrived.notified();
            let posts = self.posts();
            if posts.len() >= count {
                return posts;
            }
            arrived.await;
        }
    }
}

async fn take(State(hook): State<Hook>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    hook.0.posts.lock().unwrap().push(Post {
        body,
        headers,
        at: Instant::now(),
    });
    hook.0.arrived.notify_waiters();
    match hook.0.answers.lock().unwrap().pop_front() {
        Some((status, "")) => status.into_response(),
        Some((status, seconds)) => (status, [("retry-after", seconds)]).into_response(),
        None => "ok".into_response(),
    }
}
