//! Authorization requests that clients send by themselves before the browser comes (RFC 9126).

crate::ddl::migration! {&[
    // `parameters` is JSON. The row goes when the browser comes, or soon after nobody came.
    "create table auth_pushed_requests (
        uri_hash varchar(64) primary key,
        client_id varchar(256) not null,
        parameters text not null,
        created_at {time} not null,
        expires_at {time} not null
    )",
    "create index auth_pushed_requests_by_end on auth_pushed_requests (expires_at)",
]}
