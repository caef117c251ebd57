//! In which language a user wants mails. Nullable: the previous release knows one language.

crate::ddl::migration! {&[
    "alter table user_preferences add column language varchar(16)",
]}
