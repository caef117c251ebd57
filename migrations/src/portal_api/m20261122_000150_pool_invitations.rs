//! Invitations into registration pools.

crate::ddl::migration! {&[
    // The namespace is empty where the pool has none, as in `registrations`.
    "create table pool_invitations (
        id varchar(64) primary key,
        pool_id varchar(128) not null,
        namespace varchar(128) not null,
        email varchar(256) not null,
        digest varchar(64) not null unique,
        created_at {time} not null,
        created_by varchar(64),
        expires_at {time} not null,
        unique (pool_id, namespace, email)
    )",
    "create index pool_invitations_by_end on pool_invitations (expires_at)",
]}
