//! Both databases from SQLite to PostgreSQL.

use std::{
    io::Write,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use migrations::{Database, Location, TransferError, auth_server, portal_api, to_postgres};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use url::Url;

const EVENTS: i64 = 100_000;

static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// A new database on the server that `WICKETGATE_TEST_POSTGRES_URL` names.
pub async fn fresh() -> Option<Url> {
    let var = service_variable;
    let Some(server) = var("WICKETGATE_TEST_POSTGRES_URL") else {
        assert!(
            var("WICKETGATE_TEST_FULL").is_none(),
            "there is no PostgreSQL"
        );
        let line = "skipped: transfer: no PostgreSQL (WICKETGATE_TEST_POSTGRES_URL)\n";
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return None;
    };
    let number = NUMBER.fetch_add(1, Relaxed);
    let name = format!("transfer_{}_{number}", std::process::id());
    let admin = sea_orm::Database::connect(&server).await.unwrap();
    admin
        .execute_unprepared(&format!("create database {name}"))
        .await
        .unwrap();
    let mut url: Url = server.parse().unwrap();
    url.set_path(&name);
    Some(url)
}

#[expect(clippy::disallowed_methods, reason = "a test has no settings")]
fn service_variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

async fn sample(folder: &Path) {
    let open = Location::in_folder(folder, "portal-api.db");
    let database = Database::open::<portal_api::Migrator>(&open, 1)
        .await
        .unwrap();
    let txn = database.write().await.unwrap();
    for sql in [
        "insert into users (id, email, validated, must_change_password, groups, created_at, changed_at) \
         values ('ada', 'ada@example.org', 1, 0, '[\"admin\"]', '2026-01-02 03:04:05.678901+00:00', \
         '2026-01-02 03:04:05+00:00')"
            .to_owned(),
        // Text that JSON has to escape.
        "insert into applications (id, name, client_type, redirect_uris, created_at, changed_at) \
         values ('shop', 'Ada''s \"shop\" \\ 🛒' || char(10), 'confidential', '[]', \
         '2026-01-02 03:04:05+00:00', '2026-01-02 03:04:05+00:00')"
            .to_owned(),
        format!(
            "insert into events (id, entity, action, occurred_at, ordering_key, data) \
             with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < {EVENTS}) \
             select 'e' || n, 'user', 'add', '2026-01-02 03:04:05+00:00', 'ada', \
             json_object('n', n, 'text', 'ü') from numbers"
        ),
        // The last number was given out and is not to come again.
        format!("delete from events where seq = {EVENTS}"),
    ] {
        txn.execute_unprepared(&sql).await.unwrap();
    }
    txn.commit().await.unwrap();
    let open = Location::in_folder(folder, "auth-server.db");
    let database = Database::open::<auth_server::Migrator>(&open, 1)
        .await
        .unwrap();
    let txn = database.write().await.unwrap();
    let sql = "insert into auth_revocations (jti, created_at, expires_at) \
               values ('j', '2026-01-01 00:00:00+00:00', '2030-01-01 00:00:00+00:00')";
    txn.execute_unprepared(sql).await.unwrap();
    txn.commit().await.unwrap();
}

#[tokio::test]
async fn a_hundred_thousand_rows_move_and_nothing_is_lost() {
    let Some(url) = fresh().await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path()).await;
    let files = ["portal-api.db", "auth-server.db"].map(|name| folder.path().join(name));
    let missing = to_postgres(&folder.path().join("none.db"), &files[1], &url).await;
    assert!(
        matches!(missing, Err(TransferError::NoSource(_))),
        "{missing:?}"
    );

    let moved = to_postgres(&files[0], &files[1], &url).await.unwrap();
    let (kept, last) = (EVENTS - 1, EVENTS);
    assert_eq!(moved["events"], u64::try_from(kept).unwrap());
    let some: Vec<_> = moved
        .iter()
        .filter(|(_, rows)| **rows == 1)
        .map(|(table, _)| table.as_str())
        .collect();
    assert_eq!(some, ["applications", "auth_revocations", "users"]);

    let location = Location::Postgres(url.clone());
    let target = Database::open::<portal_api::Migrator>(&location, 1)
        .await
        .unwrap();
    for (sql, expected) in [
        (
            "select name from applications",
            "Ada's \"shop\" \\ 🛒\n".to_owned(),
        ),
        (
            "select created_at::text from users where validated and not must_change_password and groups ? 'admin'",
            "2026-01-02 03:04:05.678901+00".to_owned(),
        ),
        (
            "select sum((data->>'n')::bigint)::text from events where data->>'text' = 'ü'",
            (kept * (kept + 1) / 2).to_string(),
        ),
        (
            "insert into events (id, entity, action, occurred_at, ordering_key, data) \
          values ('new', 'user', 'add', now(), 'ada', '{}') returning seq::text",
            (last + 1).to_string(),
        ),
    ] {
        let statement = Statement::from_string(DbBackend::Postgres, sql);
        let txn = target.write().await.unwrap();
        let row = txn.query_one_raw(statement).await.unwrap().unwrap();
        txn.commit().await.unwrap();
        let found: String = row.try_get_by_index(0).unwrap();
        assert_eq!(found, expected, "{sql}");
    }
    // A second time it would be there twice.
    let again = to_postgres(&files[0], &files[1], &url).await;
    assert!(
        matches!(again, Err(TransferError::NotEmpty(_))),
        "{again:?}"
    );
}
