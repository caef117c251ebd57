//! What people see of their own account: where their sessions are, and tokens for their programs.

crate::ddl::migration! {&[
    // Nullable, so that the previous release can still insert rows.
    "alter table auth_sessions add column address varchar(64)",
    "alter table auth_sessions add column agent varchar(256)",
    "create table auth_personal_tokens (
        id varchar(36) primary key,
        user_id varchar(64) not null,
        name varchar(128) not null,
        token_hash varchar(64) not null unique,
        last4 varchar(4) not null,
        scope text not null,
        created_at {time} not null,
        expires_at {time} not null,
        last_used_at {time}
    )",
    "create index auth_personal_tokens_by_user on auth_personal_tokens (user_id)",
    "create index auth_personal_tokens_by_end on auth_personal_tokens (expires_at)",
]}
