//! A fresh database per test on the server that `WICKETGATE_TEST_POSTGRES_URL` names.

use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm::{ConnectionTrait, Database};
use service::settings;

/// URL of a new database; nothing, and a line that says so, where there is no server. With
/// `WICKETGATE_TEST_FULL` a missing server is a failure.
pub async fn fresh() -> Option<String> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let Some(server) = settings::var("WICKETGATE_TEST_POSTGRES_URL") else {
        assert!(
            settings::var("WICKETGATE_TEST_FULL").is_none(),
            "WICKETGATE_TEST_POSTGRES_URL is not set"
        );
        // Written past the test runner, which shows nothing of tests that pass.
        let test = std::thread::current();
        let test = test.name().unwrap_or_default();
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("skipped: {test}: no PostgreSQL (WICKETGATE_TEST_POSTGRES_URL)\n"),
        );
        return None;
    };
    let name = format!(
        "e2e_{}_{}",
        std::process::id(),
        NUMBER.fetch_add(1, Ordering::Relaxed)
    );
    let admin = Database::connect(&server).await.unwrap();
    admin
        .execute_unprepared(&format!("create database {name}"))
        .await
        .unwrap();
    let mut url: url::Url = server.parse().unwrap();
    url.set_path(&name);
    Some(url.into())
}
