//! Users and what hangs on them: registrations and verifications.

crate::ddl::migration! {&[
    // `email` is stored folded, so that the unique index compares without regard to case.
    "create table users (
        id varchar(64) primary key,
        email varchar(256) not null unique,
        custom_id varchar(256) unique,
        password_hash text,
        validated boolean not null,
        must_change_password boolean not null,
        groups {json} not null,
        created_at {time} not null,
        changed_at {time} not null,
        changed_by varchar(64)
    )",
    // `namespace` is empty, not null, in pools without namespaces: unique indexes ignore nulls.
    "create table registrations (
        id varchar(64) primary key,
        pool_id varchar(128) not null,
        user_id varchar(64) not null references users (id) on delete cascade,
        namespace varchar(128) not null,
        name varchar(256) not null,
        email varchar(256) not null,
        custom_id varchar(256),
        properties {json} not null,
        changed_at {time} not null,
        changed_by varchar(64),
        unique (user_id, pool_id, namespace)
    )",
    "create index registrations_by_pool on registrations (pool_id, namespace, name)",
    // The id is a secret: found by its digest, kept encrypted for the mail until it is used.
    "create table verifications (
        digest varchar(64) primary key,
        sealed_id text,
        kind varchar(16) not null,
        email varchar(256) not null,
        user_id varchar(64) not null references users (id) on delete cascade,
        link text not null,
        created_at {time} not null,
        expires_at {time} not null
    )",
    "create index verifications_by_expiry on verifications (expires_at)",
    "create index verifications_by_user on verifications (user_id)",
]}
