//! Users and their registrations.

use std::collections::{BTreeMap, HashMap, HashSet};

use sea_orm::EntityTrait;

use super::{
    Import,
    object::{Object, derived_id, newest_first},
    report::Fate,
    store::save,
};
use crate::{
    events, passwords,
    registrations::{self, rules::FIXED},
    users::{self, email},
};

const USER: &str = "user";
const REGISTRATION: &str = "registration";
const MAX_NAME: usize = 256;

impl Import<'_> {
    /// The users by id, with the address that is stored.
    pub(super) async fn users(
        &mut self,
        found: Vec<Object>,
    ) -> anyhow::Result<HashMap<String, users::row::Model>> {
        self.report.found(USER, found.len());
        let here = users::row::Entity::find().all(self.txn).await?;
        let mut by_id: HashMap<String, users::row::Model> = here
            .into_iter()
            .map(|user| (user.id.clone(), user))
            .collect();
        let mut emails: HashMap<String, String> = by_id
            .values()
            .map(|user| (user.email.clone(), user.id.clone()))
            .collect();
        let mut custom_ids: HashMap<String, String> = by_id
            .values()
            .filter_map(|user| Some((user.custom_id.clone()?, user.id.clone())))
            .collect();
        let mut taken = HashMap::new();
        for object in found {
            let Some(user) = self.user(&object, &emails, &custom_ids, by_id.get(object.id()))
            else {
                continue;
            };
            let fate = save(self.txn, by_id.get(&user.id), user.clone(), |user| {
                user.changed_at
            })
            .await?;
            self.report.did(USER, &user.id, fate);
            let user = match fate {
                Fate::Kept => by_id[&user.id].clone(),
                _ => user,
            };
            if fate == Fate::Added {
                let event = users::added(&user);
                events::append(self.txn, self.state, &self.actor, event).await?;
            }
            if let Some(before) = by_id.insert(user.id.clone(), user.clone()) {
                emails.remove(&before.email);
            }
            emails.insert(user.email.clone(), user.id.clone());
            if let Some(custom_id) = &user.custom_id {
                custom_ids.insert(custom_id.clone(), user.id.clone());
            }
            taken.insert(user.id.clone(), user);
        }
        Ok(taken)
    }

    fn user(
        &mut self,
        object: &Object,
        emails: &HashMap<String, String>,
        custom_ids: &HashMap<String, String>,
        here: Option<&users::row::Model>,
    ) -> Option<users::row::Model> {
        let id = object.id().to_owned();
        if id.is_empty() || id.len() > 64 {
            self.report
                .left_out(USER, &id, "its id is empty or too long");
            return None;
        }
        let address = email::fold(object.text("email").unwrap_or_default());
        if !email::is_valid(&address) {
            self.report
                .left_out(USER, &id, "it has no mail address that can be used");
            return None;
        }
        if let Some(other) = emails.get(&address).filter(|other| **other != id) {
            let why = format!("user {other} has the same mail address ({address})");
            self.report.left_out(USER, &id, why);
            return None;
        }
        let custom_id = object.text("customId").map(str::to_owned);
        if let Some(custom_id) = &custom_id
            && let Some(other) = custom_ids.get(custom_id).filter(|other| **other != id)
        {
            self.report
                .left_out(USER, &id, format!("user {other} has the same custom id"));
            return None;
        }
        let password_hash = object.text("password").map(str::to_owned);
        let password_hash = password_hash.filter(|hash| {
            let is_readable = passwords::check_hash(hash).is_ok();
            if !is_readable {
                let what =
                    "its password hash cannot be read; the user has to choose a new password";
                self.report.note(USER, &id, what);
            }
            is_readable
        });
        let mut user = users::row::Model {
            email: address,
            custom_id,
            must_change_password: password_hash.is_some() && object.is("mustChangePassword"),
            password_hash,
            validated: object.is("validated"),
            groups: users::row::Groups(object.texts("groups")),
            created_at: here.map_or(object.changed_at(), |here| here.created_at),
            changed_at: object.changed_at(),
            changed_by: object.changed_by(),
            disabled_at: None,
            disabled_reason: None,
            sessions_ended_at: None,
            id,
        };
        let group = self.configuration.globals.validated_user_group.as_deref();
        users::rules::add_validated_group(&mut user, group);
        // A login replaces the hash by a better one of the same password.
        if let Some(here) = here.filter(|here| here.changed_at == user.changed_at) {
            user.password_hash.clone_from(&here.password_hash);
        }
        Some(user)
    }

    pub(super) async fn registrations(
        &mut self,
        mut found: Vec<Object>,
        users: &HashMap<String, users::row::Model>,
    ) -> anyhow::Result<()> {
        self.report.found(REGISTRATION, found.len());
        let here = registrations::row::Entity::find().all(self.txn).await?;
        let here: BTreeMap<_, _> = here
            .into_iter()
            .map(|row| {
                (
                    (
                        row.user_id.clone(),
                        row.pool_id.clone(),
                        row.namespace.clone(),
                    ),
                    row,
                )
            })
            .collect();
        newest_first(&mut found);
        let mut done = HashSet::new();
        for object in found {
            let pool = object.text("poolId").unwrap_or_default().to_owned();
            let user_id = object.text("userId").unwrap_or_default();
            let namespace = object.text("namespace").unwrap_or_default().to_owned();
            let name = format!("{user_id} in {pool} {namespace}");
            let name = name.trim_end();
            let Some(user) = users.get(user_id) else {
                self.report
                    .left_out(REGISTRATION, name, "its user is not there");
                continue;
            };
            let key = (user.id.clone(), pool.clone(), namespace.clone());
            if !done.insert(key.clone()) {
                self.report.left_out(
                    REGISTRATION,
                    name,
                    "there is a newer one for the same place",
                );
                continue;
            }
            if self.configuration.pool(&pool).is_none() {
                self.report
                    .note(REGISTRATION, name, "the configuration has no such pool");
            }
            let here = here.get(&key);
            let mut properties = object.0.clone();
            properties
                .retain(|member, value| !FIXED.contains(&member.as_str()) && value.is_string());
            let row = registrations::row::Model {
                id: here.map_or_else(
                    || derived_id(&["registration", &user.id, &pool, &namespace]),
                    |here| here.id.clone(),
                ),
                pool_id: pool,
                user_id: user.id.clone(),
                namespace,
                name: object.text_up_to("name", MAX_NAME).unwrap_or_default(),
                email: user.email.clone(),
                custom_id: user.custom_id.clone(),
                properties: registrations::row::Properties(properties),
                changed_at: object.changed_at(),
                changed_by: object.changed_by(),
            };
            let fate = save(self.txn, here, row, |row| row.changed_at).await?;
            self.report.did(REGISTRATION, name, fate);
        }
        Ok(())
    }
}
