//! The metrics of the database under the names that existing dashboards read (portal-api 23.8); on
//! `PostgreSQL` only, as the names say. Of those names `_pool_connects`, `_pool_acquires`,
//! `_pool_removes`, `_pool_waiting_count`, `_pool_errors`, `_normalize_errors` and `_count_…` have no
//! counterpart: the pool does not tell, and counts are not cached.

use std::time::Duration;

use migrations::Database;
use tokio_util::sync::CancellationToken;

const SAMPLED_EVERY: Duration = Duration::from_secs(5);

/// Measures the statements of `db`, if it is on `PostgreSQL`.
pub fn measured(db: Database) -> Database {
    if db.is_shared() {
        db.observed(record)
    } else {
        db
    }
}

/// Watches the pool until `shutdown`.
pub async fn watch_pool(db: Database, shutdown: CancellationToken) {
    let Some(pool) = db.postgres_pool() else {
        return;
    };
    loop {
        let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
        metrics::gauge!("wicked_api_pg_pool_total_count").set(pool.size());
        metrics::gauge!("wicked_api_pg_pool_idle_count").set(idle);
        tokio::select! {
            () = tokio::time::sleep(SAMPLED_EVERY) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// The channel on which the database tells of events was lost.
pub fn lost_channel() {
    metrics::counter!("wicked_api_pg_listener_errors").increment(1);
}

fn record(sql: &str, elapsed: Duration, failed: bool) {
    let labels = [
        ("command", command(sql).to_owned()),
        ("entity", entity(sql).to_owned()),
    ];
    metrics::histogram!("wicked_api_pg_response_times", &labels).record(elapsed.as_secs_f64());
    if failed {
        metrics::counter!("wicked_api_pg_query_errors", &labels).increment(1);
    }
}

fn command(sql: &str) -> &'static str {
    let word = sql.split_ascii_whitespace().next().unwrap_or_default();
    ["select", "insert", "update", "delete"]
        .into_iter()
        .find(|command| word.eq_ignore_ascii_case(command))
        .unwrap_or("other")
}

/// The first table that the statement names; nothing if it names none.
fn entity(sql: &str) -> &str {
    let mut words = sql.split_ascii_whitespace();
    let leads_in = |word: &str| {
        ["from", "into", "update"]
            .iter()
            .any(|lead| word.eq_ignore_ascii_case(lead))
    };
    while let Some(word) = words.next() {
        if leads_in(word) {
            let name = words.next().unwrap_or_default();
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let name = name.trim_start_matches('"');
            return &name[..name.find(|c| !is_name(c)).unwrap_or(name.len())];
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_labelled_by_its_command_and_table() {
        for (sql, labels) in [
            (
                r#"SELECT "users"."id" FROM "users" WHERE "users"."id" = $1"#,
                ("select", "users"),
            ),
            (
                r#"INSERT INTO "events" ("id") VALUES ($1)"#,
                ("insert", "events"),
            ),
            (r#"UPDATE "grants" SET "a" = $1"#, ("update", "grants")),
            (
                "delete from verifications where digest in (select 1)",
                ("delete", "verifications"),
            ),
            ("select count(*) from (select 1)", ("select", "")),
            ("select pg_advisory_xact_lock(1)", ("select", "")),
            ("notify wicketgate_events", ("other", "")),
        ] {
            assert_eq!((command(sql), entity(sql)), labels, "{sql}");
        }
    }
}
