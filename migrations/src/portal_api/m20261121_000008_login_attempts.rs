//! Attempts to log in with a password, for the brake on guessing.

crate::ddl::migration! {&[
    // `brake` names what is limited: an account (by digest) or a source address. One attempt has a
    // row for each.
    "create table login_attempts (
        id varchar(64) not null,
        brake varchar(128) not null,
        begun_at {time} not null,
        primary key (id, brake)
    )",
    "create index login_attempts_by_brake on login_attempts (brake, begun_at)",
    "create index login_attempts_by_age on login_attempts (begun_at)",
]}
