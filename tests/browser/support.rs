//! What is shared with the end-to-end tests.

#[path = "../e2e/support/balancer.rs"]
mod balancer;
#[path = "../e2e/support/installation.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest")]
mod installation;
#[path = "../e2e/support/postgres.rs"]
mod postgres;

pub use installation::{Installation, Shape};

/// Polls `probe` until it gives a value; fails with `what` after half a minute.
pub async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut probe: impl FnMut() -> F,
) -> T {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        if let Some(value) = probe().await {
            return value;
        }
        assert!(std::time::Instant::now() < deadline, "{what}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
