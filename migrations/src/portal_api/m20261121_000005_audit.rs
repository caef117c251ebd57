//! Who did what. Append-only; the actor's address is a copy, so that it outlives the user.

crate::ddl::migration! {&[
    "create table audit_log (
        seq {serial},
        id varchar(64) not null unique,
        occurred_at {time} not null,
        actor_id varchar(64),
        actor_type varchar(16) not null,
        actor_email varchar(256),
        actor_name varchar(256),
        actor_role varchar(16),
        via varchar(256),
        action varchar(32) not null,
        entity varchar(32) not null,
        entity_id varchar(160),
        api_id varchar(128),
        application_id varchar(50),
        plan_id varchar(128),
        before_state {json},
        after_state {json},
        data {json},
        source_address varchar(64),
        correlation_id varchar(128),
        outcome varchar(16) not null
    )",
    "create index audit_log_by_time on audit_log (occurred_at, seq)",
]}
