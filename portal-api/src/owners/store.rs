//! Rows of `owners`, in and out; read with the roles that come from teams.

use std::collections::HashMap;

use migrations::Prepared;
use sdk::types::Role;
use sea_orm::{
    ActiveValue::Set, DatabaseTransaction, DbErr, FromQueryResult, JoinType, QueryOrder,
    QuerySelect, RelationDef, entity::prelude::*,
};

use super::{
    row::{self, granted},
    rules,
};
use crate::users;

/// A user with a role on an application, with his address of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub user_id: String,
    pub email: String,
    pub role: Role,
    /// As a member of the application's team. Such a role changes in the team only.
    pub by_team: bool,
}

#[derive(FromQueryResult)]
struct Found {
    application_id: String,
    user_id: String,
    email: String,
    role: String,
    via: String,
}

/// The users with a role on `application`, the earliest first.
pub async fn list(db: &impl ConnectionTrait, application: &str) -> Result<Vec<Owner>, DbErr> {
    static OF_ONE: Prepared = Prepared::new();
    let of_one = OF_ONE.with(
        db.get_database_backend(),
        || roles_on([String::new()]),
        [application.into()],
    );
    let found = Found::find_by_statement(of_one).all(db).await?;
    Ok(found.into_iter().map(Owner::from).collect())
}

/// The same for several applications with one statement, by application.
pub async fn list_many(
    db: &impl ConnectionTrait,
    applications: impl IntoIterator<Item = String>,
) -> Result<HashMap<String, Vec<Owner>>, DbErr> {
    let found: Vec<Found> = roles_on(applications).into_model().all(db).await?;
    let mut lists = HashMap::<String, Vec<Owner>>::new();
    for found in found {
        let list = lists.entry(found.application_id.clone()).or_default();
        list.push(found.into());
    }
    Ok(lists)
}

fn roles_on(applications: impl IntoIterator<Item = String>) -> Select<granted::Entity> {
    granted::Entity::find()
        .select_only()
        .columns([
            granted::Column::ApplicationId,
            granted::Column::UserId,
            granted::Column::Role,
            granted::Column::Via,
        ])
        .column(users::row::Column::Email)
        .join(JoinType::InnerJoin, user())
        .filter(granted::Column::ApplicationId.is_in(applications))
        .order_by_asc(granted::Column::AddedAt)
        .order_by_asc(granted::Column::UserId)
        .order_by_desc(granted::Column::Via)
}

impl From<Found> for Owner {
    fn from(found: Found) -> Self {
        Self {
            user_id: found.user_id,
            email: found.email,
            // A role that this release does not know gives the least of rights.
            role: rules::role(&found.role).unwrap_or(Role::Reader),
            by_team: found.via == granted::TEAM,
        }
    }
}

/// Applications on which the user has a role, with the strongest that he has.
pub async fn of_user(
    db: &impl ConnectionTrait,
    user_id: &str,
) -> Result<Vec<(String, Role)>, DbErr> {
    let rows: Vec<(String, String)> = granted::Entity::find()
        .select_only()
        .columns([granted::Column::ApplicationId, granted::Column::Role])
        .filter(granted::Column::UserId.eq(user_id))
        .order_by_asc(granted::Column::ApplicationId)
        .into_tuple()
        .all(db)
        .await?;
    let mut roles: Vec<(String, Role)> = Vec::with_capacity(rows.len());
    for (application, role) in rows {
        let role = rules::role(&role).unwrap_or(Role::Reader);
        match roles.last_mut() {
            Some((last, known)) if *last == application => {
                *known = rules::stronger(*known, role);
            }
            _ => roles.push((application, role)),
        }
    }
    Ok(roles)
}

/// Gives a user his role. One that he has already violates the primary key.
pub async fn insert(
    txn: &DatabaseTransaction,
    application: &str,
    user_id: &str,
    role: Role,
    now: DateTimeUtc,
) -> Result<(), DbErr> {
    let model = row::ActiveModel {
        application_id: Set(application.to_owned()),
        user_id: Set(user_id.to_owned()),
        role: Set(role.as_str().to_owned()),
        added_at: Set(now),
    };
    row::Entity::insert(model)
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

/// Gives a user another role.
pub async fn set_role(
    txn: &DatabaseTransaction,
    application: &str,
    user_id: &str,
    role: Role,
) -> Result<(), DbErr> {
    row::Entity::update_many()
        .col_expr(row::Column::Role, Expr::value(role.as_str()))
        .filter(row::Column::ApplicationId.eq(application))
        .filter(row::Column::UserId.eq(user_id))
        .exec(txn)
        .await?;
    Ok(())
}

/// Takes a user's role away.
pub async fn delete(
    txn: &DatabaseTransaction,
    application: &str,
    user_id: &str,
) -> Result<(), DbErr> {
    row::Entity::delete_by_id((application.to_owned(), user_id.to_owned()))
        .exec(txn)
        .await?;
    Ok(())
}

fn user() -> RelationDef {
    granted::Entity::belongs_to(users::row::Entity)
        .from(granted::Column::UserId)
        .to(users::row::Column::Id)
        .into()
}
