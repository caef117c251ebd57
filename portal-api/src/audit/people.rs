//! The users that a record names, as they are at that moment: copies, so that the record can still
//! be read when they are gone.

use std::collections::HashMap;

use config::Configuration;
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use serde_json::{Map, Value, json};

use super::{Entry, role};
use crate::sql;
use crate::users::{row::Groups, rules};

/// A user as the old view shows him (portal-api 22.1).
#[derive(Clone, Debug)]
pub struct Person {
    pub role: &'static str,
    pub email: String,
    /// By his first registration in pool `wicked`; else empty.
    pub name: String,
}

/// The users of one record.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    pub user: Option<Person>,
    pub updated: Option<Person>,
}

impl Shown {
    /// Adds `user` and `updatedUser` to the data, as the original does.
    pub fn put_into(&self, data: &mut Option<Value>) {
        let shown = |person: &Person| json!({"role": person.role, "email": person.email, "name": person.name});
        for (member, person) in [("user", &self.user), ("updatedUser", &self.updated)] {
            let Some(person) = person else { continue };
            let data = data.get_or_insert_with(|| Map::new().into());
            if let Some(members) = data.as_object_mut() {
                members.insert(member.to_owned(), shown(person));
            }
        }
    }
}

#[derive(FromQueryResult)]
struct Found {
    id: String,
    email: String,
    groups: Groups,
    name: Option<String>,
}

/// The users that `entry` names, with one statement.
pub async fn of(
    db: &impl ConnectionTrait,
    configuration: &Configuration,
    entry: &Entry,
) -> Result<Shown, DbErr> {
    let user = entry.member("userId").or(entry.actor.id.as_deref());
    let updated = ["addedUserId", "deletedUserId", "updatedUserId"]
        .into_iter()
        .find_map(|member| entry.member(member));
    let (first, second) = match (user, updated) {
        (None, None) => return Ok(Shown::default()),
        (first, second) => (first.or(second), second.or(first)),
    };
    let statement = sql::statement(
        db,
        "select u.id, u.email, u.groups, (select r.name from registrations r \
         where r.user_id = u.id and r.pool_id = 'wicked' order by r.namespace limit 1) as name \
         from users u where u.id in ($1, $2)",
        [first.into(), second.into()],
    );
    let found = Found::find_by_statement(statement).all(db).await?;
    let people: HashMap<String, Person> = found
        .into_iter()
        .map(|found| {
            let (admin, approver) = rules::rights(configuration, &found.groups.0);
            let person = Person {
                role: role(admin, approver),
                email: found.email,
                name: found.name.unwrap_or_default(),
            };
            (found.id, person)
        })
        .collect();
    let person = |id: Option<&str>| id.and_then(|id| people.get(id)).cloned();
    Ok(Shown {
        user: person(user),
        updated: person(updated),
    })
}
