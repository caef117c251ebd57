//! Authorizations that are answered with a token instead of a code. Nullable, so that the previous
//! release can still insert rows.

crate::ddl::migration! {&["alter table auth_flows add column response_type varchar(16)"]}
