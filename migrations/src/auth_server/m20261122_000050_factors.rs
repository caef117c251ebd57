//! Second steps of a log-in, and log-ins of providers that lead to an account made otherwise.

crate::ddl::migration! {&[
    // A secret counts once it has been confirmed by a code.
    "create table auth_totp (
        user_id varchar(64) primary key,
        secret text not null,
        last_step bigint not null,
        created_at {time} not null,
        confirmed_at {time}
    )",
    "create table auth_recovery_codes (
        code_hash varchar(64) primary key,
        user_id varchar(64) not null,
        created_at {time} not null
    )",
    "create index auth_recovery_codes_by_user on auth_recovery_codes (user_id)",
    "create table auth_passkeys (
        id_hash varchar(64) primary key,
        credential_id text not null,
        user_id varchar(64) not null,
        name varchar(128) not null,
        public_key text not null,
        sign_count bigint not null,
        created_at {time} not null,
        last_used_at {time}
    )",
    "create index auth_passkeys_by_user on auth_passkeys (user_id)",
    "create table auth_links (
        custom_hash varchar(64) primary key,
        user_id varchar(64) not null,
        method varchar(128) not null,
        created_at {time} not null
    )",
    "create index auth_links_by_user on auth_links (user_id)",
    // Nullable, so that the previous release can still insert rows.
    "alter table auth_flows add column factor_user varchar(64)",
    "alter table auth_flows add column proof varchar(32)",
    "alter table auth_flows add column wants_factor boolean",
    "alter table auth_flows add column link text",
    "alter table auth_logins add column proof varchar(32)",
    "alter table auth_families add column proof varchar(32)",
]}
