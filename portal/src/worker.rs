//! Threads for what takes longer than other requests may wait: reading definitions, searching.

use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};

use crate::failure::Failure;

/// Two, so that a large definition does not hold up those who search.
const THREADS: usize = 2;

/// The process's own runtime has hundreds of such threads, which take turns, and each of them would
/// keep memory from what it read last.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_current_thread()
        .thread_name("portal-worker")
        .max_blocking_threads(THREADS)
        .build()
        .expect("the operating system gives threads")
});

/// What `work` returns; a failure, if it panicked.
pub async fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let done = RUNTIME.spawn_blocking(work).await;
    done.map_err(|_| Failure::Broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_panics_is_a_failure_of_its_own() {
        let panics = run(|| assert_eq!(1, 2));
        assert!(matches!(panics.await, Err(Failure::Broken)));
        assert!(matches!(run(|| 1).await, Ok(1)));
    }
}
