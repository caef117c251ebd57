//! Tokens that Kong made and keeps (token mode `kong-oauth2`): which authorization they belong to.

crate::ddl::migration! {&[
    // As it stands in the token, where that is not `sub=<user>` with the tenant. Nullable, so that the
    // previous release can still insert rows.
    "alter table auth_families add column authenticated_userid text",
    // `id` is Kong's. A row that has ended is deleted at Kong first, and here after that.
    "create table auth_kong_tokens (
        id varchar(36) primary key,
        family varchar(64) not null references auth_families (id) on delete cascade,
        access_hash varchar(64) not null unique,
        refresh_hash varchar(64) unique,
        expires_at {time} not null,
        ended_at {time}
    )",
    "create index auth_kong_tokens_by_family on auth_kong_tokens (family)",
    "create index auth_kong_tokens_by_end on auth_kong_tokens (ended_at) \
     where ended_at is not null",
]}
