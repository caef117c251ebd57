//! Requests that carry an `Idempotency-Key`, and their answers.

crate::ddl::migration! {&[
    // `answer` is encrypted: it may hold a secret that is shown once.
    "create table idempotency_keys (
        principal varchar(64) not null,
        idempotency_key varchar(255) not null,
        request varchar(64) not null,
        started_at {time} not null,
        committed boolean not null,
        answer text,
        primary key (principal, idempotency_key)
    )",
    "create index idempotency_keys_by_time on idempotency_keys (started_at)",
]}
