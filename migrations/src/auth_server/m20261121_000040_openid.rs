//! What an ID token repeats or compares (OpenID Connect Core 3.1.2.1), and resources. Nullable, so that
//! the previous release can still insert rows.

crate::ddl::migration! {&[
    "alter table auth_flows add column nonce text",
    "alter table auth_flows add column id_token_hint text",
    "alter table auth_codes add column nonce text",
    // The resource that was asked for (RFC 8707).
    "alter table auth_flows add column resource text",
    "alter table auth_codes add column resource text",
]}
