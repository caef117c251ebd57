//! How a client is answered and whether the user is asked anew; what a SAML provider has answered until
//! the browser asks for it.

crate::ddl::migration! {&[
    // Nullable, so that the previous release can still insert rows.
    "alter table auth_flows add column response_mode varchar(16)",
    "alter table auth_flows add column asks_consent boolean",
    "alter table auth_upstreams add column answer text",
]}
