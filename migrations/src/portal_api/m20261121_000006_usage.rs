//! Measured calls and the state of the gateways.

crate::ddl::migration! {&[
    // Empty text, not null, where a dimension is unknown: the primary key has to tell rows apart.
    "create table usage_minutes (
        minute bigint not null,
        subscription_id varchar(64) not null,
        credential_id varchar(64) not null,
        operation varchar(256) not null,
        status varchar(3) not null,
        calls bigint not null,
        errors bigint not null,
        request_bytes bigint not null,
        response_bytes bigint not null,
        histogram {json} not null,
        primary key (subscription_id, minute, credential_id, operation, status)
    )",
    // What has to be added up to hours after a day, and to days after three months.
    "create index usage_minutes_to_hours on usage_minutes (minute) where minute % 3600 <> 0",
    "create index usage_minutes_to_days on usage_minutes (minute) where minute % 86400 <> 0",
    "create table usage_batches (
        id varchar(64) primary key,
        received_at {time} not null
    )",
    "create index usage_batches_by_age on usage_batches (received_at)",
    // The one row is the last report of the gateway adapter.
    "create table gateway_status (
        id smallint primary key check (id = 1),
        revision varchar(160),
        applied_revision varchar(160),
        problems {json} not null,
        last_reconcile {time},
        reported_at {time} not null
    )",
    "create table gateway_nodes (
        name varchar(128) primary key,
        version varchar(64),
        revision varchar(160),
        in_sync boolean not null,
        applied_at {time},
        calls_per_second double precision
    )",
    "create table leases (
        name varchar(64) primary key,
        holder varchar(128) not null,
        expires_at {time} not null
    )",
]}
