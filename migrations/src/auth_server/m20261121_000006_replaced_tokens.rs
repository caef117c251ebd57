//! Finds refresh tokens that were replaced long ago, so that they can go before their family does.

crate::ddl::migration! {&[
    "create index auth_refresh_tokens_by_replacement on auth_refresh_tokens (replaced_at) \
     where replaced_at is not null",
]}
