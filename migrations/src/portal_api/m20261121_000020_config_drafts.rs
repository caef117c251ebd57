//! Edits of the configuration that somebody has not committed yet.

crate::ddl::migration! {&[
    "create table config_drafts (
        user_id varchar(64) primary key references users (id) on delete cascade,
        base varchar(64) not null,
        files {json} not null,
        changed_at {time} not null
    )",
]}
