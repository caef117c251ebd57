//! Who takes care of a request, and what was said about it. Nullable and apart, so that the previous
//! release can go on.

crate::ddl::migration! {&[
    "alter table approvals add column assignee varchar(64)",
    "create table approval_comments (
        id varchar(64) primary key,
        approval_id varchar(64) not null references approvals (id) on delete cascade,
        user_id varchar(64) not null,
        user_email varchar(256) not null,
        text varchar(1024) not null,
        created_at {time} not null
    )",
    "create index approval_comments_by_approval on approval_comments (approval_id, created_at)",
]}
