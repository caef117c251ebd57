//! Rows of `applications`, in and out.

use std::collections::HashMap;

use migrations::Prepared;
use sea_orm::{
    ActiveValue::Set, DatabaseTransaction, DbErr, FromQueryResult, IntoActiveModel, QuerySelect,
    entity::prelude::*,
};

use super::{
    row::{self, Oauth, RedirectUris},
    rules::{Changes, NewApplication},
};

/// The application with this id.
pub async fn find(db: &impl ConnectionTrait, id: &str) -> Result<Option<row::Model>, DbErr> {
    static BY_ID: Prepared = Prepared::new();
    let by_id = BY_ID.with(
        db.get_database_backend(),
        || row::Entity::find_by_id("").limit(1),
        [id.into()],
    );
    row::Model::find_by_statement(by_id).one(db).await
}

/// Several with one statement, by id.
pub async fn find_many(
    db: &impl ConnectionTrait,
    ids: Vec<String>,
) -> Result<HashMap<String, row::Model>, DbErr> {
    let rows = row::Entity::find()
        .filter(row::Column::Id.is_in(ids))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id.clone(), row)).collect())
}

/// As [`find`], but until the end of the transaction nobody else changes the application, its
/// roles or its existence: rules about the last owner hold under concurrency, too.
pub async fn lock(txn: &DatabaseTransaction, id: &str) -> Result<Option<row::Model>, DbErr> {
    row::Entity::find_by_id(id).lock_exclusive().one(txn).await
}

/// Inserts an application. An id that is taken violates the primary key.
pub async fn insert(
    txn: &DatabaseTransaction,
    new: NewApplication,
    changed_by: Option<String>,
    now: DateTimeUtc,
) -> Result<row::Model, DbErr> {
    let model = row::ActiveModel {
        id: Set(new.id),
        name: Set(new.name),
        description: Set(new.description),
        main_url: Set(new.main_url),
        client_type: Set(new.client_type.as_str().to_owned()),
        redirect_uris: Set(RedirectUris(new.redirect_uris)),
        created_at: Set(now),
        changed_at: Set(now),
        changed_by: Set(changed_by),
        team_id: Set(new.team),
        oauth: Set(new.oauth.map(Oauth)),
    };
    model.insert(txn).await
}

/// Writes what `changes` names.
pub async fn update(
    txn: &DatabaseTransaction,
    application: row::Model,
    changes: Changes,
    changed_by: Option<String>,
    now: DateTimeUtc,
) -> Result<row::Model, DbErr> {
    let mut model = application.into_active_model();
    if let Some(name) = changes.name {
        model.name = Set(name);
    }
    if let Some(description) = changes.description {
        model.description = Set(description);
    }
    if let Some(main_url) = changes.main_url {
        model.main_url = Set(main_url);
    }
    if let Some(client_type) = changes.client_type {
        model.client_type = Set(client_type.as_str().to_owned());
    }
    if let Some(uris) = changes.redirect_uris {
        model.redirect_uris = Set(RedirectUris(uris));
    }
    if let Some(team) = changes.team {
        model.team_id = Set(team);
    }
    if let Some(oauth) = changes.oauth {
        model.oauth = Set(oauth.map(Oauth));
    }
    model.changed_at = Set(now);
    model.changed_by = Set(changed_by);
    model.update(txn).await
}

/// Deletes an application with everything that hangs on it: roles, subscriptions, credentials and
/// grants go by foreign keys.
pub async fn delete(txn: &DatabaseTransaction, id: &str) -> Result<(), DbErr> {
    row::Entity::delete_by_id(id).exec(txn).await?;
    Ok(())
}

/// Names and redirect URIs of these applications, by id.
pub async fn names_and_redirects(
    db: &impl ConnectionTrait,
    ids: Vec<String>,
) -> Result<HashMap<String, (String, Vec<String>)>, DbErr> {
    let rows: Vec<(String, String, RedirectUris)> = row::Entity::find()
        .select_only()
        .columns([
            row::Column::Id,
            row::Column::Name,
            row::Column::RedirectUris,
        ])
        .filter(row::Column::Id.is_in(ids))
        .into_tuple()
        .all(db)
        .await?;
    let named = rows.into_iter();
    Ok(named.map(|(id, name, uris)| (id, (name, uris.0))).collect())
}

/// The names of these applications, by id.
pub async fn names(
    db: &impl ConnectionTrait,
    ids: Vec<String>,
) -> Result<HashMap<String, String>, DbErr> {
    let names: Vec<(String, String)> = row::Entity::find()
        .select_only()
        .columns([row::Column::Id, row::Column::Name])
        .filter(row::Column::Id.is_in(ids))
        .into_tuple()
        .all(db)
        .await?;
    Ok(names.into_iter().collect())
}
