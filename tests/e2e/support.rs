mod balancer;
mod cluster;
mod git_host;
mod installation;
mod load;
pub mod postgres;
mod redis;
mod sample;
mod severed;
mod visitor;

pub use cluster::Cluster;
pub use git_host::GitHost;
pub use installation::{Installation, Shape, free_address};
pub use load::{Load, Pace, Requests, Work, under_load, under_load_of};
pub use redis::Redis;
pub use sample::{change, copy_sample};
pub use severed::Line;
pub use visitor::{Page, Visitor};

/// Polls `probe` until it gives a value; fails with `what` after a minute and a half: an event that
/// was on its way when its sender was killed is sent again when its lease has ended.
pub async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut probe: impl FnMut() -> F,
) -> T {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(90);
    loop {
        if let Some(value) = probe().await {
            return value;
        }
        assert!(std::time::Instant::now() < deadline, "{what}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
