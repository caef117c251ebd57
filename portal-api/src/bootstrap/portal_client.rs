//! The portal's own application `__portal` with its trusted subscription to this API
//! (portal-api 2.2). Client id and secret follow from the master key, so the portal computes the
//! same two and registers nothing.

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use config::{Configuration, apis::Api};
use sdk::types::{ClientType, Secret, credentials::Kind, subscriptions::ScopesMode};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, DatabaseTransaction, EntityTrait, IntoActiveModel,
    QueryFilter, sea_query::Expr,
};
use service::{clock, keys, random};

use super::one_at_a_time;
use crate::{
    AppState, applications,
    audit::Actor,
    credentials::{self, secret::SecretKeys},
    events::{self, Change, Event, SubscriptionRef},
    subscriptions,
};

const APPLICATION: &str = "__portal";
const API: &str = "portal-api";
const PLAN: &str = "__internal_api_unlimited";
/// How long tokens of an earlier client id are honoured after the master key has changed.
const OVERLAP: TimeDelta = TimeDelta::hours(1);

/// Makes or corrects the three rows; writes nothing when they are right already.
pub async fn ensure(state: &AppState) -> Result<()> {
    let configuration = state.configuration();
    let api = configuration
        .api(API)
        .context("the built-in API `portal-api` is missing")?;
    let now = clock::now();
    let txn = state.db.write().await?;
    one_at_a_time(&txn).await?;
    let mut events = Vec::new();
    events.extend(ensure_application(&txn, &configuration, now).await?);
    let (subscription, event) = ensure_subscription(&txn, api, now).await?;
    events.extend(event);
    let wanted = credentials(state, &configuration, api, &subscription.id, now)?;
    if ensure_credentials(&txn, wanted, now).await? && events.is_empty() {
        let of = reference(&subscription);
        events.push(Event::subscription_updated(
            of,
            None,
            &[Change::Credentials],
        ));
    }
    for event in events {
        events::append(&txn, state, &Actor::system(), event).await?;
    }
    state.commit(txn).await?;
    Ok(())
}

async fn ensure_application(
    txn: &DatabaseTransaction,
    configuration: &Configuration,
    now: DateTime<Utc>,
) -> Result<Option<Event>> {
    use applications::row::{Entity, Model, RedirectUris};
    let callback = format!(
        "{}/login/callback",
        configuration.globals.network.external_portal_url()
    );
    let mut wanted = Model {
        id: APPLICATION.to_owned(),
        name: configuration.globals.title.chars().take(128).collect(),
        description: None,
        main_url: Some(configuration.globals.network.external_portal_url()),
        client_type: ClientType::Confidential.as_str().to_owned(),
        redirect_uris: RedirectUris(vec![callback]),
        created_at: now,
        changed_at: now,
        changed_by: None,
        team_id: None,
        oauth: None,
    };
    let Some(stored) = applications::store::find(txn, APPLICATION).await? else {
        Entity::insert(wanted.into_active_model())
            .exec_without_returning(txn)
            .await?;
        return Ok(Some(Event::application_added(APPLICATION, None)));
    };
    wanted.created_at = stored.created_at;
    wanted.changed_at = stored.changed_at;
    wanted.changed_by.clone_from(&stored.changed_by);
    wanted.team_id.clone_from(&stored.team_id);
    wanted.oauth.clone_from(&stored.oauth);
    if wanted == stored {
        return Ok(None);
    }
    wanted.changed_at = now;
    Entity::update(wanted.into_active_model().reset_all())
        .exec(txn)
        .await?;
    Ok(Some(Event::application_updated(APPLICATION, None)))
}

async fn ensure_subscription(
    txn: &DatabaseTransaction,
    api: &Api,
    now: DateTime<Utc>,
) -> Result<(subscriptions::row::Model, Option<Event>)> {
    use subscriptions::row::{Model, Scopes};
    let mut wanted = Model {
        id: random::hex_id(),
        application_id: APPLICATION.to_owned(),
        api_id: API.to_owned(),
        plan_id: PLAN.to_owned(),
        api_group: api.required_group.clone(),
        auth: api.auth.as_str().to_owned(),
        approved: true,
        trusted: true,
        allowed_scopes_mode: Some(ScopesMode::All.as_str().to_owned()),
        allowed_scopes: Some(Scopes::default()),
        created_at: now,
        changed_at: now,
        changed_by: None,
    };
    let Some(stored) = subscriptions::store::find(txn, APPLICATION, API).await? else {
        subscriptions::store::insert(txn, &wanted).await?;
        let event = Event::subscription_added(reference(&wanted), None);
        return Ok((wanted, Some(event)));
    };
    wanted.id.clone_from(&stored.id);
    wanted.created_at = stored.created_at;
    wanted.changed_at = stored.changed_at;
    wanted.changed_by.clone_from(&stored.changed_by);
    if wanted == stored {
        return Ok((stored, None));
    }
    wanted.changed_at = now;
    subscriptions::store::update(txn, &wanted).await?;
    let changes = [
        Change::Approved,
        Change::Trusted,
        Change::Scopes,
        Change::Plan,
    ];
    let event = Event::subscription_updated(reference(&wanted), None, &changes);
    Ok((wanted, Some(event)))
}

fn reference(subscription: &subscriptions::row::Model) -> SubscriptionRef<'_> {
    SubscriptionRef {
        subscription_id: &subscription.id,
        application_id: &subscription.application_id,
        api_id: &subscription.api_id,
        plan_id: &subscription.plan_id,
        group: subscription.api_group.as_deref(),
    }
}

/// The credentials as they have to be, one per master key; kept in clear only where a Kong has to be
/// given them.
fn credentials(
    state: &AppState,
    configuration: &Configuration,
    api: &Api,
    subscription_id: &str,
    now: DateTime<Utc>,
) -> Result<Vec<credentials::row::Model>> {
    let secret_keys = SecretKeys::new(&state.keys)?;
    let is_sealed = credentials::rules::is_needed_by_kong(configuration, api, Kind::Client);
    let clients = keys::portal_clients(&state.keys)?.into_iter();
    let made = clients.map(|client| {
        let secret = Secret::new(client.client_secret);
        let id = random::hex_id();
        let (prefix, last4) = credentials::rules::hints(&secret);
        credentials::row::Model {
            subscription_id: subscription_id.to_owned(),
            kind: Kind::Client.as_str().to_owned(),
            name: "portal".to_owned(),
            note: None,
            classic: false,
            client_id: Some(client.client_id),
            digest: secret_keys.digest(&secret),
            sealed: is_sealed.then(|| secret_keys.seal(&secret, &id)),
            prefix: prefix.to_owned(),
            last4: last4.to_owned(),
            created_at: now,
            created_by: None,
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
            revoked_reason: None,
            id,
        }
    });
    Ok(made.collect())
}

/// Inserts the credentials unless they are there, and lets others of the subscription end.
async fn ensure_credentials(
    txn: &DatabaseTransaction,
    wanted: Vec<credentials::row::Model>,
    now: DateTime<Utc>,
) -> Result<bool> {
    use credentials::row::{Column, Entity};
    let (mut changed, mut others) = (false, Condition::all().add(Column::ExpiresAt.is_null()));
    for wanted in wanted {
        others = others
            .add(Column::SubscriptionId.eq(wanted.subscription_id.as_str()))
            .add(Column::ClientId.ne(wanted.client_id.clone()));
        changed |= ensure_credential(txn, wanted).await?;
    }
    let ending = Entity::update_many()
        .col_expr(Column::ExpiresAt, Expr::value(now + OVERLAP))
        .filter(others)
        .exec(txn)
        .await?;
    Ok(changed || ending.rows_affected > 0)
}

async fn ensure_credential(
    txn: &DatabaseTransaction,
    wanted: credentials::row::Model,
) -> Result<bool> {
    use credentials::row::{Column, Entity};
    let stored = Entity::find()
        .filter(Column::ClientId.eq(wanted.client_id.clone()))
        .one(txn)
        .await?;
    let is_right = stored.as_ref().is_some_and(|stored| {
        stored.digest == wanted.digest
            && stored.subscription_id == wanted.subscription_id
            && stored.sealed.is_some() == wanted.sealed.is_some()
            && stored.revoked_at.is_none()
            && stored.expires_at.is_none()
    });
    if is_right {
        return Ok(false);
    }
    if let Some(stored) = stored {
        Entity::delete_by_id(stored.id).exec(txn).await?;
    }
    Entity::insert(wanted.into_active_model())
        .exec_without_returning(txn)
        .await?;
    Ok(true)
}
