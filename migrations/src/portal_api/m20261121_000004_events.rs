//! The event bus: what happened, who wants to know, and who was told.

crate::ddl::migration! {&[
    "create table events (
        seq {serial},
        id varchar(64) not null unique,
        entity varchar(32) not null,
        action varchar(16) not null,
        occurred_at {time} not null,
        ordering_key varchar(160) not null,
        application_id varchar(50),
        data {json} not null,
        sealed text,
        correlation_id varchar(128)
    )",
    "create index events_by_time on events (occurred_at)",
    "create table listeners (
        id varchar(20) primary key,
        url text not null,
        mode varchar(8) not null,
        batch_size integer not null,
        timeout_ms integer not null,
        events {json},
        sensitive boolean not null,
        enabled boolean not null,
        disabled_at {time},
        disabled_reason varchar(256),
        created_at {time} not null,
        changed_at {time} not null
    )",
    // One row per listener and event until the listener has acknowledged it.
    // `lease_until` keeps a second portal-api from delivering the same rows at the same time.
    "create table deliveries (
        listener_id varchar(20) not null references listeners (id) on delete cascade,
        event_seq bigint not null references events (seq),
        state varchar(12) not null,
        attempts integer not null,
        next_attempt_at {time} not null,
        lease_until {time},
        last_attempt_at {time},
        last_status integer,
        last_error varchar(512),
        primary key (listener_id, event_seq)
    )",
    "create index deliveries_by_event on deliveries (event_seq)",
    "create index deliveries_due on deliveries (listener_id, state, next_attempt_at)",
]}
