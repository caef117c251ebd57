//! What has ended is removed in small batches, so that no request waits for it.

use chrono::TimeDelta;
use migrations::Retention;
use service::clock;

use crate::{backchannel, devices, families, records, state::AppState};

/// Used codes of a family are remembered for a day after their end, and so is the family.
const A_DAY: TimeDelta = TimeDelta::days(1);
const AT_ONCE: TimeDelta = TimeDelta::zero();

const RULES: [Retention; 16] = [
    Retention::new("auth_sessions", "id_hash", "expires_at", AT_ONCE),
    Retention::new("auth_flows", "id", "expires_at", AT_ONCE),
    Retention::new("auth_pushed_requests", "uri_hash", "expires_at", AT_ONCE),
    Retention::new("auth_upstreams", "state_hash", "expires_at", AT_ONCE),
    Retention::new("auth_codes", "code_hash", "expires_at", A_DAY),
    Retention::new(
        "auth_devices",
        "device_hash",
        "expires_at",
        devices::LIFETIME,
    ),
    Retention::new("auth_access_tokens", "jti", "expires_at", AT_ONCE),
    // Families without an end would collect them for ever. One used again after this is unknown, so it
    // gets nothing either; only the family goes on.
    Retention::new(
        "auth_refresh_tokens",
        "token_hash",
        "replaced_at",
        families::REPLACED_KEPT,
    ),
    Retention::new("auth_families", "id", "expires_at", A_DAY),
    Retention::new("auth_revocations", "seq", "expires_at", AT_ONCE),
    Retention::new("auth_opaque_tokens", "token_hash", "expires_at", AT_ONCE),
    Retention::new("auth_personal_tokens", "id", "expires_at", AT_ONCE),
    Retention::new("auth_brakes", "key_hash", "expires_at", AT_ONCE),
    Retention::new("auth_records", "id", "created_at", records::OLDEST),
    Retention::new(
        "auth_logout_notices",
        "id",
        "created_at",
        backchannel::OLDEST,
    ),
    Retention::new("auth_assertions", "id_hash", "expires_at", AT_ONCE),
];

/// Removes what has ended by now.
pub async fn clean(state: &AppState) -> Result<(), sea_orm::DbErr> {
    let now = clock::now();
    for rule in RULES {
        rule.apply(&state.database, now).await?;
    }
    // Sessions that nobody has used for so long as the settings say.
    let idle = Retention::new(
        "auth_sessions",
        "id_hash",
        "seen_at",
        TimeDelta::minutes(i64::from(state.settings.session_minutes)),
    );
    idle.apply(&state.database, now).await
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use migrations::{Database, Location, auth_server::Migrator};
    use sea_orm::ConnectionTrait;

    use super::*;

    async fn count(database: &Database, what: &str) -> i64 {
        let query = format!("select count(*) from {what}");
        let backend = database.read().get_database_backend();
        let statement = sea_orm::Statement::from_string(backend, query);
        let row = database.read().query_one_raw(statement).await.unwrap();
        row.unwrap().try_get_by_index(0).unwrap()
    }

    #[tokio::test]
    async fn every_table_is_cleaned_of_more_than_a_batch() {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::in_folder(folder.path(), "auth-server.db");
        let database = Database::open::<Migrator>(&location, 1).await.unwrap();
        let txn = database.write().await.unwrap();
        txn.execute_unprepared(
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < 1201) \
             insert into auth_opaque_tokens (token_hash, claims, expires_at) \
             select 't' || i, '{}', case when i = 1 then '2027-01-01 00:00:00+00:00' \
             else '2026-01-01 00:00:00+00:00' end from n",
        )
        .await
        .unwrap();
        let family = "insert into auth_families \
            (id, client_id, api, method, user_id, scope, created_at, expires_at) values \
            ('f', 'c', 'a', 'm', 'u', '', '2026-01-01 00:00:00+00:00', '9999-01-01 00:00:00+00:00')";
        txn.execute_unprepared(family).await.unwrap();
        for (token, generation, replaced) in [
            ("long-ago", 1, "'2026-01-02 00:00:00+00:00'"),
            ("lately", 2, "'2026-06-01 00:00:00+00:00'"),
            ("newest", 3, "null"),
        ] {
            let token = format!(
                "insert into auth_refresh_tokens (token_hash, family, generation, created_at, \
                 replaced_at) values ('{token}', 'f', {generation}, \
                 '2026-01-01 00:00:00+00:00', {replaced})"
            );
            txn.execute_unprepared(&token).await.unwrap();
        }
        txn.commit().await.unwrap();
        let now = DateTime::parse_from_rfc3339("2026-06-02T00:00:00Z").unwrap();
        for rule in RULES {
            rule.apply(&database, now.to_utc()).await.unwrap();
        }
        assert_eq!(count(&database, "auth_opaque_tokens").await, 1);
        // Those that were replaced long ago go before their family.
        assert_eq!(count(&database, "auth_refresh_tokens").await, 2);
        assert_eq!(count(&database, "auth_families").await, 1);
    }
}
