//! Devices that wait until somebody agrees elsewhere (RFC 8628).

crate::ddl::migration! {&[
    // `family` is there once somebody has agreed. Used rows stay until they end.
    "create table auth_devices (
        device_hash varchar(64) primary key,
        user_code_hash varchar(64) not null unique,
        client_id varchar(256) not null,
        scope text not null,
        family varchar(64) references auth_families (id) on delete cascade,
        denied boolean not null,
        poll_seconds bigint not null,
        polled_at {time},
        created_at {time} not null,
        expires_at {time} not null,
        used_at {time}
    )",
    "create index auth_devices_by_end on auth_devices (expires_at)",
    "create index auth_devices_by_family on auth_devices (family)",
    "alter table auth_flows add column device varchar(64)",
]}
