//! Teams as they go over the wire.

use sdk::types::{ChangedDate, Team, page::Id, teams::TeamMember};
use sea_orm::{ConnectionTrait, DbErr};

use super::{
    row,
    store::{self, Member},
};
use crate::users;

/// As in lists.
pub fn base(row: row::Model) -> Team {
    Team {
        id: row.id,
        name: row.name,
        changed_date: Some(ChangedDate::Iso(row.changed_at.into())),
        changed_by: row.changed_by,
        ..Team::default()
    }
}

/// With members and applications.
pub async fn full(db: &impl ConnectionTrait, row: row::Model) -> Result<Team, DbErr> {
    let members = store::members(db, &row.id).await?;
    let applications = store::applications(db, &row.id).await?;
    Ok(Team {
        members: Some(members.into_iter().map(member).collect()),
        applications: Some(applications.into_iter().map(|id| Id { id }).collect()),
        ..base(row)
    })
}

fn member(member: Member) -> TeamMember {
    TeamMember {
        user_id: member.user_id,
        email: member.email,
        role: member.role,
    }
}

/// The teams of a user, with himself as their only member: the others have their own data.
pub async fn of_user(
    db: &impl ConnectionTrait,
    user: &users::row::Model,
) -> Result<Vec<Team>, DbErr> {
    let teams = store::of_user(db, &user.id).await?;
    Ok(teams
        .into_iter()
        .map(|(team, role)| Team {
            members: Some(vec![TeamMember {
                user_id: user.id.clone(),
                email: user.email.clone(),
                role,
            }]),
            ..base(team)
        })
        .collect())
}
