//! A fresh database per test on the server that `WICKETGATE_TEST_POSTGRES_URL` names.

use sea_orm::{ConnectionTrait, Database};
use service::{random, settings};
use url::Url;

/// A database that goes with this value.
pub struct Postgres {
    server: String,
    name: String,
}

impl Postgres {
    /// Nothing, and a line that says so, where there is no server; with `WICKETGATE_TEST_FULL` that
    /// is a failure.
    pub async fn fresh() -> Option<Self> {
        let Some(server) = settings::var("WICKETGATE_TEST_POSTGRES_URL") else {
            let must_be_there = settings::var("WICKETGATE_TEST_FULL").is_some();
            assert!(!must_be_there, "WICKETGATE_TEST_POSTGRES_URL is not set");
            // Written past the test runner, which shows nothing of tests that pass.
            let test = std::thread::current();
            let test = test.name().unwrap_or_default();
            let _ = std::io::Write::write_fmt(
                &mut std::io::stderr(),
                format_args!("skipped: {test}: no PostgreSQL (WICKETGATE_TEST_POSTGRES_URL)\n"),
            );
            return None;
        };
        let name = format!("portal_api_{}", random::hex_id());
        execute(&server, &format!("create database {name}")).await;
        Some(Self { server, name })
    }

    pub fn url(&self) -> Url {
        let mut url: Url = self.server.parse().unwrap();
        url.set_path(&self.name);
        url
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // A drop cannot wait for a future, so a thread of its own does.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(execute(
                &server,
                &format!("drop database {name} with (force)"),
            ));
        });
        dropping.join().ok();
    }
}

async fn execute(server: &str, statement: &str) {
    let admin = Database::connect(server).await.unwrap();
    admin.execute_unprepared(statement).await.unwrap();
    admin.close().await.unwrap();
}
