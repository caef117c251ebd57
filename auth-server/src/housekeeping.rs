//! What has ended is removed in small batches, so that no request waits for it.

use chrono::TimeDelta;
use service::clock;

use crate::{backchannel, devices, families, records, state::AppState};

/// A statement with `$1` = the time before which rows have served and `$2` = the most rows at a time;
/// and how long they stay after their end.
type Rule = (&'static str, TimeDelta);

/// Used codes of a family are remembered for a day after their end, and so is the family.
const A_DAY: TimeDelta = TimeDelta::days(1);

const RULES: &[Rule] = &[
    (
        "delete from auth_sessions where id_hash in \
         (select id_hash from auth_sessions where expires_at <= $1 limit $2)",
        TimeDelta::zero(),
    ),
    (
        "delete from auth_flows where id in \
         (select id from auth_flows where expires_at <= $1 limit $2)",
        TimeDelta::zero(),
    ),
    (
        "delete from auth_upstreams where state_hash in \
         (select state_hash from auth_upstreams where expires_at <= $1 limit $2)",
        TimeDelta::zero(),
    ),
    (
        "delete from auth_codes where code_hash in \
         (select code_hash from auth_codes where expires_at <= $1 limit $2)",
        A_DAY,
    ),
    (
        "delete from auth_devices where device_hash in \
         (select device_hash from auth_devices where expires_at <= $1 limit $2)",
        devices::LIFETIME,
    ),
    (
        "delete from auth_access_tokens where jti in \
         (select jti from auth_access_tokens where expires_at <= $1 limit $2)",
        TimeDelta::zero(),
    ),
    // Families without an end would collect them for ever. One used again after this is unknown, so it
    // gets nothing either; only the family goes on.
    (
        "delete from auth_refresh_tokens where token_hash in \
         (select token_hash from auth_refresh_tokens where replaced_at <= $1 limit $2)",
        families::REPLACED_KEPT,
    ),
    (
        "delete from auth_families where id in \
         (select id from auth_families where expires_at <= $1 limit $2)",
        A_DAY,
    ),
    (
        "delete from auth_revocations where seq in \
         (select seq from auth_revocations where expires_at <= $1 limit $2)",
        TimeDelta::zero(),
    ),
    (
        "delete from auth_opaque_tokens where token_hash in \
         (select token_hash from auth_opaque_tokens where expires_at <= $1 limit $2)",
        TimeDelta::zero(),
    ),
    (
        "delete from auth_personal_tokens where id in \
         (select id from auth_personal_tokens where expires_at <= $1 limit $2)",
        TimeDelta::zero(),
    ),
    (
        "delete from auth_brakes where key_hash in \
         (select key_hash from auth_brakes where expires_at <= $1 limit $2)",
        TimeDelta::zero(),
    ),
    (
        "delete from auth_records where id in \
         (select id from auth_records where created_at <= $1 limit $2)",
        records::OLDEST,
    ),
    (
        "delete from auth_logout_notices where id in \
         (select id from auth_logout_notices where created_at <= $1 limit $2)",
        backchannel::OLDEST,
    ),
    (
        "delete from auth_assertions where id_hash in \
         (select id_hash from auth_assertions where expires_at <= $1 limit $2)",
        TimeDelta::zero(),
    ),
];

/// Sessions that nobody has used for so long as the settings say.
const IDLE: &str = "delete from auth_sessions where id_hash in \
    (select id_hash from auth_sessions where seen_at <= $1 limit $2)";

/// Removes what has ended by now.
pub async fn clean(state: &AppState) -> Result<(), sea_orm::DbErr> {
    let now = clock::now();
    let idle = TimeDelta::minutes(i64::from(state.settings.session_minutes));
    for &(statement, kept) in RULES.iter().chain(&[(IDLE, idle)]) {
        let before = (now - kept).into();
        state.database.in_chunks(statement, &[before]).await?;
    }
    Ok(())
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
        for &(statement, kept) in RULES.iter().chain(&[(IDLE, A_DAY)]) {
            let before = (now.to_utc() - kept).into();
            database.in_chunks(statement, &[before]).await.unwrap();
        }
        assert_eq!(count(&database, "auth_opaque_tokens").await, 1);
        // Those that were replaced long ago go before their family.
        assert_eq!(count(&database, "auth_refresh_tokens").await, 2);
        assert_eq!(count(&database, "auth_families").await, 1);
    }
}
