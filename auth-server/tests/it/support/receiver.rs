//! A client that is told about log-outs.

use std::sync::{Arc, Mutex};

use axum::{Form, Router, extract::State, routing::post};
use http::StatusCode;
use serde_json::Value;
use tokio::net::TcpListener;

use super::claims;

/// A running client. Cheap to clone.
#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    tokens: Arc<Mutex<Vec<String>>>,
    /// How often it fails before it listens.
    failures: Arc<Mutex<usize>>,
}

#[derive(serde::Deserialize)]
struct Told {
    logout_token: String,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            url: format!("http://{}/bye", listener.local_addr().unwrap()),
            tokens: Arc::default(),
            failures: Arc::default(),
        };
        let router = Router::new()
            .route("/bye", post(told))
            .with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    pub fn fail(&self, times: usize) {
        *self.failures.lock().unwrap() = times;
    }

    /// Tokens that came, also while it failed.
    pub fn tokens(&self) -> Vec<String> {
        self.tokens.lock().unwrap().clone()
    }

    pub fn claims(&self) -> Vec<Value> {
        self.tokens().iter().map(|token| claims(token)).collect()
    }
}

async fn told(State(receiver): State<Receiver>, Form(told): Form<Told>) -> StatusCode {
    receiver.tokens.lock().unwrap().push(told.logout_token);
    let mut failures = receiver.failures.lock().unwrap();
    if *failures > 0 {
        *failures -= 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    StatusCode::OK
}
