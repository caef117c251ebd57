//! The chain of hashes, and the user whom the old view of the log shows. Nullable, so that the
//! previous release can still insert rows; a record of it is a gap in the chain that shows.

crate::ddl::migration! {&[
    "alter table audit_log add column user_name varchar(256)",
    "alter table audit_log add column user_email varchar(256)",
    "alter table audit_log add column user_role varchar(16)",
    "alter table audit_log add column previous_hash varchar(64)",
    "alter table audit_log add column hash varchar(64)",
]}
