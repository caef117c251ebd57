//! Access tokens that say nothing themselves (token mode `opaque`): what they stand for.

crate::ddl::migration! {&[
    // `family` is null for tokens without a user. `claims` are the members of a signed token.
    "create table auth_opaque_tokens (
        token_hash varchar(64) primary key,
        family varchar(64) references auth_families (id) on delete cascade,
        claims text not null,
        expires_at {time} not null
    )",
    "create index auth_opaque_tokens_by_family on auth_opaque_tokens (family)",
    "create index auth_opaque_tokens_by_end on auth_opaque_tokens (expires_at)",
]}
