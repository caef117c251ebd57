//! Log-in pages elsewhere: who is sent there, and who came back without a mail address.

crate::ddl::migration! {&[
    // One is made each time somebody is sent to a provider, and used once.
    "create table auth_upstreams (
        state_hash varchar(64) primary key,
        flow varchar(64) not null,
        method varchar(128) not null,
        expires_at {time} not null
    )",
    "create index auth_upstreams_by_end on auth_upstreams (expires_at)",
    // Nullable, so that the previous release can still insert rows.
    "alter table auth_flows add column prompt varchar(256)",
    "alter table auth_flows add column identity text",
]}
