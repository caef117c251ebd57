//! Revocations of whole sessions, and of everything that a user was given before some time.

crate::ddl::migration! {&[
    // Made anew, because SQLite cannot let a column be null afterwards. The previous release names
    // `jti` and the times, and goes on with that. Rows get new numbers: nobody has read the old ones.
    "create table auth_revocations_next (
        seq {serial},
        jti varchar(64) unique,
        sid varchar(64) unique,
        sub varchar(256),
        not_before bigint,
        created_at {time} not null,
        expires_at {time} not null
    )",
    "insert into auth_revocations_next (jti, created_at, expires_at) \
     select jti, created_at, expires_at from auth_revocations order by seq",
    "drop table auth_revocations",
    "alter table auth_revocations_next rename to auth_revocations",
    "create index auth_revocations_by_end on auth_revocations (expires_at)",
    "create unique index auth_revocations_by_user on auth_revocations (sub, not_before)",
]}
