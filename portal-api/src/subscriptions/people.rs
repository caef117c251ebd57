//! Who stands behind applications, for lists of subscriptions (portal-api 14.8).

use std::collections::HashMap;

use sdk::types::{Role, subscriptions::OwnerData};
use sea_orm::{
    ConnectionTrait, DbErr, FromQueryResult, JoinType,
    sea_query::{Alias, Expr, ExprTrait, Order, Query},
};

use crate::{owners::row::granted, users};

/// The pool whose names are shown.
const POOL: &str = "wicked";

/// A user with a role, once per registration of his.
#[derive(FromQueryResult)]
struct Found {
    application_id: String,
    user_id: String,
    role: String,
    email: String,
    pool_id: Option<String>,
    name: Option<String>,
}

/// The users of one application in the three forms of the list.
#[derive(Clone, Debug, Default)]
pub struct People {
    pub emails: String,
    pub names: String,
    pub registered: Option<Vec<OwnerData>>,
}

/// The people of these applications, with one statement.
pub async fn of_applications(
    db: &impl ConnectionTrait,
    applications: Vec<String>,
) -> Result<HashMap<String, People>, DbErr> {
    let registrations = Alias::new("registrations");
    let query = Query::select()
        .columns([
            (granted::Entity, granted::Column::ApplicationId),
            (granted::Entity, granted::Column::UserId),
            (granted::Entity, granted::Column::Role),
        ])
        .column((users::row::Entity, users::row::Column::Email))
        .columns([
            (registrations.clone(), "pool_id"),
            (registrations.clone(), "name"),
        ])
        .from(granted::Entity)
        .inner_join(
            users::row::Entity,
            Expr::col((users::row::Entity, users::row::Column::Id))
                .equals((granted::Entity, granted::Column::UserId)),
        )
        .join(
            JoinType::LeftJoin,
            registrations.clone(),
            Expr::col((registrations.clone(), "user_id"))
                .equals((granted::Entity, granted::Column::UserId)),
        )
        .and_where(Expr::col((granted::Entity, granted::Column::ApplicationId)).is_in(applications))
        .order_by((granted::Entity, granted::Column::AddedAt), Order::Asc)
        .order_by((granted::Entity, granted::Column::UserId), Order::Asc)
        .order_by((registrations, "pool_id"), Order::Asc)
        .to_owned();
    let found = Found::find_by_statement(db.get_database_backend().build(&query))
        .all(db)
        .await?;
    let mut people = HashMap::<String, People>::new();
    for one in found {
        people
            .entry(one.application_id.clone())
            .or_default()
            .add(one);
    }
    Ok(people)
}

impl People {
    fn add(&mut self, found: Found) {
        append(&mut self.emails, &found.email);
        let Some(name) = found.name else { return };
        append(&mut self.names, &name);
        if found.pool_id.as_deref() == Some(POOL) {
            let role = Role::ALL
                .into_iter()
                .find(|role| role.as_str() == found.role);
            self.registered.get_or_insert_default().push(OwnerData {
                applications_id: found.application_id,
                users_id: found.user_id,
                role: role.unwrap_or(Role::Reader),
                email: found.email,
                name,
            });
        }
    }
}

fn append(list: &mut String, text: &str) {
    if !list.is_empty() {
        list.push(' ');
    }
    list.push_str(text);
}
