//! Copies of files that are written to meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};

use migrations::{Database, Location, auth_server, check_file, copy_file, look};
use sea_orm::ConnectionTrait;

#[tokio::test]
async fn a_copy_under_load_is_whole_and_as_of_one_moment() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth-server.db");
    let location = Location::Sqlite(file.clone());
    let database = Database::open::<auth_server::Migrator>(&location, 1)
        .await
        .unwrap();
    // A pair is written in one transaction, so a copy has both or none.
    let write = async |number: u32| {
        let txn = database.write().await.unwrap();
        for half in ["a", "b"] {
            let sql = format!(
                "insert into auth_revocations (jti, created_at, expires_at) values \
                 ('{number}-{half}', '2026-01-01 00:00:00+00:00', '2030-01-01 00:00:00+00:00')"
            );
            txn.execute_unprepared(&sql).await.unwrap();
        }
        txn.commit().await.unwrap();
    };
    write(0).await;
    let done = AtomicBool::new(false);
    let writing = async {
        let mut number = 1;
        while !done.load(Ordering::Relaxed) {
            write(number).await;
            number += 1;
        }
        number
    };
    let copying = async {
        for number in 0..10 {
            let copy = folder.path().join(format!("copy-{number}.db"));
            copy_file(&file, &copy).await.unwrap();
            check_file(&copy).await.unwrap();
        }
        done.store(true, Ordering::Relaxed);
    };
    let (written, ()) = tokio::join!(writing, copying);
    assert!(written > 1, "something was written meanwhile");
    for number in 0..10 {
        let copy = Location::Sqlite(folder.path().join(format!("copy-{number}.db")));
        let seen = look::<auth_server::Migrator>(&copy).await.unwrap();
        assert_eq!((seen.pending, seen.unknown.len()), (0, 0));
        let copy = Database::open::<auth_server::Migrator>(&copy, 1)
            .await
            .unwrap();
        let sql = "select count(*) from auth_revocations";
        let rows = sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, sql);
        let row = copy.read().query_one_raw(rows).await.unwrap().unwrap();
        let count: i64 = row.try_get_by_index(0).unwrap();
        assert!(count >= 2 && count % 2 == 0, "{count}");
    }
}

#[tokio::test]
async fn a_damaged_file_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth-server.db");
    let location = Location::Sqlite(file.clone());
    drop(
        Database::open::<auth_server::Migrator>(&location, 1)
            .await
            .unwrap(),
    );
    let copy = folder.path().join("copy.db");
    copy_file(&file, &copy).await.unwrap();
    let whole = std::fs::read(&copy).unwrap();
    std::fs::write(&copy, &whole[..whole.len() / 2]).unwrap();
    check_file(&copy).await.unwrap_err();
    std::fs::write(&copy, "no database").unwrap();
    check_file(&copy).await.unwrap_err();
    assert!(
        copy_file(&folder.path().join("missing.db"), &copy)
            .await
            .is_err()
    );
}
