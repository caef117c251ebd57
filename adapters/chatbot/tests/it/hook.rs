//! A chat platform: takes posts that keep to its rules, or answers what the test says.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify};

use crate::rules;

#[derive(Clone)]
pub struct Hook(Arc<Inner>);

struct Inner {
    url: String,
    /// The platform whose rules hold.
    kind: Mutex<Option<String>>,
    posts: Mutex<Vec<Post>>,
    answers: Mutex<VecDeque<Answer>>,
    arrived: Notify,
}

/// Status, `Retry-After`, body.
type Answer = (StatusCode, &'static str, &'static str);

#[derive(Clone, Debug)]
pub struct Post {
    pub body: Value,
    pub headers: HeaderMap,
    pub at: Instant,
}

impl Hook {
    pub async fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub fn on(listener: TcpListener) -> Self {
        let hook = Self(Arc::new(Inner {
            url: format!("http://{}/services/hush", listener.local_addr().unwrap()),
            kind: Mutex::default(),
            posts: Mutex::default(),
            answers: Mutex::default(),
            arrived: Notify::new(),
        }));
        let app = Router::new().fallback(take).with_state(hook.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        hook
    }

    /// A target of the configuration that wants `messages`. From now on the rules of its platform
    /// hold here.
    pub fn target(&self, kind: &str, messages: &[&str]) -> Value {
        *self.0.kind.lock().unwrap() = Some(kind.to_owned());
        let events: Value = messages
            .iter()
            .map(|message| ((*message).to_owned(), json!(true)))
            .collect();
        json!({"type": kind, "hookUrl": self.0.url, "events": events})
    }

    /// What the next posts are answered, instead of 200; `Retry-After` seconds if not empty.
    pub fn answer(&self, status: StatusCode, retry_after: &'static str) {
        self.answer_with(status, retry_after, "");
    }

    pub fn answer_with(&self, status: StatusCode, retry_after: &'static str, body: &'static str) {
        let mut answers = self.0.answers.lock().unwrap();
        answers.push_back((status, retry_after, body));
    }

    pub fn posts(&self) -> Vec<Post> {
        self.0.posts.lock().unwrap().clone()
    }

    /// Waits for that many posts.
    pub async fn until(&self, count: usize) -> Vec<Post> {
        let waiting = async {
            loop {
                let arrived = self.0.arrived.notified();
                let posts = self.posts();
                if posts.len() >= count {
                    return posts;
                }
                arrived.await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_mins(1), waiting).await;
        waited.unwrap_or_else(|_| panic!("{} of {count} posts have arrived", self.posts().len()))
    }
}

async fn take(State(hook): State<Hook>, uri: Uri, headers: HeaderMap, bytes: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let kind = hook.0.kind.lock().unwrap().clone();
    let rules = kind.map_or(Ok(()), |kind| {
        rules::check(&kind, uri.query().unwrap_or_default(), &headers, &bytes)
    });
    hook.0.posts.lock().unwrap().push(Post {
        body,
        headers,
        at: Instant::now(),
    });
    hook.0.arrived.notify_waiters();
    if let Err(broken) = rules {
        return (StatusCode::BAD_REQUEST, broken).into_response();
    }
    match hook.0.answers.lock().unwrap().pop_front() {
        Some((status, "", body)) => (status, body).into_response(),
        Some((status, seconds, body)) => (status, [("retry-after", seconds)], body).into_response(),
        None => "ok".into_response(),
    }
}
