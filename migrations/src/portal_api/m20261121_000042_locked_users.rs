//! Locked accounts, and the moment before which sessions and tokens of a user no longer count.
//! Nullable: the previous release knows no locks.

crate::ddl::migration! {&[
    "alter table users add column disabled_at {time}",
    "alter table users add column disabled_reason varchar(1024)",
    "alter table users add column sessions_ended_at {time}",
]}
