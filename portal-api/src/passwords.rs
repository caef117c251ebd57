//! Passwords: the rules for new ones, and how they are stored and compared.
//!
//! Hashing is expensive on purpose, so it never runs on the threads that serve requests, and only
//! as often at a time as there are cores: a flood of logins waits instead of stopping the rest.

mod generate;
mod hash;
mod policy;

use std::{sync::Arc, thread::available_parallelism, time::Duration};

use anyhow::Context;
use sdk::types::Secret;
use tokio::sync::Semaphore;

pub use generate::generate;
pub use hash::{Cost, Verdict};
pub use policy::check as check_policy;

use crate::ApiError;

/// How long a request waits for a free core before it is answered 503.
const PATIENCE: Duration = Duration::from_secs(10);

/// Hashes and compares passwords. Cheap to clone; one per process.
#[derive(Clone, Debug)]
pub struct Passwords {
    cost: Cost,
    workers: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new(Cost::default())
    }
}

impl Passwords {
    pub fn new(cost: Cost) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self {
            cost,
            workers: Arc::new(Semaphore::new(cores)),
        }
    }

    /// A new hash of `password`. Takes as long as [`Self::verify`], so it is also what is done for
    /// accounts that do not exist.
    pub async fn hash(&self, password: &Secret) -> Result<String, ApiError> {
        let (cost, password) = (self.cost, password.clone());
        self.run(move || hash::hash(password.expose(), cost)).await
    }

    /// Compares `password` with a stored hash of any format we can read.
    pub async fn verify(&self, password: &Secret, stored: &str) -> Result<Verdict, ApiError> {
        let (cost, password, stored) = (self.cost, password.clone(), stored.to_owned());
        self.run(move || hash::verify(password.expose(), &stored, cost))
            .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let worker = tokio::time::timeout(PATIENCE, self.workers.clone().acquire_owned())
            .await
            .map_err(|_| ApiError::unavailable("Too many logins at once. Try again shortly."))?
            .context("the semaphore of the password workers is closed")?;
        let done = tokio::task::spawn_blocking(move || {
            let _worker = worker;
            work()
        });
        Ok(done.await.context("comparing passwords failed")?)
    }
}

/// Checks a hash that an administrator brings along (`passwordIsHashed`).
pub fn check_hash(hash: &str) -> Result<(), ApiError> {
    if hash::is_readable(hash) {
        return Ok(());
    }
    Err(ApiError::invalid(
        "password",
        "format",
        "`password` has to be a bcrypt hash ($2a$, $2b$, $2y$) of a cost up to 15 or an Argon2id \
         hash in PHC form, because `passwordIsHashed` is set.",
    ))
}
