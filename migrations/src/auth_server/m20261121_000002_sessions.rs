//! Browser sessions and the logins in them. A session says only who logged in, when and by which
//! method; everything else is read anew for each request.

crate::ddl::migration! {&[
    // `sid` is the name of the session in tokens; `id_hash` belongs to the cookie.
    "create table auth_sessions (
        id_hash varchar(64) primary key,
        sid varchar(64) not null unique,
        created_at {time} not null,
        seen_at {time} not null,
        expires_at {time} not null
    )",
    "create index auth_sessions_by_end on auth_sessions (expires_at)",
    "create table auth_logins (
        session varchar(64) not null references auth_sessions (id_hash) on delete cascade,
        method varchar(128) not null,
        user_id varchar(64) not null,
        auth_time {time} not null,
        primary key (session, method)
    )",
    "create index auth_logins_by_user on auth_logins (user_id)",
]}
