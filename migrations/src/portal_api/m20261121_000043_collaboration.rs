//! Invitations, mail preferences, announcements, and the checklist of a new installation.

crate::ddl::migration! {&[
    // The token is found by its digest and kept nowhere else: sending again makes a new one.
    "create table invitations (
        id varchar(64) primary key,
        application_id varchar(50) not null references applications (id) on delete cascade,
        email varchar(256) not null,
        role varchar(16) not null,
        digest varchar(64) not null unique,
        created_at {time} not null,
        created_by varchar(64),
        expires_at {time} not null,
        unique (application_id, email)
    )",
    "create index invitations_by_end on invitations (expires_at)",
    "create table user_preferences (
        user_id varchar(64) primary key references users (id) on delete cascade,
        mails {json} not null,
        digest boolean not null,
        changed_at {time} not null
    )",
    "create table announcements (
        id varchar(64) primary key,
        api_id varchar(128) not null,
        subject varchar(256) not null,
        text text not null,
        created_at {time} not null,
        created_by varchar(64)
    )",
    "create index announcements_by_api on announcements (api_id, created_at)",
]}
