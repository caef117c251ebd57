//! Teams, and the applications that belong to them. `team_id` is nullable, so the previous release
//! goes on; it only does not see the roles that come from a team.

crate::ddl::migration! {&[
    "create table teams (
        id varchar(50) primary key,
        name varchar(128) not null,
        created_at {time} not null,
        changed_at {time} not null,
        changed_by varchar(64)
    )",
    // As with `owners`: a member is not deleted without a decision about his teams.
    "create table team_members (
        team_id varchar(50) not null references teams (id) on delete cascade,
        user_id varchar(64) not null references users (id),
        role varchar(16) not null,
        added_at {time} not null,
        primary key (team_id, user_id)
    )",
    "create index team_members_by_user on team_members (user_id)",
    "alter table applications add column team_id varchar(50) references teams (id)",
    "create index applications_by_team on applications (team_id)",
    // All roles there are, wherever they come from: rights are read here and nowhere else.
    "create view application_roles as
        select application_id, user_id, role, added_at, 'user' as via from owners
        union all
        select a.id, m.user_id, m.role, m.added_at, 'team'
        from applications a join team_members m on m.team_id = a.team_id",
]}
