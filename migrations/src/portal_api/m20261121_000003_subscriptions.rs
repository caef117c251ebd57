//! Subscriptions, their credentials, and the requests that somebody has to decide.

crate::ddl::migration! {&[
    "create table subscriptions (
        id varchar(64) primary key,
        application_id varchar(50) not null references applications (id) on delete cascade,
        api_id varchar(128) not null,
        plan_id varchar(128) not null,
        api_group varchar(128),
        auth varchar(32) not null,
        approved boolean not null,
        trusted boolean not null,
        allowed_scopes_mode varchar(16),
        allowed_scopes {json},
        created_at {time} not null,
        changed_at {time} not null,
        changed_by varchar(64),
        unique (application_id, api_id)
    )",
    "create index subscriptions_by_api on subscriptions (api_id, application_id)",
    // `digest` finds an API key or checks a client secret; `sealed` is present only where the
    // secret may be shown again or a gateway has to be given it (portal-api 29.2).
    "create table credentials (
        id varchar(64) primary key,
        subscription_id varchar(64) not null references subscriptions (id) on delete cascade,
        kind varchar(8) not null,
        name varchar(128) not null,
        note varchar(1024),
        classic boolean not null,
        client_id varchar(256) unique,
        digest varchar(64) not null unique,
        sealed text,
        prefix varchar(32) not null,
        last4 varchar(4) not null,
        created_at {time} not null,
        created_by varchar(64),
        expires_at {time},
        last_used_at {time},
        revoked_at {time},
        revoked_reason varchar(1024)
    )",
    "create index credentials_by_subscription on credentials (subscription_id)",
    "create index credentials_by_end on credentials (expires_at) where expires_at is not null",
    // Names are copies from the time of the request. Decided requests stay readable although
    // subscription, application or user may be gone, hence no foreign keys.
    "create table approvals (
        id varchar(64) primary key,
        subscription_id varchar(64) not null,
        user_id varchar(64) not null,
        user_email varchar(256) not null,
        application_id varchar(50) not null,
        application_name varchar(128) not null,
        application_description varchar(1024),
        api_id varchar(128) not null,
        api_name varchar(256) not null,
        api_group varchar(128),
        plan_id varchar(128) not null,
        plan_name varchar(256) not null,
        trusted boolean not null,
        purpose varchar(1024),
        state varchar(16) not null,
        requested_at {time} not null,
        decided_at {time},
        decided_by varchar(64),
        reason varchar(1024)
    )",
    "create index approvals_by_state on approvals (state, requested_at)",
    "create index approvals_by_subscription on approvals (subscription_id)",
]}
