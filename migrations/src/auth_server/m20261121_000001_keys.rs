//! Keys that sign access tokens.

crate::ddl::migration! {&[
    // `private_key` is sealed with the master key. The times are the life of a key: published,
    // signing, no longer signing, no longer published.
    "create table auth_keys (
        kid varchar(64) primary key,
        algorithm varchar(16) not null,
        private_key text not null,
        public_key text not null,
        created_at {time} not null,
        active_from {time} not null,
        active_until {time} not null,
        expires_at {time} not null
    )",
]}
