//! Namespaces of registration pools.

crate::ddl::migration! {&[
    // `extra`: further members that callers store with a namespace.
    "create table namespaces (
        id varchar(64) primary key,
        pool_id varchar(128) not null,
        namespace varchar(128) not null,
        description varchar(255) not null,
        extra {json} not null,
        changed_at {time} not null,
        changed_by varchar(64),
        unique (pool_id, namespace)
    )",
]}
