//! Clients that have to be told that a session has ended (OpenID Connect Back-Channel Logout), until
//! they know. No row refers to a family: it outlives them.

crate::ddl::migration! {&[
    "create table auth_logout_notices (
        id varchar(64) primary key,
        client_id varchar(256) not null,
        user_id varchar(64) not null,
        sid varchar(64),
        attempts bigint not null,
        next_at {time} not null,
        created_at {time} not null
    )",
    "create index auth_logout_notices_by_time on auth_logout_notices (next_at)",
]}
