//! Applications, who may work on them, and what users allowed them.

crate::ddl::migration! {&[
    "create table applications (
        id varchar(50) primary key,
        name varchar(128) not null,
        description varchar(1024),
        main_url text,
        client_type varchar(16) not null,
        redirect_uris {json} not null,
        created_at {time} not null,
        changed_at {time} not null,
        changed_by varchar(64)
    )",
    // A user with a role cannot be deleted, hence no cascade from `users`.
    "create table owners (
        application_id varchar(50) not null references applications (id) on delete cascade,
        user_id varchar(64) not null references users (id),
        role varchar(16) not null,
        added_at {time} not null,
        primary key (application_id, user_id)
    )",
    "create index owners_by_user on owners (user_id)",
    "create table grants (
        id varchar(64) primary key,
        user_id varchar(64) not null references users (id) on delete cascade,
        application_id varchar(50) not null references applications (id) on delete cascade,
        api_id varchar(128) not null,
        scopes {json} not null,
        changed_at {time} not null,
        changed_by varchar(64),
        unique (user_id, application_id, api_id)
    )",
    "create index grants_by_application on grants (application_id)",
]}
