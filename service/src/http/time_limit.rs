//! Every request is answered within a time; an operation that moves much data may lift that.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{extract::Request, middleware::Next, response::Response};

/// The time limit of one request, in its extensions.
#[derive(Clone, Debug, Default)]
pub struct TimeLimit(Arc<AtomicBool>);

impl TimeLimit {
    /// The limit of this request.
    pub fn of(extensions: &http::Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_default()
    }

    /// From here on the operation ends when it ends. For those who have proved their right.
    pub fn lift(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_lifted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs the request for at most `limit`; nothing if it took longer without a right to.
pub async fn within(limit: Duration, mut request: Request, next: Next) -> Option<Response> {
    let lifted = TimeLimit::of(request.extensions());
    request.extensions_mut().insert(lifted.clone());
    let mut work = Box::pin(next.run(request));
    match tokio::time::timeout(limit, &mut work).await {
        Ok(response) => Some(response),
        Err(_) if lifted.is_lifted() => Some(work.await),
        Err(_) => None,
    }
}
