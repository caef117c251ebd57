//! What providers said about people. Nullable, so that the previous release can still insert rows.

crate::ddl::migration! {&[
    "alter table auth_logins add column identity text",
    "alter table auth_families add column profile text",
]}
