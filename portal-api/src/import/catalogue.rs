//! Namespaces, consent and open verifications.

use std::collections::{HashMap, HashSet};

use sdk::types::grants::GrantedScope;
use sea_orm::EntityTrait;

use super::{
    Import,
    object::{Object, derived_id, newest_first},
    report::Fate,
    store::save,
};
use crate::{
    applications, grants, namespaces, registrations::rules::is_valid_name, users, verifications,
};

const NAMESPACE: &str = "namespace";
const GRANT: &str = "grant";
const VERIFICATION: &str = "verification";

impl Import<'_> {
    pub(super) async fn namespaces(&mut self, mut found: Vec<Object>) -> anyhow::Result<()> {
        self.report.found(NAMESPACE, found.len());
        let here = namespaces::row::Entity::find().all(self.txn).await?;
        let here: HashMap<_, _> = here
            .into_iter()
            .map(|row| ((row.pool_id.clone(), row.namespace.clone()), row))
            .collect();
        newest_first(&mut found);
        let mut done = HashSet::new();
        for object in found {
            let pool = object.text("poolId").unwrap_or_default().to_owned();
            let namespace = object.text("namespace").unwrap_or_default().to_owned();
            let name = format!("{namespace} of {pool}");
            let key = (pool.clone(), namespace.clone());
            if !is_valid_name(&pool) || !is_valid_name(&namespace) || !done.insert(key.clone()) {
                self.report.left_out(
                    NAMESPACE,
                    &name,
                    "its name cannot be used, or it is there twice",
                );
                continue;
            }
            let here = here.get(&key);
            let mut extra = object.0.clone();
            for fixed in [
                "id",
                "poolId",
                "namespace",
                "description",
                "changedDate",
                "changedBy",
            ] {
                extra.shift_remove(fixed);
            }
            let row = namespaces::row::Model {
                id: here.map_or_else(
                    || derived_id(&["namespace", &pool, &namespace]),
                    |here| here.id.clone(),
                ),
                pool_id: pool,
                description: object
                    .text_up_to("description", 255)
                    .unwrap_or_else(|| namespace.clone()),
                namespace,
                extra: namespaces::row::Members(extra),
                changed_at: object.changed_at(),
                changed_by: object.changed_by(),
            };
            let fate = save(self.txn, here, row, |row| row.changed_at).await?;
            self.report.did(NAMESPACE, &name, fate);
        }
        Ok(())
    }

    pub(super) async fn grants(
        &mut self,
        mut found: Vec<Object>,
        users: &HashMap<String, users::row::Model>,
        applications: &HashMap<String, applications::row::Model>,
    ) -> anyhow::Result<()> {
        self.report.found(GRANT, found.len());
        let here = grants::row::Entity::find().all(self.txn).await?;
        let here: HashMap<_, _> = here
            .into_iter()
            .map(|row| {
                let key = (
                    row.user_id.clone(),
                    row.application_id.clone(),
                    row.api_id.clone(),
                );
                (key, row)
            })
            .collect();
        newest_first(&mut found);
        let mut done = HashSet::new();
        for object in found {
            let member = |name| object.text(name).unwrap_or_default().to_owned();
            let key = (member("userId"), member("applicationId"), member("apiId"));
            let name = format!("of {} to {} on {}", key.0, key.1, key.2);
            if !users.contains_key(&key.0) || !applications.contains_key(&key.1) || key.2.is_empty()
            {
                self.report
                    .left_out(GRANT, &name, "its user or application is not there");
                continue;
            }
            if !done.insert(key.clone()) {
                self.report.left_out(GRANT, &name, "there is a newer one");
                continue;
            }
            let changed_at = object.changed_at();
            let scopes = object.objects("grants").into_iter().filter_map(|grant| {
                Some(GrantedScope {
                    scope: grant.text("scope")?.to_owned(),
                    granted_date: grant.moment("grantedDate").unwrap_or(changed_at).into(),
                    expires_date: grant.moment("expiresDate").map(Into::into),
                })
            });
            let here = here.get(&key);
            let (user_id, application_id, api_id) = key;
            let row = grants::row::Model {
                id: here.map_or_else(
                    || derived_id(&["grant", &user_id, &application_id, &api_id]),
                    |here| here.id.clone(),
                ),
                user_id,
                application_id,
                api_id,
                scopes: grants::row::Scopes(scopes.collect()),
                changed_at,
                changed_by: object.changed_by(),
            };
            let fate = save(self.txn, here, row, |row| row.changed_at).await?;
            self.report.did(GRANT, &name, fate);
        }
        Ok(())
    }

    /// Those that have not expired: their links are on the way.
    pub(super) async fn verifications(
        &mut self,
        found: Vec<Object>,
        users: &HashMap<String, users::row::Model>,
    ) -> anyhow::Result<()> {
        self.report.found(VERIFICATION, found.len());
        let now = service::clock::now();
        for object in found {
            let member = |name| object.text(name).unwrap_or_default();
            // The id is a secret; the report names the user.
            let name = format!("of user {}", member("userId"));
            let began = object
                .moment("utc")
                .filter(|began| *began + verifications::LIFETIME > now);
            let Some(began) = began else {
                self.report.left_out(VERIFICATION, &name, "it has expired");
                continue;
            };
            if !users.contains_key(member("userId")) || object.id().is_empty() {
                self.report
                    .left_out(VERIFICATION, &name, "its user is not there");
                continue;
            }
            let fate = verifications::take_over(
                self.txn,
                &self.state.keys,
                verifications::Open {
                    id: object.id(),
                    kind: member("type"),
                    email: member("email"),
                    user_id: member("userId"),
                    link: member("link"),
                    began,
                },
            )
            .await?;
            let fate = if fate { Fate::Added } else { Fate::Unchanged };
            self.report.did(VERIFICATION, &name, fate);
        }
        Ok(())
    }
}
