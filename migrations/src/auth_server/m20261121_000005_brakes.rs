//! Failed attempts per account and per address.

crate::ddl::migration! {&[
    // The key is a digest: the table names no account and no address.
    "create table auth_brakes (
        key_hash varchar(64) primary key,
        failures bigint not null,
        expires_at {time} not null
    )",
    "create index auth_brakes_by_end on auth_brakes (expires_at)",
]}
