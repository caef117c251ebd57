//! What applications say about themselves as OAuth clients: where to go after a log-out, whom to tell
//! about one, public keys. Nullable, so that the previous release can still insert rows.

crate::ddl::migration! {&["alter table applications add column oauth {json}"]}
