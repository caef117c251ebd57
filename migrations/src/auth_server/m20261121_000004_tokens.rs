//! Token families: codes, refresh tokens and issued access tokens; revocations.

crate::ddl::migration! {&[
    // Everything that came out of one authorization of a user. Revoked as a whole.
    "create table auth_families (
        id varchar(64) primary key,
        client_id varchar(256) not null,
        api varchar(128) not null,
        method varchar(128) not null,
        user_id varchar(64) not null,
        namespace varchar(128),
        scope text not null,
        sid varchar(64),
        auth_time {time},
        created_at {time} not null,
        expires_at {time} not null,
        revoked_at {time},
        revoked_reason varchar(64)
    )",
    "create index auth_families_by_end on auth_families (expires_at)",
    "create index auth_families_by_user on auth_families (user_id)",
    "create index auth_families_by_client on auth_families (client_id)",
    "create index auth_families_by_sid on auth_families (sid)",
    // Used codes stay until they end, so that a second use is recognised.
    "create table auth_codes (
        code_hash varchar(64) primary key,
        family varchar(64) not null references auth_families (id) on delete cascade,
        redirect_uri text not null,
        challenge text,
        created_at {time} not null,
        expires_at {time} not null,
        used_at {time}
    )",
    "create index auth_codes_by_end on auth_codes (expires_at)",
    "create index auth_codes_by_family on auth_codes (family)",
    // Replaced tokens stay as long as their family, so that reuse is recognised.
    "create table auth_refresh_tokens (
        token_hash varchar(64) primary key,
        family varchar(64) not null references auth_families (id) on delete cascade,
        generation bigint not null,
        created_at {time} not null,
        replaced_at {time},
        repeated_at {time}
    )",
    "create index auth_refresh_tokens_by_family on auth_refresh_tokens (family, generation)",
    // Tokens of users only: the end of a family has to name those that have not ended yet.
    "create table auth_access_tokens (
        jti varchar(64) primary key,
        family varchar(64) not null references auth_families (id) on delete cascade,
        expires_at {time} not null
    )",
    "create index auth_access_tokens_by_family on auth_access_tokens (family)",
    "create index auth_access_tokens_by_end on auth_access_tokens (expires_at)",
    // Access tokens that no longer count although they have not ended.
    "create table auth_revocations (
        seq {serial},
        jti varchar(64) not null unique,
        created_at {time} not null,
        expires_at {time} not null
    )",
    "create index auth_revocations_by_end on auth_revocations (expires_at)",
]}
