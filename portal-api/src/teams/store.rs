//! Rows of `teams` and `team_members`, in and out.

use sdk::types::Role;
use sea_orm::{
    ActiveValue::Set, DatabaseTransaction, DbErr, FromQueryResult, IntoActiveModel, JoinType,
    QueryFilter, QueryOrder, QuerySelect, entity::prelude::*, sea_query::OnConflict,
};

use super::row::{self, member};
use crate::{applications, owners, users};

/// A user in a team, with his address of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub user_id: String,
    pub email: String,
    pub role: Role,
}

#[derive(FromQueryResult)]
struct Found {
    user_id: String,
    email: String,
    role: String,
}

pub async fn find(db: &impl ConnectionTrait, id: &str) -> Result<Option<row::Model>, DbErr> {
    row::Entity::find_by_id(id).one(db).await
}

/// As [`find`], but until the end of the transaction nobody else changes the team or its members.
/// Whoever locks applications as well locks them before.
pub async fn lock(txn: &DatabaseTransaction, id: &str) -> Result<Option<row::Model>, DbErr> {
    row::Entity::find_by_id(id).lock_exclusive().one(txn).await
}

/// Stores a team. An id that is taken violates the primary key.
pub async fn insert(txn: &DatabaseTransaction, team: row::Model) -> Result<row::Model, DbErr> {
    team.into_active_model().reset_all().insert(txn).await
}

pub async fn update(txn: &DatabaseTransaction, team: row::Model) -> Result<row::Model, DbErr> {
    team.into_active_model().reset_all().update(txn).await
}

/// Deletes a team with its members. Applications that belong to it forbid that.
pub async fn delete(txn: &DatabaseTransaction, id: &str) -> Result<(), DbErr> {
    row::Entity::delete_by_id(id).exec(txn).await?;
    Ok(())
}

/// The members of a team, the earliest first.
pub async fn members(db: &impl ConnectionTrait, team: &str) -> Result<Vec<Member>, DbErr> {
    let user = member::Entity::belongs_to(users::row::Entity)
        .from(member::Column::UserId)
        .to(users::row::Column::Id)
        .into();
    let found: Vec<Found> = member::Entity::find()
        .select_only()
        .columns([member::Column::UserId, member::Column::Role])
        .column(users::row::Column::Email)
        .join(JoinType::InnerJoin, user)
        .filter(member::Column::TeamId.eq(team))
        .order_by_asc(member::Column::AddedAt)
        .order_by_asc(member::Column::UserId)
        .into_model()
        .all(db)
        .await?;
    let member = |found: Found| Member {
        user_id: found.user_id,
        email: found.email,
        role: owners::role(&found.role).unwrap_or(Role::Reader),
    };
    Ok(found.into_iter().map(member).collect())
}

/// Takes a user in, or gives him another role.
pub async fn put_member(
    txn: &DatabaseTransaction,
    team: &str,
    user_id: &str,
    role: Role,
    now: DateTimeUtc,
) -> Result<(), DbErr> {
    let model = member::ActiveModel {
        team_id: Set(team.to_owned()),
        user_id: Set(user_id.to_owned()),
        role: Set(role.as_str().to_owned()),
        added_at: Set(now),
    };
    let replace = OnConflict::columns([member::Column::TeamId, member::Column::UserId])
        .update_column(member::Column::Role)
        .to_owned();
    member::Entity::insert(model)
        .on_conflict(replace)
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

pub async fn delete_member(
    txn: &DatabaseTransaction,
    team: &str,
    user_id: &str,
) -> Result<(), DbErr> {
    member::Entity::delete_by_id((team.to_owned(), user_id.to_owned()))
        .exec(txn)
        .await?;
    Ok(())
}

/// The teams a user is in, with his role.
pub async fn of_user(
    db: &impl ConnectionTrait,
    user_id: &str,
) -> Result<Vec<(row::Model, Role)>, DbErr> {
    let rows = member::Entity::find()
        .filter(member::Column::UserId.eq(user_id))
        .order_by_asc(member::Column::TeamId)
        .all(db)
        .await?;
    let ids = rows.iter().map(|row| row.team_id.clone());
    let teams = row::Entity::find()
        .filter(row::Column::Id.is_in(ids))
        .order_by_asc(row::Column::Id)
        .all(db)
        .await?;
    let role = |id: &str| {
        let row = rows.iter().find(|row| row.team_id == id);
        row.and_then(|row| owners::role(&row.role))
            .unwrap_or(Role::Reader)
    };
    Ok(teams
        .into_iter()
        .map(|team| {
            let role = role(&team.id);
            (team, role)
        })
        .collect())
}

/// The ids of the applications that belong to a team.
pub async fn applications(db: &impl ConnectionTrait, team: &str) -> Result<Vec<String>, DbErr> {
    applications::row::Entity::find()
        .select_only()
        .column(applications::row::Column::Id)
        .filter(applications::row::Column::TeamId.eq(team))
        .order_by_asc(applications::row::Column::Id)
        .into_tuple()
        .all(db)
        .await
}

/// Takes a team's applications from it.
pub async fn release_applications(txn: &DatabaseTransaction, team: &str) -> Result<(), DbErr> {
    let none: Option<String> = None;
    applications::row::Entity::update_many()
        .col_expr(applications::row::Column::TeamId, Expr::value(none))
        .filter(applications::row::Column::TeamId.eq(team))
        .exec(txn)
        .await?;
    Ok(())
}
