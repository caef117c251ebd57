//! What has to go on record at portal-api, until it has it.

crate::ddl::migration! {&[
    // The ids rise with time.
    "create table auth_records (
        id varchar(64) primary key,
        record text not null,
        created_at {time} not null
    )",
    "create index auth_records_by_time on auth_records (created_at)",
]}
