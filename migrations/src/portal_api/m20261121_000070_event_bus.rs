//! The event bus in full: how each listener wants its events, secrets to sign with, what was tried.

crate::ddl::migration! {&[
    "alter table listeners add column format varchar(12) not null default 'wicked'",
    "alter table listeners add column delivery varchar(8) not null default 'batch'",
    "alter table listeners add column ordering varchar(8) not null default 'none'",
    "alter table listeners add column max_attempts integer",
    // Absent: the default of the kind of listener.
    "alter table listeners add column max_age_hours integer",
    "alter table listeners add column max_queue bigint not null default 1000000",
    "alter table listeners add column overflow varchar(8) not null default 'dead'",
    // A JSON object, encrypted: the values are secrets of the receiver.
    "alter table listeners add column sealed_headers text",
    "alter table listeners add column application_id varchar(50)
        references applications (id) on delete cascade",
    // Requests that failed in a row, since when, and when the next one may be made.
    "alter table listeners add column failures integer not null default 0",
    "alter table listeners add column failing_since {time}",
    "alter table listeners add column next_attempt_at {time}",
    // The instance that sends to this listener, and until when without a sign of life.
    "alter table listeners add column sender varchar(64)",
    "alter table listeners add column sender_until {time}",
    "create index listeners_by_application on listeners (application_id)",
    "create table listener_secrets (
        id varchar(64) primary key,
        listener_id varchar(20) not null references listeners (id) on delete cascade,
        sealed text not null,
        created_at {time} not null,
        ends_at {time}
    )",
    "create index listener_secrets_by_listener on listener_secrets (listener_id)",
    // Bytes of the event in a request, so that batches can be cut without being read.
    "alter table events add column size integer not null default 0",
    // What the sealed members open, and until when: then they are erased.
    "alter table events add column sealed_digest varchar(64)",
    "alter table events add column sealed_until {time}",
    "create index events_sealed on events (sealed_digest) where sealed is not null",
    // Only for listeners that want order.
    "alter table deliveries add column ordering_key varchar(160)",
    "alter table deliveries add column replay boolean not null default false",
    // When it was acknowledged or given up.
    "alter table deliveries add column ended_at {time}",
    "drop index deliveries_due",
    "create index deliveries_due on deliveries (listener_id, next_attempt_at, event_seq)
        where state in ('pending', 'in_flight')",
    "create index deliveries_open on deliveries (listener_id, event_seq)
        where state in ('pending', 'in_flight')",
    "create index deliveries_in_order on deliveries (listener_id, ordering_key, event_seq)
        where ordering_key is not null and state in ('pending', 'in_flight')",
    "create index deliveries_dead on deliveries (listener_id, event_seq) where state = 'dead'",
    // One request. What was sent can be put together again from the events.
    "create table delivery_attempts (
        id {serial},
        listener_id varchar(20) not null references listeners (id) on delete cascade,
        first_seq bigint not null,
        last_seq bigint not null,
        seqs {json} not null,
        message_id varchar(80) not null,
        started_at {time} not null,
        duration_ms integer not null,
        status integer,
        error varchar(512),
        answer varchar(2048)
    )",
    "create index delivery_attempts_by_listener on delivery_attempts (listener_id, id)",
    "create table listener_hours (
        listener_id varchar(20) not null references listeners (id) on delete cascade,
        hour bigint not null,
        delivered bigint not null,
        failed bigint not null,
        primary key (listener_id, hour)
    )",
]}
