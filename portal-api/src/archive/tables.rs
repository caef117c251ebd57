//! What belongs into an archive. A test compares it with the schema, so that no table and no column
//! is forgotten.

/// How a column is read, written and told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Number,
    Flag,
    Time,
    Json,
}

#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    /// The primary key; rows are read in its order.
    pub key: &'static [&'static str],
    pub columns: &'static [(&'static str, Kind)],
    /// Which rows belong into the archive; all if empty.
    pub only: &'static str,
    /// Rows in memory at a time.
    pub batch: u64,
    /// Numbered by the database.
    pub is_numbered: bool,
}

const fn table(
    name: &'static str,
    key: &'static [&'static str],
    columns: &'static [(&'static str, Kind)],
) -> Table {
    Table {
        name,
        key,
        columns,
        only: "",
        batch: 200,
        is_numbered: false,
    }
}

impl Table {
    const fn only(mut self, condition: &'static str) -> Self {
        self.only = condition;
        self
    }

    const fn batch(mut self, rows: u64) -> Self {
        self.batch = rows;
        self
    }

    const fn numbered(mut self) -> Self {
        self.is_numbered = true;
        self
    }
}

use Kind::{Flag, Json, Number, Text, Time};

/// All tables, each after those it refers to.
#[rustfmt::skip]
pub const TABLES: &[Table] = &[
    // What the installation remembers, but not what belongs to its key and configuration.
    table("meta", &["name"], &[("name", Text), ("value", Text)])
        .only("name in ('setup-hidden', 'credentials-ended', 'credential-lookup')"),
    table("users", &["id"], &[
        ("id", Text), ("email", Text), ("custom_id", Text), ("password_hash", Text),
        ("validated", Flag), ("must_change_password", Flag), ("groups", Json),
        ("created_at", Time), ("changed_at", Time), ("changed_by", Text),
        ("disabled_at", Time), ("disabled_reason", Text), ("sessions_ended_at", Time),
    ]),
    table("registrations", &["id"], &[
        ("id", Text), ("pool_id", Text), ("user_id", Text), ("namespace", Text), ("name", Text),
        ("email", Text), ("custom_id", Text), ("properties", Json), ("changed_at", Time),
        ("changed_by", Text),
    ]),
    table("verifications", &["digest"], &[
        ("digest", Text), ("sealed_id", Text), ("kind", Text), ("email", Text), ("user_id", Text),
        ("link", Text), ("created_at", Time), ("expires_at", Time),
    ]),
    table("namespaces", &["id"], &[
        ("id", Text), ("pool_id", Text), ("namespace", Text), ("description", Text),
        ("extra", Json), ("changed_at", Time), ("changed_by", Text),
    ]),
    table("user_preferences", &["user_id"], &[
        ("user_id", Text), ("mails", Json), ("digest", Flag), ("language", Text),
        ("changed_at", Time),
    ]),
    // Up to 5 MiB each.
    table("config_drafts", &["user_id"], &[
        ("user_id", Text), ("base", Text), ("files", Json), ("changed_at", Time),
    ]).batch(2),
    table("teams", &["id"], &[
        ("id", Text), ("name", Text), ("created_at", Time), ("changed_at", Time),
        ("changed_by", Text),
    ]),
    table("team_members", &["team_id", "user_id"], &[
        ("team_id", Text), ("user_id", Text), ("role", Text), ("added_at", Time),
    ]),
    table("applications", &["id"], &[
        ("id", Text), ("name", Text), ("description", Text), ("main_url", Text),
        ("client_type", Text), ("redirect_uris", Json), ("created_at", Time),
        ("changed_at", Time), ("changed_by", Text), ("team_id", Text), ("oauth", Json),
    ]),
    table("owners", &["application_id", "user_id"], &[
        ("application_id", Text), ("user_id", Text), ("role", Text), ("added_at", Time),
    ]),
    table("grants", &["id"], &[
        ("id", Text), ("user_id", Text), ("application_id", Text), ("api_id", Text),
        ("scopes", Json), ("changed_at", Time), ("changed_by", Text),
    ]),
    table("invitations", &["id"], &[
        ("id", Text), ("application_id", Text), ("email", Text), ("role", Text), ("digest", Text),
        ("created_at", Time), ("created_by", Text), ("expires_at", Time),
    ]),
    table("pool_invitations", &["id"], &[
        ("id", Text), ("pool_id", Text), ("namespace", Text), ("email", Text), ("digest", Text),
        ("created_at", Time), ("created_by", Text), ("expires_at", Time),
    ]),
    table("subscriptions", &["id"], &[
        ("id", Text), ("application_id", Text), ("api_id", Text), ("plan_id", Text),
        ("api_group", Text), ("auth", Text), ("approved", Flag), ("trusted", Flag),
        ("allowed_scopes_mode", Text), ("allowed_scopes", Json), ("created_at", Time),
        ("changed_at", Time), ("changed_by", Text),
    ]),
    table("credentials", &["id"], &[
        ("id", Text), ("subscription_id", Text), ("kind", Text), ("name", Text), ("note", Text),
        ("classic", Flag), ("client_id", Text), ("digest", Text), ("sealed", Text),
        ("prefix", Text), ("last4", Text), ("created_at", Time), ("created_by", Text),
        ("expires_at", Time), ("last_used_at", Time), ("revoked_at", Time),
        ("revoked_reason", Text),
    ]),
    table("approvals", &["id"], &[
        ("id", Text), ("subscription_id", Text), ("user_id", Text), ("user_email", Text),
        ("application_id", Text), ("application_name", Text), ("application_description", Text),
        ("api_id", Text), ("api_name", Text), ("api_group", Text), ("plan_id", Text),
        ("plan_name", Text), ("trusted", Flag), ("purpose", Text), ("state", Text),
        ("requested_at", Time), ("decided_at", Time), ("decided_by", Text), ("reason", Text),
        ("assignee", Text),
    ]),
    table("approval_comments", &["id"], &[
        ("id", Text), ("approval_id", Text), ("user_id", Text), ("user_email", Text),
        ("text", Text), ("created_at", Time),
    ]),
    table("announcements", &["id"], &[
        ("id", Text), ("api_id", Text), ("subject", Text), ("text", Text), ("created_at", Time),
        ("created_by", Text),
    ]),
    table("events", &["seq"], &[
        ("seq", Number), ("id", Text), ("entity", Text), ("action", Text), ("occurred_at", Time),
        ("ordering_key", Text), ("application_id", Text), ("data", Json), ("sealed", Text),
        ("correlation_id", Text), ("size", Number), ("sealed_digest", Text),
        ("sealed_until", Time),
    ]).numbered(),
    table("listeners", &["id"], &[
        ("id", Text), ("url", Text), ("mode", Text), ("batch_size", Number),
        ("timeout_ms", Number), ("events", Json), ("sensitive", Flag), ("enabled", Flag),
        ("disabled_at", Time), ("disabled_reason", Text), ("created_at", Time),
        ("changed_at", Time), ("format", Text), ("delivery", Text), ("ordering", Text),
        ("max_attempts", Number), ("max_age_hours", Number), ("max_queue", Number),
        ("overflow", Text), ("sealed_headers", Text), ("application_id", Text),
        ("failures", Number), ("failing_since", Time), ("next_attempt_at", Time),
        ("sender", Text), ("sender_until", Time),
    ]),
    table("listener_secrets", &["id"], &[
        ("id", Text), ("listener_id", Text), ("sealed", Text), ("created_at", Time),
        ("ends_at", Time),
    ]),
    table("deliveries", &["listener_id", "event_seq"], &[
        ("listener_id", Text), ("event_seq", Number), ("state", Text), ("attempts", Number),
        ("next_attempt_at", Time), ("lease_until", Time), ("last_attempt_at", Time),
        ("last_status", Number), ("last_error", Text), ("ordering_key", Text), ("replay", Flag),
        ("ended_at", Time),
    ]),
    table("audit_log", &["seq"], &[
        ("seq", Number), ("id", Text), ("occurred_at", Time), ("actor_id", Text),
        ("actor_type", Text), ("actor_email", Text), ("actor_name", Text), ("actor_role", Text),
        ("via", Text), ("action", Text), ("entity", Text), ("entity_id", Text), ("api_id", Text),
        ("application_id", Text), ("plan_id", Text), ("before_state", Json),
        ("after_state", Json), ("data", Json), ("source_address", Text),
        ("correlation_id", Text), ("outcome", Text), ("user_name", Text), ("user_email", Text),
        ("user_role", Text), ("previous_hash", Text), ("hash", Text),
    ]).numbered(),
    table("usage_minutes", &["subscription_id", "minute", "credential_id", "operation", "status"], &[
        ("minute", Number), ("subscription_id", Text), ("credential_id", Text),
        ("operation", Text), ("status", Text), ("calls", Number), ("errors", Number),
        ("request_bytes", Number), ("response_bytes", Number), ("histogram", Json),
    ]),
    table("usage_windows", &["subscription_id", "name"], &[
        ("subscription_id", Text), ("name", Text), ("begins_at", Number), ("allowed", Number),
        ("used", Number), ("told", Number),
    ]),
    table("usage_batches", &["id"], &[("id", Text), ("received_at", Time)]),
];

/// Tables that tell of the running installation and not of its users.
#[cfg(test)]
const LEFT_OUT: &[&str] = &[
    // Reported again by whoever is there.
    "gateway_status",
    "gateway_nodes",
    // Hold for seconds or minutes.
    "leases",
    "login_attempts",
    // How requests to listeners went.
    "delivery_attempts",
    "listener_hours",
    // Answers of requests to this installation.
    "idempotency_keys",
    "portal_api_migrations",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use migrations::{Database, Location, portal_api::Migrator};
    use sea_orm::{ConnectionTrait, DbBackend, Statement};

    use super::*;

    #[tokio::test]
    async fn every_table_and_column_of_the_schema_is_in_an_archive_or_left_out_on_purpose() {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::in_folder(folder.path(), "portal-api.db");
        let database = Database::open::<Migrator>(&location, 1).await.unwrap();
        let all = async |sql: String| {
            let statement = Statement::from_string(DbBackend::Sqlite, sql);
            database.read().query_all_raw(statement).await.unwrap()
        };
        let sql =
            "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'";
        let mut here = BTreeSet::new();
        for row in all(sql.to_owned()).await {
            here.insert(row.try_get::<String>("", "name").unwrap());
        }
        let listed = TABLES.iter().map(|table| table.name);
        let listed = listed.chain(LEFT_OUT.iter().copied()).map(str::to_owned);
        assert_eq!(listed.collect::<BTreeSet<_>>(), here);
        for table in TABLES {
            let mut columns = BTreeSet::new();
            for row in all(format!("pragma table_info({})", table.name)).await {
                let text = |name: &str| row.try_get::<String>("", name).unwrap();
                let kind = match text("type").to_lowercase().as_str() {
                    "boolean" => Kind::Flag,
                    "timestamp_text" => Kind::Time,
                    "json_text" => Kind::Json,
                    "text" => Kind::Text,
                    other if other.starts_with("varchar") => Kind::Text,
                    _ => Kind::Number,
                };
                columns.insert((text("name"), format!("{kind:?}")));
            }
            let listed = table.columns.iter();
            let listed = listed.map(|(name, kind)| ((*name).to_owned(), format!("{kind:?}")));
            assert_eq!(listed.collect::<BTreeSet<_>>(), columns, "{}", table.name);
        }
    }
}
