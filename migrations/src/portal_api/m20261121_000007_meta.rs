//! Facts about the installation itself, such as the check value of the master key.

crate::ddl::migration! {&[
    "create table meta (
        name varchar(64) primary key,
        value text not null
    )",
]}
