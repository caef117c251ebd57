//! Every request is answered within a time; an operation that moves much data may lift that.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::extract::Request;

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

/// Does `work` on the request for at most `limit`; nothing if it took longer without a right to.
pub async fn within<F: Future>(
    limit: Duration,
    mut request: Request,
    work: impl FnOnce(Request) -> F,
) -> Option<F::Output> {
    let lifted = TimeLimit::of(request.extensions());
    request.extensions_mut().insert(lifted.clone());
    let mut work = pin!(work(request));
    match tokio::time::timeout(limit, &mut work).await {
        Ok(response) => Some(response),
        Err(_) if lifted.is_lifted() => Some(work.await),
        Err(_) => None,
    }
}
