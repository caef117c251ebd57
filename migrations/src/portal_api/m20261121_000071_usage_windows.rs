//! How much of its limits a subscription has used, and of what its owners were told. A table that
//! the previous release does not know; what it counts meanwhile is missing until the next window.

crate::ddl::migration! {&[
    "create table usage_windows (
        subscription_id varchar(64) not null references subscriptions (id) on delete cascade,
        name varchar(8) not null,
        begins_at bigint not null,
        allowed bigint not null,
        used bigint not null,
        told bigint not null,
        primary key (subscription_id, name)
    )",
]}
