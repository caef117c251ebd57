//! Names of client assertions that were used (RFC 7523), until they have ended.

crate::ddl::migration! {&[
    "create table auth_assertions (
        id_hash varchar(64) primary key,
        expires_at {time} not null
    )",
    "create index auth_assertions_by_end on auth_assertions (expires_at)",
]}
