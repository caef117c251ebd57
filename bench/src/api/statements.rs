//! What portal-api asks its database for, as a request logs it. `::json` is left out for SQLite.

/// One statement and what it is given.
pub struct Statement {
    pub sql: &'static str,
    pub binds: &'static [Bind],
    /// Takes part in the transaction of a writing request.
    pub writes: bool,
    pub only_postgres: bool,
}

#[derive(Clone, Copy)]
pub enum Bind {
    Text(&'static str),
    /// One random id per request.
    Id,
    /// Another random id for each statement.
    NewId,
}

use Bind::{Id, NewId, Text};

const fn read(sql: &'static str, binds: &'static [Bind]) -> Statement {
    Statement {
        sql,
        binds,
        writes: false,
        only_postgres: false,
    }
}

const fn write(sql: &'static str, binds: &'static [Bind]) -> Statement {
    Statement {
        writes: true,
        ..read(sql, binds)
    }
}

const fn on_postgres(sql: &'static str) -> Statement {
    Statement {
        only_postgres: true,
        ..write(sql, &[])
    }
}

/// The application that is read; a subscription is made for it.
pub const APPLICATION: &str = "app-0";

const SUBSCRIBED: Statement = read(
    "select s.id from credentials c join subscriptions s on s.id = c.subscription_id \
     where c.client_id = $1 and s.api_id = 'portal-api' and s.approved and c.revoked_at is null \
     and (c.expires_at is null or c.expires_at > current_timestamp)",
    &[Text("nobody")],
);

const USER: Statement = read(
    "select id, email, custom_id, password_hash, validated, must_change_password, groups, \
     created_at, changed_at, changed_by, disabled_at, disabled_reason, sessions_ended_at \
     from users where id = $1 limit 1",
    &[Text(crate::portal_api::USER)],
);

const FIND_APPLICATION: Statement = read(
    "select id, name, description, main_url, client_type, redirect_uris, created_at, changed_at, \
     changed_by, team_id from applications where id = $1 limit 1",
    &[Text(APPLICATION)],
);

const OWNERS: Statement = read(
    "select o.application_id, o.user_id, o.role, o.via, u.email from application_roles o \
     join users u on o.user_id = u.id where o.application_id in ($1) \
     order by o.added_at, o.user_id, o.via desc",
    &[Text(APPLICATION)],
);

/// Of `GET /applications/{application}`.
pub const READ: [Statement; 3] = [USER, FIND_APPLICATION, OWNERS];

/// Of the same with a user's access token.
pub const READ_BY_TOKEN: [Statement; 4] = [SUBSCRIBED, USER, FIND_APPLICATION, OWNERS];

/// Of `POST /applications/{application}/subscriptions`.
pub const SUBSCRIBE: [Statement; 12] = [
    USER,
    FIND_APPLICATION,
    OWNERS,
    write(
        "insert into subscriptions (id, application_id, api_id, plan_id, api_group, auth, \
         approved, trusted, allowed_scopes_mode, allowed_scopes, created_at, changed_at, \
         changed_by) values ($1, $2, $1, 'unlimited', null, 'key-auth', true, false, null, null, \
         current_timestamp, current_timestamp, '1')",
        &[Id, Text(APPLICATION)],
    ),
    write(
        "select u.id, u.email, u.groups, (select r.name from registrations r \
         where r.user_id = u.id and r.pool_id = 'wicked' order by r.namespace limit 1) as name \
         from users u where u.id in ($1, $2)",
        &[Text("1"), Text("1")],
    ),
    on_postgres("select pg_advisory_xact_lock(7776001)"),
    write("select hash from audit_log order by seq desc limit 1", &[]),
    write(
        "insert into audit_log (id, occurred_at, actor_id, actor_type, actor_email, actor_name, \
         actor_role, via, action, entity, entity_id, api_id, application_id, plan_id, \
         before_state, after_state, data, source_address, correlation_id, outcome, user_name, \
         user_email, user_role, previous_hash, hash) values ($1, current_timestamp, '1', 'user', \
         'admin@example.org', null, 'Admin', 'auth-server', 'add', 'subscription', $2, $2, $3, \
         'unlimited', null, $4::json, $5::json, '127.0.0.1', $1, 'ok', '', 'admin@example.org', \
         'Admin', $2, $2)",
        &[NewId, Id, Text(APPLICATION), Text(AFTER), Text(DATA)],
    ),
    on_postgres("notify wicketgate_floor"),
    write(
        "select id, url, mode, batch_size, timeout_ms, events, sensitive, enabled, disabled_at, \
         disabled_reason, created_at, changed_at from listeners",
        &[],
    ),
    write(
        "insert into events (id, entity, action, occurred_at, ordering_key, application_id, data, \
         sealed, correlation_id) values ($1, 'subscription', 'add', current_timestamp, \
         'application:app-0', $2, $3::json, null, $1) returning seq",
        &[NewId, Text(APPLICATION), Text(DATA)],
    ),
    write(
        "insert into credentials (id, subscription_id, kind, name, note, classic, client_id, \
         digest, sealed, prefix, last4, created_at, created_by, expires_at, last_used_at, \
         revoked_at, revoked_reason) values ($1, $1, 'key', 'default', null, false, null, $1, \
         null, 'wg_12345', '1234', current_timestamp, '1', null, null, null, null)",
        &[Id],
    ),
];

const AFTER: &str = r#"{"auth": "key-auth", "apiId": "many-aaaa", "planId": "unlimited", "trusted": false, "approved": true, "allowedScopes": null, "applicationId": "app-0", "allowedScopesMode": null}"#;
const DATA: &str = r#"{"user": {"name": "", "role": "Admin", "email": "admin@example.org"}, "apiId": "many-aaaa", "planId": "unlimited", "userId": "1", "applicationId": "app-0", "subscriptionId": "fc45936a5cbebb07a992b331a0b7c34a9e955e5e"}"#;
