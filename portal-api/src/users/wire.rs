//! Users as the API shows them.

use std::collections::BTreeMap;

use config::Configuration;
use sdk::types::{ChangedDate, User, links::Link, page::Id, users::UserSummary};
use sea_orm::{ConnectionTrait, DbErr};

use super::{row, rules, store};

/// The short form of lists.
pub fn summary(user: row::Model) -> UserSummary {
    UserSummary {
        id: user.id,
        email: user.email,
        custom_id: user.custom_id,
    }
}

/// The whole user: his row, his applications, and what follows from his groups.
pub async fn full(
    db: &impl ConnectionTrait,
    configuration: &Configuration,
    user: row::Model,
) -> Result<User, DbErr> {
    let applications = store::applications(db, &user.id).await?;
    Ok(with_applications(configuration, user, applications))
}

/// The whole user, his applications given.
pub fn with_applications(
    configuration: &Configuration,
    user: row::Model,
    applications: Vec<String>,
) -> User {
    let (admin, approver) = rules::rights(configuration, &user.groups.0);
    let links = BTreeMap::from([
        ("self".to_owned(), Link::to(format!("/users/{}", user.id))),
        ("groups".to_owned(), Link::to("/groups")),
    ]);
    User {
        id: user.id,
        email: user.email,
        custom_id: user.custom_id,
        validated: Some(user.validated),
        groups: user.groups.0,
        must_change_password: Some(user.must_change_password),
        applications: applications.into_iter().map(|id| Id { id }).collect(),
        admin,
        approver,
        has_password: None,
        disabled: user.disabled_at.map(|_| true),
        disabled_reason: user.disabled_reason,
        sessions_ended_at: None,
        changed_date: Some(ChangedDate::Iso(user.changed_at.into())),
        changed_by: user.changed_by,
        links,
    }
}
